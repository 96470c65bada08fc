"""Tables of Word files."""

from __future__ import annotations

from tests.corpus.word_files import cell, paragraph, row, table, word


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
