"""Tables of all kinds of files: every row with the names of its columns, every cell in its own."""

from __future__ import annotations

import io
import random
import time
from pathlib import Path

import pytest

from hybrid.corpus.readers.read import read, read_text
from hybrid.corpus.readers.tables.grid import Grid
from hybrid.corpus.readers.tables.row import LINE
from hybrid.document import Document
from hybrid.session.hybrid import Hybrid
from hybrid.settings import load
from hybrid.text.sentences import sentences
from tests.corpus.test_readers import placed_pdf


def csv(text: str | bytes, name: str = "a.csv") -> list[str]:
    """The lines that a CSV is read as."""
    return read(name, text if isinstance(text, bytes) else text.encode()).text.split("\n")


class TestCsv:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_a_row_carries_the_names_of_its_columns(self, delimiter: str, end: str) -> None:
        rows = [["station", "wind", "rain"], ["ST1", "5", ""], ["ST2", "7", "9"]]
        text = end.join(delimiter.join(row) for row in rows) + end
        assert csv(text) == ["station: ST1 | wind: 5 | rain:", "station: ST2 | wind: 7 | rain: 9"]

    def test_decimal_commas_do_not_part_cells(self) -> None:
        text = "Filiale;Umsatz;Miete\nKöln;10,5;3,2\nBonn;11,5;4,1\nUlm;1,5;2,5\n"
        assert csv(text.encode("cp1252"))[0] == "Filiale: Köln | Umsatz: 10,5 | Miete: 3,2"

    def test_lists_in_a_cell_do_not_part_cells(self) -> None:
        assert csv("name,tags,n\nx,a;b,1\ny,c;d,2\n") == ["name: x | tags: a;b | n: 1", "name: y | tags: c;d | n: 2"]

    def test_quoted_cells_keep_their_delimiters_and_are_one_line(self) -> None:
        text = '\ufeff"Name","Note","Sum"\r\n"Roth, Lena","says ""yes""\r\nand more",5\r\n"Ott, Max",,6\r\n'
        assert csv(text) == ['Name: Roth, Lena | Note: says "yes" and more | Sum: 5', "Name: Ott, Max | Note: | Sum: 6"]

    def test_other_ways_to_quote(self) -> None:
        assert csv("a,b\n'x, y',1\n'z, w',2\n") == ["a: x, y | b: 1", "a: z, w | b: 2"]
        assert csv('a,b\n"say \\"so\\", he said",1\n"z",2\n')[0] == 'a: say "so", he said | b: 1'
        assert csv("name,height\nO'Brien,5\nD'Arcy,6\n")[0] == "name: O'Brien | height: 5"

    def test_a_quotation_mark_that_nothing_closes_costs_one_row(self) -> None:
        rows = [f"p{i},{i},{i * 2}" for i in range(600)]
        rows[10] = 'p10,"open,20'
        found = csv("part,length,width\n" + "\n".join(rows))
        assert len(found) == 600
        assert found[11] == "part: p11 | length: 11 | width: 22"
        rows[10], rows[599] = "p10,10,20", 'p599,"open,2'
        assert len(csv("part,length,width\n" + "\n".join(rows))) == 600

    def test_without_a_header_the_cells_stand_alone(self) -> None:
        assert csv("ST1,5,open\nST2,7,closed\n") == ["ST1 | 5 | open", "ST2 | 7 | closed"]
        assert csv("Ann,Bonn,open\nBen,Ulm,open\n")[0] == "Ann | Bonn | open"

    @pytest.mark.parametrize(
        "text",
        [
            "Anna Roth,Engineer,Bonn\nMax Ott,Clerk,Ulm\nEva Lang,Clerk,Kiel\n",
            "Name,Anna Roth\nStreet,Main 5\nCity,Bonn\n",
            "Q: What?,That.\nQ: Why?,Because.\n",
        ],
    )
    def test_words_that_name_no_columns(self, text: str) -> None:
        assert csv(text) == text.strip().replace(",", " | ").split("\n")

    @pytest.mark.parametrize(
        ("header", "row"),
        [
            ("country,2019,2020", "Peru,60.1,65.2"),
            ("Name,Score 1,Score 2", "Ann,5,6"),
            ("q1_sales,q2_sales", "10,20"),
            ("name,city", "Ann,Bonn"),
            ("Vorname,Stadt,Eintritt 2020", "Ann,Bonn,5"),
        ],
    )
    def test_a_header_is_told_from_a_row(self, header: str, row: str) -> None:
        pairs = zip(header.split(","), row.split(","), strict=True)
        assert csv(f"{header}\n{row}\n") == [" | ".join(f"{name}: {cell}" for name, cell in pairs)]

    def test_lines_above_and_below_the_table_stand_alone(self) -> None:
        text = "Stations of the north\nMade on,2024-05-01\n\nstation,wind,rain\nST1,5,6\nST2,7,8\n\nSource: own data\n"
        assert csv(text) == [
            "Stations of the north",
            "Made on | 2024-05-01",
            "station: ST1 | wind: 5 | rain: 6",
            "station: ST2 | wind: 7 | rain: 8",
            "Source: own data",
        ]

    def test_two_tables_in_one_file_keep_their_own_names(self) -> None:
        text = "name,age\nAnn,5\nBen,6\n\nplant,height,width\noak,20,3\nelm,15,2\n"
        assert csv(text)[2:] == ["plant: oak | height: 20 | width: 3", "plant: elm | height: 15 | width: 2"]

    def test_two_rows_of_names_are_joined(self) -> None:
        units = "station,wind,rain\n,m/s,mm\nST1,5,6\nST2,7,8\n"
        assert csv(units)[0] == "station: ST1 | wind m/s: 5 | rain mm: 6"
        years = ",2023,,2024,\nRegion,Q1,Q2,Q1,Q2\nNorth,1,2,3,4\nSouth,5,6,7,8\n"
        assert csv(years)[1] == "Region: South | 2023 Q1: 5 | 2023 Q2: 6 | 2024 Q1: 7 | 2024 Q2: 8"

    def test_a_named_delimiter_and_a_header_that_comes_again(self) -> None:
        assert csv("sep=;\na;b\n1;2\na;b\n3;4\n") == ["a: 1 | b: 2", "a: 3 | b: 4"]

    def test_cells_without_a_name_are_kept(self) -> None:
        assert csv("a,b\n1,2,3\n4,5\n6,7\n") == ["a: 1 | b: 2 | 3", "a: 4 | b: 5", "a: 6 | b: 7"]

    def test_a_text_that_is_no_table_stays_as_it_is(self) -> None:
        assert csv("one\ntwo\nthree") == ["one", "two", "three"]

    def test_a_citation_leads_to_the_record(self) -> None:
        source = 'Title\n\nname,note\nAnn,"two\nlines"\nBen,x\n'
        document = read("a.csv", source.encode())
        assert document.text == "Title\nname: Ann | note: two lines\nname: Ben | note: x"
        for quote, original, lines in (
            ("name: Ann | note: two lines", 'Ann,"two\nlines"', (4, 5)),
            ("name: Ben | note: x", "Ben,x", (6, 6)),
            ("Title", "Title", (1, 1)),
        ):
            at = document.text.index(quote)
            place = document.locate(at, at + len(quote))
            assert source[place.start : place.end] == original
            assert (place.line, place.end_line) == lines

    def test_a_wide_row_carries_its_key_on_every_line(self) -> None:
        names = [f"reading_{n}" for n in range(50)]
        rows = [[str(n * 50 + m) for m in range(50)] for n in range(20)]
        text = "\n".join(
            ",".join(row) for row in [["id", "name", *names], *([str(i), f"S{i}", *r] for i, r in enumerate(rows))]
        )
        document = read("a.csv", text.encode())
        spans = [document.text[a:b] for a, b in sentences(document.text)]
        assert spans == document.text.split("\n")
        assert all(len(span) <= LINE and span.count("id: ") == 1 for span in spans)
        assert next(span for span in spans if "reading_49: 399" in span).startswith("id: 7 | name: S7 | ")

    def test_long_files_are_read_fast(self) -> None:
        text = "id,name,a,b,c\n" + "".join(f"{i},n{i},{i},{i},{i}\n" for i in range(100_000))
        began = time.process_time()
        document = read("a.csv", text.encode())
        assert time.process_time() - began < 10
        at = document.text.index("name: n99999 ")
        assert document.locate(at, at + 5).line == 100_001

    def test_a_given_text_is_read_alike(self) -> None:
        assert read_text("a.csv", "name,age\nAnn,5\n").text == "name: Ann | age: 5"


