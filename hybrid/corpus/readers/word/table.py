"""A table of a Word file: its cells in their columns, told row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hybrid.corpus.readers.tables.spread import Cell, spread
from hybrid.text.sentences import CELLS

_PROSE = 400  # characters of a cell that lays out a page rather than holding a value
_KEY = 60  # most characters of the cell that names the row around an inner table


@dataclass(slots=True)
class WordCell:
    """A cell as it is written."""

    across: int = 1
    goes_on: bool = False  # with the cell above it
    bold: bool = True  # whether all of its text is
    blocks: list[tuple[int, str | int]] = field(default_factory=list)  # heading level and text, or which inner table
    inner: list[list[WordRow]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(" ".join(text for _, text in self.blocks if isinstance(text, str)).split())


@dataclass(slots=True)
class WordRow:
    """A row, and whether every page repeats it as one that names the columns."""

    cells: list[WordCell]
    head: bool = False


def told(rows: Sequence[WordRow]) -> Iterator[tuple[int, str]]:
    """Heading level and text: lines of rows, or paragraphs where a table only lays out a page."""
    texts = _cells(rows)
    grid, _ = spread(texts, [row.head for row in rows])
    if grid.heads != {0} and not grid.heads and len(rows) > 1 and _is_bold(rows[0]) and not _is_bold(rows[1]):
        grid.heads = {0}
    if grid.heads == {0}:
        grid.heads = set(range(grid.depth()))
    prose = set() if grid.heads else {at for at, row in enumerate(rows) if _is_prose(row)}
    for number in prose:
        grid.rows[number] = []
    lines: dict[int, list[str]] = {}
    for line in grid.lines():
        lines.setdefault(line.row, []).append(line.text)
    waiting: list[str] = []
    for number, row in enumerate(rows):
        if number not in prose:
            inner = any(cell.inner for cell in row.cells)
            if grid.heads or not inner or sum(bool(cell.text) for cell in row.cells) > 1:  # else it is only the key
                waiting += lines.get(number, [])
            key = next((cell.text for cell in row.cells if 0 < len(cell.text) <= _KEY), "")
            for text in (text for cell in row.cells for table in cell.inner for _, text in told(table)):
                waiting += [f"{key}{CELLS}{line}" if key else line for line in text.split("\n")]
            continue
        if waiting:
            yield 0, "\n".join(waiting)
            waiting = []
        for cell in row.cells:
            for level, block in cell.blocks:
                if isinstance(block, int):
                    yield from told(cell.inner[block])
                else:
                    yield level, block
    if waiting:
        yield 0, "\n".join(waiting)


def _cells(rows: Sequence[WordRow]) -> list[list[Cell]]:
    """The cells with their heights: Word only marks each cell that goes on from above."""
    found: list[list[Cell]] = []
    above: dict[int, list[int]] = {}  # by column: row and place of the cell that may go on
    for number, row in enumerate(rows):
        own: list[Cell] = []
        column = 0
        for cell in row.cells:
            if cell.goes_on and column in above:
                at, place = above[column]
                begun = found[at][place]
                if begun.down == number - at:
                    found[at][place] = Cell(begun.text, begun.across, begun.down + 1)
                    column += cell.across
                    continue
            above[column] = [number, len(own)]
            own.append(Cell(cell.text, cell.across))
            column += cell.across
        found.append(own)
    return found


def _is_bold(row: WordRow) -> bool:
    filled = [cell for cell in row.cells if cell.blocks]
    return len(filled) > 1 and all(cell.bold for cell in filled)


def _is_prose(row: WordRow) -> bool:
    """Whether a row lays out a page: it is one cell, or has headings or very much text."""
    filled = [cell for cell in row.cells if cell.blocks]
    if len(filled) < 2:
        return len(row.cells) < 2 and not (row.cells and row.cells[0].across > 1)
    return any(len(cell.text) > _PROSE or any(level for level, _ in cell.blocks) for cell in filled)
