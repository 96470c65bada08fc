"""Reading files: text, its place in the original, headings, and what cannot be read."""

from __future__ import annotations

import io
import json
import logging
import time
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.corpus.readers.code.symbols import symbols
from hybrid.corpus.readers.encoding import decode
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.headings import headings_of, plain_headings
from hybrid.corpus.readers.notebook import code_of, language_of
from hybrid.corpus.readers.read import read, read_text
from hybrid.document import Document
from hybrid.text.kinds import FILE_NAMES, LANGUAGES, kind_of


def outline(document: Document) -> list[tuple[int, str]]:
    for heading in document.headings:
        assert heading.start <= len(document.text)
    assert [h.start for h in document.headings] == sorted(h.start for h in document.headings)
    return [(h.level, h.title) for h in document.headings]


def original(document: Document, source: str, passage: str) -> str:
    """What stands in the source where `passage` of the document says it comes from."""
    start = document.text.index(passage)
    place = document.locate(start, start + len(passage))
    assert place.line == source.count("\n", 0, place.start) + 1
    return source[place.start : place.end]


def make_pdf(*pages: str) -> bytes:
    """A PDF with one line of text per line, in the simplest form there is."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")})
    font[NameObject("/BaseFont")] = NameObject("/Helvetica")
    for text in pages:
        page = writer.add_blank_page(612, 792)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        lines = " ".join(f"({line}) Tj 0 -20 Td" for line in text.split("\n"))
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 72 720 Td {lines} ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def placed_pdf(*pages: list[tuple[int, int, str]]) -> bytes:
    """A PDF with pieces of text at their places: points from the left, points from the bottom, text."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DecodedStreamObject, NameObject

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(*["" for _ in pages]))))
    for page, pieces in zip(writer.pages, pages, strict=True):
        stream = DecodedStreamObject()
        shown = (f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET" for x, y, text in pieces)
        stream.set_data("\n".join(shown).encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def rows_at(top: int, *rows: str) -> list[tuple[int, int, str]]:
    """The rows of a table, their cells parted by bars, from a height downwards."""
    return [
        (72 + 150 * column, top - 16 * number, cell)
        for number, row in enumerate(rows)
        for column, cell in enumerate(row.split("|"))
    ]


def encrypted_pdf(user_password: str, algorithm: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf("Secret terms"))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old ciphers
        writer.encrypt(user_password, "owner", algorithm=algorithm)
        out = io.BytesIO()
        writer.write(out)
    return out.getvalue()


def make_docx(build: Any) -> bytes:
    import docx

    document = docx.Document()
    build(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


class TestKind:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("a/B.PY", ("code", "python")),
            ("Makefile", ("code", "make")),
            ("docker/Dockerfile.dev", ("code", "dockerfile")),
            ("CMakeLists.txt", ("code", "cmake")),
            ("notes.txt", ("text", None)),
            ("README", ("text", None)),
            ("x.unknown", ("text", None)),
            ("x.ndjson", ("jsonl", None)),
            ("x.TSV", ("csv", None)),
            ("x.xlsx", ("xlsx", None)),
        ],
    )
    def test_by_name(self, name: str, kind: tuple[str, str | None]) -> None:
        assert kind_of(name) == kind

    def test_every_language_has_a_grammar(self) -> None:
        from typing import get_args

        from tree_sitter_language_pack import SupportedLanguage

        assert {*LANGUAGES.values(), *FILE_NAMES.values()} <= set(get_args(SupportedLanguage))


class TestDecode:
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8"])
    def test_unicode(self, encoding: str) -> None:
        text = "Der Käufer zahlt 5 €.\r\nЗатем\r\n"
        assert decode(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("Le café crème brûlée est à la carte, naïve façade.\n", "latin-1"),
            ("The “Agreement” is naïve – 5 €.\n", "cp1252"),
            ("caf\xe9", "latin-1"),
            ("Договор поставки товара между сторонами\n" * 3, "cp1251"),
            ("契約は当事者間で締結された。\n" * 3, "shift_jis"),
            ("Zażółć gęślą jaźń, umowa między stronami\n", "cp1250"),
        ],
    )
    def test_older_encodings(self, text: str, encoding: str) -> None:
        assert decode(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("東京支店 返品待ち 検査中", "cp932"),
            ("注文番号、株式会社、在庫なし", "euc_jp"),
            ("电话分机号是7714。请在工作日联系我们。", "gb18030"),
            ("電話分機號碼是7714。請於工作日聯絡我們。", "big5"),
            ("전화 내선 번호는 7714입니다.", "cp949"),
            ("Договор аренды заключён на один год", "cp1251"),
        ],
    )
    def test_a_few_words_behind_many_rows_of_ascii(self, text: str, encoding: str) -> None:
        rows = "".join(f"{n},C{n:05},open,{n}.00,ok\r\n" for n in range(4000))
        source = f"{rows}4000,C04000,open,1.00,{text}\r\n"
        assert decode(source.encode(encoding)) == source
        assert read("a.csv", source.encode(encoding)).text.endswith(text)

    @pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "iso8859_5"])
    @pytest.mark.parametrize("text", ["Залог: сорок рублей", "Кошка спит на окне", "Сад и огород: полив по средам"])
    def test_a_few_words_in_cyrillic(self, text: str, encoding: str) -> None:
        assert decode(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("保証金は四十円です。", "iso2022_jp"),
            ("보증금은 사십 원입니다.\n", "iso2022_kr"),
            ("保证金是四十元。", "hz"),
        ],
    )
    def test_encodings_of_seven_bits(self, text: str, encoding: str) -> None:
        assert decode(text.encode(encoding), encoding) == text
        if encoding != "hz":
            assert decode(text.encode(encoding)) == text
        if encoding != "iso2022_kr":  # no browser reads it
            page = f'<meta charset="{encoding.replace("iso2022_", "iso-2022-")}"><p>{text}'
            assert read("a.html", page.encode(encoding)).text == text

    @pytest.mark.parametrize("encoding", ["koi8-r", "iso-8859-7", "iso-2022-jp", "iso-8859-1"])
    def test_the_encoding_that_xml_declares(self, encoding: str) -> None:
        word = {"koi8-r": "ЗАЛОГ", "iso-8859-7": "ποσό", "iso-2022-jp": "保証金", "iso-8859-1": "ò"}[encoding]
        source = f"<?xml version='1.0' encoding='{encoding.upper()}'?>\n<a>{word}</a>\n"
        assert read("a.xml", source.encode(encoding)).text == source
        assert read("a.xml", source.encode("utf-8")).text == source

    def test_rare_accents_far_behind_the_start(self) -> None:
        data = b"plain words of the contract\n" * 10_000 + "crème brûlée à la carte\n".encode("latin-1")
        assert decode(data).endswith("crème brûlée à la carte\n")

    def test_damaged_utf8_stays_utf8(self) -> None:
        assert decode("größe ".encode() * 50 + b"\xff" + "ä".encode()) == "größe " * 50 + "\ufffdä"

    @pytest.mark.parametrize("data", [b"\x7fELF\x00\x01\x02\x00\x00", bytes(range(32)) * 8, b"a" * 70_000 + b"\0"])
    def test_binary(self, data: bytes) -> None:
        with pytest.raises(Unreadable, match=r"^binary file$"):
            decode(data)

    def test_large_file_in_an_old_encoding_is_quick(self) -> None:
        data = "Der Käufer zahlt für die Geräte – 5 €.\r\n".encode("cp1252") * 200_000
        began = time.process_time()
        assert decode(data).count("\ufffd") == 0
        assert time.process_time() - began < 5

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
    def test_utf8_is_kept_exactly(self, text: str) -> None:
        text = text.lstrip("\ufeff") + "."
        assert decode(text.encode()) == text


