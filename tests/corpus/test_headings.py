"""The headings of Markdown, reStructuredText and plain text."""

from __future__ import annotations

import time

import pytest

from hybrid.corpus.readers.headings import headings_of, plain_headings
from hybrid.corpus.readers.read import read
from tests.corpus.documents import outline


class TestMarkdown:
    def test_headings(self) -> None:
        source = (
            "---\ntitle: front matter\n---\n# One #\ntext\n\n"
            "## Two\r\n```py\n# no heading\n```\n~~~~\n```\n# no\n~~~~\n"
            "Three\n=====\n\nFour\r\n----\r\n\n---\n- item\n---\n    # code\n#hashtag\n###### Six\n#\n"
        )
        document = read("a.md", source.encode())
        assert outline(document) == [(1, "One"), (2, "Two"), (1, "Three"), (2, "Four"), (6, "Six")]
        assert all(source.startswith((h.title, "#"), h.start) for h in document.headings)

    def test_open_fence_runs_to_the_end(self) -> None:
        assert headings_of("```\n# a\n# b\n", "markdown") == ()


class TestRst:
    def test_headings(self) -> None:
        source = "=====\nTitle\n=====\n\nPart\n====\n\ntext\n\nSub\n---\n\nPart 2\n======\n\n----\n\n"
        source += "  not\n  ===\nlonger title\n==\n"
        document = read("a.rst", source.encode())
        assert outline(document) == [(1, "Title"), (2, "Part"), (3, "Sub"), (2, "Part 2")]
        assert source.startswith("Sub", document.headings[2].start)

    def test_windows_line_ends(self) -> None:
        assert outline(read("a.rst", b"A title\r\n=======\r\n\r\ntext\r\n")) == [(1, "A title")]


CONTRACT = """\
EXHIBIT 10.5

LICENSE AND HOSTING AGREEMENT

DATED AS OF MARCH 1, 2020
ARTICLE IV\u00a0TERM
     Section 4.1 Initial Term. The term of this Agreement shall be as set out in
Section 2.3 of the Master Agreement and, unless ended before under the terms of
Section 9.4 Termination, go on for ever.

4.2 Renewal
4.2.1   Notice of Renewal. Either party may give notice.
1.5 million shares were sold in the year.
12 March 2024
Item 601(b) of Regulation S-K
1. buy milk
2. The Company shall pay all fees

Item 1A. Risk Factors ............ 33
Item 2.   Properties                                   12
Revenue        1,234     5,678
TOTAL ASSETS        1,234     5,678
NASDAQ | NYSE | LSE
2024
XENCOR, INC.
By: ______
Schedule 1
3. Payment Terms
"""


class TestPlainText:
    def test_contract(self) -> None:
        assert [h.title for h in plain_headings(CONTRACT)] == [
            "EXHIBIT 10.5",
            "LICENSE AND HOSTING AGREEMENT",
            "ARTICLE IV TERM",
            "Section 4.1 Initial Term",
            "4.2 Renewal",
            "4.2.1 Notice of Renewal",
            "Schedule 1",
            "3. Payment Terms",
        ]

    def test_levels_are_nested_and_dense(self) -> None:
        text = "PART II\n\nItem 1A. Risk Factors\n\nSection 2 Term\n\n2.1 Definitions\n\n2.1.1 Terms Used\n\nPART III\n"
        assert [h.level for h in plain_headings(text)] == [1, 2, 3, 4, 5, 1]
        assert [h.level for h in plain_headings("Section 2 Term\n\n2.1 Definitions\n")] == [1, 2]

    def test_bare_numbers_count_in_sequence_only(self) -> None:
        text = "1 Introduction\n\nWe show.\n\n7 Total Assets\n\n2 Related Work\n\n14 Main Street\n"
        assert [h.title for h in plain_headings(text)] == ["1 Introduction", "2 Related Work"]
        assert [h.level for h in plain_headings("1.0 Scope\n\n2.0 Terms\n\n2.1 Price\n")] == [1, 1, 2]

    def test_running_heads_count_once(self) -> None:
        page = "ACME ANNUAL REPORT\n\nsome text\n\n"
        assert len(plain_headings(page * 10)) == 1

    def test_windows_line_ends(self) -> None:
        assert plain_headings(CONTRACT.replace("\n", "\r\n")) == tuple(
            h._replace(start=h.start + CONTRACT.count("\n", 0, h.start)) for h in plain_headings(CONTRACT)
        )

    @pytest.mark.parametrize(
        "line", ["A", "1.", "Section 2.3 Term", "WORDS IN CAPITALS", "x " * 5000, " " * 9000, "= "]
    )
    @pytest.mark.parametrize("kind", ["text", "markdown", "rst"])
    def test_time_is_linear(self, line: str, kind: str) -> None:
        text = (line + "\n") * (1_000_000 // (len(line) + 1))
        began = time.process_time()
        headings_of(text, kind)
        assert time.process_time() - began < 6
