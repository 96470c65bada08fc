"""PPTX: a page for each slide, with its tables, charts, SmartArt and the speaker's notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from hybrid.corpus.readers.archive import of_archive, tag_of
from hybrid.corpus.readers.drawings import PLACES, drawn, figure
from hybrid.corpus.readers.extract import Extract, LeftOut
from hybrid.corpus.readers.markup import joined, marked, of_page, table_of

_SHAPES = frozenset({"sp", "grpSp", "graphicFrame", "pic", "cxnSp"})


@of_archive("PPTX")
def read_pptx(data: bytes) -> Extract:
    from pptx import Presentation

    parts, left_out = list[Extract](), LeftOut()
    for number, slide in enumerate(Presentation(BytesIO(data)).slides, 1):
        if slide._element.get("show") == "0":
            left_out["hidden slide"] += 1
            continue
        title = slide.shapes.title
        name = _frame(title.text_frame, left_out) if title is not None and title.has_text_frame else ""
        body = "".join(
            _shape(shape, left_out)
            for shape in _shapes(slide.shapes)
            if title is None or shape.shape_id != title.shape_id
        )
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        said = "" if notes is None else _paragraphs(notes, left_out)
        heading = f"<h2>{marked(name or f'Slide {number}')}</h2>"
        parts.append(of_page(heading + body + (f"<p>Notes:</p>{said}" if said else "")))
    return joined(parts, left_out.remarks(), paged=True)


def _shapes(shapes: Any) -> Iterator[Any]:
    """The shapes in their order, also those in a choice for newer programs, such as equations."""
    from pptx.shapes.shapetree import BaseShapeFactory

    for element in shapes._spTree:
        if tag_of(element) == "AlternateContent":
            choice = next(element.iterchildren("{*}Choice"), ())
            yield from (BaseShapeFactory(child, shapes) for child in choice if tag_of(child) in _SHAPES)
        elif tag_of(element) in _SHAPES:
            yield BaseShapeFactory(element, shapes)


def _shape(shape: Any, left_out: Counter[str]) -> str:
    if hasattr(shape, "shapes"):  # a group
        return "".join(_shape(one, left_out) for one in _shapes(shape.shapes))
    if getattr(shape, "has_table", False):
        rows = [
            [
                (_frame(cell.text_frame, left_out), cell.span_width if cell.is_merge_origin else 1,
                 cell.span_height if cell.is_merge_origin else 1) if not cell.is_spanned else ("", 0, 0)
                for cell in row.cells
            ]
            for row in shape.table.rows
        ]  # fmt: skip
        return table_of(rows)
    places = list(shape._element.iter(*PLACES))
    if places:
        return "".join(figure(place, lambda name: _part(shape, name), left_out) for place in places)
    return _paragraphs(shape.text_frame, left_out) if getattr(shape, "has_text_frame", False) else ""


def _part(shape: Any, name: str) -> bytes:
    return bytes(shape.part.related_part(name).blob) if name in shape.part.rels else b""


def _paragraphs(frame: Any, left_out: Counter[str]) -> str:
    texts = (drawn(paragraph._p, left_out) for paragraph in frame.paragraphs)
    return "".join(f"<p>{marked(text)}</p>" for text in texts if text)


def _frame(frame: Any, left_out: Counter[str]) -> str:
    return " ".join(filter(None, (drawn(paragraph._p, left_out) for paragraph in frame.paragraphs)))
