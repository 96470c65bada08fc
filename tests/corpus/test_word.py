"""Word files: fields, prompts of forms, margins, and what is said to be left out."""

from __future__ import annotations

from io import BytesIO

import docx
import pytest

from hybrid.corpus.readers.read import read
from tests.corpus.test_tables import cell, paragraph, row, run, table, word

CHART = '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"/>'
DIAGRAM = '<d:relIds xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram"/>'


def mark(kind: str, look: str = "") -> str:
    return f'<w:r><w:rPr>{look}</w:rPr><w:fldChar w:fldCharType="{kind}"/></w:r>'


def code(text: str) -> str:
    return f"<w:r><w:instrText>{text}</w:instrText></w:r>"


def field(inner: str, result: str) -> str:
    return mark("begin") + inner + mark("separate") + result + mark("end")


class TestFields:
    @pytest.mark.parametrize("depth", [0, 1, 2, 3])
    def test_the_code_of_a_field_shows_nothing(self, depth: int) -> None:
        inner = code(" REF a ")
        for step in range(depth):
            inner = code(" = ") + field(inner, run(f"{step}7")) + code(" * 2 ") + run("loose")
        assert word(paragraph(run("It costs ") + field(inner, run("318")) + run(" francs."))).text == (
            "It costs 318 francs."
        )

    def test_a_field_in_the_result_of_a_field_shows(self) -> None:
        inner = run("from ") + field(code(" PAGEREF b "), run("12")) + run(" on")
        assert word(paragraph(field(code(" TOC "), inner))).text == "from 12 on"

    def test_a_field_goes_on_over_paragraphs(self) -> None:
        first = paragraph(run("Dear ") + mark("begin") + code(" IF ") + run("one"))
        second = paragraph(run("two") + mark("separate") + run("Ms "))
        assert word(first + second + paragraph(run("Roy") + mark("end") + run(", hello"))).text == (
            "Dear \n\nMs \n\nRoy, hello"
        )

    @pytest.mark.parametrize("hidden", ["begin", "separate", "end", "begin separate end"])
    def test_marks_of_a_field_may_be_hidden(self, hidden: str) -> None:
        begin, separate, end = (
            mark(one, "<w:vanish/>" if one in hidden.split() else "") for one in ("begin", "separate", "end")
        )
        inner = run("Due in ") + begin + code(" X ") + run("6") + separate + run("9") + end + run(" days")
        assert word(paragraph(inner)).text == "Due in 9 days"

    @pytest.mark.parametrize("broken", [mark("begin"), mark("end"), mark("separate"), mark("begin") + mark("separate")])
    def test_text_behind_a_broken_field_is_kept(self, broken: str) -> None:
        assert word(paragraph(run("One") + broken + run(" two"))).text == "One two"

    def test_a_deleted_field_is_not_there(self) -> None:
        gone = f"<w:del>{mark('begin')}{code(' X ')}</w:del>"
        assert word(paragraph(run("One") + gone + run(" two"))).text == "One two"


class TestPrompts:
    CONTROL = "<w:sdt><w:sdtPr>{}</w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"

    @pytest.mark.parametrize("prompt", ["Click or tap here to enter text.", "Wählen Sie ein Element aus."])
    def test_what_a_form_asks_for_is_left_out(self, prompt: str) -> None:
        asked = self.CONTROL.format("<w:showingPlcHdr/>", "{}").format
        filled = self.CONTROL.format("<w:showingPlcHdr w:val='0'/>", run("Lyon"))
        inner = run("Seat: ") + asked(run(prompt)) + run("; town: ") + filled
        assert word(paragraph(inner) + asked(paragraph(run(prompt)))).text == "Seat: ; town: Lyon"

    def test_a_cell_to_be_filled_in_stays_a_cell(self) -> None:
        asked = self.CONTROL.format("<w:showingPlcHdr/>", cell("Choose an item."))
        found = word(table(row("Good", "Colour", "Price"), row("Rope", asked, "35"), row("Net", "red", "70"))).text
        assert "Choose" not in found
        assert found.startswith("Good: Rope | Colour: | Price: 35\n")


@pytest.mark.parametrize(
    ("inner", "remark"),
    [
        (CHART, "1 chart left out"),
        (CHART * 2, "2 charts left out"),
        (DIAGRAM, "1 SmartArt drawing left out"),
        (DIAGRAM * 3, "3 SmartArt drawings left out"),
    ],
)
def test_drawings_are_said_to_be_left_out(inner: str, remark: str) -> None:
    assert word(paragraph(run("See:") + f"<w:r><w:drawing>{inner}</w:drawing></w:r>")).remarks == (remark,)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("even", [True, False])
def test_margins_that_are_switched_off_are_not_read(first: bool, even: bool) -> None:
    document = docx.Document()
    document.add_paragraph("Words.")
    section = document.sections[0]
    section.header.paragraphs[0].text = "Lease of the mill"
    section.first_page_header.paragraphs[0].text = "Draft of March"
    section.even_page_footer.paragraphs[0].text = "Signed in Basel"
    section.different_first_page_header_footer = first
    document.settings.odd_and_even_pages_header_footer = even
    document.add_section()  # has the margins of the one before
    out = BytesIO()
    document.save(out)
    text = read("a.docx", out.getvalue()).text
    assert "[header: Lease of the mill]" in text
    assert ("[header: Draft of March]" in text) is first
    assert ("[footer: Signed in Basel]" in text) is even
