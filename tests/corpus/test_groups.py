"""Columns whose names stand in two rows, the first with the names of groups: in CSV files and in workbooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import docx
import openpyxl
import pytest

from hybrid.corpus.readers.read import read
from tests.corpus.files import saved

Rows = Sequence[Sequence[str]]


def as_csv(rows: Rows) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return read("a.csv", out.getvalue().encode()).text


def as_workbook(rows: Rows, *, merged: bool = False) -> str:
    """The text of a workbook, where asked with each name of the first row over the empty cells behind it."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([int(cell) if cell.isdigit() else cell or None for cell in row])
    starts = [at for at, name in enumerate(rows[0], 1) if name and rows[1][at - 1]] if merged else []
    for start in starts:
        end = start
        while end < len(rows[0]) and not rows[0][end] and rows[1][end]:
            end += 1
        book.active.merge_cells(start_row=1, end_row=1, start_column=start, end_column=end)
    return read("a.xlsx", saved(book)).text.removeprefix("Sheet\n\n")


def rows_of(text: str) -> Rows:
    return [line.split(",") for line in text.split("\n")]


NAMED = [
    (",2023,,2024,\nRegion,Q1,Q2,Q1,Q2\nNorth,1,2,3,4\nSouth,5,6,7,8",
     "Region: South | 2023 Q1: 5 | 2023 Q2: 6 | 2024 Q1: 7 | 2024 Q2: 8"),
    ("Region,2023,,2024,\n,Q1,Q2,Q1,Q2\nNorth,1,2,3,4\nSouth,5,6,7,8",
     "Region: South | 2023 Q1: 5 | 2023 Q2: 6 | 2024 Q1: 7 | 2024 Q2: 8"),
    ("Region,,Plan,,,Actual,,\n,City,Q1,Q2,Sum,Q1,Q2,Sum\nNorth,Kiel,1,2,3,4,5,9\nSouth,Lyon,6,7,13,8,9,17",
     "Region: South | City: Lyon | Plan Q1: 6 | Plan Q2: 7 | Plan Sum: 13 | Actual Q1: 8 | Actual Q2: 9 | "
     "Actual Sum: 17"),
    (",Plan,,Actual,\nRegion,2023,2024,2023,2024\nNorth,1,2,3,4\nSouth,5,6,7,8",
     "Region: South | Plan 2023: 5 | Plan 2024: 6 | Actual 2023: 7 | Actual 2024: 8"),
    ("Tide,,Wind,\nMin,Max,Min,Max\n1,2,3,4\n5,6,7,8", "Tide Min: 5 | Tide Max: 6 | Wind Min: 7 | Wind Max: 8"),
    (",Contact,,Address,\nName,Phone,E-mail,City,Street\nAda,Sam,a@b.de,Kiel,Weg\nBen,Tom,b@b.de,Lyon,Rue",
     "Name: Ben | Contact Phone: Tom | Contact E-mail: b@b.de | Address City: Lyon | Address Street: Rue"),
    (",2023,,2024,,Total\nRegion,Q1,Q2,Q1,Q2,\nNorth,1,2,3,4,10\nSouth,5,6,7,8,26",
     "Region: South | 2023 Q1: 5 | 2023 Q2: 6 | 2024 Q1: 7 | 2024 Q2: 8 | Total: 26"),
    (",2023,2024\n,marks,crowns\nNorth,1,2\nSouth,5,6", "South | 2023 marks: 5 | 2024 crowns: 6"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "last"), NAMED)
def test_every_figure_carries_both_names(text: str, last: str) -> None:
    assert as_csv(rows_of(text)).split("\n")[-1] == last
    assert as_workbook(rows_of(text)).split("\n")[-1] == last
    assert as_workbook(rows_of(text), merged=True).split("\n")[-1] == last


def test_a_column_behind_the_last_group_is_not_of_it() -> None:
    rows = rows_of(",2023,,2024,,\nRegion,Q1,Q2,Q1,Q2,Note\nNorth,1,2,3,4,new\nSouth,5,6,7,8,old")
    last = "Region: South | 2023 Q1: 5 | 2023 Q2: 6 | 2024 Q1: 7 | 2024 Q2: 8 | Note: old"
    assert as_csv(rows).split("\n")[-1] == last
    assert as_workbook(rows).split("\n")[-1] == last
    rows = rows_of(",Good,Fair,Poor,\nBike,Gears,Brakes,Seat,Overall\nHybrid,1,2,3,4\nRoad,5,6,7,8")
    last = "Bike: Road | Good Gears: 5 | Fair Brakes: 6 | Poor Seat: 7 | Overall: 8"
    assert as_csv(rows).split("\n")[-1] == last
    assert as_workbook(rows).split("\n")[-1] == last


def test_a_form_whose_cells_go_over_several_rows_has_no_names_of_columns() -> None:
    document = docx.Document()
    table = document.add_table(4, 3)
    texts = (
        ("01 - Surname in full", "", "Photo here"),
        ("02 - Birth city", "03 - Birth date", ""),
        ("04 - Citizen of", "05 - Sex", "06 - Status"),
        ("07 - Passport", "08 - Issued by", "09 - Expires"),
    )
    for at, row in enumerate(texts):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(0, 2).merge(table.cell(1, 2))
    assert "02 - Birth city | 03 - Birth date" in read("a.docx", saved(document)).text


DATA = [
    ("Name,,City,\nAda,Roth,Kiel,North\nBen,Ott,Lyon,South", "Name: Ada | Roth | City: Kiel | North"),
    ("Region,,Q1,Q2\nNorth,Kiel,closed,closed\nSouth,Lyon,3,4\nWest,Ulm,5,6",
     "Region: North | Kiel | Q1: closed | Q2: closed"),
    (",Item,,Price\n1,Crane,x,40\n2,Boat,y,50", "1 | Item: Crane | x | Price: 40"),
    ("Depot,Open,,Shut,\nNorth,low,high,low,high\nSouth,low,low,high,low",
     "Depot: North | Open: low | high | Shut: low | high"),
    ("Depot,Open,,Shut,\nNorth,n/a,n/a,n/a,n/a\nSouth,1,2,3,4", "Depot: North | Open: n/a | n/a | Shut: n/a | n/a"),
    (",Jan,Feb\nPlan,1,2\nReal,3,4", "Plan | Jan: 1 | Feb: 2"),
    ("Year,,Values,,\n2005,,2006,,\nItem,Cost,Gain,Cost,Gain\nBooks,5,6,7,8\nMusic,1,2,3,4",
     "Item | Cost | Gain | Cost | Gain"),
    (",Start,,End\nKiel,2020,x,2021\nLyon,2019,y,2022\nUlm,2018,z,2023", "Kiel | Start: 2020 | x | End: 2021"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "first"), DATA)
def test_a_second_row_that_is_data_stays_data(text: str, first: str) -> None:
    assert first in as_csv(rows_of(text)).split("\n")
    assert first in as_workbook(rows_of(text)).split("\n")
