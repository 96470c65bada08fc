"""XLSX: a heading for each sheet, its rows with the names of their columns, its text boxes.

Formulas are read by the value that was stored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from html import escape
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from hybrid.readers.drawing import A, drawn
from hybrid.readers.extract import Extract, LeftOut, Unreadable
from hybrid.readers.markup import BLANKS, Cells, html_of, joined, marked, of_page, raised
from hybrid.readers.number_formats import duration
from hybrid.readers.number_formats import shown as formatted
from hybrid.readers.xml import tag_of

CELL_LIMIT = 2_000_000  # of one workbook


def workbook(data: bytes) -> Extract:
    import warnings

    import openpyxl.reader.excel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what of a file openpyxl does not keep
        reader = openpyxl.reader.excel.ExcelReader(BytesIO(data), data_only=True, rich_text=True)
        reader.read()
        paths = {sheet.name: relation.target for sheet, relation in reader.parser.find_sheets()}
    left_out = LeftOut(Counter({"hidden sheet": 0, "hidden row": 0, "hidden column": 0}))
    parts, cells = list[Extract](), 0
    with ZipFile(BytesIO(data)) as archive:
        for sheet in reader.wb.worksheets:
            if sheet.sheet_state != "visible":
                left_out.counts["hidden sheet"] += 1
                continue
            cells += sheet.max_row * sheet.max_column
            if cells > CELL_LIMIT:
                raise Unreadable(f"too large XLSX: over {CELL_LIMIT:,} cells; save the sheets as CSV files")
            rows = _sheet(sheet, left_out.counts)
            left_out.counts["formula without a stored value"] += _unreckoned(archive, paths.get(sheet.title, ""))
            boxes = "".join(f"<p>{marked(line)}</p>" for line in _boxes(archive, sheet))
            parts.append(of_page(f"<h2>{escape(sheet.title)}</h2>{html_of(rows)}{boxes}"))
    left_out.counts["chart sheet"] = len(reader.wb.chartsheets)
    return joined(parts, left_out.remarks())


def _unreckoned(archive: ZipFile, path: str) -> int:
    """How many formulas of a sheet have no value, as in files that no spreadsheet program has saved."""
    from lxml import etree

    data = archive.read(path) if path in archive.namelist() else b""
    if b"<f" not in data and b":f" not in data:
        return 0
    count = 0
    for _, cell in etree.iterparse(BytesIO(data), tag="{*}c", resolve_entities=False, huge_tree=True):
        held = {tag_of(child): child for child in cell}
        if "f" in held and ("v" not in held or not (held["v"].text or cell.get("t") == "str")):
            count += 1
        cell.clear()
    return count


def _boxes(archive: ZipFile, sheet: Any) -> Iterator[str]:
    """The paragraphs of the text boxes and shapes on a sheet."""
    from lxml import etree

    names = set(archive.namelist())
    for relation in sheet._rels:
        if not relation.Type.endswith("/drawing") or relation.target not in names:
            continue
        root = etree.fromstring(archive.read(relation.target), etree.XMLParser(resolve_entities=False))
        for paragraph in root.iter(f"{A}p"):
            if not any(tag_of(above) == "Fallback" for above in paragraph.iterancestors()):
                text = drawn(paragraph)
                if text:
                    yield text


def _sheet(sheet: Any, left_out: Counter[str]) -> Cells:
    """The cells of a sheet that are seen; rows and columns with something in them that are not are counted."""
    spans = {
        (area.min_row, area.min_col): (area.max_col - area.min_col + 1, area.max_row - area.min_row + 1)
        for area in sheet.merged_cells.ranges
    }
    covered = {
        (row, column)
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    } - set(spans)
    shut, unseen = _shut(sheet), set[int]()
    rows = Cells()
    for cells in sheet.iter_rows():
        told = []
        for cell in cells:
            left_out["comment"] += getattr(cell, "comment", None) is not None
            if cell.column in shut:
                if cell.value is not None:
                    unseen.add(cell.column)
                continue
            place = (cell.row, cell.column)
            across, down = (0, 0) if place in covered else spans.get(place, (1, 1))
            if across > 1 and shut:
                across = sum(column not in shut for column in range(cell.column, cell.column + across))
            told.append((_value(cell) if across else "", across, down))
        if sheet.row_dimensions[cells[0].row].hidden:
            left_out["hidden row"] += any(text for text, _, _ in told)
        else:
            while told and not told[-1][0] and told[-1][1] == 1 and len(told) > 1 and not any(t for t, _, _ in told):
                told.pop()
            rows.append(told)
    left_out["hidden column"] += len(unseen)
    return rows


def _shut(sheet: Any) -> set[int]:
    """The columns of a sheet that are hidden; one entry of a file can stand for several."""
    return {
        number
        for column in sheet.column_dimensions.values()
        if column.hidden
        for number in range(column.min or 0, (column.max or 0) + 1)
    }


def _value(cell: Any) -> str:
    """A cell's value about as it is shown."""
    value, shown = cell.value, str(getattr(cell, "number_format", ""))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _moment(value, shown.lower())
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration(value, shown)
    if isinstance(value, int | float):
        return formatted(value, shown)
    if isinstance(value, list):  # rich text: strings and blocks with a font
        value = "".join(str(one) if isinstance(one, str) else raised(one.text, _rise(one.font)) for one in value)
    return BLANKS.sub(" ", str(value)).strip()


def _moment(value: datetime, shown: str) -> str:
    """A date with its time, or the month or the year alone that a format shows of their first day."""
    if value.time() != time():
        return value.isoformat(" ", "minutes")
    if value.day == 1 and "y" in shown and not re.search("[dhs]", shown):
        return f"{value:%Y-%m}" if "m" in shown or value.month > 1 else f"{value:%Y}"
    return value.date().isoformat()


def _rise(font: Any) -> int:
    return {"superscript": 1, "subscript": -1}.get(getattr(font, "vertAlign", None) or "", 0)
