"""Workbooks, slides, OpenDocument, RTF and e-books, made here and read back."""

from __future__ import annotations

import io
import sys
import zipfile
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from hybrid.document import Document


def workbook(fill: Any) -> Document:
    import openpyxl

    book = openpyxl.Workbook()
    fill(book)
    out = io.BytesIO()
    book.save(out)
    return read("a.xlsx", out.getvalue())


def test_a_sheet_is_rows_with_the_names_of_their_columns() -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.title = "Budget"
        sheet.append(["Harbour budget of the year"])
        sheet.append([])
        sheet.append(["Item", "2024", "Share", "Paid on", "Owner"])
        sheet.append(["Dredging", 41000, 0.625, date(2024, 3, 4), "Ivo"])
        sheet.append(["Lighting", 8000.5, None, None, "Mia"])
        sheet.append(["Paint", 12, 0.1, date(2025, 1, 2), "Ada"])
        for row in (4, 6):
            sheet.cell(row, 3).number_format = "0.0%"
        book.create_sheet("Staff").append(["Name", "City", "Phone"])
        book["Staff"].append(["Lena Vogt", "Kiel", "555-201"])
        book["Staff"].append(["Omar Haddad", "Lyon", None])

    found = workbook(fill)
    assert "Harbour budget of the year" in found.text
    assert "Item: Dredging | 2024: 41000 | Share: 62.5% | Paid on: 2024-03-04 | Owner: Ivo" in found.text
    assert "Item: Lighting | 2024: 8000.5 | Share: | Paid on: | Owner: Mia" in found.text
    assert "Name: Omar Haddad | City: Lyon | Phone:" in found.text
    assert [heading.title for heading in found.headings] == ["Budget", "Staff"]
    assert found.text[found.headings[1].start :].startswith("Staff")


@pytest.mark.parametrize(
    ("value", "code", "told"),
    [
        (1450.5, r"#,##0.00\ [$€-407]", "1,450.50 €"),
        (96, "_-[$£-809]* #,##0.00_-;-[$£-809]* #,##0.00_-", "96.00 £"),
        (-7, r"[$CHF-807]\ #,##0.00", "-7.00 CHF"),
        (18, r'#,##0\ "€"', "18 €"),
        (18, '"$"#,##0_)', "18 $"),
        (1999, "[$-409]0", "1999"),
        (3.5, '0.00" m"', "3.50 m"),
        (-4, '0" pcs";[Red]0" pcs"', "-4 pcs"),
        (808, "000000", "000808"),
        (501234567, r"0000\-000\-000", "0501-234-567"),
        (7_450_000, '0.00,,"M"', "7.45M"),
        (0.125, "0.0%", "12.5%"),
        (timedelta(hours=51, minutes=5), "[h]:mm", "51:05"),
        (5901234123457, "General", "5901234123457"),
        (9876543210987654, "0", "9876543210987654"),
        (9876543210123, "#,##0", "9,876,543,210,123"),
    ],
)
def test_a_number_is_told_as_its_format_shows_it(value: Any, code: str, told: str) -> None:
    def fill(book: Any) -> None:
        book.active.append(["Kind", "Figure", "Note"])
        book.active.append(["One", value, "a"])
        book.active.cell(2, 2).number_format = code

    assert f"Kind: One | Figure: {told} | Note: a" in workbook(fill).text


def test_a_chart_tells_whole_numbers_in_full() -> None:
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = Presentation()
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("People", (8123456789012, None))
    data.add_series("Share", (0.25, 0.5))
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(1), Inches(5), Inches(3), data)
    out = io.BytesIO()
    deck.save(out)
    found = read("a.pptx", out.getvalue())
    assert "8123456789012 | Share: 0.25" in found.text


@pytest.mark.parametrize("place", ["XFD1048576", "A900000", "AZ3"])
@pytest.mark.parametrize("value", ["seen by Ivo", None])
def test_a_cell_at_the_far_end_of_a_sheet_does_not_hide_the_others(place: str, value: str | None) -> None:
    def fill(book: Any) -> None:
        from openpyxl.styles import Font

        for row in (["Berth", "Fee", "Owner"], ["North", 410, "Mia"], ["South", 95, None]):
            book.active.append(row)
        book.active[place] = value
        book.active[place].font = Font(bold=True)

    found = workbook(fill).text
    assert "Berth: North | Fee: 410 | Owner: Mia" in found
    assert "Berth: South | Fee: 95" in found
    assert ("seen by Ivo" in found) == (value is not None)