class TestGrid:
    def test_pairs_of_key_and_value(self) -> None:
        rows = [["Landlord", "Anna Roth"], ["Deposit", "800 EUR"], ["Notice", "3 months"], ["Begin", "2024-05-01"]]
        assert [line.text for line in Grid(rows).lines()][1:3] == ["Deposit | 800 EUR", "Notice | 3 months"]

    def test_two_columns_of_one_kind_have_names(self) -> None:
        rows = [["Service", "Fee"], ["Day mooring", "20 EUR"], ["Night mooring", "45 EUR"]]
        assert [line.text for line in Grid(rows).lines()][1] == "Service: Night mooring | Fee: 45 EUR"

    def test_a_cell_over_all_columns_is_the_title_of_the_rows_below(self) -> None:
        rows = [["Room", "Price"], ["High season"] * 2, ["Single", "90"], ["Low season"] * 2, ["Single", "60"]]
        grid = Grid(rows, heads={0}, whole={1, 3})
        assert [line.text for line in grid.lines()] == [
            "High season | Room: Single | Price: 90",
            "Low season | Room: Single | Price: 60",
        ]
        note = Grid([*rows[:1], rows[2], ["All prices with tax."] * 2], heads={0}, whole={2})
        assert [line.text for line in note.lines()] == ["Room: Single | Price: 90", "All prices with tax."]

    def test_names_over_several_rows_are_joined(self) -> None:
        rows = [["Region", "2023", "2023"], ["Region", "Q1", "Q2"], ["North", "1", "2"]]
        lines = Grid(rows, copies={(0, 2)}, downs={(1, 0)}).lines()
        assert [line.text for line in lines] == ["Region: North | 2023 Q1: 1 | 2023 Q2: 2"]

    def test_a_header_alone_is_still_told(self) -> None:
        assert [line.text for line in Grid([["Name", "Age"]], heads={0}).lines()] == ["Name | Age"]


