"""Tables drawn with bars in a text: those of Markdown, reStructuredText grids and database clients.

    | Bin | Stock |        +-----+-------+        Bin | Stock
    |-----|-------|        | Bin | Stock |       -----+------
    | N54 |    88 |        +=====+=======+        N54 |    88

Their rows get the names of their columns, and so do those of HTML tables in Markdown; all other text stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from hybrid.corpus.readers.extract import Extract, Rendering
from hybrid.corpus.readers.tables.grid import row_parts
from hybrid.corpus.readers.web.html import page_text

_LINE = re.compile(r"[^\n]*\n?")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
_RULE = re.compile(r"[ \t>]*[|+]?[ \t]*:?[-=]+:?[ \t]*(?:[|+][ \t]*(?::?[-=]+:?[ \t]*)?)*\r?\n?")
_TABLE = re.compile(r"<(/?)table\b[^>]*>", re.IGNORECASE)
_EDGE = re.compile(r"[ \t>]*\|?")
_BAR = re.compile(r"(?<!\\)\|")
_MARKUP = re.compile(r"\*\*|__|`")


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    at: int


def with_tables(source: str) -> Extract:
    """A text with the names of the columns in the rows of its tables; a text without tables as it is."""
    tables: list[tuple[int, int, list[list[_Cell]] | None]] = [*_tables(source)]
    if _TABLE.search(source):
        tables = sorted([*tables, *((start, stop, None) for start, stop in _marked_up(source))], key=lambda t: t[:2])
    if not tables:
        return Extract(source)
    out = Rendering(source)
    end = 0
    for start, stop, rows in tables:
        if start < end:
            continue
        if start > end:
            out.put(source[end:start], end)
        if rows is None:
            _put_page(start, stop, out)
        else:
            _put(rows, out)
        end = stop
    if end < len(source):
        out.put(source[end:], end)
    return out.extract()


def _put(rows: Sequence[Sequence[_Cell]], out: Rendering) -> None:
    """Writes the rows of a table below the one with the names of its columns."""
    names = [_MARKUP.sub("", cell.text).rstrip(" :") for cell in rows[0]]
    told = [(row, parts) for row in rows[1:] for parts in row_parts(names, [cell.text for cell in row])]
    if not told:
        told = [(rows[0], parts) for parts in row_parts([], [cell.text for cell in rows[0]])]
    for row, parts in told:
        out.put("", row[0].at)
        for part in parts:
            if part.lead:
                out.put("", row[part.column].at if part.column is not None and part.column < len(row) else row[0].at)
                out.fill(part.lead)
            if part.column is not None and part.column < len(row) and part.cell:
                out.put(part.cell, row[part.column].at)
            out.fill(part.tail)
        out.fill("\n")


def _put_page(start: int, stop: int, out: Rendering) -> None:
    got = page_text(out.source[start:stop])
    for anchor, following in zip_longest(got.anchors, got.anchors[1:]):
        out.put(got.text[anchor.text : following.text if following else len(got.text)], start + anchor.source)


def _marked_up(source: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each outermost table of HTML outside of fenced code."""
    depth = begin = 0
    fenced = [line.start() for line in _LINE.finditer(source) if _FENCE.match(line[0])]
    for tag in _TABLE.finditer(source):
        if tag[1]:
            depth = max(0, depth - 1)
            if not depth and begin >= 0 and "```" not in source[begin : tag.start()]:
                yield begin, tag.end()
            begin = begin if depth else -1
            continue
        if not depth:
            inside = bisect_right(fenced, tag.start()) % 2
            begin = -1 if inside else tag.start()
        depth += 1


def _tables(source: str) -> Iterator[tuple[int, int, list[list[_Cell]]]]:
    """Begin, end and rows of each table outside of fenced code, the names of the columns first."""
    fence = ""
    run: list[re.Match[str]] = []
    for line in _LINE.finditer(source):
        mark = _FENCE.match(line[0])
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line[0].strip(" \t>\r\n`~"):
            fence = ""
        elif not fence and ("|" in line[0] or ("+" in line[0] and _RULE.fullmatch(line[0]))):
            run.append(line)
            continue
        yield from _table(run)
        run = []
    yield from _table(run)


def _table(run: Sequence[re.Match[str]]) -> Iterator[tuple[int, int, list[list[_Cell]]]]:
    """The table in lines that have bars or are rules; none without a rule below a first row."""
    rules = [at for at, line in enumerate(run) if _RULE.fullmatch(line[0])]
    first = 1 if rules[:1] == [0] else 0
    under = next((at for at in rules if at > first), None)
    if under is None or "|" not in run[first][0]:
        return
    if not first and under > 1:  # the lines above the row of names are other text
        first = under - 1
    rows: list[list[_Cell]] = []
    drawn = sum(at > under for at in rules) > 1  # a rule between all rows: a row may have several lines
    fresh = True
    for at in range(first, len(run)):
        if at in rules:
            fresh = True
            continue
        cells = _cells(run[at])
        if fresh or not (drawn or at < under):
            rows.append(cells)
            fresh = False
        else:
            rows[-1] = [
                _Cell(f"{one.text} {other.text}".strip(), one.at if one.text else other.at)
                for one, other in zip(rows[-1], cells, strict=False)
            ]
    if rows and (len(rows[0]) > 1 or len(rows) > 1):
        yield run[0 if rules[:1] == [0] else first].start(), run[-1].end(), rows


def _cells(line: re.Match[str]) -> list[_Cell]:
    text = line[0].rstrip()
    edge = _EDGE.match(text)
    begin = edge.end() if edge else 0
    end = len(text) - 1 if text.endswith("|") and not text.endswith("\\|") and len(text) > begin else len(text)
    cells = []
    for stop in [*(bar.start() for bar in _BAR.finditer(text, begin, end)), end]:
        raw = text[begin:stop]
        cell = raw.strip()
        cells.append(_Cell(cell.replace("\\|", "|"), line.start() + begin + len(raw) - len(raw.lstrip())))
        begin = stop + 1
    return cells
