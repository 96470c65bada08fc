"""OpenDocument texts, spreadsheets and presentations."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from tests.corpus.opendocuments import odf, style


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