def html(body: str) -> list[str]:
    """The lines that a page is read as, without blank ones."""
    return [line for line in read("a.html", body.encode()).text.split("\n") if line]


class TestHtml:
    def test_cells_over_several_rows_and_columns_and_empty_ones(self) -> None:
        page = (
            "<table><tr><th>Region<th>Quarter<th>Staff<th>Note</tr><tr><td rowspan=2>North<td>Q1<td>118<td></tr>"
            "<tr><td>Q2<td>124<td>a</tr><tr><td rowspan=0>South<td></td><td colspan=2>not counted</tr></table>"
        )
        assert html(page) == [
            "Region: North | Quarter: Q1 | Staff: 118 | Note:",
            "Region: North | Quarter: Q2 | Staff: 124 | Note: a",
            "Region: South | Quarter: | Staff: not counted | Note: not counted",
        ]

    def test_names_over_two_rows(self) -> None:
        page = (
            "<table><caption>Prices</caption><thead><tr><th rowspan=2>Room<th colspan=2>2024<th colspan=2>2025</tr>"
            "<tr><th>Q1<th>Q2<th>Q1<th>Q2</tr></thead><tr><td>Single<td>1<td>2<td>3<td></tr>"
            "<tr><th colspan=5>Attic</tr><tr><td>Double<td colspan=2>5<td>6<td>7</table>"
        )
        assert html(page) == [
            "Prices",
            "Room: Single | 2024 Q1: 1 | 2024 Q2: 2 | 2025 Q1: 3 | 2025 Q2:",
            "Attic | Room: Double | 2024 Q1: 5 | 2024 Q2: 5 | 2025 Q1: 6 | 2025 Q2: 7",
        ]

    def test_a_table_without_marked_names(self) -> None:
        page = "<table><tr><td><td>Mon<td>Tue</tr><tr><td>Aldgrove<td><td>9-5</tr><tr><td>Copley<td>8-4<td></table>"
        assert html(page) == ["Aldgrove | Mon: | Tue: 9-5", "Copley | Mon: 8-4 | Tue:"]

    @pytest.mark.parametrize("cell", ["td", "th"])
    def test_keys_and_values(self, cell: str) -> None:
        page = f"<table><tr><{cell}>Deposit</{cell}><td>800 EUR</tr><tr><{cell}>Notice</{cell}><td>3 months</table>"
        assert html(page) == ["Deposit | 800 EUR", "Notice | 3 months"]

    def test_a_table_in_a_table(self) -> None:
        inner = "<table><tr><th>Size<th>Price</tr><tr><td>S<td>5</tr><tr><td>M<td>6</tr></table>"
        page = f"<table><tr><th>Product<th>Sizes</tr><tr><td>Shirt<td>{inner}</tr></table>"
        assert html(page) == ["Product: Shirt | Sizes:", "Shirt | Size: S | Price: 5", "Shirt | Size: M | Price: 6"]
        layout = f"<table><tr><td><h2>Menu</h2><p>Home<td><p>One. Two.</p>{inner}<p>End.</tr></table>"
        assert html(layout) == ["Menu", "Home", "One. Two.", "Size: S | Price: 5", "Size: M | Price: 6", "End."]
        assert [h.title for h in read("a.html", layout.encode()).headings] == ["Menu"]

    def test_signs_in_cells_of_their_own(self) -> None:
        page = (
            "<table><tr><td><td colspan=3>2023<td colspan=3>2022</tr><tr><td>Revenue<td>$<td>1,234<td><td>$<td>99<td>"
            "<tr><td>Loss<td><td>(5<td>)<td><td>(7<td>)</tr></table>"
        )
        assert html(page) == ["Revenue | 2023: $1,234 | 2022: $99", "Loss | 2023: (5) | 2022: (7)"]

    def test_a_list_laid_out_as_a_table(self) -> None:
        page = "<table><tr><td>&bull;<td>First item. More.</tr><tr><td>(a)<td>Second.</tr></table>"
        assert html(page) == ["\u2022 First item. More.", "(a) Second."]

    def test_terms_and_what_they_mean(self) -> None:
        page = "<dl><dt>Notice</dt><dd>3 months</dd><dt>Fee:<dd>5 EUR<dd>6 EUR</dl>"
        assert html(page) == ["Notice: 3 months", "Fee: 5 EUR", "6 EUR"]

    def test_what_is_struck_out_is_left_out_and_said(self) -> None:
        page = "<p>The fee is <s>50</s> <del>45</del> 40 EUR<span style='text-decoration:line-through'>,</span>."
        document = read("a.html", page.encode())
        assert document.text == "The fee is 40 EUR."
        assert document.remarks == ("3 struck-out passages left out",)

    def test_a_citation_leads_to_the_row(self) -> None:
        page = "<table>\n<tr><th>Name<th>Age\n<tr>\n<td>Ann\n<td>5\n<tr>\n<td>Ben\n<td>6\n</table>\n<p>End"
        document = read("a.html", page.encode())
        at = document.text.index("Name: Ben")
        place = document.locate(at, at + len("Name: Ben | Age: 6"))
        assert (page[place.start : place.end], place.line, place.end_line) == ("Ben\n<td>6", 7, 8)

    @pytest.mark.parametrize("page", ["<table><tr><td>" * 3000, "<table><tr><td rowspan=99999 colspan=99999>x" * 50])
    def test_time_is_bounded(self, page: str) -> None:
        began = time.process_time()
        read("a.html", (page + "<p>end").encode())
        assert time.process_time() - began < 10


