"""The forms in which the table of clauses is written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from hybrid.pipelines.legal.answer import Finding, Table
from hybrid.pipelines.legal.page import page

Format = Literal["csv", "markdown", "html", "json"]

_COLUMNS = (
    "document", "question", "status", "text", "clause", "page", "line", "source", "start", "end", "amended by",
    "confidence", "doubtful", "doubt",
)  # fmt: skip


def _csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for finding in table.findings:
        row: list[Any] = [finding.document, table.title(finding), finding.status]
        sure = [finding.confidence, "?" if finding.doubtful else "", finding.doubt]
        for s in finding.statements:
            place = [s.clause, s.page, s.line, s.document, s.start, s.end, "; ".join(s.amended_by)]
            writer.writerow([_harmless(cell) for cell in [*row, s.text, *place, *sure]])
        if not finding.statements:
            empty = [""] * (len(_COLUMNS) - len(row) - len(sure))
            writer.writerow([_harmless(cell) for cell in [*row, *empty, *sure]])
    return out.getvalue()


def _harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and re.match(r"[=+\-@\t\r]", cell) else cell


def _markdown(table: Table) -> str:
    lines: list[str] = []
    for name, findings in table.documents().items():
        lines += [f"## {_flat(name)}", ""]
        if findings[0].amendments:
            lines += [f"Amended by {', '.join(map(_flat, findings[0].amendments))}.", ""]
        if findings[0].amends:
            lines += [f"Amends {_flat(findings[0].amends)}, which is not among the documents.", ""]
        shown = [finding for finding in findings if finding.statements or finding.doubtful or finding.withheld]
        if shown:
            lines += ["| question | answer | clause | sure |", "|---|---|---|---|"]
        for finding in sorted(shown, key=lambda finding: not finding.statements):  # silence last
            said = "<br>".join(_flat(s.text) for s in finding.statements) or f"*{finding.told}*"
            places = "<br>".join(_flat(finding.place(s)) for s in finding.statements)
            lines.append(f"| {_flat(table.title(finding))} | {said} | {places} | {_sure(finding)} |")
        if silent := [_flat(table.title(finding)) for finding in findings if finding not in shown]:
            lines += ["", f"Not addressed, with no word of it in the text: {', '.join(silent)}."]
        lines.append("")
    if table.unread:
        lines += ["## Not read", "", *(f"- {_flat(one)}" for one in table.unread), ""]
    return "\n".join(lines)


def _sure(finding: Finding) -> str:
    """The measured confidence of a cell; a doubtful one begins with a question mark and says why."""
    return f"? {finding.share}, doubtful: {_flat(finding.doubt)}" if finding.doubtful else finding.share


def _flat(text: str) -> str:
    return re.sub(r"([|\\`*_<>\[\]])", r"\\\1", " ".join(text.split()))


def _json(table: Table) -> str:
    rows = [{"name": table.title(finding), **finding.model_dump()} for finding in table.findings]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


FORMATS: Mapping[Format, Callable[[Table], str]] = {"csv": _csv, "markdown": _markdown, "html": page, "json": _json}


def rendered(table: Table, form: Format) -> str:
    """The table in one of the forms."""
    return FORMATS[form](table)
