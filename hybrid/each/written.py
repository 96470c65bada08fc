"""A table as CSV or JSON: a line a document, and for every field its value, unit, doubt, quotation and place."""

from __future__ import annotations

import csv
import io

from hybrid.files import harmless
from hybrid.types import Cell, Column, Table

_WIDEST = 80  # characters of a value beside others
_OF_A_CELL = ("", "unit", "as written", "doubt", "quotation", "place")


def written(table: Table, as_json: bool) -> str:
    """The text of a file with the table."""
    return table.model_dump_json(indent=2) + "\n" if as_json else _csv(table)


def said(cell: Cell, column: Column) -> str:
    """A cell in a few words; a question mark stands behind what is doubtful."""
    if cell.value is None:
        text = "not said" if not cell.shown else f"not said ({short(cell.shown)})"
    elif column.kind == "yesno":
        text = "yes" if cell.value else "no"
    else:
        text = short(cell.shown)
    return f"{text} ?" if cell.doubt or not cell.counts else text


def short(shown: str) -> str:
    """What a document writes, on one line, cut where it is long."""
    text = " ".join(shown.split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _csv(table: Table) -> str:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    heads = [f"{column.name} {part}".strip() for column in table.columns for part in _OF_A_CELL]
    lines.writerow(["document", "section", "amendments", *heads, "not read"])
    for row in table.rows:
        cells = [part for i in range(len(table.columns)) for part in _parts(row.cells[i] if row.cells else Cell())]
        named = [row.document, row.section, "; ".join(row.amendments)]
        lines.writerow([harmless(part) for part in (*named, *cells, row.failed)])
    return out.getvalue()


def _parts(cell: Cell) -> list[str]:
    """A cell's value, unit, words, doubt, quotation and place."""
    value = cell.value
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, float):
        value = f"{value:.6f}".rstrip("0").rstrip(".")
    quote, where = ("", "") if cell.citation is None else (cell.citation.quote, cell.citation.where)
    return [value or "", cell.unit, " ".join(cell.shown.split()), cell.doubt, " ".join(quote.split()), where]
