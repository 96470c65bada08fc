"""Tables of web pages."""

from __future__ import annotations

import random
import time

import pytest

from hybrid.corpus.readers.read import read
from tests.corpus.documents import html


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
