"""CSV: every row with the names of its columns, every cell in its own."""

from __future__ import annotations

import time

import pytest

from hybrid.corpus.readers.read import read, read_text
from hybrid.corpus.readers.tables.grid import LINE
from hybrid.text.sentences import sentences
from tests.corpus.documents import csv


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
