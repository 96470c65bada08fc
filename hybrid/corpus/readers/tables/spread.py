"""Cells that span several columns or rows, laid out in the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.corpus.readers.tables.grid import Grid

_WIDEST = 1000  # columns; a page may claim any number


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is written: its text with single blanks and how much of the grid it takes."""

    text: str
    across: int = 1
    down: int = 1
    head: bool = False  # whether it names a column or a row


def spread(rows: Sequence[Sequence[Cell]], heads: Sequence[bool] = ()) -> tuple[Grid, list[list[int | None]]]:
    """The grid of a table, and for each place in it the number of the row's cell that begins there, None elsewhere.

    `heads` says for each row whether it is known to name the columns.
    """
    grid = Grid()
    own: list[list[int | None]] = []
    width = min(_WIDEST, max((sum(cell.across for cell in row) for row in rows), default=0))
    above: dict[int, tuple[Cell, int, bool]] = {}  # by column: cell, rows still to fill, whether it began further left
    for number, row in enumerate(rows):
        texts: list[str] = []
        places: list[int | None] = []
        waiting = list(enumerate(row))[::-1]
        marks: list[Cell] = []
        while (waiting or len(texts) in above) and len(texts) < _WIDEST:
            at = len(texts)
            if at in above:
                cell, left, inner = above.pop(at)
                if left > 1:
                    above[at] = (cell, left - 1, inner)
                texts.append(cell.text)
                places.append(None)
                marks.append(cell)
                grid.downs.add((number, at))
                if inner:
                    grid.copies.add((number, at))
                continue
            index, cell = waiting.pop()
            for step in range(max(1, cell.across)):
                if len(texts) >= _WIDEST or (step and len(texts) in above):
                    break
                at = len(texts)
                texts.append(cell.text)
                places.append(None if step else index)
                marks.append(cell)
                if step:
                    grid.copies.add((number, at))
                if cell.down > 1:
                    above[at] = (cell, cell.down - 1, step > 0)
        grid.rows.append(texts)
        own.append(places)
        filled = [cell for cell in row if cell.text]
        if len(row) == 1 and row[0].across > 1 and row[0].across >= width and row[0].text:
            grid.whole.add(number)
        elif (number < len(heads) and heads[number]) or (len(marks) > 1 and filled and all(c.head for c in filled)):
            grid.heads.add(number)
    return grid, own