class TestScripts:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("3 x 10<sup>6</sup> litres", "3 x 10^6 litres"),
            ("10<sup>-3</sup>", "10^-3"),
            ("450 m<sup>2</sup>", "450 m^2"),
            ("(a + b)<sup>2</sup>", "(a + b)^2"),
            ("2<sup>n+1</sup>", "2^(n+1)"),
            ("the 1<sup>st</sup> of May", "the 1st of May"),
            ("Acme<sup>TM</sup>", "AcmeTM"),
            ("500<sup><a href='#n'>1</a></sup> EUR", "500[1] EUR"),
            ("$500<sup>1</sup>", "$500[1]"),
            ("a word<sup>2</sup>, a stop.<sup>3</sup>", "a word[2], a stop.[3]"),
            ("<sup>1</sup> See annex", "1 See annex"),
            ("H<sub>2</sub>O and CO<sub>2</sub>", "H2O and CO2"),
            ("log<sub>10</sub>5", "log_10 5"),
            ("x<sub>1</sub> + x<sub>i+1</sub>", "x_1 + x_(i+1)"),
            ("<b>10<sup>6</b> x", "10^6 x"),
        ],
    )
    def test_what_is_raised_or_lowered_stays_apart(self, source: str, text: str) -> None:
        assert read("a.html", f"<p>{source}".encode()).text == text

    def test_in_a_cell_and_in_a_heading(self) -> None:
        page = "<h1>In m<sup>2</sup></h1><table><tr><th>m<sup>2</sup><th>n</tr><tr><td>10<sup>3</sup><td>2</tr></table>"
        document = read("a.html", page.encode())
        assert document.text == "In m^2\n\nm^2: 10^3 | n: 2"
        assert document.headings[0].title == "In m^2"


NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
}


def word(body: str, styles: str = "", comments: str = "") -> Document:
    """A Word file with this in its body."""
    from docx import Document as new
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from lxml import etree

    named = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    document = new()
    for element in etree.fromstring(f"<x {named}>{body}</x>"):
        document.element.body.insert(len(document.element.body) - 1, element)
    for element in etree.fromstring(f"<x {named}>{styles}</x>"):
        document.styles.element.append(element)
    if comments:
        blob = f"<w:comments {named}>{comments}</w:comments>".encode()
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml"
        part = Part(PackURI("/word/comments.xml"), kind, blob, document.part.package)
        document.part.relate_to(part, RELATIONSHIP_TYPE.COMMENTS)
    out = io.BytesIO()
    document.save(out)
    return read("a.docx", out.getvalue())


def run(text: str, look: str = "") -> str:
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inner: str, mark: str = "") -> str:
    return f"<w:p><w:pPr><w:rPr>{mark}</w:rPr></w:pPr>{inner}</w:p>"


def cell(text: str, properties: str = "", look: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(run(text, look))}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    whole = [one if one.startswith("<") else cell(one) for one in cells]
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(whole)}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/>{''.join(rows)}</w:tbl>"


