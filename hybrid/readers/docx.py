"""DOCX: the paragraphs and tables of a Word file, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from hybrid.document import Heading
from hybrid.readers.extract import Extract, Unreadable, in_few_words
from hybrid.readers.headings import plain_headings

SIZE_LIMIT = 1_000_000_000  # bytes unpacked; a small archive can hold far more than memory

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SKIPPED = frozenset(
    {f"{_W}delText", f"{_W}del", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def read_docx(data: bytes) -> Extract:
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE container: what Office wraps around encrypted files
        raise Unreadable("encrypted DOCX: needs a password")
    try:
        with ZipFile(BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > SIZE_LIMIT:
            raise Unreadable(f"broken DOCX: unpacks to {unpacked / 1e6:.0f} MB")
        return _extract(data)
    except Unreadable:
        raise
    except BadZipFile:
        raise Unreadable("broken DOCX: not a Word file") from None
    except Exception as error:  # noqa: BLE001 - a broken file leads python-docx and lxml to raise nearly anything
        raise Unreadable(f"broken DOCX: {in_few_words(error)}") from None


def _extract(data: bytes) -> Extract:
    import docx

    document = docx.Document(BytesIO(data))
    levels = {style.style_id: _style_level(style) for style in document.styles}
    parts: list[str] = []
    headings: list[Heading] = []
    length = 0
    for level, text in _blocks(document.element.body, levels):
        if not text.strip():
            continue
        if level:
            headings.append(Heading(length, level, " ".join(text.split())))
        parts.append(text)
        length += len(text) + 2
    joined = "\n\n".join(parts)
    if not joined:
        raise Unreadable("no text in this DOCX")
    return Extract(joined, tuple(headings) or plain_headings(joined))


def _style_level(style: Any) -> int:
    """The heading level a style gives, itself or through the styles it is based on; 0 for body text."""
    for _ in range(10):  # styles can be based on each other in a circle
        if style is None:
            break
        match = re.fullmatch(r"heading (\d)|title", style.name or "", re.IGNORECASE)
        if match:
            return int(match[1] or 1)
        style = getattr(style, "base_style", None)
    return 0


def _blocks(parent: Any, levels: dict[str, int]) -> Iterator[tuple[int, str]]:
    """Heading level and text of paragraphs and tables in body order, also those inside content controls."""
    for child in parent:
        if child.tag == f"{_W}p":
            style = child.find(f"{_W}pPr/{_W}pStyle")
            yield 0 if style is None else levels.get(style.get(f"{_W}val"), 0), _text(child)
        elif child.tag == f"{_W}tbl":
            yield 0, "\n".join(filter(None, map(_row, child.iter(f"{_W}tr"))))
        elif child.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"}:
            yield from _blocks(child, levels)


def _row(row: Any) -> str:
    cells = (" ".join(" ".join(map(_text, cell.iter(f"{_W}p"))).split()) for cell in row.iter(f"{_W}tc"))
    return " | ".join(filter(None, cells))


def _text(paragraph: Any) -> str:
    """A paragraph as it reads with all tracked changes accepted (python-docx leaves insertions out)."""
    parts: list[str] = []
    stack = [paragraph]
    while stack:
        element = stack.pop()
        if element.tag in _SKIPPED:
            continue
        parts.append(_CHARACTERS.get(element.tag, ""))
        if element.tag == f"{_W}t":
            parts.append(element.text or "")
        elif element.tag != f"{_W}pPr":  # holds tab stops, which are no text
            stack.extend(reversed(element))
    return "".join(parts)
