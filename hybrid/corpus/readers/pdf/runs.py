"""The text of a PDF page from its runs: raised and lowered figures kept apart, columns one after the other.

pypdf gives runs: some text, where it begins, and the size of its letters. They come as the file draws them, mostly in
the order of reading. But raised figures look like part of the number before them, and a file that draws line by line
across columns mixes their sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

_SHOWS = frozenset((b"Tj", b"TJ", b"'", b'"'))
_SMALL = 0.86  # of the letters beside it: the largest raised or lowered letter
_RAISED, _LOWERED = 0.12, -0.06  # of the letters' size, above or below their line
_SAME_LINE = 0.75  # of the letters' size: the farthest from their line
_WIDTH = 0.5  # of its size: about the width of a letter
_FIGURE = re.compile(r"[-\u2212+\u2013]?\d[\d.,]*|[*\u2020\u2021\u00a7]")
_EDGE = 4.0  # points by which the left edge of a column may vary
_LINES = 4  # in a row make columns
_WORDS, _GOES_ON = 3.2, 0.3  # least words a line, and share of lines in lower case, of each column of prose
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_READ_FROM_LEFT = re.compile(r"[^\W\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+(?:[.,:/-]\w+)*")
_MIRRORED = str.maketrans("()[]", ")(][")
PIECE = re.compile(r"\S+(?: \S+)*")  # of a line of a layout: more than one blank parts two
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u052f]")


@dataclass(frozen=True, slots=True)
class Run:
    """Some text of a page."""

    text: str  # with the line break that ends it, if there is one
    x: float  # points, of its beginning
    y: float
    size: float
    rise: float  # above its line, as the file says

    @property
    def words(self) -> str:
        return self.text.strip()

    @property
    def end(self) -> float:
        """About where it ends."""
        return self.x + _WIDTH * self.size * len(self.words)


def page_text(page: Any) -> tuple[str, bool]:
    """The text of a page in the order of reading, and whether it has columns of prose."""
    found: list[Run] = []
    rise, shown = 0.0, 0.0

    def before(operator: bytes, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        nonlocal rise, shown
        if operator == b"Ts" and operands:
            rise = float(operands[0])
        elif operator in _SHOWS:
            shown = rise

    def take(text: str, cm: Any, tm: Any, font: Any, size: float) -> None:
        if text:
            x = float(tm[4]) * float(cm[0]) + float(tm[5]) * float(cm[2]) + float(cm[4])
            y = float(tm[4]) * float(cm[1]) + float(tm[5]) * float(cm[3]) + float(cm[5])
            scale = (abs(float(tm[3])) or abs(float(tm[1])) or 1.0) * (abs(float(cm[3])) or abs(float(cm[1])) or 1.0)
            found.append(Run(text, x, y, float(size) * scale, shown))

    text: str = page.extract_text(visitor_text=take, visitor_operand_before=before)
    if "".join(run.text for run in found) != text:
        return text, False
    if _RIGHT_TO_LEFT.search(text):
        found = from_the_right(found)
    lines = with_raised(found)
    read = in_columns(lines)
    return "".join(run.text for run in read), read is not lines


def with_raised(runs: Sequence[Run]) -> list[Run]:
    """The runs with raised figures as "^9" and lowered ones in their word, on their line."""
    found: list[Run] = []
    line: Run | None = None  # the last run of normal letters
    small: Run | None = None  # the last raised or lowered one since
    ended = False  # whether a line break was taken away since
    for run in runs:
        if not run.words:
            found.append(run)
            continue
        if line is not None and (shift := _shift(line, small or line, run)):
            is_figure = _FIGURE.fullmatch(run.text.strip("\n")) is not None
            mark = "^" if shift > 0 and is_figure and _can_be_raised(found, small) else ""
            _end_of_line(found)
            found.append(replace(run, text=mark + run.text.strip("\n")))
            small, ended = run, ended or run.text.endswith("\n")
            continue
        if line is not None and small is not None and _same_line(line, run) and run.x > small.x:
            ends = _end_of_line(found)
            gap = run.x - small.end
            apart = found[-1].text[-1:].isspace() or run.text[:1].isspace() or not run.text[:1].isalnum()
            blank = "" if apart or (gap < 0.15 * line.size and not ends) else " "
            found.append(replace(run, text=blank + run.text))
        else:
            if ended and not found[-1].text.endswith("\n"):
                found[-1] = replace(found[-1], text=found[-1].text + "\n")
            found.append(run)
        line, small, ended = run, None, False
    return found


def _shift(line: Run, last: Run, run: Run) -> float:
    """How far a run is raised (or lowered) beside another one, in points; 0 where it is not."""
    if run.size > _SMALL * line.size or len(run.words) > 12 or run.x < last.x or "\n" in run.words:
        return 0.0
    shift = run.y + run.rise - line.y - line.rise
    if abs(shift) > _SAME_LINE * line.size or run.x > line.end + 6 * line.size:
        return 0.0
    return shift if shift > _RAISED * line.size or shift < _LOWERED * line.size else 0.0


def _same_line(line: Run, run: Run) -> bool:
    return abs(run.y - line.y) < 0.3 * line.size


def _can_be_raised(found: Sequence[Run], small: Run | None) -> bool:
    """Whether a figure stands right behind a word or a number, and is the first raised one there."""
    before = "".join(run.text for run in found[-2:] if run.words).rstrip("\n")
    return small is None and (before[-1:].isalnum() or before[-1:] in ")]%\u00b5\u03bc.,;:\"'\u201d")


def _end_of_line(found: list[Run]) -> bool:
    """Takes the line break and blank runs from the end; whether there was a line break."""
    taken = False
    while found and not found[-1].text.strip(" \n"):
        taken = taken or "\n" in found[-1].text
        found.pop()
    if found and found[-1].text.endswith("\n"):
        found[-1] = replace(found[-1], text=found[-1].text.rstrip("\n"))
        return True
    return taken


# -- right to left -----------------------------------------------------------------------------------------------------


def from_the_right(runs: Sequence[Run]) -> list[Run]:
    """The runs of Hebrew and Arabic lines from the right, numbers and Latin words in their own order.

    pypdf gives the letters within a run in the order of reading, but the runs as they are drawn, from the left.
    """
    found: list[Run] = []
    before = False  # whether the line before is read from the right
    for line in _lines(runs):
        text = "".join(run.text for run in line)
        ours, others = len(_RIGHT_TO_LEFT.findall(text)), len(_LATIN.findall(text))
        before = ours > others or (before and not others)  # numbers alone go with their sentence
        if not before or len(line) < 2:
            found += line
            continue
        drawn = sorted(enumerate(run for run in line if run.text.strip("\n")), key=lambda pair: (-pair[1].x, -pair[0]))
        ordered = _from_the_left_again([run for _, run in drawn])
        bare = [replace(run, text=run.text.strip("\n")) for run in ordered]
        if "\n" in text and bare:
            bare[-1] = replace(bare[-1], text=f"{bare[-1].text}\n")
        found += bare
    return found


def _from_the_left_again(runs: Sequence[Run]) -> list[Run]:
    """Runs from the right, with Latin neighbours turned back."""
    found: list[Run] = []
    for is_latin, group in groupby(runs, key=lambda run: _LATIN.search(run.text) is not None):
        neighbours = list(group)
        found += reversed(neighbours) if is_latin else neighbours
    return found


def pieces_from_the_right(layout: str) -> str:
    """A layout with the letters of Hebrew and Arabic in the order of reading instead of from the left.

    Each piece stays at its place, numbers and Latin words in it stay as they are.
    """
    if not _RIGHT_TO_LEFT.search(layout):
        return layout
    return PIECE.sub(lambda piece: _turned(piece[0]) if _RIGHT_TO_LEFT.search(piece[0]) else piece[0], layout)


def _turned(piece: str) -> str:
    return _READ_FROM_LEFT.sub(lambda run: run[0][::-1], piece[::-1]).translate(_MIRRORED)


# -- columns -----------------------------------------------------------------------------------------------------------


def in_columns(runs: list[Run]) -> list[Run]:
    """The runs with columns of prose one after the other, the same list where there are none.

    Rows of a table stay as they are: their cells are short, or do not go on from one line to the next.
    """
    lines = _lines(runs)
    found: list[Run] = []
    at, moved = 0, False
    while at < len(lines):
        edges, stop = _band(lines, at)
        if len(edges) < 2 or not _is_prose(lines[at:stop], edges):
            found += lines[at]
            at += 1
            continue
        for column, (begin, end) in enumerate(_between(edges)):
            for line in lines[at:stop]:
                found += _ended([run for run in line if (begin <= run.x or not column) and run.x < end])
        at, moved = stop, True
    return found if moved else runs


def _lines(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that follow each other at one height."""
    found: list[list[Run]] = []
    for run in runs:
        last = next((other for other in reversed(found[-1]) if other.words), None) if found else None
        if last is None or not run.words or (_same_line(last, run) or run.text.startswith("^")):
            found[-1].append(run) if found else found.append([run])
        else:
            found.append([run])
    return found


