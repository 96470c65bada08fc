"""DOCX: the paragraphs of a Word file with their numbers, tables, footnotes and headers, in their order.

A number that Word counts ("2.1", "(a)") stands before its paragraph. A footnote stands in a paragraph of its own after
the one that refers to it, as [footnote 1: ...], a page header before the text and a footer after it, each once. The
figures of a chart and the texts of SmartArt stand after the paragraph that holds it. Tracked changes are read as
accepted. Comments, hidden and struck-out text are left out, with a remark, and so are the prompts of empty form fields.
Macros are never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from hybrid.corpus.readers.archive import W, changed, member, of_archive, switch
from hybrid.corpus.readers.drawings import figure
from hybrid.corpus.readers.extract import Extract, LeftOut, Unreadable, omitted
from hybrid.corpus.readers.headings import plain_headings
from hybrid.corpus.readers.list_numbers import Numbering
from hybrid.corpus.readers.markup import is_margin, joined, of_page
from hybrid.corpus.readers.word.line import Looks
from hybrid.corpus.readers.word.wordml import EQUATION, Reading, without_prompts
from hybrid.document import Heading

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ANNOUNCES = re.compile(r"(?:[:,]|\bas follows\.|\b(?:by|is|are|equals|formula|equation))\s*\Z", re.IGNORECASE)
_TYPES = "[Content_Types].xml"
_MACROS = b"application/vnd.ms-word.document.macroEnabled.main+xml"
_PLAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def _without_macros(data: bytes) -> bytes:
    """A file with macros as one without, because python-docx opens no other; other files as they are."""
    with ZipFile(BytesIO(data)) as archive:
        if _MACROS not in member(archive, _TYPES):
            return data
        return changed(archive, lambda name, held: held.replace(_MACROS, _PLAIN) if name == _TYPES else held)


@of_archive("DOCX", "a Word file")
def read_docx(data: bytes) -> Extract:
    import docx

    document = docx.Document(BytesIO(_without_macros(data)))
    part, left_out = document.part, LeftOut()
    reading = Reading(
        levels={style.style_id: _style_level(style) for style in document.styles},
        numbering=Numbering(_root(part, "/numbering"), _root(part, "/styles")),
        looks=Looks(_root(part, "/styles")),
        notes={(kind, note.get(f"{W}id")): note for kind in ("footnote", "endnote") for note in _notes(part, kind)},
        figure=lambda place: _figure(part, place, left_out),
    )
    body = without_prompts(document.element.body)
    blocks = [
        *_margins(reading, part, body, "header"),
        *reading.blocks(body),
        *_margins(reading, part, body, "footer"),
    ]
    parts: list[Extract] = []
    titled = False
    for level, text in blocks:
        if not text.strip():
            continue
        if level == EQUATION and parts and not titled and _ANNOUNCES.search(parts[-1].text):
            parts[-1] = Extract(f"{parts[-1].text} {text}")  # it stays with the sentence that announces it
            continue
        titled = level > 0
        parts.append(Extract(text, (Heading(0, level, " ".join(text.split())),) if titled else ()))
    got = joined(parts, _remarks(reading, part, body, left_out))
    if not got.text:
        raise Unreadable("no text in this DOCX")
    if len(got.headings) > 1:
        return got
    return got._replace(headings=plain_headings(got.text) or got.headings)  # a title alone is no outline


def _figure(part: Any, place: Any, left_out: LeftOut) -> str:
    """The words of a chart or of SmartArt, as the table or list that they would be on a page."""

    def content(name: str) -> bytes:
        return bytes(part.related_parts[name].blob) if name in part.related_parts else b""

    return of_page(figure(place, content, left_out)).text


def _remarks(reading: Reading, part: Any, body: Any, left_out: LeftOut) -> tuple[str, ...]:
    comments = _root(part, "/comments")
    counted = (
        (0 if comments is None else len(comments.findall(f"{W}comment")), "comment"),
        (reading.hidden, "passage of hidden text"),
        (reading.struck + left_out.pop("struck-out passage", 0), "struck-out passage"),
        (sum(1 for _ in body.iter(f"{W}altChunk")), "embedded document"),
    )
    said = [omitted(count, what) for count, what in counted if count] + left_out.remarks()
    return (*said, *(["tracked changes read as accepted"] if reading.tracked else []))


def _root(part: Any, ending: str) -> Any | None:
    """The XML of the part that the document refers to by a type with this ending."""
    from docx.oxml import parse_xml

    for relation in part.rels.values():
        if relation.reltype.endswith(ending) and not relation.is_external:
            target = relation.target_part
            element = getattr(target, "element", None)
            return parse_xml(target.blob) if element is None else element
    return None


def _notes(part: Any, kind: str) -> list[Any]:
    """The footnotes or endnotes, without their separator lines."""
    root = _root(part, f"/{kind}s")
    found = [] if root is None else root.findall(f"{W}{kind}")
    return [note for note in found if note.get(f"{W}type") in (None, "normal")]


def _margins(reading: Reading, part: Any, body: Any, kind: str) -> Iterator[tuple[int, str]]:
    """The texts of visible page headers or footers, each once; a bare page number is left out."""
    seen: set[str] = set()
    for name in _shown(part, body, kind):
        target = part.related_parts.get(name)
        root = getattr(target, "element", None)
        if root is None:
            continue
        text = reading.flat(without_prompts(root))
        if is_margin(text) and text not in seen:
            seen.add(text)
            yield 0, f"[{kind}: {text}]"


def _shown(part: Any, body: Any, kind: str) -> list[str]:
    """The names of the visible headers or footers; a section without its own has those of the section before."""
    even = switch(_root(part, "/settings"), "evenAndOddHeaders")
    at: dict[str, str] = {}  # by the type of pages
    order: list[str] = []
    shown: set[str] = set()
    for section in body.iter(f"{W}sectPr"):
        if section.getparent().tag == f"{W}sectPrChange":  # the section before a change
            continue
        for reference in section.findall(f"{W}{kind}Reference"):
            name = reference.get(f"{_R}id", "")
            at[reference.get(f"{W}type", "default")] = name
            order += [] if name in order else [name]
        on = {"default": True, "first": switch(section, "titlePg"), "even": even}
        shown |= {name for pages, name in at.items() if on.get(pages, True)}
    return [name for name in order if name in shown]


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
