"""DOCX: what a Word file shows: paragraphs with their numbers, tables, footnotes, headers, in their order.

A number that Word counts ("2.1", "(a)") stands before its paragraph. A footnote stands in its own paragraph after the
one that refers to it, as [footnote 1: ...], a page header before the text and a footer after it, each once. Tracked
changes are read as accepted. Macros are never run: of a .docm file the text is read and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from hybrid.document import Heading
from hybrid.readers.extract import Extract, Unreadable, in_few_words
from hybrid.readers.headings import plain_headings
from hybrid.readers.numbering import Numbering

SIZE_LIMIT = 300_000_000  # bytes unpacked, told by the archive before anything is unpacked; zipfile reads no more
PART_LIMIT = 100_000_000  # of one XML part: parsed it takes several times as much memory
MEMBERS = 20_000

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_SKIPPED = frozenset(
    {f"{_W}delText", f"{_W}del", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_NOTES = {f"{_W}footnoteReference": "footnote", f"{_W}endnoteReference": "endnote"}
_WRAPPERS = frozenset({f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"})
_TYPES = "[Content_Types].xml"
_MACROS = b"application/vnd.ms-word.document.macroEnabled.main+xml"
_PLAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def read_docx(data: bytes) -> Extract:
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE container: what Office wraps around encrypted files
        raise Unreadable("encrypted DOCX: needs a password")
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check(archive)
            data = _without_macros(archive, data)
        return _extract(data)
    except Unreadable:
        raise
    except BadZipFile:
        raise Unreadable("broken DOCX: not a Word file") from None
    except Exception as error:  # noqa: BLE001 - a broken file leads python-docx and lxml to raise nearly anything
        raise Unreadable(f"broken DOCX: {in_few_words(error)}") from None


def _check(archive: ZipFile) -> None:
    """Refuse what would unpack to more than is sensible; nothing is unpacked for that."""
    members = archive.infolist()
    unpacked = sum(info.file_size for info in members)
    largest = max((info.file_size for info in members if info.filename.endswith((".xml", ".rels"))), default=0)
    if len(members) > MEMBERS:
        raise Unreadable(f"suspicious DOCX: {len(members)} parts, over the limit of {MEMBERS}")
    if unpacked > SIZE_LIMIT:
        raise Unreadable(
            f"suspicious DOCX: unpacks to {unpacked / 1e6:.0f} MB, over the limit of {SIZE_LIMIT / 1e6:.0f} MB"
        )
    if largest > PART_LIMIT:
        raise Unreadable(
            f"suspicious DOCX: one part unpacks to {largest / 1e6:.0f} MB, over the limit of {PART_LIMIT / 1e6:.0f} MB"
        )


def _without_macros(archive: ZipFile, data: bytes) -> bytes:
    """A file with macros as one without, which is all that python-docx opens; other files as they are."""
    types = archive.read(_TYPES) if _TYPES in archive.namelist() else b""
    if _MACROS not in types:
        return data
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as plain:
        for info in archive.infolist():
            content = archive.read(info)
            plain.writestr(info.filename, content.replace(_MACROS, _PLAIN) if info.filename == _TYPES else content)
    return out.getvalue()


@dataclass(slots=True)
class _Reading:
    """One file on its way."""

    levels: dict[str, int]  # heading level by style
    numbering: Numbering
    notes: dict[tuple[str, str], Any]  # paragraphs' parent by kind and id
    seen: dict[str, int] = field(default_factory=dict)  # notes of each kind until now
    waiting: list[str] = field(default_factory=list)  # notes of the paragraph at hand

    def blocks(self, parent: Any) -> Iterator[tuple[int, str]]:
        """Heading level and text of paragraphs, notes and tables in order, also those inside content controls."""
        for child in parent:
            if child.tag == f"{_W}p":
                style = child.find(f"{_W}pPr/{_W}pStyle")
                level = 0 if style is None else self.levels.get(style.get(f"{_W}val"), 0)
                yield level, self.paragraph(child)
            elif child.tag == f"{_W}tbl":
                yield 0, "\n".join(filter(None, map(self.row, _children(child, "tr"))))
            elif child.tag in _WRAPPERS:
                yield from self.blocks(child)
            yield from ((0, note) for note in self.waiting)
            self.waiting.clear()

    def row(self, row: Any) -> str:
        """The cells of a table's row, each on one line."""
        cells = (" ".join(" ".join(text for _, text in self.cell(cell)).split()) for cell in _children(row, "tc"))
        return " | ".join(filter(None, cells))

    def cell(self, cell: Any) -> Iterator[tuple[int, str]]:
        """What `blocks` gives for a cell; its notes wait for the end of the table."""
        for child in cell:
            if child.tag == f"{_W}p":
                yield 0, self.paragraph(child)
            elif child.tag == f"{_W}tbl":
                yield from ((0, self.row(row)) for row in _children(child, "tr"))
            elif child.tag in _WRAPPERS:
                yield from self.cell(child)

    def paragraph(self, paragraph: Any) -> str:
        """A paragraph with its number, as it reads with all tracked changes accepted."""
        parts: list[str] = []
        stack = [paragraph]
        while stack:
            element = stack.pop()
            if element.tag in _SKIPPED:
                continue
            if element.tag in _NOTES:
                parts.append(self.note(_NOTES[element.tag], element.get(f"{_W}id")))
                continue
            parts.append(_CHARACTERS.get(element.tag, ""))
            if element.tag == f"{_W}t":
                parts.append(element.text or "")
            elif element.tag != f"{_W}pPr":  # holds tab stops, which are no text
                stack.extend(reversed(element))
        text = "".join(parts)
        # a paragraph that is empty still counts, as it does in Word, but shows nothing to read
        number = self.numbering.next(paragraph)
        return f"{number} {text.lstrip()}" if number and text.strip() else text

    def note(self, kind: str, number: str | None) -> str:
        """The mark of a note; its text waits for the end of the paragraph."""
        found = self.notes.get((kind, number or ""))
        if found is None:
            return ""
        count = self.seen[kind] = self.seen.get(kind, 0) + 1
        inner = " ".join(" ".join(_plain(p) for p in found.iter(f"{_W}p")).split())
        self.waiting.append(f"[{kind} {count}: {inner}]")
        return f" [{kind} {count}]"