class TestWordTables:
    def test_merged_and_empty_cells(self) -> None:
        document = word(
            table(
                row(cell("Region", "<w:vMerge w:val='restart'/>"), cell("2024", "<w:gridSpan w:val='2'/>"), "Note"),
                row(cell("", "<w:vMerge/>"), "Q1", "Q2", ""),
                row(cell("North", "<w:vMerge w:val='restart'/>"), "1", "", "a"),
                row(cell("", "<w:vMerge/>"), "3", "4", "b"),
                row("South", cell("5", "<w:gridSpan w:val='2'/>"), ""),
                row("7", "8", "c", properties="<w:gridBefore w:val='1'/>"),
            )
        )
        assert document.text.split("\n") == [
            "Region: North | 2024 Q1: 1 | 2024 Q2: | Note: a",
            "Region: North | 2024 Q1: 3 | 2024 Q2: 4 | Note: b",
            "Region: South | 2024 Q1: 5 | 2024 Q2: 5 | Note:",
            "Region: | 2024 Q1: 7 | 2024 Q2: 8 | Note: c",
        ]

    def test_names_that_the_file_marks(self) -> None:
        marked = table(row("Who", "Where", properties="<w:tblHeader/>"), row("Ann", "Bonn"), row("Ben", "Ulm"))
        bold = table(
            row(cell("Who", look="<w:b/>"), cell("Where", look="<w:b/>")), row("Ann", "Bonn"), row("Ben", "Ulm")
        )
        for body in (marked, bold):
            assert word(body).text == "Who: Ann | Where: Bonn\nWho: Ben | Where: Ulm"
        assert word(table(row("Tenant", "Ann"), row("Deposit", "800 EUR"))).text == "Tenant | Ann\nDeposit | 800 EUR"

    def test_deleted_rows_and_cells_are_not_there(self) -> None:
        document = word(
            table(
                row("Service", "Fee", cell("Old", "<w:cellDel w:id='1' w:author='a'/>")),
                row("Pilot", "300 EUR"),
                row("Night", "45 EUR", properties="<w:del w:id='2' w:author='a'/>"),
                row("Crane", "120 EUR"),
            )
        )
        assert document.text == "Service: Pilot | Fee: 300 EUR\nService: Crane | Fee: 120 EUR"
        assert document.remarks == ("tracked changes read as accepted",)

    def test_a_table_that_lays_out_a_page_is_its_paragraphs(self) -> None:
        assert word(table(row("A box. With two sentences."))).text == "A box. With two sentences."
        inner = f"<w:tc>{table(row('Size', 'Price'), row('S', '5'), row('M', '6'))}{paragraph('')}</w:tc>"
        assert word(table(row("Shirts", inner))).text == "Shirts | Size: S | Price: 5\nShirts | Size: M | Price: 6"


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


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


class TestEquations:
    @pytest.mark.parametrize(
        ("equation", "text"),
        [
            (r("F=0.35") + r("\u00d7V+1200"), "F = 0.35 x V + 1200"),
            (f"<m:f><m:num>{r('a+b')}</m:num><m:den>{r('c')}</m:den></m:f>", "(a + b)/c"),
            (f"<m:f><m:num>{r('1')}</m:num><m:den>{r('2n')}</m:den></m:f>", "1/(2n)"),
            (f"<m:sSup><m:e>{r('x')}</m:e><m:sup>{r('2')}</m:sup></m:sSup>{r('-1')}", "x^2 - 1"),
            (f"{r('4.2&#215;')}<m:sSup><m:e>{r('10')}</m:e><m:sup>{r('-9')}</m:sup></m:sSup>", "4.2 x 10^-9"),
            (
                f"<m:sSubSup><m:e>{r('a')}</m:e><m:sub>{r('i')}</m:sub><m:sup>{r('n+1')}</m:sup></m:sSubSup>",
                "a_i^(n + 1)",
            ),
            (f"<m:rad><m:radPr><m:degHide/></m:radPr><m:deg/><m:e>{r('x')}</m:e></m:rad>", "sqrt(x)"),
            (f"<m:rad><m:deg>{r('3')}</m:deg><m:e>{r('x')}</m:e></m:rad>", "root_3(x)"),
            (
                f"<m:nary><m:naryPr><m:chr m:val='\u2211'/></m:naryPr><m:sub>{r('i=1')}</m:sub><m:sup>{r('n')}</m:sup>"
                f"<m:e>{r('i')}</m:e></m:nary>",
                "sum_(i = 1)^n i",
            ),
            (f"<m:d><m:e>{r('a')}</m:e><m:e>{r('b')}</m:e></m:d>", "(a | b)"),
            (
                "<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/></m:dPr><m:e><m:m>"
                + "".join(f"<m:mr><m:e>{r(a)}</m:e><m:e>{r(b)}</m:e></m:mr>" for a, b in ("12", "34"))
                + "</m:m></m:e></m:d>",
                "[1, 2; 3, 4]",
            ),
            (f"<m:func><m:fName>{r('sin')}</m:fName><m:e>{r('2x')}</m:e></m:func>", "sin(2x)"),
        ],
    )
    def test_in_linear_form(self, equation: str, text: str) -> None:
        assert word(paragraph(run("It is ") + f"<m:oMath>{equation}</m:oMath>" + run("."))).text == f"It is {text}."
        assert word(f"<w:p><m:oMathPara><m:oMath>{equation}</m:oMath></m:oMathPara></w:p>").text == text

    def test_an_equation_stands_with_the_sentence_that_announces_it(self) -> None:
        shown = f"<w:p><m:oMathPara><m:oMath>{r('F=0.35V')}</m:oMath></m:oMathPara></w:p>"
        text = word(paragraph(run("It rains. The fee is computed as follows.")) + shown + paragraph(run("Next."))).text
        assert text == "It rains. The fee is computed as follows. F = 0.35V\n\nNext."
        assert [text[a:b] for a, b in sentences(text)][1] == "The fee is computed as follows. F = 0.35V"
        assert word(paragraph(run("It rains.")) + shown).text == "It rains.\n\nF = 0.35V"


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


def pdf(*lines: str, step: int = 100) -> list[str]:
    """The lines that a page is read as, in which bars part what is written in columns."""
    pieces = [
        (72 + step * column, 700 - 16 * number, piece)
        for number, line in enumerate(lines)
        for column, piece in enumerate(line.split("|"))
        if piece
    ]
    return [line for line in read("a.pdf", placed_pdf(pieces)).text.split("\n") if line.strip()]


