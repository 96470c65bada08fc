"""CSV and its relatives: one line for each record, with the names of its columns.

The beginning of a file tells how it parts its cells (comma, semicolon, tab, bar) and quotes them, and whether its first
record names the columns. Lines above the header and notes below the table stay as they are.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

from hybrid.corpus.readers.encoding import decode
from hybrid.corpus.readers.extract import Extract
from hybrid.corpus.readers.tables.grid import row_lines
from hybrid.corpus.readers.tables.header import SAMPLE, column_name, grouped_names, header_rows
from hybrid.document import Anchor
from hybrid.text.sentences import CELLS

_PARTS = "\t;|,"  # between cells; of equally good ones the first
_LONGEST = 200  # lines of a record: more means a quotation mark that nothing closes
_ABOVE = 30  # records that may stand above the header
_NOTE = 60  # characters: no key of a row is longer
_SEP = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


class Record(NamedTuple):
    """The cells of a record, and its lines of the file, from 0, the end excluded."""

    cells: list[str]
    line: int
    end: int


def read_csv(data: bytes) -> Extract:
    return csv_text(decode(data))


def csv_text(source: str) -> Extract:
    """The records of a table as lines; another text as it is."""
    ends = "\n" if "\n" in source else "\r"
    starts = [0, *(m.end() for m in re.finditer(ends, source))]
    lines = [source[a:b] for a, b in zip(starts, [*starts[1:], len(source)], strict=True) if a < b]
    said = _SEP.match(source)
    first = 1 if said else 0
    delimiter = said[1] if said else _delimiter(lines[:SAMPLE])
    if delimiter is None:
        return Extract(source)
    records = [record for record in _records(lines, delimiter, first) if any(record.cells)]
    counts = Counter(len(record.cells) for record in records[:SAMPLE] if len(record.cells) > 1)
    if not counts:
        return Extract(source)
    parts: list[str] = []
    anchors: list[Anchor] = []
    length = 0
    for record, text in _lines(records, counts.most_common(1)[0][0]):
        begin = starts[record.line]
        end = begin + len("".join(lines[record.line : record.end]).rstrip()) - 1
        last = record.line + source.count(ends, begin, end)
        if parts:
            parts.append("\n")
            length += 1
        anchors.append(Anchor(length, begin, record.line + 1))
        if len(text) > 1:
            anchors.append(Anchor(length + len(text) - 1, end, last + 1))
        parts.append(text)
        length += len(text)
    return Extract("".join(parts), anchors=tuple(anchors))


def _delimiter(lines: Sequence[str]) -> str | None:
    """The character between the cells: it parts most records alike, from the first on; None where none does."""
    found: dict[str, tuple[float, int]] = {}
    for delimiter in _PARTS:
        counts = [len(record.cells) for record in _records(lines, delimiter) if any(record.cells)]
        several = Counter(count for count in counts if count > 1)
        for usual, times in several.most_common(1):
            found[delimiter] = (times / len(counts) - 0.05 * counts.index(usual), usual)
    best = max(found, key=found.__getitem__, default=None)
    return None if best is None or found[best][0] < 0.3 else best


class _Endless(Exception):
    """A quotation mark that nothing closes."""


def _records(lines: Sequence[str], delimiter: str, first: int = 0) -> Iterator[Record]:
    """The records from a line on, with single blanks; a quotation mark that nothing closes is an ordinary character."""
    quote = '"' if any('"' in line for line in lines[: 50 * SAMPLE]) else "'"
    text = "".join(lines[:SAMPLE])
    escape = "\\" if f"\\{quote}" in text and quote * 2 not in text else None
    single = quote == "'" and not re.search(
        rf"(?m)(?:^|[{re.escape(delimiter)}])'[^'\n]*'(?=[{re.escape(delimiter)}\r\n])", text
    )
    at = fed = first

    def feed() -> Iterator[str]:
        nonlocal fed
        while fed < len(lines):
            if fed - at > _LONGEST:
                raise _Endless
            fed += 1
            yield lines[fed - 1].rstrip("\r\n").replace("\r", " ").replace("\0", " ") + "\n"

    while at < len(lines):
        fed = at
        try:
            reader = csv.reader(
                feed(),
                delimiter=delimiter,
                quotechar=quote,
                escapechar=escape,
                skipinitialspace=delimiter != "\t",
                quoting=csv.QUOTE_NONE if single else csv.QUOTE_MINIMAL,
            )
            for cells in reader:
                if fed == len(lines) and fed - at > 1 and "".join(lines[at:fed]).count(quote) % 2:
                    raise _Endless
                yield Record([" ".join(cell.split()) for cell in cells], at, fed)
                at = fed
        except (_Endless, csv.Error):
            cells = lines[at].rstrip("\r\n").split(delimiter)
            yield Record([" ".join(cell.split()) for cell in cells], at, at + 1)
            at += 1


def _lines(records: Sequence[Record], width: int) -> Iterator[tuple[Record, str]]:
    """The lines of text, each with its record; after a blank line another table may begin with a new header."""
    names: list[str] = []
    head: list[str] = []
    for number, block in enumerate(_blocks(records)):
        own = Counter(len(record.cells) for record in block[:SAMPLE]).most_common(1)[0][0] if number else width
        start = _above(block, own)
        rows = [record.cells for record in block[start : start + SAMPLE + 2]]
        count, sure = header_rows(rows) if own > 1 else (0, True)
        if number and not (count and sure):  # goes on after a blank line
            count = start = 0
        for record in block[:start]:
            yield record, _plain(record.cells)
        if count or not number:
            head = block[start].cells if count else []
            named = ([column_name(cell) for cell in record.cells] for record in block[start : start + count])
            names = reduce(grouped_names, named) if count else []
        for record in block[start : start + count]:
            if not sure or start + count == len(block):
                yield record, _plain(record.cells)
        for record in block[start + count :]:
            if record.cells == head:
                continue  # repeated
            if len(names) > 1 and _is_note(record.cells, len(names)):
                yield record, _plain(record.cells)
            else:
                for text in row_lines(names, record.cells):
                    yield record, text


def _is_note(cells: Sequence[str], columns: int) -> bool:
    """Whether a record is a note on the table: it is one cell, or its only filled cell is no key."""
    filled = [cell for cell in cells if cell]
    return len(cells) == 1 or (columns > 2 and len(filled) == 1 and (": " in filled[0] or len(filled[0]) > _NOTE))


def _blocks(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records between blank lines."""
    begin = 0
    for at in range(1, len(records)):
        if records[at].line > records[at - 1].end:
            yield records[begin:at]
            begin = at
    yield records[begin:]


def _above(records: Sequence[Record], width: int) -> int:
    """How many records stand above the table: titles and dates, with fewer cells than its rows."""
    for at, record in enumerate(records[: _ABOVE + 1]):
        filled = sum(map(bool, record.cells))
        if filled > 1 and (len(record.cells) >= width or 2 * filled > width):
            return at
    return 0


def _plain(cells: Sequence[str]) -> str:
    return CELLS.join(filter(None, cells))