def _band(lines: Sequence[Sequence[Run]], begin: int) -> tuple[list[float], int]:
    """The left edges of the cells of a line, and where the lines with the same edges end."""
    edges = _edges(lines[begin])
    stop = begin + 1
    while len(edges) > 1 and stop < len(lines):
        own = _edges(lines[stop])
        known = [any(abs(edge - other) <= _EDGE for other in edges) for edge in own]
        lower = _height(lines[stop]) < _height(lines[stop - 1])
        if not own or not all(known) or not lower or _reaches_over(lines[stop], edges):
            break
        stop += 1
    return edges, stop


def _edges(line: Sequence[Run]) -> list[float]:
    """Where the cells of a line begin: at its first run, and behind gaps of two letters and more."""
    found: list[float] = []
    end = 0.0
    for run in (run for run in line if run.words):
        if not found or run.x > end + 1.2 * run.size:
            found.append(run.x)
        elif run.x < found[-1]:  # drawn from right to left, or over each other
            return []
        end = max(end, run.end)
    return found


def _height(line: Sequence[Run]) -> float:
    return next((run.y for run in line if run.words), 0.0)


def _reaches_over(line: Sequence[Run], edges: Sequence[float]) -> bool:
    """Whether a cell reaches into the next column, as a title over all of them does."""
    return any(
        run.x < edge - _EDGE and run.end > edge + 4 * run.size for run in line for edge in edges[1:] if run.words
    )


def _between(edges: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Where the runs of each column begin, in points: from the first number up to the second."""
    return pairwise([*(edge - _EDGE for edge in edges), float("inf")])


def _is_prose(lines: Sequence[Sequence[Run]], edges: Sequence[float]) -> bool:
    if len(lines) < _LINES:
        return False
    for begin, end in _between(edges):
        cells = [" ".join(run.words for run in line if begin <= run.x < end) for line in lines]
        filled = [cell for cell in cells if cell]
        words = sum(len(cell.split()) for cell in filled)
        goes_on = sum(cell[0].islower() for cell in filled[1:])
        if len(filled) < _LINES or words < _WORDS * len(filled) or goes_on < _GOES_ON * len(filled):
            return False
    return True


def _ended(cell: Sequence[Run]) -> list[Run]:
    """The runs of a cell as a line of their own."""
    if not any(run.words for run in cell):
        return []
    last = cell[-1]
    return [*cell[:-1], last if last.text.endswith("\n") else replace(last, text=f"{last.text}\n")]