class TestTexts:
    @pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.csv", "a.tsv", "a.py", "a.yaml", "a.xyz"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_text_is_kept_exactly(self, name: str, encoding: str) -> None:
        source = "Title – é\r\n=========\r\n\r\nä, b,\tc\r\nlast  line"
        document = read(name, source.encode(encoding), "/x/" + name)
        assert document.text == source
        assert document.anchors == ()
        assert document.path == "/x/" + name
        assert original(document, source, "last  line") == "last  line"
        assert document.locate(source.index("ä"), source.index("ä") + 1).line == 4

    @pytest.mark.parametrize("data", [b"", b" \r\n\t", "\ufeff \n".encode(), "\ufeff\n".encode("utf-16-le")])
    def test_empty(self, data: bytes) -> None:
        with pytest.raises(Unreadable, match=r"^empty file$"):
            read("a.txt", data)

    def test_unsupported(self) -> None:
        with pytest.raises(Unreadable, match=r"^unsupported format \.xls: save it as \.xlsx$"):
            read("a.XLS", b"PK\3\4")

    def test_given_text_is_kept_whatever_its_name(self) -> None:
        document = read_text("report.pdf", "ARTICLE I\n\n<b>x</b>", (0,))
        assert (document.text, document.kind, document.path) == ("ARTICLE I\n\n<b>x</b>", "text", None)
        assert outline(document) == [(1, "ARTICLE I")]
        assert read_text("a.json", "x\ud800y").text == "x\ufffdy"
        with pytest.raises(Unreadable, match="empty text"):
            read_text("a", " \n")


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


PAGE = """<!doctype html>
<html><head><title>Ignored when there is an h1</title><style>p {}</style></head>
<body><script>var x = "<p>no</p>";</script>
<h1>Lease &amp; <b>License</b></h1>
<p>The   tenant
   pays &euro;&#160;500 &#x41;&lt;b
<br>monthly.</p><noscript>no</noscript>
<table><tr><th>Item</th><th>Price</th></tr>
<tr><td><p>Rent</p></td><td></td><td>500</td></tr></table>
<h2>Code</h2>
<pre>a
  b&gt;c</pre><ul><li>one</li><li>two <i>in</i>line</li></ul>
<template><p>no</p></template><p>AT&T &#bogus; x &unknown; y</p>
</body></html>
"""


