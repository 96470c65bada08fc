"""Tables of a PDF that go on over a page break: only the margins of the pages stand between their rows.

Rows are joined where they end one page and begin the next, in equally many columns, with a gap between the columns in
every row. Margins (titles, page numbers) move before or behind the table, within their page. Every row stays on its
page, and so does a repeated head: a passage has one page, and needs the head for the names of its columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybrid.corpus.readers.pdf.runs import PIECE

_EDGE = 3  # lines of a margin at most
_NUMBER = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(r"\W*(?:page\W*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/)\s*\d{1,4})?\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line on the page."""

    text: str  # with single blanks
    cells: list[tuple[int, int]]  # where each begins and ends


@dataclass(frozen=True, slots=True)
class _Page:
    """The lines of a page."""

    margin: list[_Line]
    body: list[_Line]


def join_tables(texts: Sequence[str], layout: Callable[[int], str]) -> list[str]:
    """The texts of pages, with the rows of a table next to each other over page breaks; see `name_columns`."""
    if len(texts) < 2:
        return list(texts)
    pages = _pages([layout(number) for number in range(len(texts))])
    bare = [_without(text, page.margin) for text, page in zip(texts, pages, strict=True)]
    goes_on = [
        _rows(above.body[::-1]) > 1
        and _rows(below.body) > 0
        and len(above.body[-1].cells) == len(below.body[0].cells)
        and _ends(one, above.body[-1], last=True)
        and _ends(other, below.body[0])
        for (above, below), (one, other) in zip(pairwise(pages), pairwise(bare), strict=True)
    ]
    found = list(texts)
    for number, (before, after) in enumerate(zip([False, *goes_on], [*goes_on, False], strict=True)):
        if before or after:
            margin = [line.text for line in pages[number].margin]  # moves before or behind the table
            found[number] = "\n".join([*([] if before else margin), *bare[number], *([] if after else margin)])
    return found


def _pages(layouts: Sequence[str]) -> list[_Page]:
    """The pages; a margin is like those of the pages beside it."""
    seen = [
        [
            _Line(_squeezed(line), [cell.span() for cell in PIECE.finditer(line)])
            for line in text.split("\n")
            if line.strip()
        ]
        for text in layouts
    ]
    pages = []
    for number, lines in enumerate(seen):
        near = [seen[other] for other in (number - 1, number + 1) if 0 <= other < len(seen)]
        top = _running(lines, [line for other in near for line in other[:_EDGE]])
        while top and _rows(lines[top - 1 :]) > 1:  # the head of a table that goes on over several pages
            top -= 1
        bottom = _running(lines[top:][::-1], [line for other in near for line in other[-_EDGE:]])
        stop = len(lines) - bottom
        pages.append(_Page(lines[:top] + lines[stop:], lines[top:stop]))
    return pages


def _running(lines: Sequence[_Line], near: Sequence[_Line]) -> int:
    """How many of the first lines are page numbers, or stand at the same edge of a page beside this one."""
    count = 0
    for line in lines[:_EDGE]:
        if not _PAGE_NUMBER.fullmatch(line.text) and not any(_same(line.text, other.text) for other in near):
            break
        count += 1
    return count


def _same(line: str, other: str) -> bool:
    """Whether two lines are the same except for a page number that is one higher or lower."""
    if _NUMBER.sub("0", line) != _NUMBER.sub("0", other):
        return False
    pairs = zip(_NUMBER.findall(line), _NUMBER.findall(other), strict=True)
    return [abs(int(one) - int(two)) for one, two in pairs if one != two] in ([], [1])


def _rows(lines: Sequence[_Line]) -> int:
    """How many of the first lines are rows of one table: equally many cells, with a gap between the columns."""
    columns = list(lines[0].cells) if lines else []
    if len(columns) < 2:
        return 0
    for count, line in enumerate(lines):
        if len(line.cells) != len(columns):
            return count
        columns = [(min(a, c), max(b, d)) for (a, b), (c, d) in zip(columns, line.cells, strict=True)]
        if any(end >= start for (_, end), (start, _) in pairwise(columns)):
            return count
    return len(lines)


def _without(text: str, margin: Sequence[_Line]) -> list[str]:
    """The lines of a page's text without its margin and blank ends; empty where a line of the margin is not found."""
    kept = text.split("\n")
    for line in margin:
        at = next((i for i, own in enumerate(kept) if _squeezed(own) == line.text), None)
        if at is None:
            return []
        del kept[at]
    filled = [i for i, own in enumerate(kept) if own.strip()]
    return kept[filled[0] : filled[-1] + 1] if filled else []


def _ends(lines: Sequence[str], row: _Line, *, last: bool = False) -> bool:
    """Whether a row is the first, or the last, line of a text too: files may draw a page in another order."""
    return bool(lines) and _squeezed(lines[-1 if last else 0]) == row.text


def _squeezed(line: str) -> str:
    return " ".join(line.split())
