"""Word files: fields, prompts of forms, margins, changes, boxes, and what is said to be left out."""

from __future__ import annotations

import docx
import pytest

from hybrid.corpus.readers.read import read
from tests.corpus.files import saved
from tests.corpus.word_files import cell, paragraph, row, run, table, word

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
    text = read("a.docx", saved(document)).text
    assert "[header: Lease of the mill]" in text
    assert ("[header: Draft of March]" in text) is first
    assert ("[footer: Signed in Basel]" in text) is even


class TestWordChanges:
    def test_a_move_is_read_once_in_its_new_place(self) -> None:
        moved = "<w:{0} w:id='1' w:author='a'>{1}</w:{0}>"
        document = word(
            paragraph(moved.format("moveFrom", run("Thirty days.")), "<w:moveFrom w:id='9' w:author='a'/>")
            + paragraph(run("First."))
            + paragraph(moved.format("moveTo", run("Ninety days.")))
        )
        assert document.text == "First.\n\nNinety days."

    def test_a_deleted_mark_joins_two_paragraphs(self) -> None:
        deleted = "<w:del w:id='1' w:author='a'/>"
        assert word(paragraph(run("One "), deleted) + paragraph(run("two."))).text == "One two."
        assert word(paragraph(run("One"), deleted) + table(row("a", "b"))).text == "One\n\na | b"
        assert word(paragraph(run("One"), deleted)).text == "One"


class TestWordText:
    def test_a_box_stands_after_its_paragraph_once(self) -> None:
        box = f"<w:txbxContent>{paragraph(run('Call 7714.'))}{paragraph(run('Gate 2.'))}</w:txbxContent>"
        both = (
            f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><wps:txbx>{box}</wps:txbx></mc:Choice>"
            f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        )
        old = f"<w:r><w:pict><v:shape><v:textbox>{box}</v:textbox></v:shape></w:pict></w:r>"
        for anchored in (both, old):
            document = word(paragraph(run("Wear a helmet") + anchored + run(" and register.")))
            assert document.text == "Wear a helmet and register.\n\nCall 7714.\n\nGate 2."
        assert (
            word(table(row(f"<w:tc>{paragraph(run('a') + old)}</w:tc>", "b"))).text == "a | b\n\nCall 7714.\n\nGate 2."
        )

    def test_what_is_left_out_is_said(self) -> None:
        styles = "<w:style w:type='character' w:styleId='Secret'><w:rPr><w:vanish/></w:rPr></w:style>"
        document = word(
            paragraph(run("Seen.") + run(" Hidden.", "<w:vanish/>") + run(" More.", "<w:rStyle w:val='Secret'/>"))
            + paragraph(run("Kept.", "<w:rStyle w:val='Secret'/><w:vanish w:val='0'/>"))
            + paragraph(run("The fee is ") + run("50", "<w:strike/>") + run("40 EUR.")),
            styles,
            f"<w:comment w:id='1'>{paragraph(run('Why?'))}</w:comment><w:comment w:id='2'/>",
        )
        assert document.text == "Seen.\n\nKept.\n\nThe fee is 40 EUR."
        assert document.remarks == (
            "2 comments left out", "1 passage of hidden text left out", "1 struck-out passage left out",
        )  # fmt: skip

    def test_raised_and_lowered_text_stays_apart(self) -> None:
        up, down = "<w:vertAlign w:val='superscript'/>", "<w:vertAlign w:val='subscript'/>"
        styles = f"<w:style w:type='character' w:styleId='Up'><w:rPr>{up}</w:rPr></w:style>"
        inner = run("3 x 10") + run("-", up) + run("6", up) + run(" of H") + run("2", down) + run("O on 1")
        inner += run("st", up) + run(" of x") + run("2", "<w:rStyle w:val='Up'/>")
        assert word(paragraph(inner), styles).text == "3 x 10^-6 of H2O on 1st of x^2"

    def test_signs_and_fields(self) -> None:
        inner = run("a ") + "<w:r><w:sym w:font='Symbol' w:char='F0B3'/></w:r>" + run(" b ")
        inner += "<w:r><w:sym w:font='Wingdings' w:char='F0FE'/></w:r>"
        inner += "<w:r><w:sym w:font='Wingdings' w:char='zz'/></w:r>"
        assert word(paragraph(inner)).text == "a \u2265 b \u2611\u25a1"
        form = "<w:r><w:fldChar w:fldCharType='begin'><w:ffData>{}</w:ffData></w:fldChar></w:r>"
        box = form.format("<w:checkBox><w:default w:val='{}'/></w:checkBox>")
        assert word(paragraph(box.format(1) + run(" yes ") + box.format(0) + run(" no"))).text == "\u2612 yes \u2610 no"
        entries = "<w:listEntry w:val='by sea'/><w:listEntry w:val='by air'/>"
        choice = form.format(f"<w:ddList><w:result w:val='1'/>{entries}</w:ddList>")
        assert word(paragraph(run("Sent ") + choice)).text == "Sent by air"
        control = "<w:sdt><w:sdtPr><w:dropDownList/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
        assert word(paragraph(run("Sent ") + control.format(run("by rail")))).text == "Sent by rail"
        empty = control.replace("<w:dropDownList/>", "<w:showingPlcHdr/>").format(run("Click to enter text."))
        assert word(paragraph(run("Sent on ") + empty)).text.strip() == "Sent on"

    def test_what_a_field_in_a_field_shows_is_part_of_its_instruction(self) -> None:
        mark, code = "<w:r><w:fldChar w:fldCharType='{}'/></w:r>", "<w:r><w:instrText>{}</w:instrText></w:r>"
        begin, apart, end = map(mark.format, ("begin", "separate", "end"))
        inner = begin + code.format("REF gross") + apart + run("640") + end
        summed = begin + code.format("=") + inner + code.format("/2") + apart + run("320") + end
        assert word(paragraph(run("Half: ") + summed + run(" crowns."))).text == "Half: 320 crowns."
        assert word(
            paragraph(run("Page ") + inner) + paragraph(begin + run("lost")) + paragraph(run("Next."))
        ).text == ("Page 640\n\nlost\n\nNext.")
