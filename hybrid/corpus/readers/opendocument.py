"""OpenDocument: texts with the numbers of their headings and lists, spreadsheets and presentations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import Any, NamedTuple
from zipfile import ZipFile

from hybrid.corpus.readers.archive import attribute, member, of_archive, tag_of
from hybrid.corpus.readers.extract import Extract, LeftOut, Unreadable
from hybrid.corpus.readers.list_numbers import list_numbers
from hybrid.corpus.readers.markup import BLANKS, Cells, is_margin, joined, marked, of_page, raised, sheet_of, table_of

_REPEATED = 200  # most times that one cell or row of a table is read: files fill sheets with them
_WIDEST = 20_000  # columns of a sheet
_FRAMES = frozenset({"frame", "custom-shape", "rect", "g"})
_ASIDE = frozenset({"tracked-changes", "annotation", "sequence-decls", "forms", "page-thumbnail"})


class _Look(NamedTuple):
    rise: int = 0  # 1 above the line, -1 below it
    struck: bool = False
    hidden: bool = False  # also a sheet or a slide


@dataclass(slots=True)
class _Odf:
    """One OpenDocument file while it is read: its styles by family and name, and the count of what is left out."""

    styles: Mapping[tuple[str, str], Any]
    left_out: LeftOut = field(default_factory=LeftOut)
    numbers: Mapping[Any, str] = field(default_factory=dict)  # of headings and items of lists, by their paragraphs
    looks: dict[tuple[str, str], _Look] = field(default_factory=dict)

    def look(self, family: str, element: Any) -> _Look:
        """How an element looks, by its style and the styles which that is based on."""
        key = (family, attribute(element, "style-name"))
        if key not in self.looks:
            found, style = dict[str, str](), self.styles.get(key)
            for _ in range(10):  # styles can be based on each other in a circle
                for properties in style if style is not None else ():
                    for name, value in properties.attrib.items():
                        found.setdefault(name.rpartition("}")[2], value)
                parent = "" if style is None else attribute(style, "parent-style-name")
                style = self.styles.get((family, parent))
            self.looks[key] = _look(family, found)
        return self.looks[key]

    def omits(self, look: _Look, text: str) -> bool:
        """Whether a text is left out; it is counted then."""
        if (look.hidden or look.struck) and text.strip():
            self.left_out["passage of hidden text" if look.hidden else "struck-out passage"] += 1
        return look.hidden or look.struck


def _look(family: str, found: Mapping[str, str]) -> _Look:
    place = found.get("text-position", "").split(" ")[0]
    rise = {"super": 1, "sub": -1}.get(place, 0)
    if not rise and re.fullmatch(r"-?\d+(?:\.\d+)?%", place):
        amount = float(place[:-1])
        rise = (amount > 0) - (amount < 0)
    line = found.get("text-line-through-style") or found.get("text-line-through-type") or "none"
    unseen = {"table": found.get("display") == "false", "drawing-page": found.get("visibility") == "hidden"}
    return _Look(rise, line != "none", unseen.get(family, found.get("display") == "none"))


@of_archive("OpenDocument file")
def read_odf(data: bytes) -> Extract:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
    with ZipFile(BytesIO(data)) as archive:
        if b"encryption-data" in member(archive, "META-INF/manifest.xml"):
            raise Unreadable("encrypted OpenDocument file: needs a password")
        root = etree.fromstring(archive.read("content.xml"), parser)
        common = etree.fromstring(archive.read("styles.xml"), parser) if "styles.xml" in archive.namelist() else None
    shared = _styles(common)
    styles = {**shared, **_styles(root)}
    odf = _Odf(styles, numbers=list_numbers(root, common, styles))
    odf.left_out["comment"] = sum(1 for _ in root.iter("{*}annotation"))
    tracked = next(root.iter("{*}tracked-changes"), None) is not None
    slides, sheets = list(root.iter("{*}page")), next(root.iter("{*}spreadsheet"), None)
    if slides:
        parts = list(_slides(slides, odf))
    elif sheets is not None:
        parts = list(_sheets(sheets, odf))
    else:
        body = next(root.iter("{*}text"), root)
        margins = _Odf(shared, odf.left_out)
        blocks = [*_margins(common, "header", margins), *_blocks(body, odf)]
        parts = [of_page("".join([*blocks, *_margins(common, "footer", margins)]))]
    remarks = odf.left_out.remarks() + (["tracked changes read as accepted"] if tracked else [])
    return joined(parts, remarks, paged=bool(slides))


def _styles(root: Any) -> dict[tuple[str, str], Any]:
    return {
        (attribute(element, "family"), attribute(element, "name")): element
        for element in (() if root is None else root.iter("{*}style"))
    }


def _slides(slides: Sequence[Any], odf: _Odf) -> Iterator[Extract]:
    for number, slide in enumerate(slides, 1):
        if odf.look("drawing-page", slide).hidden:
            odf.left_out["hidden slide"] += 1
            continue
        name = attribute(slide, "name")
        known = name if name and not re.fullmatch(r"page\d+", name) else f"Slide {number}"
        yield of_page(f"<h2>{escape(known)}</h2>{''.join(_blocks(slide, odf))}")


def _sheets(book: Any, odf: _Odf) -> Iterator[Extract]:
    for table in book.iterchildren("{*}table"):
        if odf.look("table", table).hidden:
            odf.left_out["hidden sheet"] += 1
            continue
        rows, _ = _rows(table, odf)  # rows repeated in print need not name columns
        yield of_page(f"<h2>{escape(attribute(table, 'name') or 'Sheet')}</h2>{sheet_of(rows)}")


def _margins(styles: Any, kind: str, odf: _Odf) -> Iterator[str]:
    """The texts of page headers or footers, each once; a bare page number is left out."""
    seen = set[str]()
    kinds = [f"{{*}}{kind}{pages}" for pages in ("", "-left", "-first")]
    for element in () if styles is None else styles.iter(*kinds):
        if attribute(element, "display") == "false":
            continue
        text = " ".join(_text(p, odf) for p in _paragraphs(element)).strip()
        if text not in seen and is_margin(text):
            seen.add(text)
            yield f"<p>{marked(f'[{kind}: {text}]')}</p>"


def _blocks(element: Any, odf: _Odf) -> Iterator[str]:
    for child in element:
        tag = tag_of(child)
        if tag in ("h", "p"):
            level = min(6, max(1, int(attribute(child, "outline-level") or 1)))
            name = f"h{level}" if tag == "h" else "p"
            yield f"<{name}>{marked(_text(child, odf))}</{name}>"
            for frame in _frames(child):
                yield from _blocks(frame, odf)
        elif tag == "table":
            yield table_of(*_rows(child, odf))
        elif tag == "notes":
            said = "".join(_blocks(child, odf))
            yield f"<p>Notes:</p>{said}" if re.search(r">[^<\s]", said) else ""
        elif tag == "section" and attribute(child, "display") == "none":
            odf.left_out["passage of hidden text"] += 1
        elif tag not in _ASIDE:
            yield from _blocks(child, odf)


def _frames(element: Any) -> Iterator[Any]:
    """The boxes anchored in a paragraph."""
    for child in element:
        if tag_of(child) in _FRAMES:
            yield child
        elif tag_of(child) in ("span", "a"):
            yield from _frames(child)


def _paragraphs(element: Any) -> Iterator[Any]:
    """The paragraphs in a cell or a margin and in its boxes, without comments."""
    for child in element:
        if tag_of(child) in ("p", "h"):
            yield child
            for frame in _frames(child):
                yield from _paragraphs(frame)
        elif tag_of(child) not in _ASIDE:
            yield from _paragraphs(child)


def _rows(table: Any, odf: _Odf) -> tuple[Cells, int]:
    """The visible cells of a table, and how many of the first rows the file calls headers."""
    rows, heads = Cells(), 0
    shut, unseen = _shut(table), set[int]()
    for row in _own(table, "table-row"):
        known = odf.left_out.total()
        cells, column = list[tuple[str, int, int]](), 0
        for cell in row.iterchildren("{*}table-cell", "{*}covered-table-cell"):
            text = " ".join(_text(p, odf) for p in _paragraphs(cell)).strip()
            across, down = (int(attribute(cell, f"number-{what}-spanned") or 1) for what in ("columns", "rows"))
            if tag_of(cell) == "covered-table-cell":
                across, down = 0, 0
            elif across > 1 and shut:
                across = sum(at not in shut for at in range(column, column + across))
            times = int(attribute(cell, "number-columns-repeated") or 1)
            places = range(column, column + min(times, _REPEATED))
            unseen |= {at for at in places if text and at in shut}
            cells += [(text, across, down) for at in places if at not in shut]
            column += times
        if odf.left_out.total() > known and not any(text for text, _, _ in cells):
            continue  # an empty row would part the table
        while cells and cells[-1] == ("", 1, 1):
            cells.pop()
        if attribute(row, "visibility") in ("collapse", "filter"):
            odf.left_out["hidden row"] += any(text for text, _, _ in cells)
            continue
        rows += [cells] * min(int(attribute(row, "number-rows-repeated") or 1), _REPEATED if cells else 1)
        if tag_of(row.getparent()) == "table-header-rows":
            heads = len(rows)
    odf.left_out["hidden column"] += len(unseen)
    return rows, heads


def _shut(table: Any) -> set[int]:
    """The hidden columns of a table."""
    shut, column = set[int](), 0
    for element in _own(table, "table-column"):
        times = int(attribute(element, "number-columns-repeated") or 1)
        if attribute(element, "visibility") in ("collapse", "filter"):
            shut |= set(range(column, column + min(times, _WIDEST)))
        column += times
    return shut


def _own(table: Any, tag: str) -> Iterator[Any]:
    """The elements of a table that are in no inner table."""
    return (one for one in table.iter(f"{{*}}{tag}") if next(one.iterancestors("{*}table"), None) is table)


def _text(element: Any, odf: _Odf) -> str:
    text, number = BLANKS.sub(" ", _inner(element, odf)), odf.numbers.get(element, "")
    if odf.omits(odf.look("paragraph", element), text):
        return ""
    return f"{number} {text.lstrip()}" if number and text.strip() else text


def _inner(element: Any, odf: _Odf) -> str:
    parts: list[str] = [element.text or ""]
    for child in element:
        tag = tag_of(child)
        if tag == "s":
            parts.append(" " * int(attribute(child, "c") or 1))
        elif tag in ("tab", "line-break"):
            parts.append(" ")
        elif tag == "note":
            body = " ".join(_text(p, odf) for p in child.iter("{*}p"))
            parts.append(f" [footnote: {body}]" if body else "")
        elif tag == "span":
            parts.append(_span(child, odf))
        elif tag == "hidden-text" and attribute(child, "is-hidden") == "true":
            odf.left_out["passage of hidden text"] += 1
        elif tag not in _FRAMES and tag not in _ASIDE and tag != "number":
            parts.append(_inner(child, odf))
        parts.append(child.tail or "")
    return "".join(parts)


def _span(span: Any, odf: _Odf) -> str:
    text, look = _inner(span, odf), odf.look("text", span)
    return "" if odf.omits(look, text) else raised(text, look.rise)