def wrapped_pdf(*rows: str, at: str, pitch: int = 20) -> list[str]:
    """The lines that a table is read as, in which bars part the cells and slashes the lines of a cell.

    Args:
        at: where the cells of a row stand that have fewer lines than others: at the "top", "middle" or "bottom".
        pitch: points from the last line of a row to the first of the next; the lines of a cell are 12 apart.
    """
    pieces, y = [], 700
    for row in rows:
        cells = [cell.split("/") for cell in row.split("|")]
        most = max(map(len, cells))
        for column, lines in enumerate(cells):
            down = {"top": 0, "middle": 6, "bottom": 12}[at] * (most - len(lines))
            pieces += [(72 + 120 * column, y - down - 12 * n, line) for n, line in enumerate(lines) if line]
        y -= 12 * (most - 1) + pitch
    return [line for line in read("a.pdf", placed_pdf(pieces)).text.split("\n") if line.strip()]


@pytest.mark.parametrize("at", ["top", "middle", "bottom"])
class TestWrappedCells:
    @pytest.mark.parametrize("pitch", [12, 20])
    def test_a_row_of_several_lines_is_one(self, at: str, pitch: int) -> None:
        rows = ["Item|Number|Price", "Steel bolts with/nuts of brass|100|1.50", "Copper wire|20|12.00",
                "Zinc plates for/the roof of/the barn|7|9.99", "Tin cans for/the house|5|0.40"]  # fmt: skip
        assert wrapped_pdf(*rows, at=at, pitch=pitch) == [
            "Item: Steel bolts with nuts of brass | Number: 100 | Price: 1.50",
            "Item: Copper wire | Number: 20 | Price: 12.00",
            "Item: Zinc plates for the roof of the barn | Number: 7 | Price: 9.99",
            "Item: Tin cans for the house | Number: 5 | Price: 0.40",
        ]

    def test_lines_that_begin_with_a_capital(self, at: str) -> None:
        rows = ["Land|People|Area", "North Rhine/Westphalia|18|34", "Baden/Wuerttemberg|11|35", "Hesse|6|21"]
        assert wrapped_pdf(*rows, at=at) == [
            "Land: North Rhine Westphalia | People: 18 | Area: 34",
            "Land: Baden Wuerttemberg | People: 11 | Area: 35",
            "Land: Hesse | People: 6 | Area: 21",
        ]

    def test_cells_of_several_columns(self, at: str) -> None:
        rows = ["No.|Item|Maker|Price", "1|Steel bolts with/nuts of brass|made by the firm/of Ann Roth|1.50",
                "2|Copper wire|Max Ott|12.00", "3|Zinc plates/Annex of the barn|Eva Lang|9.99"]  # fmt: skip
        assert wrapped_pdf(*rows, at=at) == [
            "No.: 1 | Item: Steel bolts with nuts of brass | Maker: made by the firm of Ann Roth | Price: 1.50",
            "No.: 2 | Item: Copper wire | Maker: Max Ott | Price: 12.00",
            "No.: 3 | Item: Zinc plates Annex of the barn | Maker: Eva Lang | Price: 9.99",
        ]

    @pytest.mark.parametrize("pitch", [12, 20])
    @pytest.mark.parametrize("rooms", [("Single with/a bath", "Double", "Single"), ("single", "double", "single")])
    def test_titles_between_rows_stay_titles(self, at: str, pitch: int, rooms: tuple[str, ...]) -> None:
        one, two, three = rooms
        rows = ["Room|Price|Beds", "High season||", f"{one}|90|1", f"{two}|120|2", "Low season||", f"{three}|60|1",
                f"{two}|70|2"]  # fmt: skip
        assert wrapped_pdf(*rows, at=at, pitch=pitch) == [
            f"High season | Room: {one.replace('/', ' ')} | Price: 90 | Beds: 1",
            f"High season | Room: {two} | Price: 120 | Beds: 2",
            f"Low season | Room: {three} | Price: 60 | Beds: 1",
            f"Low season | Room: {two} | Price: 70 | Beds: 2",
        ]

    def test_two_lines_with_figures_of_their_own_are_two_rows(self, at: str) -> None:
        rows = ["Item|Number|Price", "Bolts|2|5.00", "Nuts|1|3.00", "Sum||8.00", "Wire|4|6.00"]
        assert "Item: Sum | Number: | Price: 8.00" in wrapped_pdf(*rows, at=at)


