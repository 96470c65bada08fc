"""Runs of a PDF's page: raised figures, columns, text from the right."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.pdf.pages import plain
from hybrid.corpus.readers.pdf.runs import Run, from_the_right, in_columns, pieces_from_the_right, with_raised
from hybrid.corpus.readers.read import read
from tests.corpus.pdfs import placed_pdf


def said(runs: list[Run]) -> str:
    return "".join(run.text for run in runs)


def drawn(*runs: tuple[str, float, float, float]) -> list[Run]:
    """Runs of some text, place from the left, height and size."""
    return [Run(text, x, y, size, 0.0) for text, x, y, size in runs]


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        (
            (("holds 4.2 x 10\n", 72, 760, 11), ("9\n", 150, 765, 7), ("litres now.\n", 157, 760, 11)),
            "10^9 litres now.\n",
        ),
        ((("The field is x", 72, 700, 10), ("2", 142, 704, 7), (" + 1.", 146, 700, 10)), "x^2 + 1."),
        ((("3 x 10", 72, 700, 10), ("-5", 102, 704, 7), (" mol", 110, 700, 10)), "10^-5 mol"),
        ((("weighs 42 tonnes", 72, 700, 10), ("1", 152, 704, 6), (" in all", 156, 700, 10)), "tonnes^1 in all"),
        ((("The gas is CO", 72, 700, 10), ("2", 137, 697, 7), (" only.", 141, 700, 10)), "CO2 only."),
        ((("the 3", 72, 700, 10), ("rd", 97, 704, 7), (" floor", 106, 700, 10)), "3rd floor"),
        (
            (("Title\n", 72, 700, 18), ("A small line 12\n", 72, 680, 9), ("7\n", 72, 668, 9)),
            "Title\nA small line 12\n7\n",
        ),
        ((("Total 12\n", 72, 700, 10), ("3\n", 72, 690, 8)), "Total 12\n3\n"),  # the next line, in small print
        ((("one half 1", 72, 700, 10), (" 2", 130, 704, 7)), "one half 1 2"),
    ],
)
def test_raised_and_lowered(runs: tuple[tuple[str, float, float, float], ...], text: str) -> None:
    assert said(with_raised(drawn(*runs))).endswith(text)


def test_a_rise_of_the_text_itself() -> None:
    runs = [Run("is 3.1 x 10", 60, 780, 12, 0), Run("14", 60, 780, 7, 5), Run(" km", 60, 780, 12, 0)]
    assert said(with_raised(runs)) == "is 3.1 x 10^14 km"


def test_a_file_with_raised_figures() -> None:
    data = placed_pdf([(72, 700, "The dam holds 4.2 x 10"), (176, 704, "9"), (183, 700, "litres of water.")])
    small = data.replace(b"/F1 10 Tf 176 704", b"/F1 06 Tf 176 704")
    assert small != data
    assert read("a.pdf", small).text.split("\n")[0] == "The dam holds 4.2 x 10^9 litres of water."


LEFT = [
    "The regatta takes place on the", "third Sunday of August. All", "members of the club are asked to",
    "bring their own oars and a cake", "for the buffet that opens at noon", "in the boathouse by the lake.",
]  # fmt: skip
RIGHT = [
    "The roof was repaired in spring", "by the firm of a former member.", "the total cost was 8,450 euros",
    "and it was paid out of the large", "reserve fund of the club. A well", "known architect advised us.",
]  # fmt: skip


def lines_of(*columns: list[str], x: tuple[int, ...] = (60, 320, 460)) -> list[tuple[int, int, str]]:
    rows = zip(*columns, strict=True)
    return [(x[j], 700 - 14 * i, cell) for i, row in enumerate(rows) for j, cell in enumerate(row) if cell]


def test_columns_that_are_drawn_line_by_line_are_read_one_after_the_other() -> None:
    title = [(60, 760, "Newsletter of the rowing club on the lake of this town, number four")]
    note = [(60, 560, "Printed by the club for its members and for nobody else in the world.")]
    text = read("a.pdf", placed_pdf(title + lines_of(LEFT, RIGHT) + note)).text
    assert text.split() == " ".join([title[0][2], *LEFT, *RIGHT, note[0][2]]).split()


def test_three_columns() -> None:
    third = [
        "Dogs are allowed on the jetty", "if they are on a leash and do", "not bark at the ducks that nest",
        "there from march to june; the", "fine is twenty euros for each", "dog and each day of the year.",
    ]  # fmt: skip
    columns = lines_of(LEFT, RIGHT, third, x=(40, 230, 420))
    assert read("a.pdf", placed_pdf(columns)).text.split() == " ".join([*LEFT, *RIGHT, *third]).split()


def test_the_rows_of_a_table_stay_rows() -> None:
    cells = [["North ferry", "South ferry", "Island", "Canal", "Lake"], ["12.00", "9.50", "21.00", "3.00", "8.00"]]
    lines = read("a.pdf", placed_pdf(lines_of(*cells))).text
    for name, price in zip(*cells, strict=True):
        assert any(name in line and price in line for line in lines.splitlines())


def test_a_table_with_long_cells_stays_rows() -> None:
    names = ["Cleaning the boats", "Paint the fence", "Mowing all the lawns", "Order new oars", "Repair a jetty"]
    told = [f"Is done by the group of {name} every week" for name in ("Ada", "Ben", "Cem", "Dora", "Edo")]
    lines = [line for line in read("a.pdf", placed_pdf(lines_of(names, told))).text.splitlines() if line.strip()]
    assert [line.split()[0] for line in lines[:5]] == [name.split()[0] for name in names]


def test_columns_that_are_drawn_one_after_the_other_are_left() -> None:
    both = [
        (f"{text}\n", x, 700.0 - 14 * i, 10.0)
        for x, own in ((60.0, LEFT), (320.0, RIGHT))
        for i, text in enumerate(own)
    ]
    runs = drawn(*both)
    assert in_columns(runs) is runs


STREET, HERZL = "\u05d1\u05e8\u05d7\u05d5\u05d1", "\u05d4\u05e8\u05e6\u05dc"  # "in the street", "Herzl"


def test_text_from_the_right() -> None:
    runs = drawn((f" {STREET}", 60, 700, 12), ("17", 130, 700, 12), (" ", 150, 700, 12), (HERZL, 150, 700, 12))
    assert said(from_the_right([*runs, Run("\n", 0, 0, 12, 0)])) == f"{HERZL} 17 {STREET}\n"
    runs = drawn(
        (f"{STREET} {HERZL} ", 60, 700, 12), ("Think", 100, 700, 12), ("Pad", 130, 700, 12), (" " + HERZL, 160, 700, 12)
    )
    assert said(from_the_right(runs)) == f" {HERZL}ThinkPad{STREET} {HERZL} "


def test_pieces_of_a_layout_from_the_right() -> None:
    seen = f"1.50   (2) {HERZL[::-1]} 17.5 ThinkPad {STREET[::-1]}   Total"
    assert pieces_from_the_right(seen) == f"1.50   {STREET} ThinkPad 17.5 {HERZL} (2)   Total"
    assert pieces_from_the_right("(a)  b") == "(a)  b"


def test_numbers_alone_go_with_the_line_before() -> None:
    runs = drawn(
        ("\u05d1\u05d9\u05d5\u05dd", 60, 700, 12), ("\n", 0, 0, 12), (".", 8, 680, 12), ("31.12.2026", 12, 680, 12)
    )
    assert said(from_the_right(runs)).endswith("31.12.2026.")


def test_english_is_as_it_was() -> None:
    runs = drawn(("One ", 60, 700, 12), ("two\n", 90, 700, 12), ("three", 60, 680, 12))
    assert from_the_right(runs) == runs


def test_arabic_letters_are_letters() -> None:
    assert plain("\ufecb\ufed8\ufeaa") == "\u0639\u0642\u062f"
