"""Simple web pages of paragraphs and tables: office files are rendered as such and then read like other pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from hybrid.corpus.readers.extract import Extract
from hybrid.corpus.readers.web.html import page_text
from hybrid.document import Heading

BLANKS = re.compile(r"\s+")
UP, DOWN, LEVEL = "\x02\x04\x03"  # around raised and lowered text; no XML holds these characters

Cell = tuple[str, int, int]  # text, columns and rows that it spans
Cells = list[list[Cell]]
EMPTY: Cell = ("", 1, 1)
COVERED: Cell = ("", 0, 0)  # by one that spans several


def raised(text: str, rise: float) -> str:
    """A text with marks around it where it stands above or below the line."""
    return f"{UP if rise > 0 else DOWN}{text}{LEVEL}" if rise and text.strip() else text


def marked(text: str) -> str:
    """A text as HTML."""
    told = re.sub(f"{UP}([^{UP}{DOWN}{LEVEL}]*){LEVEL}", r"<sup>\1</sup>", escape(text))
    told = re.sub(f"{DOWN}([^{UP}{DOWN}{LEVEL}]*){LEVEL}", r"<sub>\1</sub>", told)
    return re.sub(f"[{UP}{DOWN}{LEVEL}]", "", told)


def of_page(html: str) -> Extract:
    """A page as it is read; its places count in the text, since the user never sees the page."""
    got = page_text(f"<html><body>{html}</body></html>")
    return Extract(got.text.strip("\n"), got.headings)


def joined(parts: Sequence[Extract], remarks: Sequence[str] = (), *, paged: bool = False) -> Extract:
    """Parts one after the other, each a page where `paged`."""
    text, headings, pages = "", list[Heading](), list[int]()
    for part in parts:
        pages.append(len(text))
        headings += [heading._replace(start=heading.start + len(text)) for heading in part.headings]
        text += part.text + "\n\n"
    return Extract(
        text.removesuffix("\n\n"), tuple(headings), pages=tuple(pages) if paged else (), remarks=tuple(remarks)
    )


def sheet_of(rows: Cells) -> str:
    """The tables of a sheet, parted by empty rows."""
    found, block = [], Cells()
    for row in [*rows, []]:
        if any(text for text, _, _ in row):
            block.append(row)
            continue
        found.append(table_of(block))
        block = []
    return "".join(found)


def table_of(rows: Cells, heads: int = 0) -> str:
    """A table whose first `heads` rows name columns; a first row of one cell is a title, empty rows are left out."""
    titles, heads = "", heads if len(rows) > heads else 0
    rows = rows[:heads] + [row for row in rows[heads:] if any(cell != EMPTY for cell in row)]
    while len(rows) > 1 and not heads and sum(bool(t) for t, _, _ in rows[0]) == 1 and max(map(len, rows)) > 2:
        titles += f"<p>{marked(next(text for text, _, _ in rows[0] if text))}</p>"
        rows = rows[1:]
    if not rows:
        return titles
    if max(sum(bool(text) for text, _, _ in row) for row in rows) == 1:
        return titles + "".join(f"<p>{marked(text)}</p>" for row in rows for text, _, _ in row if text)
    lines = []
    for row in rows:
        cells = "".join(
            f"<td colspan={across} rowspan={down}>{marked(text)}</td>" for text, across, down in row if across
        )
        lines.append(f"<tr>{cells}</tr>")
    head = f"<thead>{''.join(lines[:heads])}</thead>" if heads else ""
    return f"{titles}<table>{head}<tbody>{''.join(lines[heads:])}</tbody></table>"


def is_margin(text: str) -> bool:
    return re.search(r"[^\W\d_]{2}", re.sub(r"(?i)\bpage\b|\bof\b", "", text)) is not None