class TestPdf:
    def test_empty_cells_stay_in_their_columns(self) -> None:
        rows = ["Branch|Monday|Tuesday|Wednesday", "Aldgrove||09:00-17:00|10:00-14:00", "Copley|07:30-11:30||closed"]
        assert pdf("The hours of our branches are these.", *rows, "All others are closed on all days.") == [
            "The hours of our branches are these.",
            "Branch: Aldgrove | Monday: | Tuesday: 09:00-17:00 | Wednesday: 10:00-14:00",
            "Branch: Copley | Monday: 07:30-11:30 | Tuesday: | Wednesday: closed",
            "All others are closed on all days.",
        ]

    def test_a_cell_that_stands_once_for_several_rows(self) -> None:
        rows = ["Region|Quarter|Staff", "North|Q1|118", "|Q2|124", "South|Q1|77", "|Q2|81"]
        assert pdf(*rows)[1::2] == [
            "Region: North | Quarter: Q2 | Staff: 124",
            "Region: South | Quarter: Q2 | Staff: 81",
        ]

    @pytest.mark.parametrize("step", [60, 80, 110])
    def test_names_of_groups_that_are_flush_with_their_first_column(self, step: int) -> None:
        rows = ["Depot|Spring||Autumn|", "|In|Out|In|Out", "Kiel|31|28|44|40", "Lyon|7|9|12|15"]
        assert pdf(*rows, step=step)[-2:] == [
            "Depot: Kiel | Spring In: 31 | Spring Out: 28 | Autumn In: 44 | Autumn Out: 40",
            "Depot: Lyon | Spring In: 7 | Spring Out: 9 | Autumn In: 12 | Autumn Out: 15",
        ]

    @pytest.mark.parametrize("step", [60, 80, 100])
    @pytest.mark.parametrize(
        ("heads", "names"),
        [
            (("Land|Sales|Staff|Rent", "|EUR||EUR"), "Land/Sales EUR/Staff/Rent EUR"),
            (("|Sales||Rent", "Land|EUR|Staff|EUR"), "Land/Sales EUR/Staff/Rent EUR"),
            (("|Sales||Rent", "Land|EUR|Staff|USD"), "Land/Sales EUR/Staff/Rent USD"),
            (("Land|Net||Gross", "Name|sales|Staff|sales"), "Land Name/Net sales/Staff/Gross sales"),
            (("Land|Sales|Staff|Rent", "name|EUR||EUR"), "Land name/Sales EUR/Staff/Rent EUR"),
            (("Land||Price in|", "|Staff|EUR|Tax"), "Land/Staff/Price in EUR/Tax"),
            (("Land|Staff|Price in|", "||EUR|Tax"), "Land/Staff/Price in EUR/Tax"),
            (("Land|2023||Staff", "|Q1|Q2|"), "Land/2023 Q1/2023 Q2/Staff"),
            (("Land|Price|Tax|Staff", "|in||and", "|EUR||guests"), "Land/Price in EUR/Tax/Staff and guests"),
        ],
    )
    def test_names_of_which_one_has_an_empty_cell_above_or_below(
        self, heads: tuple[str, ...], names: str, step: int
    ) -> None:
        land, *others = names.split("/")
        said = ["".join(f" | {name}: {cell}" for name, cell in zip(others, row, strict=True)) for row in ("123", "456")]
        rows = pdf(*heads, "Peru|1|2|3", "Cuba|4|5|6", step=step)
        assert rows[-2:] == [f"{land}: Peru{said[0]}", f"{land}: Cuba{said[1]}"]

    @pytest.mark.parametrize("step", [60, 80, 110])
    @pytest.mark.parametrize(
        ("heads", "names"),
        [
            (("Depot|Spring|||Autumn|", "|In|Out|Staff|In|Out"), "Spring In/Spring Out/Staff/Autumn In/Autumn Out"),
            (("Depot|Spring||Staff|Autumn|", "|In|Out||In|Out"), "Spring In/Spring Out/Staff/Autumn In/Autumn Out"),
            (("Depot|Staff|Spring||Autumn|", "||In|Out|In|Out"), "Staff/Spring In/Spring Out/Autumn In/Autumn Out"),
            (("|2023||2024||", "Depot|Bolts|Nuts|Bolts|Screws|Staff"), "2023 Bolts/Nuts/2024 Bolts/Screws/Staff"),
        ],
    )
    def test_a_column_beside_groups_has_its_own_name(self, heads: tuple[str, ...], names: str, step: int) -> None:
        said = "".join(f" | {name}: {cell}" for name, cell in zip(names.split("/"), "12345", strict=True))
        assert pdf(*heads, "Kiel|1|2|3|4|5", "Lyon|6|7|8|9|0", step=step)[-2] == f"Depot: Kiel{said}"

    def test_names_of_groups_that_stand_in_their_middle(self) -> None:
        pieces = [
            (72 + 70 * n, 684, name) for n, name in enumerate(["Depot", "In", "Out", "Sum", "In", "Out", "Staff"])
        ]
        pieces += [(192, 700, "Spring, May"), (386, 700, "Autumn")]
        pieces += [(72 + 70 * n, 668 - 16 * row, f"{row}{n}") for row in range(3) for n in range(7)]
        text = read("a.pdf", placed_pdf(sorted(pieces, key=lambda piece: -piece[1]))).text
        said = "May In: 01 | Spring, May Out: 02 | Spring, May Sum: 03 | Autumn In: 04 | Autumn Out: 05 | Staff: 06"
        assert f"Depot: 00 | Spring, {said}" in text

    def test_a_line_of_other_things_names_nothing(self) -> None:
        rows = ["Item|Number|Price|Tax", "Bolts|2|5.00|1.00", "Nuts|1|3.00|0.60"]
        for above in ("Invoice|||8.00", "Annex 1|||in euros"):
            assert pdf(above, *rows)[-1] == "Item: Nuts | Number: 1 | Price: 3.00 | Tax: 0.60"

    def test_a_row_of_sums_is_of_no_row_above_it(self) -> None:
        rows = ["Item|Number|Price|Total", "Bolts|2|5.00|10.00", "Nuts|1|3.00|3.00", "||Sum|13.00"]
        assert pdf(*rows)[-1] == "Item: | Number: | Price: Sum | Total: 13.00"

    def test_names_and_cells_on_several_lines(self) -> None:
        rows = ["Item|Number|Price in", "||EUR", "Steel bolts|100|1.50", "(with nuts)", "Copper wire|20|12.00"]
        assert pdf(*rows, step=150) == [
            "Item: Steel bolts (with nuts) | Number: 100 | Price in EUR: 1.50",
            "Item: Copper wire | Number: 20 | Price in EUR: 12.00",
        ]

    def test_titles_between_the_rows(self) -> None:
        rows = ["Room|Price|Breakfast", "High season", "Single|90|yes", "Double|120|no", "Low season", "Single|60|no"]
        assert pdf(*rows) == [
            "High season | Room: Single | Price: 90 | Breakfast: yes",
            "High season | Room: Double | Price: 120 | Breakfast: no",
            "Low season | Room: Single | Price: 60 | Breakfast: no",
        ]

    def test_keys_and_values(self) -> None:
        assert pdf("Deposit|800 EUR", "Notice|3 months", "Tenant|Ann Roth") == [
            "Deposit | 800 EUR",
            "Notice | 3 months",
            "Tenant | Ann Roth",
        ]

    def test_prose_in_two_columns_is_no_table(self) -> None:
        rows = [f"the text of the left column goes on {n}|and that of the right column does too {n}" for n in range(6)]
        assert not any(" | " in line for line in pdf(*rows, step=250))