def test_gaps_and_hidden_rows_move_no_cell_of_a_sheet() -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        rows = {2: ("Region", "Q1", "Q2"), 3: ("North", 5, 6), 4: ("", 7, 8), 5: ("", 9, 1), 6: ("South", 1, 2)}
        for number, row in rows.items():
            for column, value in zip(("C", "D", "AZ"), row, strict=True):
                sheet[f"{column}{number}"] = value or None
        sheet.merge_cells("C3:C5")
        sheet.row_dimensions[4].hidden = True
        sheet["C900"], sheet["D900"], sheet["AZ900"] = "Depot", "Keys", "Phone"
        sheet["C901"], sheet["D901"], sheet["AZ901"] = "Kiel", 4, "555"

    found = workbook(fill)
    assert "Region: North | Q1: 9 | Q2: 1\nRegion: South | Q1: 1 | Q2: 2" in found.text
    assert "Depot: Kiel | Keys: 4 | Phone: 555" in found.text
    assert found.remarks == ("1 hidden row left out",)


def test_a_workbook_of_too_many_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.corpus.readers.sheets.workbook.CELL_LIMIT", 8)
    with pytest.raises(Unreadable, match=r"^too large XLSX: over 8 cells; save the sheets as CSV files"):
        workbook(lambda book: [book.active.append(["a", "b", "c"]) for _ in range(3)])


def test_a_cell_merged_over_a_whole_sheet_is_refused() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.merge_cells("A9:B9")
    out = io.BytesIO()
    book.save(out)
    data = with_members(out.getvalue(), lambda name, text: text.replace("A9:B9", "A9:XFD1048576"), {})
    with pytest.raises(Unreadable, match=r"^too large XLSX: merged cells over 2,000,000 places"):
        read("a.xlsx", data)


def test_struck_out_cells_are_left_out_and_said() -> None:
    def fill(book: Any) -> None:
        from openpyxl.cell.rich_text import CellRichText, TextBlock
        from openpyxl.cell.text import InlineFont
        from openpyxl.styles import Font

        for row in (("Berth", "Fee", "Owner"), ("North", 410, "Mia"), ("South", 95, "Ivo"), ("West", 7, "Lea")):
            book.active.append(row)
        for cell in book.active[2]:
            cell.font = Font(strike=True)
        book.active["B3"].font = book.active["A4"].font = Font(strike=True)
        book.active["C4"] = CellRichText("Lea ", TextBlock(InlineFont(strike=True), "Roth"), " Vogt")
        book.active["A4"] = CellRichText("West", TextBlock(InlineFont(strike=False), "end"))

    found = workbook(fill)
    assert found.text == "Sheet\n\nBerth: South | Fee: | Owner: Ivo\nBerth: end | Fee: 7 | Owner: Lea Vogt"
    assert found.remarks == ("6 struck-out passages left out",)


def test_what_is_hidden_is_left_out_and_said() -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in (["Name", "Pay", "Team"], ["Ada", 1, "A"], ["Ben", 2, "B"], ["Cem", 3, "C"]):
            sheet.append(row)
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True
        secret = book.create_sheet("Secret")
        secret.append(["password"])
        secret.sheet_state = "hidden"

    found = workbook(fill)
    assert "Ben" not in found.text
    assert "Pay" not in found.text
    assert "password" not in found.text
    assert "Cem" in found.text
    assert found.remarks == ("1 hidden sheet left out", "1 hidden row left out", "1 hidden column left out")