SOUP = [
    *("<p>", "</p>", "<b>", "</b>", "<td>", "<tr>", "<table>", "</table>", "<pre>", "</pre>", "<h2>", "</h2>", "<li>"),
    *("&amp;", "&#", "&#65;", "<", "</", "<!--x-->", "<!", "<![x", "<br/>", "\r\n", " ", "word", "zwei ", "é", ";"),
]


class TestHtml:
    def test_text(self) -> None:
        assert read("a.html", PAGE.encode()).text == (
            "Lease & License\n\nThe tenant pays €\u00a0500 A<b\nmonthly.\n\nItem: Rent | Price: | 500\n\nCode\n\n"
            "a\n  b>c\n\none\ntwo inline\n\nAT&T &#bogus; x &unknown; y"
        )

    def test_headings(self) -> None:
        document = read("a.html", PAGE.encode())
        assert outline(document) == [(1, "Lease & License"), (2, "Code")]
        assert document.text.startswith("Code", document.headings[1].start)

    @pytest.mark.parametrize("passage", ["monthly.", "The", "tenant", "a\n  b", "c", "500", "AT&T &#bogus; x", "Rent"])
    def test_runs_are_found_in_the_source(self, passage: str) -> None:
        for source in (PAGE, PAGE.replace("\n", "\r\n")):
            text = passage.replace("\n", "\r\n") if source != PAGE else passage
            assert original(read("a.html", source.encode()), source, text) == text

    def test_a_passage_over_tags_and_entities(self) -> None:
        document = read("a.html", PAGE.encode())
        assert original(document, PAGE, "Lease & License") == "Lease &amp; <b>License"
        assert original(document, PAGE, "tenant pays") == "tenant\n   pays"

    def test_title_without_h1(self) -> None:
        document = read("a.htm", b"<title>Rules &amp; Co</title><h2>A</h2><p>text")
        assert document.text == "Rules & Co\n\nA\n\ntext"
        assert outline(document) == [(1, "Rules & Co"), (2, "A")]

    def test_declared_encoding(self) -> None:
        assert read("a.html", '<meta charset="windows-1251"><p>Договор'.encode("cp1251")).text == "Договор"
        assert read("a.html", '<meta charset="nonsense"><p>caf\xe9'.encode("latin-1")).text == "café"

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("<p>a</p><div style='display:none'>x <b>y</b><div>z</div> w</div><p>b</p>", "a\n\nb"),
            ("<p>a<span hidden>x</span>b <i hidden=''>y</i>c</p>", "ab c"),
            ("<p>a</p><p style='color:red; DISPLAY : None !important'>x</p><p>b</p>", "a\n\nb"),
            ("<p style='display:none; display:block'>a</p><p hidden style='display:block'>b</p>", "a\n\nb"),
            ("<p class='hidden' style='display:nonesuch'>a</p>", "a"),
            ("<p hidden>x<p>a<p hidden>y<div>b</div>", "a\n\nb"),  # an end tag may be left out
            ("<ul><li>a<li hidden>x<ul><li>y</ul>z<li>b</ul>c", "a\nb\n\nc"),
            ("<table><tr><td>a<td hidden>x<td>b<tr hidden><td>y<tr><td>c</table>d", "a | b\nc\n\nd"),
            ("<table><tr><td><div hidden>x</td><td>a</td></tr></table>b", "a\n\nb"),
            ("<b><div hidden>x</b>y</p>z</div>a", "a"),  # none of these ends what is hidden around it
            ("<p>a<br>b<input hidden>c<img hidden alt=x>", "a\nbc"),  # nothing is inside these
            ("<h1>A<span hidden>x</span></h1><h2 hidden>y</h2><table hidden><tr><td>z</table>b", "A\n\nb"),
            ("<pre hidden>x</pre>a  b<template>y<p>z</template>", "a b"),
        ],
    )
    def test_what_an_element_hides_is_left_out(self, source: str, text: str) -> None:
        document = read("a.html", source.encode())
        assert document.text == text
        assert original(document, source, text[-1]) == text[-1]
        assert all(title == "A" for _, title in outline(document))

    def test_time_is_linear_in_what_is_never_closed(self) -> None:
        source = "<div><b><li><td>" * 10_000 + "<p>end" * 10_000
        began = time.process_time()
        assert read("a.html", source.encode()).text.endswith("end")
        assert time.process_time() - began < 20

    def test_no_visible_text(self) -> None:
        with pytest.raises(Unreadable, match="no text in this html file"):
            read("a.html", b"<html><script>x</script></html>")

    @given(st.lists(st.sampled_from(SOUP)))
    def test_any_soup(self, parts: list[str]) -> None:
        """Every stretch between anchors that is as long as its source is its source, or white space for white space."""
        source = "".join(parts) + " end"
        document = read("a.html", source.encode())
        outline(document)
        for a, b in zip(document.anchors, document.anchors[1:], strict=False):
            run = document.text[a.text : b.text].rstrip()
            assert a.text <= b.text
            assert a.source <= b.source
            assert a.line == source.count("\n", 0, a.source) + 1
            if "&" not in source and "|" not in run:
                assert source.startswith(run, a.source)


def strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [string for part in parts for string in strings_in(part)]


class TestJson:
    def test_rendering(self) -> None:
        source = '{"a": {"b c": "x\\ny", "n": [1, 2.5e3,\n null], "e": {}, "l": []},\n'
        source += '"t": [{"k": true}, "s"], "é": "ü\\u00e9"}'
        document = read("a.json", source.encode())
        assert document.text.split("\n") == [
            "a.b c: x", "y", "a.n: 1, 2.5e3, null", "a.e: {}", "a.l: []", "t[0].k: true", "t: s", "é: üé",
        ]  # fmt: skip
        assert original(document, source, "2.5e3") == "2.5e3"
        assert original(document, source, "null") == "null"
        assert original(document, source, "true") == "true"
        assert original(document, source, "ü") == "ü"

    def test_records_of_an_outer_list(self) -> None:
        assert read("a.json", b'[{"a": 1, "b": 2}, {"a": 3}]').text == "[0].a: 1\n[0].b: 2\n\n[1].a: 3"
        assert read("a.json", b'[1, "x"]').text == "1, x"
        assert read("a.json", b'"x"').text == "x"

    @pytest.mark.parametrize(
        "source",
        ['{"a": 1,}', "{'a': 1}", '{"a": 1} {"b": 2}', "[1 2]", '{"a" 1}', "nul", "[" * 100_000, '["\\q"]', "01"],
    )
    def test_what_is_no_json_is_kept(self, source: str) -> None:
        document = read("a.json", source.encode())
        assert (document.text, document.kind) == (source, "json")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
            max_leaves=12,
        ),
        st.booleans(),
    )
    def test_whatever_json_writes(self, value: Any, ascii_only: bool) -> None:
        source = json.dumps(value, ensure_ascii=ascii_only, indent=1 if ascii_only else None)
        try:
            document = read("a.json", source.encode("utf-8", "replace"))
        except Unreadable:
            assert not "".join(strings_in(value)).strip()
            return
        assert value in ({}, [], "{}", "[]") or document.anchors
        for string in strings_in(value):
            assert (
                string.encode("utf-8", "replace").decode() in document.text.replace("\ufffd", "?") or "\ufffd" in string
            )
        for a in document.anchors:
            assert a.line == source.count("\n", 0, a.source) + 1

    def test_lines(self) -> None:
        source = '{"q": "a\\"b", "n": 1}\r\n\nbad line\n[{"x": 2}]\n'
        document = read("a.jsonl", source.encode())
        assert document.text == 'q: a"b\nn: 1\n\nbad line\n\n[0].x: 2'
        assert document.headings == ()
        assert original(document, source, "bad line") == "bad line"
        assert document.locate(document.text.index("[0]"), len(document.text)).line == 4


