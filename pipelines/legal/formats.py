"""The table of clauses as text: Markdown, CSV, JSON, or one HTML page with subjects down, contracts across, and below
them the contracts' own text.

Every cell of the page links to its place in that text, and every place links back. On a narrow screen each subject is a
card. Subjects that no contract has fold into one line.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import quote

from hybrid.pipelines.legal.answer import Finding, Statement, Table, found_at

from hybrid.document import Document
from hybrid.files import harmless

_FEW = 5  # unread files that are shown unfolded


@dataclass
class _Places:
    """The places that cells link to, by document; each quotation once."""

    sources: Mapping[str, Document]
    found: dict[str, dict[tuple[int, int], int]] = field(default_factory=dict)
    count: int = 0

    def link(self, statement: Statement, shown: str) -> str:
        """The place of a statement in words, linked if the text is on the page; a PDF's page besides."""
        parts = [html.escape(shown)]
        source = self.sources.get(statement.document)
        at = None if source is None else found_at(source, statement.quote, statement.start)
        if at is not None:
            span = at, at + len(statement.quote)
            places = self.found.setdefault(statement.document, {})
            if span not in places:
                self.count += 1
                places[span] = self.count
            parts = [f'<a href="#p{places[span]}">{html.escape(shown)}</a>']
        path = "" if source is None or source.path is None else source.path
        if statement.page is not None and path.lower().endswith(".pdf"):
            parts.append(f'<a href="{html.escape(quote(path))}#page={statement.page}">PDF</a>')
        return " \u00b7 ".join(parts)

    def text(self, name: str) -> str:
        """A document's text with its places marked."""
        text = self.sources[name].text
        parts, at = [], 0
        for (start, end), number in sorted(self.found.get(name, {}).items()):
            if start < at:  # inside the one before
                parts.append(f'<a id="p{number}"></a>')
                continue
            parts += [html.escape(text[at:start]), f'<mark id="p{number}">{html.escape(text[start:end])}</mark>']
            at = end
        return "".join([*parts, html.escape(text[at:])])


def page(table: Table) -> str:
    """The page as HTML."""
    documents = table.documents()
    places = _Places(table.sources)
    numbers = {name: i for i, name in enumerate(table.sources, 1)}
    rows = list(zip(*documents.values(), strict=True))
    full = [row for row in rows if any(finding.statements for finding in row)]
    empty = [row for row in rows if row not in full]
    doubtful = sum(finding.doubtful for finding in table.findings)
    head = "".join(f"<th scope=col>{_name(name, own[0], numbers)}</th>" for name, own in documents.items())
    body = "\n".join(
        f"<tr><th scope=row>{html.escape(table.title(row[0]))}</th>{''.join(_html_cell(f, places) for f in row)}</tr>"
        for row in full
    )
    parts = [
        f"<h1>What {_counted(len(documents), 'contract')} say{'s' if len(documents) == 1 else ''} on "
        f"{_counted(len(table.questions), 'subject')}</h1>",
        f"<p>{len(table.findings)} cells, {doubtful} of them doubtful and marked <b class=why>?</b>. The figure in a "
        "cell is how often cells of its kind were right on contracts with known answers. This is a first sift, not a "
        "review: read the doubtful cells at their place.</p>",
        _unread(table.unread),
        f'<div class="scroll"><table><thead><tr><th scope=col>subject</th>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
        if full
        else "",
        _folded(table, empty),
    ]
    texts = [
        f'<section><h2 id="d{number}">{html.escape(name)}</h2><p><a href="#top">Back to the table</a></p>'
        f'<div class="text">{places.text(name)}</div></section>'
        for name, number in numbers.items()
    ]
    style = (files("hybrid.pipelines.legal") / "formats.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en" id="top"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Clauses</title><style>\n{style}</style></head><body>\n"
        + "\n".join([*parts, *texts])
        + "\n</body></html>\n"
    )


def _unread(unread: Sequence[str]) -> str:
    if not unread:
        return ""
    listed = "".join(f"<li>{html.escape(one)}</li>" for one in unread)
    shown = " open" if len(unread) <= _FEW else ""
    told = f"Not read: {_counted(len(unread), 'file')} or parts of files"
    return f"<details{shown}><summary class=why>{told}</summary><ul>{listed}</ul></details>"


def _name(name: str, first: Finding, numbers: Mapping[str, int]) -> str:
    shown = html.escape(name)
    link = f'<a href="#d{numbers[name]}">{shown}</a>' if name in numbers else shown
    below = "".join(f"<small>amended by {html.escape(a)}</small>" for a in first.amendments)
    return link + below + (f"<small>amends {html.escape(first.amends)}</small>" if first.amends else "")


def _html_cell(finding: Finding, places: _Places) -> str:
    parts = [_statement(finding, s, places) for s in finding.statements] or [f"<p>{html.escape(finding.told)}</p>"]
    kinds = [kind for kind, holds in (("doubt", finding.doubtful), ("none", not finding.statements)) if holds]
    of = html.escape(finding.document)
    return f'<td class="{" ".join(kinds)}" data-of="{of}">{"".join(parts)}{_surely(finding)}</td>'


def _statement(finding: Finding, s: Statement, places: _Places) -> str:
    quoted = " ".join(s.quote.split())
    said = "" if s.text == quoted else f"<p>{html.escape(s.text)}</p>"
    by = f"<small>amended by {html.escape('; '.join(s.amended_by))}</small>" if s.amended_by else ""
    place = finding.place(s)
    shown = place if re.search(r"\w", place) else f"line {s.line}"
    return f"{said}<p><q>{html.escape(quoted)}</q><small>{places.link(s, shown)}</small>{by}</p>"


def _surely(finding: Finding) -> str:
    if finding.confidence is None:
        return ""
    if finding.doubtful:
        return f"<small class=why><b>?</b> Doubtful ({finding.share}): {html.escape(finding.doubt)}.</small>"
    return f"<small>{finding.share} sure</small>"


def _folded(table: Table, rows: Sequence[Sequence[Finding]]) -> str:
    """The subjects that no contract has, folded into one line."""
    if not rows:
        return ""
    items = []
    for row in rows:
        doubts = [f"{html.escape(f.document)}: {html.escape(f.doubt)}" for f in row if f.doubtful]
        inside = f"<ul>{''.join(f'<li class=why>{doubt}</li>' for doubt in doubts)}</ul>" if doubts else ""
        items.append(f"<li>{html.escape(table.title(row[0]))}{' <b class=why>?</b>' if doubts else ''}{inside}</li>")
    doubtful = sum(any(f.doubtful for f in row) for row in rows)
    many = f", {doubtful} of them doubtful <b class=why>?</b>" if doubtful else ""
    return (
        f"<details><summary>{_counted(len(rows), 'subject')} without a clause in any contract{many}</summary>"
        f"<ul>{''.join(items)}</ul></details>"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
            writer.writerow([harmless(cell) for cell in [*row, s.text, *place, *sure]])
        if not finding.statements:
            empty = [""] * (len(_COLUMNS) - len(row) - len(sure))
            writer.writerow([harmless(cell) for cell in [*row, *empty, *sure]])
    return out.getvalue()


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
