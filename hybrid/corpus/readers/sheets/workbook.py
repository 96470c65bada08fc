"""XLSX: a heading for each sheet, its rows with the names of their columns, its text boxes and charts.

Formulas are read by their stored value. Hidden sheets, rows and columns, comments, struck-out text and formulas without
a value are left out, and the remarks say so.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from html import escape
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from hybrid.corpus.readers.archive import member, of_archive, tag_of
from hybrid.corpus.readers.drawings import PLACES, A, drawn, figure
from hybrid.corpus.readers.extract import Extract, LeftOut, Unreadable
from hybrid.corpus.readers.markup import BLANKS, COVERED, EMPTY, Cell, Cells, joined, marked, of_page, raised, sheet_of
from hybrid.corpus.readers.sheets.number_formats import duration, moment
from hybrid.corpus.readers.sheets.number_formats import shown as formatted

CELL_LIMIT = 2_000_000  # of one workbook
_GAP = 20  # empty columns side by side; of more, one is kept
_MERGED = re.compile(rb"""mergeCell\s[^<>]*?\bref=["']([A-Z]+\d+:[A-Z]+\d+)["']""")


@of_archive("XLSX")
def read_xlsx(data: bytes) -> Extract:
    import warnings

    import openpyxl.reader.excel

    _check_merged(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on all that openpyxl does not keep
        reader = openpyxl.reader.excel.ExcelReader(BytesIO(data), data_only=True, rich_text=True)
        reader.read()
        paths = {sheet.name: relation.target for sheet, relation in reader.parser.find_sheets()}
    left_out = LeftOut({"hidden sheet": 0, "hidden row": 0, "hidden column": 0})  # in this order
    parts, allowed = list[Extract](), CELL_LIMIT
    every = [reader.wb[name] for name in reader.wb.sheetnames]
    told = [sheet for sheet in every if sheet.sheet_state == "visible"]
    left_out["hidden sheet"] = len(every) - len(told)
    names = {sheet.title for sheet in told}
    with ZipFile(BytesIO(data)) as archive:
        for sheet in told:
            path, title = paths.get(sheet.title, ""), f"<h2>{escape(sheet.title)}</h2>"
            if sheet in reader.wb.chartsheets:
                of_sheet = Counter[str]()
                drawings = _drawings(archive, path, of_sheet, names)
                left_out.update(of_sheet if drawings else {"chart sheet": 1})
                parts += [of_page(title + drawings)] if drawings else []
                continue
            rows = _Sheet(sheet, left_out).rows(allowed)
            allowed -= sum(map(len, rows))
            left_out["formula without a stored value"] += _unreckoned(archive, path)
            parts.append(of_page(title + sheet_of(rows) + _drawings(archive, path, left_out, names)))
    return joined(parts, left_out.remarks())


def _check_merged(data: bytes) -> None:
    """Refuses merged cells over a whole sheet: openpyxl makes an object for every place in them."""
    from openpyxl.utils.cell import range_boundaries

    with ZipFile(BytesIO(data)) as archive:
        for name in archive.namelist():
            areas = _MERGED.findall(archive.read(name)) if name.startswith("xl/worksheets/") else ()
            bounds = [range_boundaries(area.decode()) for area in areas]
            if sum((right - left + 1) * (low - top + 1) for left, top, right, low in bounds) > CELL_LIMIT:
                raise Unreadable(
                    f"too large XLSX: merged cells over {CELL_LIMIT:,} places; save the sheets as CSV files"
                )


def _unreckoned(archive: ZipFile, path: str) -> int:
    """How many formulas of a sheet have no stored value: no spreadsheet program has saved the file."""
    from lxml import etree

    data = member(archive, path)
    if b"<f" not in data and b":f" not in data:
        return 0
    count = 0
    for _, cell in etree.iterparse(BytesIO(data), tag="{*}c", resolve_entities=False, huge_tree=True):
        held = {tag_of(child): child for child in cell}
        if "f" in held and ("v" not in held or not (held["v"].text or cell.get("t") == "str")):
            count += 1
        cell.clear()
    return count


def _drawings(archive: ZipFile, path: str, left_out: Counter[str], sheets: Collection[str]) -> str:
    """The drawings on a sheet: paragraphs of boxes, charts and SmartArt; `sheets` are those whose cells are read."""
    return "".join(
        told
        for kind, drawing in _related(archive, path).values()
        if kind.endswith("/drawing")
        for told in _drawing(archive, drawing, left_out, sheets)
    )


def _drawing(archive: ZipFile, path: str, left_out: Counter[str], sheets: Collection[str]) -> Iterator[str]:
    from lxml import etree

    root = etree.fromstring(archive.read(path), etree.XMLParser(resolve_entities=False))
    related = _related(archive, path)

    def part(name: str) -> bytes:
        return archive.read(related[name][1]) if name in related else b""

    for element in root.iter(f"{A}p", *PLACES):
        if next(element.iterancestors("{*}Fallback"), None) is not None:
            continue
        if element.tag in PLACES:
            yield figure(element, part, left_out, sheets)
        else:
            text = drawn(element, left_out)
            yield f"<p>{marked(text)}</p>" if text else ""


def _related(archive: ZipFile, path: str) -> dict[str, tuple[str, str]]:
    """Type and path, by name, of the parts that a part of the file refers to."""
    from openpyxl.packaging.relationship import get_dependents, get_rels_path

    names = set(archive.namelist())
    relations = get_rels_path(path)
    found = get_dependents(archive, relations) if relations in names else ()
    return {one.Id: (one.Type, one.target) for one in found if one.target in names}


@dataclass(slots=True)
class _Sheet:
    """A sheet while it is read. Only stored cells are looked at, because a single one may stand at the far end."""

    sheet: Any
    left_out: Counter[str]
    columns: list[int] = field(default_factory=list)  # that are told
    hidden: list[int] = field(default_factory=list)  # rows

    def rows(self, allowed: int) -> Cells:
        """The visible cells, `allowed` at most; hidden rows and columns that are not empty are counted."""
        held = dict[int, list[Any]]()
        for cell in self.sheet._cells.values():
            held.setdefault(cell.row, []).append(cell)
            self.left_out["comment"] += getattr(cell, "comment", None) is not None
        filled, shut = {c.column for cells in held.values() for c in cells if c.value is not None}, _shut(self.sheet)
        self.left_out["hidden column"] += len(filled & shut)
        self.columns = [column for column in _near(filled) if column not in shut]
        self.hidden = sorted(row for row, look in self.sheet.row_dimensions.items() if look.hidden)
        spans = {(area.min_row, area.min_col): self._span(area) for area in self.sheet.merged_cells.ranges}
        rows, last, gone = Cells(), 0, set(self.hidden)
        for number in sorted(held):
            apart, last = number > last + 1, number
            if number in gone:
                self.left_out["hidden row"] += any(_value(cell) for cell in held[number] if cell.column not in shut)
                continue
            told = self._row(held[number], spans)
            empty = not told and not any(_value(cell) for cell in held[number] if cell.column not in shut)
            if rows and rows[-1] and (apart or empty):
                rows.append([])  # an empty row parts two tables
            rows += [told] if told else []
            allowed -= len(told)
            if allowed < 0:
                raise Unreadable(f"too large XLSX: over {CELL_LIMIT:,} cells; save the sheets as CSV files")
        return rows

    def _span(self, area: Any) -> tuple[int, int]:
        """How many of the visible columns and rows a merged cell takes."""
        across = bisect_right(self.columns, area.max_col) - bisect_left(self.columns, area.min_col)
        hidden = bisect_right(self.hidden, area.max_row) - bisect_right(self.hidden, area.min_row)
        return across, area.max_row - area.min_row + 1 - hidden

    def _row(self, cells: Sequence[Any], spans: Mapping[tuple[int, int], tuple[int, int]]) -> list[Cell]:
        told = dict.fromkeys(self.columns, EMPTY)
        for cell in cells:
            if cell.column in told and type(cell).__name__ == "MergedCell":
                told[cell.column] = COVERED
            elif cell.column in told:
                told[cell.column] = (self._text(cell), *spans.get((cell.row, cell.column), (1, 1)))
        return list(told.values()) if any(text for text, _, _ in told.values()) else []

    def _text(self, cell: Any) -> str:
        rich = isinstance(cell.value, list)
        struck = cell.value is not None and cell.has_style and bool(cell.font.strike)
        kept = [one for one in cell.value if not _is_struck(one, struck)] if rich else []
        crossed = len(kept) < len(cell.value) if rich else struck
        self.left_out["struck-out passage"] += crossed
        return _rich(kept) if rich else "" if struck else _value(cell)


def _near(filled: Collection[int]) -> Iterator[int]:
    """The filled columns and the empty ones between; of a wide gap only one."""
    before = 0
    for column in sorted(filled):
        yield from range(max(before + 1, column - 1) if column - before > _GAP else before + 1, column + 1)
        before = column


def _shut(sheet: Any) -> set[int]:
    """The hidden columns of a sheet; one entry of a file can stand for several."""
    return {
        number
        for column in sheet.column_dimensions.values()
        if column.hidden
        for number in range(column.min or 0, (column.max or 0) + 1)
    }


def _value(cell: Any) -> str:
    value, shown = cell.value, str(getattr(cell, "number_format", ""))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value, shown)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration(value, shown)
    if isinstance(value, int | float):
        return formatted(value, shown)
    return _rich(value) if isinstance(value, list) else BLANKS.sub(" ", str(value)).strip()


def _rich(parts: Sequence[Any]) -> str:
    text = "".join(one if isinstance(one, str) else raised(one.text, _rise(one.font)) for one in parts)
    return BLANKS.sub(" ", text).strip()


def _is_struck(part: Any, around: bool) -> bool:
    """Whether a part of a rich text is struck out, by its own font or that of its cell."""
    text, strike = (part, around) if isinstance(part, str) else (part.text, getattr(part.font, "strike", False))
    return bool(strike) and bool(text.strip())


def _rise(font: Any) -> int:
    return {"superscript": 1, "subscript": -1}.get(getattr(font, "vertAlign", None) or "", 0)