def test_a_group_of_hidden_columns_is_left_out_whole() -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in (
            ["Name", "Grade", "Birth", "Phone", "Desk", None, "Team"],
            ["Ada", 9, 1990, "555", "D2", None, "A"],
        ):
            sheet.append(row)
        sheet.column_dimensions.group("B", "D", hidden=True)
        sheet.column_dimensions["F"].hidden = True

    found = workbook(fill)
    assert "Name: Ada | Desk: D2 | Team: A" in found.text
    assert found.remarks == ("3 hidden columns left out",)


def test_formulas_without_a_value_comments_and_chart_sheets_are_told() -> None:
    def fill(book: Any) -> None:
        from openpyxl.chart import BarChart, Reference
        from openpyxl.comments import Comment

        for row in (["Item", "Net", "Gross"], ["Roof", 70, "=B2*1.2"], ["Door", 9, "=B3*1.2"], ["Hinge", 1, 2]):
            book.active.append(row)
        book.active["A2"].comment = Comment("ask Lea first", "Ivo")
        chart = BarChart()
        chart.add_data(Reference(book.active, min_col=2, min_row=1, max_row=4), titles_from_data=True)
        book.create_chartsheet("Growth").add_chart(chart)

    found = workbook(fill)
    assert "Item: Hinge | Net: 1 | Gross: 2" in found.text
    assert "ask Lea" not in found.text
    assert found.remarks == (
        "1 comment left out",
        "2 formulas without a stored value left out",
        "1 chart sheet left out",
    )


