"""Workbooks: rows with the names of their columns, numbers as Excel shows them, and what is left out."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from hybrid.document import Document
from tests.corpus.files import saved, with_members


def workbook(fill: Any) -> Document:
    book = openpyxl.Workbook()
    fill(book)
    return read("a.xlsx", saved(book))


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
    deck = Presentation()
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("People", (8123456789012, None))
    data.add_series("Share", (0.25, 0.5))
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(1), Inches(5), Inches(3), data)
    found = read("a.pptx", saved(deck))
    assert "8123456789012 | Share: 0.25" in found.text


@pytest.mark.parametrize("place", ["XFD1048576", "A900000", "AZ3"])
@pytest.mark.parametrize("value", ["seen by Ivo", None])
def test_a_cell_at_the_far_end_of_a_sheet_does_not_hide_the_others(place: str, value: str | None) -> None:
    def fill(book: Any) -> None:
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
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.merge_cells("A9:B9")
    data = with_members(saved(book), lambda name, text: text.replace("A9:B9", "A9:XFD1048576"), {})
    with pytest.raises(Unreadable, match=r"^too large XLSX: merged cells over 2,000,000 places"):
        read("a.xlsx", data)


def test_struck_out_cells_are_left_out_and_said() -> None:
    def fill(book: Any) -> None:
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


def test_a_text_box_on_a_sheet_is_read() -> None:
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