def test_an_answer_says_what_was_left_out_of_its_documents(tmp_path: Path) -> None:
    path = tmp_path / "lease.html"
    path.write_text("<p>The security deposit is <s>500</s> 800 EUR.</p>", encoding="utf-8")
    with Hybrid(load(overrides={}, environ={})) as hybrid:
        answer = hybrid.answer("How much is the security deposit?", path)
    assert answer.text == "The security deposit is 800 EUR. [1]"
    assert answer.notes == ("lease.html: 1 struck-out passage left out.",)


class TestForms:
    def test_a_page_shows_what_is_chosen_and_filled_in(self) -> None:
        page = (
            "<form>Name: <input value='Ann Roth'><input type=hidden value=x> <input type=checkbox checked> urgent<br>"
            "Country: <select><option>Peru<option selected>Chile<option>Cuba</select> (ship to)</form>"
        )
        assert html(page) == ["Name: Ann Roth \u2612 urgent", "Country: Chile (ship to)"]

    @pytest.mark.parametrize(
        ("equation", "text"),
        [
            ("<semantics><mrow><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></mrow>"
             "<annotation encoding='application/x-tex'>E=mc^2</annotation></semantics>", "E = mc^2"),
            ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac>", "(a + b)/c"),
            ("<mn>3</mn><mo>&times;</mo><msup><mn>10</mn><mrow><mo>-</mo><mn>6</mn></mrow></msup>", "3 x 10^-6"),
            ("<munderover><mo>&sum;</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>i</mi>",
             "sum_(i = 1)^n i"),
            ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "sqrt(x + 1)"),
        ],
    )  # fmt: skip
    def test_equations_of_a_page(self, equation: str, text: str) -> None:
        assert html(f"<p>It is <math>{equation}</math>.") == [f"It is {text}."]


@pytest.mark.parametrize(
    "rows",
    [
        "<tr><th>)</th><th></th><th>12</th></tr><tr><td>Year</td></tr>",  # a row shorter than the header
        "<tr><td colspan=2>Year</td></tr><tr><td>12</td><td colspan=3>12</td></tr><tr></tr>",  # an empty one
    ],
)
def test_uneven_rows_are_read(rows: str) -> None:
    text = read("a.html", f"<table>{rows}</table>".encode()).text
    assert "Year" in text
    assert "12" in text


def test_rows_of_any_shape_are_read() -> None:
    rng = random.Random(4)
    for _ in range(400):
        rows = []
        for _ in range(rng.randint(1, 6)):
            cells = (
                f"<{tag} colspan={rng.choice((1, 1, 1, 0, 3))} rowspan={rng.choice((1, 1, 1, 0, 2))}>{inner}</{tag}>"
                for tag, inner in zip(
                    rng.choices(("td", "td", "th"), k=rng.randint(0, 5)),
                    rng.choices(("", "x", "12", "$"), k=5),
                    strict=False,
                )
            )
            rows.append(f"<tr>{''.join(cells)}</tr>")
        read("a.html", f"<p>before</p><table>{''.join(rows)}</table>".encode())
