"""Tables of PDFs: every row with the names of its columns, every cell in its own."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.read import read
from tests.corpus.pdfs import placed_pdf


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
