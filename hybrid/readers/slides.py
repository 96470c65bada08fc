"""PPTX: a page for each slide, with its tables, charts and the speaker's notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from io import BytesIO
from typing import Any

from hybrid.readers.drawing import A, drawn
from hybrid.readers.extract import Extract, LeftOut
from hybrid.readers.markup import BLANKS, Cells, html_of, joined, marked, of_page
from hybrid.readers.number_formats import plain
from hybrid.readers.xml import attribute, tag_of

_SHAPES = frozenset({"sp", "grpSp", "graphicFrame", "pic", "cxnSp"})


def slides_of(data: bytes) -> Extract:
    from pptx import Presentation

    parts, left_out = list[Extract](), LeftOut()
    for number, slide in enumerate(Presentation(BytesIO(data)).slides, 1):
        if slide._element.get("show") == "0":
            left_out.counts["hidden slide"] += 1
            continue
        title = slide.shapes.title
        name = BLANKS.sub(" ", title.text_frame.text).strip() if title is not None and title.has_text_frame else ""
        body = "".join(
            _shape(shape, left_out.counts)
            for shape in _shapes(slide.shapes)
            if title is None or shape.shape_id != title.shape_id
        )
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        said = "" if notes is None else _paragraphs(notes)
        heading = f"<h2>{escape(name or f'Slide {number}')}</h2>"
        parts.append(of_page(heading + body + (f"<p>Notes:</p>{said}" if said else "")))
    return joined(parts, left_out.remarks(), paged=True)


def _shapes(shapes: Any) -> Iterator[Any]:
    """The shapes in their order, with those that stand in a choice for newer programs, as with an equation."""
    from pptx.shapes.shapetree import BaseShapeFactory

    for element in shapes._spTree:
        if tag_of(element) == "AlternateContent":
            choice = next((child for child in element if tag_of(child) == "Choice"), ())
            yield from (BaseShapeFactory(child, shapes) for child in choice if tag_of(child) in _SHAPES)
        elif tag_of(element) in _SHAPES:
            yield BaseShapeFactory(element, shapes)


def _shape(shape: Any, left_out: Counter[str]) -> str:
    if hasattr(shape, "shapes"):  # a group
        return "".join(_shape(one, left_out) for one in _shapes(shape.shapes))
    if getattr(shape, "has_table", False):
        rows = [
            [
                (_frame(cell.text_frame), cell.span_width if cell.is_merge_origin else 1,
                 cell.span_height if cell.is_merge_origin else 1) if not cell.is_spanned else ("", 0, 0)
                for cell in row.cells
            ]
            for row in shape.table.rows
        ]  # fmt: skip
        return html_of(rows)
    if getattr(shape, "has_chart", False):
        return _chart(shape.chart)
    if any(attribute(element, "uri").endswith("/diagram") for element in shape._element.iter(f"{A}graphicData")):
        left_out["diagram (SmartArt)"] += 1
    return _paragraphs(shape.text_frame) if getattr(shape, "has_text_frame", False) else ""


def _paragraphs(frame: Any) -> str:
    texts = (drawn(paragraph._p) for paragraph in frame.paragraphs)
    return "".join(f"<p>{marked(text)}</p>" for text in texts if text)


def _frame(frame: Any) -> str:
    return " ".join(filter(None, (drawn(paragraph._p) for paragraph in frame.paragraphs)))


def _chart(chart: Any) -> str:
    """The figures of a chart as a table."""
    rows = Cells()
    for plot in chart.plots:
        series = list(plot.series)
        rows.append([("", 1, 1), *((str(one.name), 1, 1) for one in series)])
        for at, category in enumerate(plot.categories):
            rows.append([(str(category), 1, 1), *((_charted(one.values, at), 1, 1) for one in series)])
        rows.append([])
    return html_of(rows)


def _charted(values: Sequence[float | None], at: int) -> str:
    value = values[at] if at < len(values) else None
    return "" if value is None else plain(value)