class TestPdf:
    def test_pages(self) -> None:
        document = read("a.pdf", make_pdf("ARTICLE I\nFirst page", "Second page", "Third\npage"))
        assert document.kind == "pdf"
        assert len(document.pages) == 3
        place = document.locate(document.text.index("page", document.pages[2]), len(document.text))
        assert (place.page, place.line) == (3, 2)
        assert document.page_of(document.text.index("Second")) == 2
        assert outline(document) == [(1, "ARTICLE I")]

    def test_bookmarks_are_the_headings(self) -> None:
        from pypdf import PdfReader, PdfWriter

        pages = ("ARTICLE I\nFirst page", "ARTICLE II\nSome text\nPrice and  payment", "Third")
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(*pages))))
        part = writer.add_outline_item(title="Terms", page_number=0)
        writer.add_outline_item(title="price and payment", page_number=1, parent=part)
        writer.add_outline_item(title="Nowhere", page_number=None)
        writer.add_outline_item(title="Annex", page_number=2)
        out = io.BytesIO()
        writer.write(out)
        document = read("a.pdf", out.getvalue())
        assert outline(document) == [(1, "Terms"), (2, "price and payment"), (1, "Annex")]
        assert document.headings[0].start == 0
        assert document.text.startswith("Price", document.headings[1].start)
        assert document.headings[2].start == document.pages[2]

    HEAD, FIRST = "Item|Quantity|Price", ("Steel bolts|100|1.50", "Copper wire|20|12.00")
    REST = ("Brass nuts and washers|5|3.25", "Zinc plates|7|9.99")

    @pytest.mark.parametrize("repeated", [True, False])
    def test_a_table_goes_on_on_the_next_page(self, repeated: bool) -> None:
        title = "Supply Agreement No. 77"
        head = [self.HEAD] if repeated else []
        data = placed_pdf(
            [(72, 760, title), (72, 720, "1. Prices. The prices are in this table."),
             *rows_at(700, self.HEAD, *self.FIRST), (300, 40, "Page 1 of 3")],
            [(72, 760, title), *rows_at(720, *head, *self.REST), (72, 600, "2. Term. One year."),
             (300, 40, "Page 2 of 3")],
            [(72, 760, title), (72, 720, "3. Law. French law."), (300, 40, "Page 3 of 3")],
        )  # fmt: skip
        document = read("a.pdf", data)
        lines = document.text.split("\n")
        at = lines.index("Item: Copper wire | Quantity: 20 | Price: 12.00")
        assert lines[at + 1 : at + 3] == [
            "Item: Brass nuts and washers | Quantity: 5 | Price: 3.25", "Item: Zinc plates | Quantity: 7 | Price: 9.99"
        ]  # fmt: skip
        assert document.page_of(document.text.index("Copper wire")) == 1
        assert document.page_of(document.text.index("Brass nuts")) == 2
        assert document.locate(document.text.index("Zinc"), document.text.index("Zinc") + 4).line == 2
        assert document.page_of(document.text.index("2. Term.")) == 2  # every line stays on its page
        assert document.page_of(document.text.index("3. Law.")) == 3
        assert document.text.count(title) == 1  # what runs over the pages stands once, the numbers not at all
        assert "of 3" not in document.text

    def test_a_table_over_three_pages(self) -> None:
        data = placed_pdf(
            [(72, 760, "Annex"), *rows_at(700, self.HEAD, *self.FIRST), (300, 40, "1")],
            [(72, 760, "Annex"), *rows_at(700, self.HEAD, *self.REST), (300, 40, "2")],
            [(72, 760, "Annex"), *rows_at(700, self.HEAD, "Tin cans|12|0.40"), (300, 40, "3")],
        )
        document = read("a.pdf", data)
        assert document.text == (
            "Item: Steel bolts | Quantity: 100 | Price: 1.50\n"
            "Item: Copper wire | Quantity: 20 | Price: 12.00\n"
            "Item: Brass nuts and washers | Quantity: 5 | Price: 3.25\nItem: Zinc plates | Quantity: 7 | Price: 9.99\n"
            "Item: Tin cans | Quantity: 12 | Price: 0.40\n\n[header or footer: Annex]"
        )
        assert [document.page_of(document.text.index(word)) for word in ("Copper", "Zinc", "Tin")] == [1, 2, 3]

    @pytest.mark.parametrize(
        "below",
        [
            rows_at(720, "Zinc plates|7", "Tin cans|12"),  # another number of columns
            [(72, 740, "The following is another matter."), *rows_at(720, *REST)],  # not the first thing
            [(72, 720, "Zinc plates are 7 at 9.99, and tin cans are 12 at 0.40.")],  # prose
        ],
    )
    def test_what_may_be_another_table_is_left(self, below: list[tuple[int, int, str]]) -> None:
        pages = [[*rows_at(700, self.HEAD, *self.FIRST), (300, 40, "1")], [*below, (300, 40, "2")]]
        document = read("a.pdf", placed_pdf(*pages))
        assert "Item: Copper wire | Quantity: 20 | Price: 12.00\n" in document.text

    @pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
    def test_encrypted(self, algorithm: str) -> None:
        pytest.importorskip("cryptography")
        with pytest.raises(Unreadable, match=r"^encrypted PDF: needs a password$"):
            read("a.pdf", encrypted_pdf("secret", algorithm))
        assert "Secret terms" in read("a.pdf", encrypted_pdf("", algorithm)).text

    @pytest.mark.parametrize("data", [b"not a pdf at all", b"%PDF-1.4\nrubbish", make_pdf("x" * 500)[:300]])
    def test_broken(self, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
        with pytest.raises(Unreadable, match=r"^broken PDF: \S"):
            read("a.pdf", data)
        assert caplog.records == []
        assert logging.getLogger("pypdf").level == logging.NOTSET

    def test_scanned(self) -> None:
        with pytest.raises(Unreadable, match="no text in this PDF"):
            read("a.pdf", make_pdf("", ""))


class TestDocx:
    def test_body_in_order(self) -> None:
        def build(document: Any) -> None:
            document.add_heading("Lease", 0)
            document.add_paragraph("First.")
            table = document.add_table(2, 2)
            for i, cell in enumerate(table._cells):
                cell.text = f"c{i}"
            document.add_paragraph("")
            document.add_heading("Term", 2)
            document.add_paragraph("Last\tone.")

        document = read("a.docx", make_docx(build))
        assert document.text == "Lease\n\nFirst.\n\nc0 | c1\nc2 | c3\n\nTerm\n\nLast\tone."
        assert outline(document) == [(1, "Lease"), (2, "Term")]
        assert document.text.startswith("Term", document.headings[1].start)

    def test_tracked_changes_are_accepted(self) -> None:
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        def build(document: Any) -> None:
            paragraph = document.add_paragraph("Rent is ")
            for tag, inner in (("del", "<w:delText>400</w:delText>"), ("ins", "<w:t>500</w:t>")):
                xml = f'<w:{tag} {nsdecls("w")} w:id="1" w:author="a"><w:r>{inner}</w:r></w:{tag}>'
                paragraph._p.append(parse_xml(xml))

        assert read("a.docx", make_docx(build)).text == "Rent is 500"

    def test_without_heading_styles(self) -> None:
        document = read("a.docx", make_docx(lambda d: [d.add_paragraph(t) for t in ("ARTICLE I", "1.1 Definitions")]))
        assert outline(document) == [(1, "ARTICLE I"), (2, "1.1 Definitions")]

    def test_unreadable(self) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("other.txt", "x")
        for data, reason in (
            (b"PK rubbish", "broken DOCX: not a Word file"),
            (archive.getvalue(), "broken DOCX: "),
            (b"\xd0\xcf\x11\xe0 rest", "encrypted DOCX: needs a password"),
            (make_docx(lambda d: None), "no text in this DOCX"),
        ):
            with pytest.raises(Unreadable, match=reason):
                read("a.docx", data)


class TestCode:
    @pytest.mark.parametrize(
        ("name", "source", "expected"),
        [
            (
                "a.py",
                "# é\n@dec\nclass A:\n x = 1\n def m(self):\n  y = 2\n  def inner(): ...\ndef f(): ...\n",
                [(1, "A"), (2, "m"), (3, "inner"), (1, "f")],
            ),
            ("a.js", "class A { m() { let x = 1 } }\nconst f = () => 1\nconst v = 2", [(1, "A"), (2, "m"), (1, "f")]),
            ("a.rs", "struct S { f: u8 }\nimpl S { fn m() { let x = S { f: 1 }; } }", [(1, "S"), (1, "S"), (2, "m")]),
            ("a.go", "package p\ntype T struct{}\nfunc (t T) M() { x := 1 }\n", [(1, "T"), (1, "M")]),
            ("a.java", "class A { int f; A() {} void m() { foo.bar(); } }", [(1, "A"), (2, "A"), (2, "m")]),
            ("a.c", "struct S { int a; };\nint *f(struct S *s) { int x; return 0; }\n", [(1, "S"), (1, "f")]),
            (
                "a.cpp",
                "namespace N { class C { void m() {} }; }\nvoid N::q() {}",
                [(1, "N"), (2, "C"), (3, "m"), (1, "N::q")],
            ),
            ("a.rb", "module M\n class A\n  def m\n  end\n end\nend", [(1, "M"), (2, "A"), (3, "m")]),
            (
                "a.ex",
                "defmodule A.B do\n def f(x), do: x\n defp g(y) when y > 1 do\n  other(y)\n end\nend\n",
                [(1, "A.B"), (2, "f"), (2, "g")],
            ),
            (
                "a.sql",
                "CREATE TABLE IF NOT EXISTS s.t (x int);\nSELECT x FROM s.t;\nCREATE VIEW v AS SELECT 1;\n"
                "CREATE FUNCTION f(x int) RETURNS int AS $$ select 1 $$ LANGUAGE sql;\n",
                [(1, "s.t"), (1, "v"), (1, "f")],
            ),
            (
                "a.proto",
                "message M { string x = 1; enum E { Z = 0; } }\nservice S { rpc R (M) returns (M); }",
                [(1, "M"), (2, "E"), (1, "S"), (2, "R")],
            ),
            ("a.yaml", "a:\n  b: 1\n", []),
        ],
    )
    def test_definitions(self, name: str, source: str, expected: list[tuple[int, str]]) -> None:
        document = read(name, source.encode())
        assert document.kind == "code"
        assert document.text == source
        assert outline(document) == expected

    @pytest.mark.parametrize(
        ("name", "source", "begin"),
        [
            ("a.py", "é = 1\n\n# ééé\n# two\n@dec\ndef f(): ...\n", "# ééé"),
            ("a.py", "# apart\n\n@dec\ndef f(): ...\n", "@dec"),
            ("a.py", "x = 1  # of x\ndef f(): ...\n", "def"),
            ("a.py", "#!/usr/bin/env python\ndef f(): ...\n", "def"),
            ("a.rs", "use a;\n\n/// Doc.\n/// More.\n#[inline]\nfn f() {}\n", "/// Doc."),
            ("a.go", "package p\n\n// F does.\nfunc F() {}\n", "// F does."),
            ("A.java", "import a.B;\n\n/** Doc.\n * More. */\n@X\nclass A {}\n", "/** Doc."),
            ("a.ts", "let x = 1;\n\n/** Doc. */\nexport function f(): void {}\n", "/** Doc."),
        ],
    )
    def test_a_definition_begins_with_its_comments_and_decorators(self, name: str, source: str, begin: str) -> None:
        (heading,) = read(name, source.encode()).headings
        assert source[heading.start :].startswith(begin)

    def test_broken_code_and_deep_nesting(self) -> None:
        assert read("a.py", b"def f(:\n  class (((").kind == "code"
        assert read("a.py", b"x = " + b"(" * 20_000).headings == ()

    def test_very_long_code_has_no_headings(self) -> None:
        assert read("a.py", b"def f(): ...\n" * 100_000).headings == ()


class TestSymbols:
    def test_python(self) -> None:
        source = (
            "from .x import (y as z,\n  w)\nimport a.b as c, d\nfrom q import *\nX, Y = 1, 2\n"
            "@c.mark\nclass K(Base, m.Other, metaclass=M):\n    attr: int = 3\n\n    # Doc.\n    @property\n"
            "    def m(self, v=f(1)):\n        n = 1\n        self.n(1).o()\n        g(h)(2)\n"
            "        def inner():\n            return super().m()\n"
        )
        found = symbols(source, "python")
        assert [(d.path, d.kind, d.line, d.end_line) for d in found.definitions] == [
            ("X", "variable", 5, 5),
            ("Y", "variable", 5, 5),
            ("K", "class", 7, 17),
            ("K.attr", "variable", 8, 8),
            ("K.m", "method", 12, 17),
            ("K.m.inner", "function", 16, 17),
        ]
        assert source[found.definitions[4].start :].startswith("# Doc.")
        assert found.definitions[4].signature == "def m(self, v=f(1)):"
        assert [(r.kind, r.receiver, r.name, r.line, r.inside) for r in found.references] == [
            ("mark", "c", "mark", 6, -1),
            ("base", "", "Base", 7, 2),
            ("base", "m", "Other", 7, 2),
            ("mark", "", "property", 11, 2),
            ("call", "", "f", 12, 4),
            ("call", "self.n(1)", "o", 14, 4),
            ("call", "self", "n", 14, 4),
            ("call", "", "g", 15, 4),
            ("call", "super()", "m", 17, 5),
            ("call", "", "super", 17, 5),
        ]
        assert [tuple(i) for i in found.imports] == [
            (".x", "y", "z", 1),
            (".x", "w", "", 2),
            ("a.b", "", "c", 3),
            ("d", "", "", 3),
            ("q", "*", "", 4),
        ]

    @pytest.mark.parametrize(
        ("language", "source", "definitions", "calls", "imports"),
        [
            (
                "typescript",
                'import d, {b as c} from "./x";\n'
                "class A<T> extends B<T> implements I { m(): void { a.b.c(2); new F() } }\n",
                ["A", "A.m"],
                ["a.b.c", "F"],
                [("./x", "default", "d"), ("./x", "b", "c")],
            ),
            (
                "go",
                'package p\nimport (\n f "fmt"\n "a/b"\n)\nconst X = 1\n'
                "func (t *T) M() { f.Println(y()) }\ntype T struct{}\n",
                ["X", "T.M", "T"],
                ["f.Println", "y"],
                [("fmt", "", "f"), ("a/b", "", "")],
            ),
            (
                "rust",
                "use a::b::{c, d as e};\nstruct S;\nimpl Tr for S { fn m() { x.y(); a::b(); S::<T>::new(); p!(1) } }\n",
                ["S", "S", "S.m"],
                ["x.y", "a.b", "S.new", "p"],
                [("a.b", "c", ""), ("a.b", "d", "e")],
            ),
            (
                "java",
                "import a.b.C;\n@X\nclass A extends B<C> { int f = 1; void m() { x.y(); new D<E>(); super.q(); } }\n",
                ["A", "A.f", "A.m"],
                ["x.y", "D", "super.q"],
                [("a.b", "C", "")],
            ),
            (
                "cpp",
                '#include "a/b.h"\nclass A : public B { void m(); };\n'
                "void A::m() { a->b(); N::e(); f<int>(); new G(); }\n",
                ["A", "A.m"],
                ["a.b", "N.e", "f", "G"],
                [("a/b.h", "", "")],
            ),
            (
                "csharp",
                "using A.B;\nclass C : D { void M() { x.Y(); new Z(); } }\n",
                ["C", "C.M"],
                ["x.Y", "Z"],
                [("A", "B", "")],
            ),
            (
                "ruby",
                "require_relative 'a/b'\nclass A < B\n def m\n  c.d(1)\n  f(2)\n end\nend\n",
                ["A", "A.m"],
                ["require_relative", "c.d", "f"],
                [("./a/b", "", "")],
            ),
            (
                "php",
                "<?php\nuse A\\B as C;\nclass D extends E { function m() { $this->n(); G::h(); i(); new J(); } }\n",
                ["D", "D.m"],
                ["$this.n", "G.h", "i", "J"],
                [("A", "B", "C")],
            ),
            (
                "kotlin",
                "import a.b.C\nclass A : B() { fun m() { x.y(); z() } }\n",
                ["A", "A.m"],
                ["B", "x.y", "z"],
                [("a.b", "C", "")],
            ),
            ("bash", "source a.sh\nf() { g a; }\n", ["f"], ["source", "g"], [("./a.sh", "", "")]),
            (
                "sql",
                "CREATE FUNCTION f(x int) RETURNS int AS $$ select g(1) $$ LANGUAGE sql;\n",
                ["f"],
                ["g"],
                [],
            ),
        ],
    )
    def test_languages(
        self, language: str, source: str, definitions: list[str], calls: list[str], imports: list[tuple[str, str, str]]
    ) -> None:
        found = symbols(source, language)
        assert [d.path for d in found.definitions] == definitions
        assert [
            f"{r.receiver}.{r.name}" if r.receiver else r.name for r in found.references if r.kind == "call"
        ] == calls
        assert [tuple(i)[:3] for i in found.imports] == imports

    def test_what_has_no_grammar(self) -> None:
        assert symbols("def f(): ...", "no such language") == ((), (), ())
        assert symbols("x = " + "(" * 20_000, "python").references == ()


class TestNotebook:
    CELLS = (
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": ["# Title\n", "\n", "```python\n", "def no(): ...\n", "```"],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [{"text": ["SECRET"]}],
            "source": ["%time\n", "def f():\n", " é\n"],
        },
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": "y = '````'"},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": []},
    )

    def test_cells_in_order_without_outputs(self) -> None:
        metadata = {"kernelspec": {"language": "python"}}
        source = json.dumps({"cells": self.CELLS, "metadata": metadata, "nbformat": 4}, indent=1)
        document = read("a.ipynb", source.encode())
        assert document.kind == "notebook"
        assert document.text == (
            "# Title\n\n```python\ndef no(): ...\n```\n\n"
            "````python\n%time\ndef f():\n é\n````\n\n`````python\ny = '````'\n`````"
        )
        assert outline(document) == [(1, "Title"), (2, "f")]
        assert original(document, source, "def f():") == "def f():"
        assert language_of(document.text) == "python"
        code = code_of(document.text)
        assert len(code) == len(document.text)
        assert code.split() == ["def", "f():", "é", "y", "=", "'````'"]

    @pytest.mark.parametrize(
        ("counts", "remarks"),
        [
            ((), ()),
            ((0, 0), ()),
            ((2, 0), ("the output of 1 cell left out",)),
            ((1, 3), ("the outputs of 2 cells left out",)),
        ],
    )
    @pytest.mark.parametrize("sheets", [True, False])
    def test_outputs_are_said_to_be_left_out(
        self, counts: tuple[int, ...], remarks: tuple[str, ...], sheets: bool
    ) -> None:
        key = "input" if sheets else "source"
        shown = {"output_type": "stream", "name": "stdout", "text": ["loss 0.07"]}
        cells: list[Any] = [{"cell_type": "markdown", "source": ["Losses"]}]
        cells += [{"cell_type": "code", key: ["train()"], "outputs": [shown] * count} for count in counts]
        document = read(
            "a.ipynb", json.dumps({"worksheets": [{"cells": cells}]} if sheets else {"cells": cells}).encode()
        )
        assert document.remarks == remarks
        assert "loss" not in document.text

    def test_version_3_and_other_kernels(self) -> None:
        cells = [{"cell_type": "code", "language": "r", "input": ["f <- function(x) 1\n"], "outputs": []}]
        data = {"worksheets": [{"cells": cells}], "metadata": {"language_info": {"name": "R"}}, "nbformat": 3}
        document = read("a.ipynb", json.dumps(data).encode())
        assert document.text == "````r\nf <- function(x) 1\n````"
        assert language_of(document.text) == "r"

    @pytest.mark.parametrize(
        ("data", "reason"), [(b"{", "not JSON"), (b'{"cells": []}', "no text"), (b"[1]", "no text")]
    )
    def test_unreadable(self, data: bytes, reason: str) -> None:
        with pytest.raises(Unreadable, match=reason):
            read("a.ipynb", data)


def test_pages_that_cannot_be_read_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from pypdf import PageObject

    texts: Iterator[str | Exception] = iter(["first", ValueError("odd  font"), "third"])

    def extract(page: object, **_: object) -> str:
        text = next(texts)
        if isinstance(text, Exception):
            raise text
        return text

    monkeypatch.setattr(PageObject, "extract_text", extract)
    document = read("a.pdf", make_pdf("a", "b", "c"))
    assert document.text == "first\n[page 2 cannot be read: odd font]\nthird"
    assert document.pages == (0, 6, 40)
