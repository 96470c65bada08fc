"""The grid of a table: pairs, titles, and names over several rows."""

from __future__ import annotations

from hybrid.corpus.readers.tables.grid import Grid


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
