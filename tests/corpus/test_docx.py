"""Word files: their body in order, numbers, headings, footnotes, tracked changes."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.list_numbers import FORMS
from hybrid.corpus.readers.read import read
from tests.corpus.documents import outline
from tests.corpus.word_files import bomb, make_docx, number_headings, with_macros


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


NUMBERING = """<w:numbering {ns}>
<w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="ARTICLE %1"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:isLgl/><w:lvlText w:val="%1.%2"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="1">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl>
</w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="0"/>
<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>
</w:numbering>"""


def numbered(document: Any, text: str, level: int, number: int = 1) -> Any:
    paragraph = document.add_paragraph(text)
    inner = f'<w:ilvl w:val="{level}"/><w:numId w:val="{number}"/>'
    paragraph._p.get_or_add_pPr().append(parse_xml(f"<w:numPr {nsdecls('w')}>{inner}</w:numPr>"))
    return paragraph


class TestWord:
    def test_numbers_are_counted_as_word_shows_them(self) -> None:
        def build(document: Any) -> None:
            for text, level, number in (
                ("Definitions", 0, 1), ("Terms", 1, 1), ("First item.", 2, 1), ("Second item.", 2, 1),
                ("Scope", 1, 1), ("Again first.", 2, 1), ("Rent", 0, 1), ("Amount", 1, 1),
                ("A point.", 0, 2), ("Begun anew", 0, 3),
            ):  # fmt: skip
                numbered(document, text, level, number)

        text = read("a.docx", make_docx(build, numbering=NUMBERING)).text
        assert text.split("\n\n") == [
            "ARTICLE I Definitions", "1.1 Terms", "(a) First item.", "(b) Second item.", "1.2 Scope",
            "(a) Again first.", "ARTICLE II Rent", "2.1 Amount", "• A point.", "ARTICLE I Begun anew",
        ]  # fmt: skip

    def test_a_style_numbers_its_paragraphs_and_zero_switches_it_off(self) -> None:
        def build(document: Any) -> None:
            number_headings(document)
            document.add_heading("Term", 1)
            document.add_heading("Rent", 1)
            numbered(document.add_heading("Notices", 1)._parent, "Plain", 0, 0).style = "Heading 1"

        document = read("a.docx", make_docx(build, numbering=NUMBERING))
        assert [h.title for h in document.headings] == [
            "ARTICLE I Term",
            "ARTICLE II Rent",
            "ARTICLE III Notices",
            "Plain",
        ]

    @pytest.mark.parametrize(
        ("form", "value", "shown"),
        [
            ("upperRoman", 49, "XLIX"), ("lowerLetter", 28, "bb"), ("ordinal", 112, "112th"), ("ordinal", 22, "22nd"),
            ("cardinalText", 42, "Forty-Two"), ("ordinalText", 20, "Twentieth"), ("ordinalText", 23, "Twenty-Third"),
            ("decimalZero", 7, "07"), ("lowerRoman", 5000, "5000"),
        ],
    )  # fmt: skip
    def test_forms_of_numbers(self, form: str, value: int, shown: str) -> None:
        assert FORMS[form](value) == shown

    def test_footnotes_stand_after_their_paragraph(self) -> None:
        def build(document: Any) -> None:
            paragraph = document.add_paragraph("Rent is due monthly")
            paragraph._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:footnoteReference w:id="2"/></w:r>'))
            paragraph.add_run(".")
            document.add_paragraph("Next.")

        notes = (
            '<w:footnotes {ns}><w:footnote w:id="-1" w:type="separator"><w:p/></w:footnote><w:footnote w:id="2"><w:p>'
            "<w:r><w:t>Except in </w:t></w:r><w:r><w:t>May.</w:t></w:r></w:p></w:footnote></w:footnotes>"
        )
        text = read("a.docx", make_docx(build, {"footnotes": notes})).text
        assert text == "Rent is due monthly [footnote 1].\n\n[footnote 1: Except in May.]\n\nNext."

    def test_page_headers_and_footers_are_read_once(self) -> None:
        def build(document: Any) -> None:
            document.sections[0].header.paragraphs[0].text = "Execution Copy"
            document.sections[0].footer.paragraphs[0].text = "Page 1 of 2"
            document.add_paragraph("Rent.")
            document.add_section().header.is_linked_to_previous = False
            document.sections[1].header.paragraphs[0].text = "Execution Copy"
            document.sections[1].footer.paragraphs[0].text = "Confidential"

        assert read("a.docx", make_docx(build)).text == "[header: Execution Copy]\n\nRent.\n\n[footer: Confidential]"

    def test_tables_in_tables_are_read_once(self) -> None:
        def build(document: Any) -> None:
            table = document.add_table(1, 2)
            table.cell(0, 0).text = "Item"
            inner = table.cell(0, 1).add_table(1, 2)
            inner.cell(0, 0).text, inner.cell(0, 1).text = "Price", "5 EUR"

        assert read("a.docx", make_docx(build)).text == "Item | Price | 5 EUR"

    def test_a_title_alone_is_no_outline(self) -> None:
        def build(document: Any) -> None:
            document.add_heading("Lease", 0)
            for text in ("ARTICLE I TERM", "The term is a year.", "ARTICLE II RENT", "Rent is 5."):
                document.add_paragraph(text)

        document = read("a.docx", make_docx(build))
        assert [h.title for h in document.headings] == ["ARTICLE I TERM", "ARTICLE II RENT"]

    def test_macros_are_left_alone(self) -> None:
        data = with_macros(make_docx(lambda d: d.add_paragraph("Rent is 5.")))
        assert read("a.docm", data).text == "Rent is 5."

    def test_a_bomb_is_not_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = bomb()
        assert len(data) < 200_000
        monkeypatch.setattr(zipfile.ZipFile, "open", lambda *a, **k: pytest.fail("something was unpacked"))
        with pytest.raises(
            Unreadable, match=r"^suspicious DOCX: one part unpacks to 101 MB, over the limit of 100 MB$"
        ):
            read("a.docx", data)

    def test_broken_numbering_does_not_stop_reading(self) -> None:
        broken = NUMBERING.replace('w:abstractNumId w:val="0"', 'w:abstractNumId w:val="9"').replace(
            'val="1"', 'val="x"', 1
        )
        text = read("a.docx", make_docx(lambda d: numbered(d, "Rent", 0), numbering=broken)).text
        assert text == "Rent"
