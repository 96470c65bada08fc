"""Tables in Markdown, and tables drawn with signs."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.read import read, read_text


class TestPipes:
    def test_a_table_in_markdown(self) -> None:
        source = "# Stock\n\nOne a | b.\n\n"
        source += "| Code | **Bin** | Note |\n|:---|---|--:|\n| AX-1 | L31 | x |\n| A\\|2 | | y |\nEnd.\n"
        document = read("a.md", source.encode())
        assert document.text == (
            "# Stock\n\nOne a | b.\n\nCode: AX-1 | Bin: L31 | Note: x\nCode: A|2 | Bin: | Note: y\nEnd.\n"
        )
        assert [h.title for h in document.headings] == ["Stock"]
        for quote, original, line in (("Code: AX-1 | Bin: L31 | Note: x", "AX-1 | L31 | x", 7), ("End.", "End.", 9)):
            at = document.text.index(quote)
            place = document.locate(at, at + len(quote))
            assert (source[place.start : place.end], place.line) == (original, line)

    def test_a_table_of_html_in_markdown(self) -> None:
        source = "Before.\n<table>\n<tr><th>Flag<th>Use</tr>\n<tr><td>v<td>Verbose</tr>\n</table>\nAfter.\n"
        source += "```\n<table><tr><td>x</table>\n```\n"
        document = read("a.md", source.encode())
        assert document.text == "Before.\nFlag: v | Use: Verbose\nAfter.\n```\n<table><tr><td>x</table>\n```\n"
        at = document.text.index("After.")
        assert document.locate(at, at + 6).line == 6

    def test_what_is_no_table_stays_as_it_is(self) -> None:
        source = "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n\ncat a | sort\n\nTitle\n---\n\n| alone |\n"
        document = read("a.md", source.encode())
        assert (document.text, document.anchors) == (source, ())

    def test_keys_and_values_without_names(self) -> None:
        assert read_text("a.md", "| | |\n|-|-|\n| Deposit | 800 EUR |\n").text == "Deposit | 800 EUR\n"

    @pytest.mark.parametrize(
        "source",
        [
            "+----+------+\n| id | name |\n+====+======+\n| 1  | Ann  |\n|    | Roth |\n+----+------+\n| 2  | Ben  |\n"
            "+----+------+\n",
            "+----+----------+\n| id | name     |\n+----+----------+\n|  1 | Ann Roth |\n|  2 | Ben      |\n"
            "+----+----------+\n",
            " id | name\n----+----------\n  1 | Ann Roth\n  2 | Ben\n",
        ],
    )
    def test_drawn_tables(self, source: str) -> None:
        assert read("a.txt", source.encode()).text == "id: 1 | name: Ann Roth\nid: 2 | name: Ben\n"