def with_members(data: bytes, changed: Any, added: dict[str, str]) -> bytes:
    """An archive with its XML changed and further members."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as made:
        for name in old.namelist():
            made.writestr(name, changed(name, old.read(name).decode()))
        for name, text in added.items():
            made.writestr(name, text)
    return out.getvalue()


def test_a_text_box_on_a_sheet_is_read() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Item", "Rent"])
    book.active.append(["Crane", 40])
    out = io.BytesIO()
    book.save(out)
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    drawing = (
        '<d:wsDr xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><d:twoCellAnchor><d:sp><d:txBody><a:p><a:r>'
        "<a:t>Rents hold until May, for 10</a:t></a:r><a:r><a:rPr baseline='30000'/><a:t>3</a:t></a:r><a:r><a:t> hours."
        "</a:t></a:r></a:p></d:txBody></d:sp></d:twoCellAnchor></d:wsDr>"
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{office}/drawing" Target="../drawings/drawing1.xml"/></Relationships>'
    )

    def changed(name: str, text: str) -> str:
        return text.replace("</worksheet>", f'<drawing xmlns:r="{office}" r:id="rId1"/></worksheet>')

    added = {"xl/drawings/drawing1.xml": drawing, "xl/worksheets/_rels/sheet1.xml.rels": relations}
    assert "Rents hold until May, for 10^3 hours." in read("a.xlsx", with_members(out.getvalue(), changed, added)).text


def test_raised_figures_in_rich_text_of_a_cell() -> None:
    def fill(book: Any) -> None:
        from openpyxl.cell.rich_text import CellRichText, TextBlock
        from openpyxl.cell.text import InlineFont

        up = InlineFont(vertAlign="superscript")
        book.active.append(["Kind", "Size", "Note"])
        book.active.append(["Yard", CellRichText("about 10", TextBlock(up, "5"), " m", TextBlock(up, "2")), "a"])

    assert "Kind: Yard | Size: about 10^5 m^2 | Note: a" in workbook(fill).text


@pytest.mark.parametrize(
    ("code", "names"), [("mmm yy", ("2025-04", "2025-05")), ("dd.mm.yyyy", ("2025-04-01", "2025-05-01"))]
)
def test_real_dates_name_columns_of_figures(code: str, names: tuple[str, str]) -> None:
    def fill(book: Any) -> None:
        book.active.append(["Cost", datetime(2025, 4, 1), datetime(2025, 5, 1)])
        book.active.append(["Fuel", 31, 42])
        book.active.append(["Tolls", 7, 8])
        for cell in book.active[1][1:]:
            cell.number_format = code

    assert f"Cost: Tolls | {names[0]}: 7 | {names[1]}: 8" in workbook(fill).text


def test_rows_that_begin_with_dates_are_no_names() -> None:
    def fill(book: Any) -> None:
        for row in ((3, 4, "Fuel", 31), (5, 9, "Tolls", 7), (11, 12, "Paint", 5)):
            book.active.append([datetime(2025, 4, row[0]), datetime(2025, 4, row[1]), *row[2:]])

    assert "2025-04-05 | 2025-04-09 | Tolls | 7" in workbook(fill).text


def test_merged_cells_stand_in_their_columns() -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in (["Region", "Q1", "Q2"], ["North", 5, 6], [None, 7, 8], ["South", 1, 2]):
            sheet.append(row)
        sheet.merge_cells("A2:A3")

    assert "Region: North | Q1: 7 | Q2: 8" in workbook(fill).text


def test_slides() -> None:
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Harbour plan"
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for i, row in enumerate((["Pier", "Length", "Opens"], ["North", "240 m", "2027"], ["South", "90 m", "2029"])):
        for j, text in enumerate(row):
            table.cell(i, j).text = text
    slide.notes_slide.notes_text_frame.text = "The architect is Lea Sonntag."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    box = second.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1))
    box.text_frame.text = "Questions to Mr Demir"
    hidden = deck.slides.add_slide(deck.slide_layouts[6])
    hidden._element.set("show", "0")
    out = io.BytesIO()
    deck.save(out)
    found = read("a.pptx", out.getvalue())
    assert "Pier: North | Length: 240 m | Opens: 2027" in found.text
    assert "The architect is Lea Sonntag." in found.text
    assert found.page_of(found.text.index("Demir")) == 2
    assert [heading.title for heading in found.headings] == ["Harbour plan", "Slide 2"]
    assert found.remarks == ("1 hidden slide left out",)


def test_a_box_with_an_equation_and_raised_figures_on_a_slide() -> None:
    from lxml import etree
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    boxes = [slide.shapes.add_textbox(Inches(1), Inches(at), Inches(4), Inches(1)) for at in (1, 2, 3)]
    paragraph = boxes[0].text_frame.paragraphs[0]
    for text, rise in (("A run of 10", None), ("4", "30000"), (" parts.", None)):
        run = paragraph.add_run()
        run.text = text
        if rise:
            run.font._element.set("baseline", rise)
    boxes[1].text_frame.text = "The load by this rule is 8 kN."
    boxes[2].text_frame.text = "The last box."
    element, tree = boxes[1]._element, slide.shapes._spTree
    compatible = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
    either = etree.Element(f"{compatible}AlternateContent")
    tree.replace(element, either)
    etree.SubElement(either, f"{compatible}Choice").append(element)
    etree.SubElement(either, f"{compatible}Fallback").append(etree.fromstring(etree.tostring(element)))
    out = io.BytesIO()
    deck.save(out)
    found = read("a.pptx", out.getvalue())
    assert "A run of 10^4 parts." in found.text
    assert found.text.index("parts") < found.text.index("The load by this rule is 8 kN.") < found.text.index("last box")
    assert found.text.count("8 kN") == 1


NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
)


def archive(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in members.items():
            made.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return out.getvalue()


def odf(suffix: str, body: str, manifest: str = "<m/>", styles: str = "", common: str = "") -> Document:
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    shared = f"<office:document-styles {NAMES}>{common}</office:document-styles>"
    members = {"META-INF__manifest_xml": manifest, "styles_xml": shared}
    return read(f"a.{suffix}", archive(content_xml=content, **members))


def style(name: str, family: str, parent: str = "", **properties: str) -> str:
    given = " ".join(f"{key.replace('__', ':').replace('_', '-')}='{value}'" for key, value in properties.items())
    base = f" style:parent-style-name='{parent}'" if parent else ""
    kind = "table" if family == "table" else "text"
    return (
        f"<style:style style:name='{name}' style:family='{family}'{base}>"
        f"<style:{kind}-properties {given}/></style:style>"
    )


def test_raised_struck_and_hidden_text_and_margins_of_a_text_document() -> None:
    found = odf(
        "odt",
        "<office:text><text:p>The lake holds 10<text:span text:style-name='A'>8</text:span> m<text:span "
        "text:style-name='B'>3</text:span>.</text:p><text:p>The toll is <text:span text:style-name='C'>45</text:span> "
        "60 crowns.<text:span text:style-name='D'> The mayor pays none.</text:span></text:p><text:p>Before <text:span>"
        "<draw:frame><draw:text-box><text:p>A box inside.</text:p></draw:text-box></draw:frame></text:span> it."
        "</text:p><table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Boat</text:p>"
        "</table:table-cell><table:table-cell table:number-columns-spanned='2'><text:p>Toll</text:p></table:table-cell>"
        "<table:covered-table-cell/></table:table-row></table:table-header-rows><table:table-row><table:table-cell>"
        "<text:p>Barge</text:p></table:table-cell><table:table-cell><text:p>summer</text:p></table:table-cell>"
        "<table:table-cell><text:p>90<office:annotation><text:p>was 70</text:p></office:annotation></text:p>"
        "</table:table-cell></table:table-row></table:table></office:text>",
        styles=style("A", "text", style__text_position="super 58%")
        + style("B", "text", parent="Up")
        + style("C", "text", style__text_line_through_style="solid")
        + style("D", "text", text__display="none"),
        common=style("Up", "text", style__text_position="33% 60%")
        + "<style:master-page><style:header><text:p>Register of lake Varn</text:p></style:header><style:footer>"
        "<text:p>Page <text:page-number>1</text:page-number></text:p></style:footer></style:master-page>",
    )
    assert found.text.startswith("[header: Register of lake Varn]")
    assert "The lake holds 10^8 m^3." in found.text
    assert "The toll is 60 crowns.\n" in found.text
    assert "A box inside." in found.text
    assert "Boat: Barge | Toll: summer | Toll: 90" in found.text
    assert "was 70" not in found.text
    assert "footer" not in found.text
    assert found.remarks == (
        "1 comment left out",
        "1 struck-out passage left out",
        "1 passage of hidden text left out",
    )


def levels(kind: str, name: str, *each: str) -> str:
    """A style of lists or of the outline, from the properties of its levels."""
    tag = "list-level-style-number" if kind == "list" else "outline-level-style"
    told = "".join(f"<text:{tag} text:level='{at}' {look}/>" for at, look in enumerate(each, 1))
    return f"<text:{kind}-style style:name='{name}'>{told}</text:{kind}-style>"


def item(text: str, *inner: str, start: str = "") -> str:
    given = f" text:start-value='{start}'" if start else ""
    return f"<text:list-item{given}><text:p>{text}</text:p>{''.join(inner)}</text:list-item>"


def listed(*items: str, look: str = "") -> str:
    return f"<text:list {look}>{''.join(items)}</text:list>"


LEGAL = levels(
    "list",
    "Legal",
    "style:num-format='1' style:num-suffix='.'",
    "style:num-format='1' text:display-levels='2'",
    "style:num-format='a' style:num-prefix='(' style:num-suffix=')'",
)


def test_the_numbers_of_lists_of_a_text_document() -> None:
    legal = "text:style-name='Legal'"
    deepest = listed(item("Renewal"), item("End"))
    inner = listed(item("Rent"), item("Term", deepest))
    aside = "<text:list-header><text:p>Aside</text:p></text:list-header>"
    found = odf(
        "odt",
        "<office:text>"
        + listed(item("Parties"), item("Lease", inner, "<text:p>On it.</text:p>"), aside, look=f"xml:id='one' {legal}")
        + "<text:p>As agreed.</text:p>"
        + listed(item("Law"), look=f"text:continue-list='one' {legal}")
        + listed(item("Notices"), item("Costs", start="9"), look=f"text:continue-numbering='true' {legal}")
        + listed(item("New"), f"<text:list-item>{listed(item('Deep'))}</text:list-item>", look=legal)
        + listed(item("Point"), look="text:style-name='Dots'")
        + "</office:text>",
        styles=LEGAL
        + "<text:list-style style:name='Dots'><text:list-level-style-bullet text:level='1' text:bullet-char='*'/>"
        "</text:list-style>",
    )
    assert found.text.split("\n\n") == [
        "1. Parties", "2. Lease", "2.1 Rent", "2.2 Term", "(a) Renewal", "(b) End", "On it.", "Aside", "As agreed.",
        "3. Law", "4. Notices", "9. Costs", "1. New", "1.1 Deep", "Point",
    ]  # fmt: skip


def test_the_numbers_of_headings_of_a_text_document() -> None:
    def h(text: str, level: int, properties: str = "") -> str:
        return f"<text:h text:outline-level='{level}' {properties}>{text}</text:h>"

    off = "<style:style style:name='Off' style:family='paragraph' style:list-style-name=''/>"
    off += "<style:style style:name='Below' style:family='paragraph' style:parent-style-name='Off'/>"
    found = odf(
        "odt",
        "<office:text><text:tracked-changes>" + h("Gone", 1) + "</text:tracked-changes>"
        + h("Preface", 1, "text:style-name='Below'") + h("Scope", 1) + h("Lease", 1) + h("Parties", 2) + h("Term", 2)
        + h("Listless", 2, "text:is-list-header='true'") + h("Annex", 1, "text:restart-numbering='true' "
        "text:start-value='7'") + h("<text:number>A.4</text:number>Kept", 2)
        + f"<text:list text:style-name='Legal'><text:list-item>{h('Listed', 1)}</text:list-item></text:list>"
        "</office:text>",
        styles=LEGAL + off,
        common=levels("outline", "Outline", "style:num-format='1'", "style:num-format='1' text:display-levels='2'"),
    )  # fmt: skip
    assert [heading.title for heading in found.headings] == [
        "Preface", "1 Scope", "2 Lease", "2.1 Parties", "2.2 Term", "Listless", "7 Annex", "A.4 Kept", "1. Listed",
    ]  # fmt: skip


def test_forms_of_numbers_of_a_text_document() -> None:
    forms = ("A", "i", "I", "a' style:num-letter-sync='true", "a")
    styles = "".join(levels("list", f"F{at}", f"style:num-format='{form}'") for at, form in enumerate(forms))
    styles += levels("list", "Own", "style:num-format='1' loext:num-list-format='&#167; %1% -'").replace(
        "<text:list-style", "<text:list-style xmlns:loext='urn:loext'"
    )
    lists = "".join(
        listed(item("x", start=start), look=f"text:style-name='{name}'")
        for name, start in (("F0", "2"), ("F1", "4"), ("F2", "9"), ("F3", "28"), ("F4", "28"), ("Own", "3"))
    )
    found = odf("odt", f"<office:text>{lists}</office:text>", styles=styles)
    assert found.text.split() == ["B", "x", "iv", "x", "IX", "x", "bb", "x", "ab", "x", "\u00a7", "3", "-", "x"]


def test_comments_and_hidden_parts_of_an_opendocument_spreadsheet() -> None:
    def row(*cells: str) -> str:
        told = "".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in cells)
        return f"<table:table-row>{told}</table:table-row>"

    def p(text: str) -> str:
        return f"<text:p>{text}</text:p>"

    note = "<office:annotation><text:p>was 15 once</text:p></office:annotation>"
    found = odf(
        "ods",
        "<office:spreadsheet><table:table table:name='Fleet'><table:table-column/><table:table-column "
        "table:number-columns-repeated='2' table:visibility='collapse'/><table:table-column/>"
        + row(p("Boat"), p("Cost"), p("Debt"), p("Seats"))
        + row(p("Heron"), p("5"), p("6"), note + p("18"))
        + row(p("Teal"), p("7"), p("8"), p("22"))
        + "</table:table><table:table table:name='Private' table:style-name='gone'>"
        + row(p("Salaries"))
        + "</table:table></office:spreadsheet>",
        styles=style("gone", "table", table__display="false"),
    )
    assert found.text == "Fleet\n\nBoat: Heron | Seats: 18\nBoat: Teal | Seats: 22"
    assert found.remarks == ("1 comment left out", "2 hidden columns left out", "1 hidden sheet left out")


def test_a_text_document() -> None:
    found = odf(
        "odt",
        "<office:text><text:tracked-changes><text:changed-region><text:deletion><text:p>old price 5</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes><text:h text:outline-level='1'>Offer</text:h>"
        "<text:p>The roof<text:s/>costs <text:span>31,000</text:span> euros<text:note><text:note-body><text:p>net"
        "</text:p></text:note-body></text:note>.<office:annotation><text:p>too much?</text:p></office:annotation>"
        "</text:p><table:table><table:table-row><table:table-cell><text:p>Part</text:p></table:table-cell>"
        "<table:table-cell><text:p>Price</text:p></table:table-cell><table:table-cell><text:p>Stock</text:p>"
        "</table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>Tile</text:p>"
        "</table:table-cell><table:table-cell/><table:table-cell><text:p>7</text:p></table:table-cell>"
        "</table:table-row></table:table></office:text>",
    )
    assert "The roof costs 31,000 euros [footnote: net]." in found.text
    assert "old price" not in found.text
    assert "too much" not in found.text
    assert "Part: Tile | Price: | Stock: 7" in found.text
    assert found.remarks == ("1 comment left out", "tracked changes read as accepted")


def test_a_spreadsheet_with_repeated_cells() -> None:
    def row(*cells: str) -> str:
        told = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells)
        return f"<table:table-row>{told}<table:table-cell table:number-columns-repeated='16000'/></table:table-row>"

    hidden = row("Cem", "C", "3").replace("<table:table-row", "<table:table-row table:visibility='filter'", 1)
    rows = row("Name", "Team", "Age") + row("Ada", "A", "31") + hidden
    found = odf(
        "ods",
        f"<office:spreadsheet><table:table table:name='Staff'>{rows}<table:table-row "
        "table:number-rows-repeated='1048570'><table:table-cell/></table:table-row></table:table></office:spreadsheet>",
    )
    assert found.text == "Staff\n\nName: Ada | Team: A | Age: 31"
    assert found.remarks == ("1 hidden row left out",)


def test_an_openoffice_presentation() -> None:
    pages = "".join(
        f"<draw:page draw:name='{name}'><draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"
        "</draw:page>"
        for name, text in (("page1", "The pier is 240 metres long."), ("Costs", "It costs 3 million."))
    )
    found = odf("odp", f"<office:presentation>{pages}</office:presentation>")
    assert [heading.title for heading in found.headings] == ["Slide 1", "Costs"]
    assert found.page_of(found.text.index("3 million")) == 2


def test_an_encrypted_one_is_told() -> None:
    with pytest.raises(Unreadable, match="needs a password"):
        odf("odt", "<office:text/>", "<m><encryption-data/></m>")
    for name in ("a.xlsx", "a.pptx"):
        with pytest.raises(Unreadable, match="needs a password"):
            read(name, b"\xd0\xcf\x11\xe0 and more")


def test_a_row_that_is_struck_out_parts_no_table() -> None:
    rows = (("Route", "Adult", "Child"), ("Island", "21.00", "10.50"), ("Bay", "8.00", "4.00"))
    told = "Route: Bay | Adult: 8.00 | Child: 4.00"

    def cell(text: str, row: int) -> str:
        mark = " text:style-name='C'" if row == 1 else ""
        return f"<table:table-cell><text:p><text:span{mark}>{text}</text:span></text:p></table:table-cell>"

    lines = [
        f"<table:table-row>{''.join(cell(one, at) for one in row)}</table:table-row>" for at, row in enumerate(rows)
    ]
    table = f"<table:table table:name='Fares'>{''.join(lines)}</table:table>"
    struck = style("C", "text", style__text_line_through_style="solid")
    assert odf("odt", f"<office:text>{table}</office:text>", styles=struck).text == told
    assert odf("ods", f"<office:spreadsheet>{table}</office:spreadsheet>", styles=struck).text == f"Fares\n\n{told}"
    marks = ("", r"\strike ", "")
    rtf = "".join(
        r"\trowd " + "".join(rf"{{{mark}{one}}}\cell " for one in row) + r"\row "
        for mark, row in zip(marks, rows, strict=True)
    )
    assert read("a.rtf", (r"{\rtf1\ansi " + rtf + r"\pard\par}").encode()).text == told


def test_rich_text() -> None:
    text = (
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 The caretaker is Herr Gr\'fcn.\par Moscow: \u1052?\u1086?"
        r"\par \trowd Route\cell Adult\cell Child\cell\row \trowd Island\cell 21.00\cell 10.50\cell\row \pard End.\par}"
    )
    found = read("a.rtf", text.encode("ascii"))
    assert "The caretaker is Herr Grün." in found.text
    assert "\u041c\u043e" in found.text
    assert "Route: Island | Adult: 21.00 | Child: 10.50" in found.text


def test_rich_text_without_what_is_deleted_hidden_or_struck() -> None:
    text = (
        r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\stylesheet{\s3\strike Struck;}}{\header\pard Deed of Orlow Mill\par}"
        r"{\headerf\pard Deed of Orlow Mill\par}{\footer\pard Page {\field{\*\fldinst PAGE}}\par}"
        r"\pard The rent is {\deleted\revauthdel1 8\'300 }{\revised 950 }marks.{\v The heirs know nothing.}\par "
        r"A well of 10{\super 3} litres{\super\chftn}{\*\footnote\pard {\super\chftn} Measured in May.\par}, "
        r"{\strike\b dry}{\strike  now} full, of CO{\sub 2}.{\*\annotation ask Lea}\par\plain\v gone\v0  Kept.\par}"
    )
    found = read("a.rtf", text.encode("ascii"))
    assert found.text.count("[header: Deed of Orlow Mill]") == 1
    assert "Page" not in found.text
    assert "The rent is 950 marks.\n" in found.text
    assert "A well of 10^3 litres [footnote: Measured in May.], full, of CO2." in found.text
    assert "Kept." in found.text
    assert "gone" not in found.text
    assert found.remarks == (
        "2 passages of hidden text left out",
        "1 struck-out passage left out",
        "1 comment left out",
        "tracked changes read as accepted",
    )


def test_an_ebook_in_the_order_of_its_spine() -> None:
    def chapter(title: str, text: str) -> str:
        return f"<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>{title}</h1><p>{text}</p></body></html>"

    package = (
        "<package><manifest><item id='b' href='two%20b.xhtml'/><item id='a' href='one.xhtml'/></manifest>"
        "<spine><itemref idref='a'/><itemref idref='b'/></spine></package>"
    )
    container = "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("META-INF/container.xml", container)
        made.writestr("OEBPS/book.opf", package)
        made.writestr("OEBPS/two b.xhtml", chapter("Two", "He came back in 1791."))
        made.writestr("OEBPS/one.xhtml", chapter("One", "Captain Harrow sailed in 1788."))
    found = read("a.epub", out.getvalue())
    assert [heading.title for heading in found.headings] == ["One", "Two"]
    assert found.text.index("1788") < found.text.index("1791")


@pytest.mark.parametrize("name", ["a.xlsx", "a.pptx", "a.odt", "a.ods", "a.epub", "a.rtf"])
def test_what_is_broken_is_said_in_a_sentence(name: str) -> None:
    for data in (b"not at all what it should be", archive(x_xml="<a/>")):
        with pytest.raises(Unreadable, match=r"^broken "):
            read(name, data)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module, data in (("a.xlsx", "openpyxl", archive(x_xml="<a/>")), ("a.rtf", "striprtf", b"{\\rtf1 x}")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(Unreadable, match=r"pip install 'hybrid-context\[office\]'"):
            read(name, data)


@pytest.mark.parametrize(("name", "remedy"), [("a.doc", "save it as .docx"), ("a.zip", "unpack it"), ("a.msg", ".eml")])
def test_what_is_not_read_says_what_to_do(name: str, remedy: str) -> None:
    with pytest.raises(Unreadable, match=remedy):
        read(name, b"something")


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.corpus.readers.archive.PART_LIMIT", 1_000)
    for name, what in (("a.xlsx", "XLSX"), ("a.odt", "OpenDocument file"), ("a.epub", "EPUB"), ("a.docx", "DOCX")):
        with pytest.raises(Unreadable, match=rf"^suspicious {what}: one part unpacks to"):
            read(name, archive(content_xml="x" * 2_000))
