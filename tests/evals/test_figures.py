"""Charts and SmartArt of slides, workbooks and texts, made by libraries and read back."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from lxml import etree
from pptx import Presentation
from pptx.chart import data
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc import package, packuri
from pptx.util import Inches

from hybrid.corpus.readers.read import read
from hybrid.document import Document
from tests.corpus.files import saved

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/drawingml/2006/main"
DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
NEWER = "http://schemas.microsoft.com/office/drawing/2014/chartex"


def deck_of(kind: str, fill: Any, title: str = "", across: str = "", up: str = "") -> Any:
    """A presentation with one chart."""
    held = {"XY_SCATTER": data.XyChartData, "BUBBLE": data.BubbleChartData}.get(kind, data.CategoryChartData)()
    fill(held)
    deck = Presentation()
    shapes = deck.slides.add_slide(deck.slide_layouts[6]).shapes
    place = (Inches(1), Inches(1), Inches(5), Inches(3))
    chart = shapes.add_chart(getattr(XL_CHART_TYPE, kind), *place, held).chart
    if title:
        chart.chart_title.text_frame.text = title
    if across:
        chart.category_axis.axis_title.text_frame.text = across
    if up:
        chart.value_axis.axis_title.text_frame.text = up
    return deck


def read_of(document: Any, suffix: str) -> Document:
    return read(f"a.{suffix}", saved(document))


def shares(data: Any) -> None:
    data.categories = ["Spring", "Autumn"]
    data.add_series("Berths", (0.1, 0.25), "0%")
    data.add_series("Cranes", (None, 0.5), "0%")


SHARES = (
    "Use of the yard | Season: Spring | Berths (Share of hours): 10% | Cranes (Share of hours):\n"
    "Use of the yard | Season: Autumn | Berths (Share of hours): 25% | Cranes (Share of hours): 50%"
)


@pytest.mark.parametrize("kind", ["COLUMN_CLUSTERED", "BAR_CLUSTERED", "LINE", "AREA", "RADAR"])
def test_a_chart_on_a_slide_is_a_table_with_its_names(kind: str) -> None:
    found = read_of(deck_of(kind, shares, "Use of the yard", "Season", "Share of hours"), "pptx")
    assert SHARES in found.text
    assert found.remarks == ()


def test_labels_of_several_levels_and_dates() -> None:
    def levels(data: Any) -> None:
        for year in ("2023", "2024"):
            category = data.add_category(year)
            category.add_sub_category("Q1")
            category.add_sub_category("Q2")
        data.add_series("Berths", (10, 20, 30, 40))

    def dates(data: Any) -> None:
        data.categories = [date(2024, 1, 31), date(2024, 2, 29)]
        data.add_series("Fee", (7, 8))

    assert "2023 Q2 | Berths: 20\n2024 Q1 | Berths: 30" in read_of(deck_of("COLUMN_CLUSTERED", levels), "pptx").text
    assert "2024-01-31 | Fee: 7\n2024-02-29 | Fee: 8" in read_of(deck_of("LINE", dates), "pptx").text


def test_points_that_stand_at_figures() -> None:
    def points(data: Any) -> None:
        for name, places in (("Model", ((1.5, 3), (2, 4))), ("Real", ((1.5, 3.1), (9, 4.5)))):
            series = data.add_series(name)
            for place in places:
                series.add_data_point(*place)

    text = read_of(deck_of("XY_SCATTER", points, "Depth", "Hour", "Metres"), "pptx").text
    assert "Depth | Hour: 2 | Model (Metres): 4" in text
    assert "Depth | Hour: 9 | Real (Metres): 4.5" in text


def test_a_pie_without_a_name_for_its_figures() -> None:
    def parts(data: Any) -> None:
        data.categories = ["Dredging", "Light"]
        data.add_series("", (31, 7))

    assert "Dredging | Series 1: 31\nLight | Series 1: 7" in read_of(deck_of("PIE", parts), "pptx").text


def text_with(*parts: tuple[bytes, str]) -> Any:
    """A text with a part drawn in a paragraph of its own for each content and kind."""
    document = docx.Document()
    for number, (content, kind) in enumerate(parts):
        part = Part(PackURI(f"/word/drawn{number}.xml"), "application/xml", content, document.part.package)
        name = document.part.relate_to(part, f"{OFFICE}/{kind}")
        run = document.add_paragraph("See below.").add_run()
        run._element.append(etree.fromstring(f"<drawing xmlns:r='{OFFICE}'>{place_of(name, kind)}</drawing>"))
    document.add_paragraph("The end.")
    return document


def place_of(name: str, kind: str) -> str:
    if kind == "diagramData":
        return f"<d:relIds xmlns:d='{DIAGRAM}' r:dm='{name}'/>"
    space = NEWER if kind == "chartEx" else "http://schemas.openxmlformats.org/drawingml/2006/chart"
    return f"<c:chart xmlns:c='{space}' r:id='{name}'/>"


def points_of(*points: tuple[str, str, str], prompt: str = "") -> bytes:
    """The data of SmartArt from name, name of what it hangs on, and text."""
    told = "".join(
        f"<d:pt modelId='{name}' type='{'node' if above else 'doc'}'><d:prSet {prompt if name == 'z' else ''}/>"
        f"<d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>"
        for name, above, text in points
    )
    lines = "".join(
        f"<d:cxn modelId='c{name}' srcId='{above}' destId='{name}' srcOrd='{at}'/>"
        for at, (name, above, _) in enumerate(points)
        if above
    )
    form = "<d:pt modelId='x' type='pres'><d:t><a:p><a:r><a:t>form</a:t></a:r></a:p></d:t></d:pt>"
    inner = f"<d:ptLst>{told}{form}</d:ptLst><d:cxnLst>{lines}<d:cxn srcId='b' destId='x' type='presOf'/></d:cxnLst>"
    return f"<d:dataModel xmlns:d='{DIAGRAM}' xmlns:a='{MAIN}'>{inner}</d:dataModel>".encode()


BOARD = points_of(
    ("o", "", ""), ("b", "o", "Board"), ("f", "b", "Finance"), ("p", "f", "Payroll"), ("s", "b", "Sales &amp; rents"),
    ("z", "o", "[Text]"), prompt="phldr='1'",
)  # fmt: skip


def test_smartart_in_a_text_tells_what_hangs_on_what() -> None:
    found = read_of(text_with((BOARD, "diagramData")), "docx")
    assert found.text == "See below.\n\nBoard > Finance > Payroll\nBoard > Sales & rents\n\nThe end."
    assert found.remarks == ()


def test_smartart_whose_points_hang_on_each_other_in_a_circle_ends() -> None:
    ring = BOARD.replace(b"</d:cxnLst>", b"<d:cxn srcId='f' destId='b' srcOrd='9'/></d:cxnLst>")
    assert "The end." in read_of(text_with((ring, "diagramData")), "docx").text


def test_charts_in_a_text() -> None:
    deck = deck_of("COLUMN_CLUSTERED", shares, "Use of the yard", "Season", "Share of hours")
    chart = deck.slides[0].shapes[0].chart.part.blob
    waterfall = (
        f"<cx:chartSpace xmlns:cx='{NEWER}' xmlns:a='{MAIN}'><cx:chartData><cx:data id='0'><cx:strDim type='cat'>"
        "<cx:lvl><cx:pt idx='0'>Open</cx:pt><cx:pt idx='1'>Repairs</cx:pt></cx:lvl></cx:strDim><cx:numDim type='val'>"
        "<cx:lvl formatCode='#,##0'><cx:pt idx='0'>12000</cx:pt><cx:pt idx='1'>-800</cx:pt></cx:lvl></cx:numDim>"
        "</cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:rich><a:p><a:r><a:t>Cash</a:t></a:r></a:p></cx:rich></cx:tx>"
        "</cx:title><cx:plotArea><cx:plotAreaRegion><cx:series layoutId='waterfall'><cx:tx><cx:txData>"
        "<cx:v>Marks</cx:v></cx:txData></cx:tx><cx:dataId val='0'/></cx:series></cx:plotAreaRegion></cx:plotArea>"
        "</cx:chart></cx:chartSpace>"
    )
    found = read_of(text_with((chart, "chart"), (waterfall.encode(), "chartEx")), "docx")
    assert (
        f"See below.\n\n{SHARES}\n\nSee below.\n\nCash | Open | Marks: 12,000\nCash | Repairs | Marks: -800"
        in found.text
    )
    assert found.remarks == ()


def test_smartart_on_a_slide() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    place = packuri.PackURI("/ppt/diagrams/data1.xml")
    part = package.Part(place, "application/xml", deck.part.package, BOARD)
    name = slide.part.relate_to(part, f"{OFFICE}/diagramData")
    space = "http://schemas.openxmlformats.org/presentationml/2006/main"
    slide.shapes._spTree.append(
        etree.fromstring(
            f"<p:graphicFrame xmlns:p='{space}' xmlns:a='{MAIN}' xmlns:r='{OFFICE}'><p:nvGraphicFramePr><p:cNvPr "
            f"id='9' name='d'/></p:nvGraphicFramePr><a:graphic><a:graphicData uri='{DIAGRAM}'>"
            f"{place_of(name, 'diagramData')}</a:graphicData></a:graphic></p:graphicFrame>",
            slide.shapes._spTree.getroottree().parser,
        )
    )
    found = read_of(deck, "pptx")
    assert found.text == "Slide 1\n\nBoard > Finance > Payroll\nBoard > Sales & rents"
    assert found.remarks == ()


def test_charts_of_a_workbook_tell_figures_that_no_sheet_tells() -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        seen, hidden = book.add_worksheet("Fees"), book.add_worksheet("Old fees")
        hidden.hide()
        for sheet, fees in ((seen, (10, 20)), (hidden, (7, 8))):
            for at, row in enumerate((("Berth", "Fee", "Tax"), ("North", fees[0], 3), ("South", fees[1], 4))):
                sheet.write_row(at, 0, row)
            place = "='" + sheet.name + "'!${0}${1}:${0}${2}"
            chart = book.add_chart({"type": "column"})
            series = {"categories": place.format("A", 2, 3), "values": place.format("B", 2, 3), "name": "Fee"}
            chart.add_series(series)
            chart.set_title({"name": f"Chart of {sheet.name.lower()}"})
            chart.set_y_axis({"name": "marks"})
            seen.insert_chart("E2", chart)
        chart = book.add_chart({"type": "line"})
        chart.add_series(series)
        book.add_chartsheet("Decline").set_chart(chart)
    found = read("a.xlsx", out.getvalue())
    assert found.text == (
        "Fees\n\nBerth: North | Fee: 10 | Tax: 3\nBerth: South | Fee: 20 | Tax: 4\n\nChart of fees | marks\n\n"
        "Chart of old fees | North | Fee (marks): 7\nChart of old fees | South | Fee (marks): 8\n\n"
        "Decline\n\nNorth | Fee: 7\nSouth | Fee: 8"
    )
    assert [heading.title for heading in found.headings] == ["Fees", "Decline"]
    assert found.remarks == ("1 hidden sheet left out",)


def test_struck_out_text_on_slides_is_left_out_and_said() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    title, box = slide.shapes.title, slide.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1))
    table = slide.shapes.add_table(2, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for at, text in enumerate(("Pier", "Fee", "Owner", "North", "410", "Mia")):
        table.cell(at // 3, at % 3).text = text
    notes = slide.notes_slide.notes_text_frame
    for frame in (title.text_frame, box.text_frame, table.cell(1, 1).text_frame, notes):
        for text, strike in (("gone ", "sngStrike"), ("and gone", "dblStrike"), ("kept", None), (" too", "noStrike")):
            run = frame.paragraphs[0].add_run()
            run.text = text
            if strike:
                run.font._element.set("strike", strike)
    found = read_of(deck, "pptx")
    assert found.text.startswith("kept too\n\nkept too\n\n")
    assert "Pier: North | Fee: 410kept too | Owner: Mia" in found.text
    assert found.text.endswith("Notes:\n\nkept too")
    assert found.remarks == ("4 struck-out passages left out",)