def _extract(data: bytes) -> Extract:
    import docx

    document = docx.Document(BytesIO(data))
    part = document.part
    reading = _Reading(
        levels={style.style_id: _style_level(style) for style in document.styles},
        numbering=Numbering(_root(part, "/numbering"), _root(part, "/styles")),
        notes={(kind, note.get(f"{_W}id")): note for kind in ("footnote", "endnote") for note in _notes(part, kind)},
    )
    body = document.element.body
    blocks = [*_margins(part, body, "header"), *reading.blocks(body), *_margins(part, body, "footer")]
    parts: list[str] = []
    headings: list[Heading] = []
    length = 0
    for level, text in blocks:
        if not text.strip():
            continue
        if level:
            headings.append(Heading(length, level, " ".join(text.split())))
        parts.append(text)
        length += len(text) + 2
    joined = "\n\n".join(parts)
    if not joined:
        raise Unreadable("no text in this DOCX")
    if len(headings) > 1:
        return Extract(joined, tuple(headings))
    return Extract(joined, plain_headings(joined) or tuple(headings))  # a title alone is no outline


def _root(part: Any, ending: str) -> Any | None:
    """The XML of a part that the document is related to by a type with this ending."""
    from docx.oxml import parse_xml

    for relation in part.rels.values():
        if relation.reltype.endswith(ending) and not relation.is_external:
            target = relation.target_part
            element = getattr(target, "element", None)
            return parse_xml(target.blob) if element is None else element
    return None


def _notes(part: Any, kind: str) -> list[Any]:
    """The footnotes or endnotes, without the lines that separate them from the text."""
    root = _root(part, f"/{kind}s")
    found = [] if root is None else root.findall(f"{_W}{kind}")
    return [note for note in found if note.get(f"{_W}type") in (None, "normal")]


def _margins(part: Any, body: Any, kind: str) -> Iterator[tuple[int, str]]:
    """The texts of page headers or footers, each once; a page number alone is none."""
    seen: set[str] = set()
    for reference in body.iter(f"{_W}{kind}Reference"):
        target = part.related_parts.get(reference.get(f"{_R}id"))
        root = getattr(target, "element", None)
        if root is None:
            continue
        text = " ".join(" ".join(_plain(p) for p in root.iter(f"{_W}p")).split())
        if re.search(r"[^\W\d_]{2}", re.sub(r"(?i)\bpage\b|\bof\b", "", text)) and text not in seen:
            seen.add(text)
            yield 0, f"[{kind}: {text}]"


def _plain(paragraph: Any) -> str:
    """The text of a paragraph in a note or margin."""
    return "".join(
        (element.text or "") if element.tag == f"{_W}t" else _CHARACTERS.get(element.tag, "")
        for element in paragraph.iter()
        if not any(ancestor.tag in _SKIPPED or ancestor.tag == f"{_W}pPr" for ancestor in element.iterancestors())
    )


def _children(parent: Any, tag: str) -> Iterator[Any]:
    """The rows of a table or the cells of a row, also those inside content controls; not those of inner tables."""
    for child in parent:
        if child.tag == f"{_W}{tag}":
            yield child
        elif child.tag in _WRAPPERS:
            yield from _children(child, tag)


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
