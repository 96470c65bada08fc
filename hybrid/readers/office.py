"""Spreadsheets, slides, OpenDocument, RTF and e-books: rendered as simple web pages, and read as those are.

    .xlsx          openpyxl; a heading for each sheet, its rows with the names of their columns
    .pptx          python-pptx; a page for each slide, with its tables and the speaker's notes
    .rtf           striprtf
    .odt .ods .odp, .epub   what is in the archive

Formulas are read by the value that was stored. Hidden sheets, rows, columns and slides are left out, and said to be,
as are comments, formulas without a value, and struck-out or hidden text of OpenDocument and RTF files.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from html import escape
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import unquote
from zipfile import BadZipFile, ZipFile

from hybrid.document import Heading
from hybrid.readers import archive as archives
from hybrid.readers.encoding import decode
from hybrid.readers.equations import linear
from hybrid.readers.extract import Extract, Unreadable, in_few_words, omitted
from hybrid.readers.html import page_text
from hybrid.readers.number_formats import duration, plain
from hybrid.readers.number_formats import shown as formatted
from hybrid.readers.rtf import cleared

CELL_LIMIT = 2_000_000  # of one workbook
_OLE = b"\xd0\xcf\x11\xe0"  # what Office wraps around encrypted files
_REPEATED = 200  # times at most that one cell or row of an OpenDocument table is told: files fill sheets with them
_WIDEST = 20_000  # columns at most of a sheet
_FRAMES = frozenset({"frame", "custom-shape", "rect", "g"})
_ASIDE = frozenset({"tracked-changes", "annotation", "sequence-decls", "forms", "page-thumbnail"})
_LOOSE = re.compile(r"(\[(?:footnote|header|footer):[^\[\]]*?)\s+\]")  # a note whose paragraph ended before it
_MARGIN = re.compile(r"\[(?:header|footer):([^\]]*)\]")
_ONE = re.compile(r"\s+")
_SHAPES = frozenset({"sp", "grpSp", "graphicFrame", "pic", "cxnSp"})
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_UP, _DOWN, _LEVEL = "\x02\x04\x03"  # around raised and lowered text; no XML holds these characters

Cells = list[list[tuple[str, int, int]]]  # text, columns and rows that it spans


def read_xlsx(data: bytes) -> Extract:
    return _guarded("XLSX", data, _xlsx)


def read_pptx(data: bytes) -> Extract:
    return _guarded("PPTX", data, _pptx)


def read_odf(data: bytes) -> Extract:
    return _guarded("OpenDocument file", data, _odf)


def read_epub(data: bytes) -> Extract:
    return _guarded("EPUB", data, _epub)


def read_rtf(data: bytes) -> Extract:
    if not data.lstrip().startswith(b"{\\rtf"):
        raise Unreadable("broken RTF: it does not begin as one")
    try:
        from striprtf import striprtf
    except ImportError:
        raise _missing() from None
    try:
        told = striprtf.remove_pict_groups(data.decode("latin-1"))  # type: ignore[no-untyped-call]
        told, counts, tracked = cleared(told, striprtf.destinations, _UP, _DOWN, _LEVEL)
        text = str(striprtf.rtf_to_text(told, errors="replace"))  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 - a broken file leads to nearly anything
        raise Unreadable(f"broken RTF: {in_few_words(error)}") from None
    remarks = _LeftOut(counts).remarks() + (["tracked changes read as accepted"] if tracked else [])
    return _joined([_of_page(_rtf_page(text))], remarks)


def _guarded(what: str, data: bytes, render: Callable[[bytes], Extract]) -> Extract:
    """Read an archive; what goes wrong is said in a sentence."""
    if data.startswith(_OLE):
        raise Unreadable(f"encrypted {what}: needs a password")
    try:
        with ZipFile(BytesIO(data)) as archive:
            archives.check(archive, what)
        return render(data)
    except Unreadable:
        raise
    except ImportError:
        raise _missing() from None
    except BadZipFile:
        raise Unreadable(f"broken {what}: not an archive as it should be") from None
    except Exception as error:  # noqa: BLE001 - a broken file leads the libraries to raise nearly anything
        raise Unreadable(f"broken {what}: {in_few_words(error)}") from None


def _missing() -> Unreadable:
    return Unreadable("needs the extra office: pip install 'hybrid-context[office]'")


def _raised(text: str, rise: float) -> str:
    """A text with marks that keep it apart where it stands above or below the line."""
    return f"{_UP if rise > 0 else _DOWN}{text}{_LEVEL}" if rise and text.strip() else text


def _marked(text: str) -> str:
    """A text as it stands in a page."""
    told = re.sub(f"{_UP}([^{_UP}{_DOWN}{_LEVEL}]*){_LEVEL}", r"<sup>\1</sup>", escape(text))
    told = re.sub(f"{_DOWN}([^{_UP}{_DOWN}{_LEVEL}]*){_LEVEL}", r"<sub>\1</sub>", told)
    return re.sub(f"[{_UP}{_DOWN}{_LEVEL}]", "", told)


# -- pages -------------------------------------------------------------------------------------------------------------


def _of_page(html: str) -> Extract:
    """A page as it is read; its places count in the text, since the page is ours."""
    got = page_text(f"<html><body>{html}</body></html>")
    return Extract(got.text.strip("\n"), got.headings)


def _joined(parts: Sequence[Extract], remarks: Sequence[str] = (), *, paged: bool = False) -> Extract:
    """Parts one after the other; their headings moved, their beginnings as pages."""
    text, headings, pages = "", list[Heading](), list[int]()
    for part in parts:
        pages.append(len(text))
        headings += [heading._replace(start=heading.start + len(text)) for heading in part.headings]
        text += part.text + "\n\n"
    return Extract(text.rstrip("\n"), tuple(headings), pages=tuple(pages) if paged else (), remarks=tuple(remarks))


def _html(rows: Cells, heads: int = 0) -> str:
    """A table, the first of its rows those of names; a first row of one cell is a title, empty rows part tables."""
    found, block = [], list[list[tuple[str, int, int]]]()
    for at, row in enumerate([*rows, []]):
        if any(text for text, _, _ in row):
            block.append(row)
            continue
        found.append(_table(block, heads if len(block) == at > heads else 0))
        block = []
    return "".join(found)


def _table(rows: Cells, heads: int) -> str:
    titles = ""
    while len(rows) > 1 and not heads and sum(bool(t) for t, _, _ in rows[0]) == 1 and max(map(len, rows)) > 2:
        titles += f"<p>{_marked(next(text for text, _, _ in rows[0] if text))}</p>"
        rows = rows[1:]
    if not rows:
        return titles
    if max(sum(bool(text) for text, _, _ in row) for row in rows) == 1:
        return titles + "".join(f"<p>{_marked(text)}</p>" for row in rows for text, _, _ in row if text)
    lines = []
    for row in rows:
        cells = "".join(
            f"<td colspan={across} rowspan={down}>{_marked(text)}</td>" for text, across, down in row if across
        )
        lines.append(f"<tr>{cells}</tr>")
    head = f"<thead>{''.join(lines[:heads])}</thead>" if heads else ""
    return f"{titles}<table>{head}<tbody>{''.join(lines[heads:])}</tbody></table>"


# -- Excel -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _LeftOut:
    """What of a file is not in the text, counted by its kind."""

    counts: Counter[str] = field(default_factory=Counter)

    def remarks(self) -> list[str]:
        return [omitted(count, what) for what, count in self.counts.items() if count]


def _xlsx(data: bytes) -> Extract:
    import warnings

    import openpyxl.reader.excel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what of a file openpyxl does not keep
        reader = openpyxl.reader.excel.ExcelReader(BytesIO(data), data_only=True, rich_text=True)
        reader.read()
        paths = {sheet.name: relation.target for sheet, relation in reader.parser.find_sheets()}
    left_out = _LeftOut(Counter({"hidden sheet": 0, "hidden row": 0, "hidden column": 0}))
    parts, cells = list[Extract](), 0
    with ZipFile(BytesIO(data)) as archive:
        for sheet in reader.wb.worksheets:
            if sheet.sheet_state != "visible":
                left_out.counts["hidden sheet"] += 1
                continue
            cells += sheet.max_row * sheet.max_column
            if cells > CELL_LIMIT:
                raise Unreadable(f"too large XLSX: over {CELL_LIMIT:,} cells; save the sheets as CSV files")
            rows = _sheet(sheet, left_out.counts)
            left_out.counts["formula without a stored value"] += _unreckoned(archive, paths.get(sheet.title, ""))
            boxes = "".join(f"<p>{_marked(line)}</p>" for line in _boxes(archive, sheet))
            parts.append(_of_page(f"<h2>{escape(sheet.title)}</h2>{_html(rows)}{boxes}"))
    left_out.counts["chart sheet"] = len(reader.wb.chartsheets)
    return _joined(parts, left_out.remarks())


def _unreckoned(archive: ZipFile, path: str) -> int:
    """How many formulas of a sheet have no value, as in files that no spreadsheet program has saved."""
    from lxml import etree

    data = archive.read(path) if path in archive.namelist() else b""
    if b"<f" not in data and b":f" not in data:
        return 0
    count = 0
    for _, cell in etree.iterparse(BytesIO(data), tag="{*}c", resolve_entities=False, huge_tree=True):
        held = {_tag(child): child for child in cell}
        if "f" in held and ("v" not in held or not (held["v"].text or cell.get("t") == "str")):
            count += 1
        cell.clear()
    return count


def _boxes(archive: ZipFile, sheet: Any) -> Iterator[str]:
    """The paragraphs of the text boxes and shapes on a sheet."""
    from lxml import etree

    names = set(archive.namelist())
    for relation in sheet._rels:
        if not relation.Type.endswith("/drawing") or relation.target not in names:
            continue
        root = etree.fromstring(archive.read(relation.target), etree.XMLParser(resolve_entities=False))
        for paragraph in root.iter(f"{_DRAWING}p"):
            if not any(_tag(above) == "Fallback" for above in paragraph.iterancestors()):
                text = _drawn(paragraph)
                if text:
                    yield text


def _sheet(sheet: Any, left_out: Counter[str]) -> Cells:
    """The cells of a sheet that are seen; rows and columns with something in them that are not are counted."""
    spans = {
        (area.min_row, area.min_col): (area.max_col - area.min_col + 1, area.max_row - area.min_row + 1)
        for area in sheet.merged_cells.ranges
    }
    covered = {
        (row, column)
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    } - set(spans)
    shut, unseen = _shut(sheet), set[int]()
    rows = Cells()
    for cells in sheet.iter_rows():
        told = []
        for cell in cells:
            left_out["comment"] += getattr(cell, "comment", None) is not None
            if cell.column in shut:
                if cell.value is not None:
                    unseen.add(cell.column)
                continue
            place = (cell.row, cell.column)
            across, down = (0, 0) if place in covered else spans.get(place, (1, 1))
            if across > 1 and shut:
                across = sum(column not in shut for column in range(cell.column, cell.column + across))
            told.append((_value(cell) if across else "", across, down))
        if sheet.row_dimensions[cells[0].row].hidden:
            left_out["hidden row"] += any(text for text, _, _ in told)
        else:
            while told and not told[-1][0] and told[-1][1] == 1 and len(told) > 1 and not any(t for t, _, _ in told):
                told.pop()
            rows.append(told)
    left_out["hidden column"] += len(unseen)
    return rows


def _shut(sheet: Any) -> set[int]:
    """The columns of a sheet that are hidden; one entry of a file can stand for several."""
    return {
        number
        for column in sheet.column_dimensions.values()
        if column.hidden
        for number in range(column.min or 0, (column.max or 0) + 1)
    }


def _value(cell: Any) -> str:
    """A cell's value about as it is shown."""
    value, shown = cell.value, str(getattr(cell, "number_format", ""))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _moment(value, shown.lower())
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration(value, shown)
    if isinstance(value, int | float):
        return formatted(value, shown)
    if isinstance(value, list):  # rich text: strings and blocks with a font
        value = "".join(str(one) if isinstance(one, str) else _raised(one.text, _rise(one.font)) for one in value)
    return _ONE.sub(" ", str(value)).strip()


def _moment(value: datetime, shown: str) -> str:
    """A date with its time, or the month or the year alone that a format shows of their first day."""
    if value.time() != time():
        return value.isoformat(" ", "minutes")
    if value.day == 1 and "y" in shown and not re.search("[dhs]", shown):
        return f"{value:%Y-%m}" if "m" in shown or value.month > 1 else f"{value:%Y}"
    return value.date().isoformat()


def _rise(font: Any) -> int:
    return {"superscript": 1, "subscript": -1}.get(getattr(font, "vertAlign", None) or "", 0)


# -- PowerPoint --------------------------------------------------------------------------------------------------------


def _pptx(data: bytes) -> Extract:
    from pptx import Presentation

    parts, left_out = list[Extract](), _LeftOut()
    for number, slide in enumerate(Presentation(BytesIO(data)).slides, 1):
        if slide._element.get("show") == "0":
            left_out.counts["hidden slide"] += 1
            continue
        title = slide.shapes.title
        name = _ONE.sub(" ", title.text_frame.text).strip() if title is not None and title.has_text_frame else ""
        body = "".join(
            _shape(shape, left_out.counts)
            for shape in _shapes(slide.shapes)
            if title is None or shape.shape_id != title.shape_id
        )
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        said = "" if notes is None else _paragraphs(notes)
        heading = f"<h2>{escape(name or f'Slide {number}')}</h2>"
        parts.append(_of_page(heading + body + (f"<p>Notes:</p>{said}" if said else "")))
    return _joined(parts, left_out.remarks(), paged=True)


def _shapes(shapes: Any) -> Iterator[Any]:
    """The shapes in their order, with those that stand in a choice for newer programs, as with an equation."""
    from pptx.shapes.shapetree import BaseShapeFactory

    for element in shapes._spTree:
        if _tag(element) == "AlternateContent":
            choice = next((child for child in element if _tag(child) == "Choice"), ())
            yield from (BaseShapeFactory(child, shapes) for child in choice if _tag(child) in _SHAPES)
        elif _tag(element) in _SHAPES:
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
        return _html(rows)
    if getattr(shape, "has_chart", False):
        return _chart(shape.chart)
    if any(
        _attribute(element, "uri").endswith("/diagram") for element in shape._element.iter(f"{_DRAWING}graphicData")
    ):
        left_out["diagram (SmartArt)"] += 1
    return _paragraphs(shape.text_frame) if getattr(shape, "has_text_frame", False) else ""


def _paragraphs(frame: Any) -> str:
    texts = (_drawn(paragraph._p) for paragraph in frame.paragraphs)
    return "".join(f"<p>{_marked(text)}</p>" for text in texts if text)


def _frame(frame: Any) -> str:
    return " ".join(filter(None, (_drawn(paragraph._p) for paragraph in frame.paragraphs)))


def _drawn(paragraph: Any) -> str:
    """The text of a paragraph on a slide or in a text box, its equations included."""
    return _ONE.sub(" ", "".join(map(_run, paragraph))).strip()


def _run(element: Any) -> str:
    tag = _tag(element)
    if tag in ("oMath", "oMathPara"):
        return f" {linear(element)} "
    if tag in ("AlternateContent", "Choice", "m"):
        return "".join(map(_run, element))
    if tag not in ("r", "fld"):
        return " " if tag == "br" else ""
    text = "".join(held.text or "" for held in element.findall(f"{_DRAWING}t"))
    look = element.find(f"{_DRAWING}rPr")
    return _raised(text, float("0" if look is None else look.get("baseline", "0").rstrip("%") or "0"))


def _chart(chart: Any) -> str:
    """The figures of a chart as a table."""
    rows = Cells()
    for plot in chart.plots:
        series = list(plot.series)
        rows.append([("", 1, 1), *((str(one.name), 1, 1) for one in series)])
        for at, category in enumerate(plot.categories):
            rows.append([(str(category), 1, 1), *((_charted(one.values, at), 1, 1) for one in series)])
        rows.append([])
    return _html(rows)


def _charted(values: Sequence[float | None], at: int) -> str:
    value = values[at] if at < len(values) else None
    return "" if value is None else plain(value)


# -- OpenDocument ------------------------------------------------------------------------------------------------------


class _Look(NamedTuple):
    """What a style of an OpenDocument file does to the text that has it."""

    rise: int = 0  # 1 above the line, -1 below it
    struck: bool = False
    hidden: bool = False  # also a sheet or a slide


@dataclass(slots=True)
class _Odf:
    """One OpenDocument file on its way: its styles by family and name, and what is left out."""

    styles: Mapping[tuple[str, str], Any]
    left_out: _LeftOut = field(default_factory=_LeftOut)
    looks: dict[tuple[str, str], _Look] = field(default_factory=dict)

    def look(self, family: str, element: Any) -> _Look:
        """How an element looks by its style and those that this one is based on."""
        key = (family, _attribute(element, "style-name"))
        if key not in self.looks:
            found, style = dict[str, str](), self.styles.get(key)
            for _ in range(10):  # styles can be based on each other in a circle
                for properties in style if style is not None else ():
                    for name, value in properties.attrib.items():
                        found.setdefault(name.rpartition("}")[2], value)
                parent = "" if style is None else _attribute(style, "parent-style-name")
                style = self.styles.get((family, parent))
            self.looks[key] = _look(family, found)
        return self.looks[key]

    def omits(self, look: _Look, text: str) -> bool:
        """Whether a text is not told, which is counted."""
        if (look.hidden or look.struck) and text.strip():
            self.left_out.counts["passage of hidden text" if look.hidden else "struck-out passage"] += 1
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


def _odf(data: bytes) -> Extract:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
    with ZipFile(BytesIO(data)) as archive:
        names = set(archive.namelist())
        manifest = archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in names else b""
        if b"encryption-data" in manifest:
            raise Unreadable("encrypted OpenDocument file: needs a password")
        root = etree.fromstring(archive.read("content.xml"), parser)
        common = etree.fromstring(archive.read("styles.xml"), parser) if "styles.xml" in names else None
    shared = _styles(common)
    odf = _Odf({**shared, **_styles(root)})
    comments = sum(_tag(element) == "annotation" for element in root.iter())
    odf.left_out.counts["comment"] = comments
    tracked = any(_tag(element) == "tracked-changes" for element in root.iter())
    slides = [element for element in root.iter() if _tag(element) == "page"]
    sheets = [element for element in root.iter() if _tag(element) == "spreadsheet"]
    if slides:
        parts = list(_odf_slides(slides, odf))
    elif sheets:
        parts = list(_odf_sheets(sheets[0], odf))
    else:
        body = next((element for element in root.iter() if _tag(element) == "text"), root)
        margins = _Odf(shared, odf.left_out)
        blocks = [*_odf_margins(common, "header", margins), *_odf_blocks(body, odf)]
        parts = [_of_page("".join([*blocks, *_odf_margins(common, "footer", margins)]))]
    remarks = odf.left_out.remarks() + (["tracked changes read as accepted"] if tracked else [])
    return _joined(parts, remarks, paged=bool(slides))


def _styles(root: Any) -> dict[tuple[str, str], Any]:
    return {
        (_attribute(element, "family"), _attribute(element, "name")): element
        for element in (() if root is None else root.iter())
        if _tag(element) == "style"
    }


def _odf_slides(slides: Sequence[Any], odf: _Odf) -> Iterator[Extract]:
    for number, slide in enumerate(slides, 1):
        if odf.look("drawing-page", slide).hidden:
            odf.left_out.counts["hidden slide"] += 1
            continue
        name = _attribute(slide, "name")
        known = name if name and not re.fullmatch(r"page\d+", name) else f"Slide {number}"
        yield _of_page(f"<h2>{escape(known)}</h2>{''.join(_odf_blocks(slide, odf))}")


def _odf_sheets(book: Any, odf: _Odf) -> Iterator[Extract]:
    for table in (element for element in book if _tag(element) == "table"):
        if odf.look("table", table).hidden:
            odf.left_out.counts["hidden sheet"] += 1
            continue
        rows, _ = _odf_rows(table, odf)  # what is repeated when it is printed need not be names of columns
        yield _of_page(f"<h2>{escape(_attribute(table, 'name') or 'Sheet')}</h2>{_html(rows)}")


def _odf_margins(styles: Any, kind: str, odf: _Odf) -> Iterator[str]:
    """The texts of page headers or footers, each once; a page number alone is none."""
    seen = set[str]()
    for element in () if styles is None else styles.iter():
        if _tag(element) not in (kind, f"{kind}-left", f"{kind}-first") or _attribute(element, "display") == "false":
            continue
        text = " ".join(_odf_text(p, odf) for p in _odf_paragraphs(element)).strip()
        if text not in seen and _is_margin(text):
            seen.add(text)
            yield f"<p>{_marked(f'[{kind}: {text}]')}</p>"


def _is_margin(text: str) -> bool:
    return re.search(r"[^\W\d_]{2}", re.sub(r"(?i)\bpage\b|\bof\b", "", text)) is not None


def _tag(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _attribute(element: Any, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _odf_blocks(element: Any, odf: _Odf) -> Iterator[str]:
    """Paragraphs, headings, lists and tables in their order."""
    for child in element:
        tag = _tag(child)
        if tag in ("h", "p"):
            level = min(6, max(1, int(_attribute(child, "outline-level") or 1)))
            name = f"h{level}" if tag == "h" else "p"
            yield f"<{name}>{_marked(_odf_text(child, odf))}</{name}>"
            for frame in _odf_frames(child):
                yield from _odf_blocks(frame, odf)
        elif tag == "table":
            yield _html(*_odf_rows(child, odf))
        elif tag == "notes":
            said = "".join(_odf_blocks(child, odf))
            yield f"<p>Notes:</p>{said}" if re.search(r">[^<\s]", said) else ""
        elif tag == "section" and _attribute(child, "display") == "none":
            odf.left_out.counts["passage of hidden text"] += 1
        elif tag not in _ASIDE:
            yield from _odf_blocks(child, odf)


def _odf_frames(element: Any) -> Iterator[Any]:
    """The boxes that are anchored in a paragraph."""
    for child in element:
        if _tag(child) in _FRAMES:
            yield child
        elif _tag(child) in ("span", "a"):
            yield from _odf_frames(child)


def _odf_paragraphs(element: Any) -> Iterator[Any]:
    """The paragraphs in a cell or a margin and in its boxes, without comments."""
    for child in element:
        if _tag(child) in ("p", "h"):
            yield child
            for frame in _odf_frames(child):
                yield from _odf_paragraphs(frame)
        elif _tag(child) not in _ASIDE:
            yield from _odf_paragraphs(child)


def _odf_rows(table: Any, odf: _Odf) -> tuple[Cells, int]:
    """The cells of a table that are seen, and how many of the first rows are said to be those of names."""
    rows, heads = Cells(), 0
    shut, unseen = _odf_shut(table), set[int]()
    for row in (element for element in table.iter() if _tag(element) == "table-row" and _own_table(element) is table):
        cells, column = list[tuple[str, int, int]](), 0
        for cell in (element for element in row if _tag(element) in ("table-cell", "covered-table-cell")):
            text = " ".join(_odf_text(p, odf) for p in _odf_paragraphs(cell)).strip()
            across, down = (int(_attribute(cell, f"number-{what}-spanned") or 1) for what in ("columns", "rows"))
            if _tag(cell) == "covered-table-cell":
                across, down = 0, 0
            elif across > 1 and shut:
                across = sum(at not in shut for at in range(column, column + across))
            times = int(_attribute(cell, "number-columns-repeated") or 1)
            places = range(column, column + min(times, _REPEATED))
            unseen |= {at for at in places if text and at in shut}
            cells += [(text, across, down) for at in places if at not in shut]
            column += times
        while cells and cells[-1] == ("", 1, 1):
            cells.pop()
        if _attribute(row, "visibility") in ("collapse", "filter"):
            odf.left_out.counts["hidden row"] += any(text for text, _, _ in cells)
            continue
        rows += [cells] * min(int(_attribute(row, "number-rows-repeated") or 1), _REPEATED if cells else 1)
        if _tag(row.getparent()) == "table-header-rows":
            heads = len(rows)
    odf.left_out.counts["hidden column"] += len(unseen)
    return rows, heads


def _odf_shut(table: Any) -> set[int]:
    """The columns of a table that are hidden."""
    shut, column = set[int](), 0
    for element in table.iter():
        if _tag(element) == "table-column" and _own_table(element) is table:
            times = int(_attribute(element, "number-columns-repeated") or 1)
            if _attribute(element, "visibility") in ("collapse", "filter"):
                shut |= set(range(column, column + min(times, _WIDEST)))
            column += times
    return shut


def _own_table(element: Any) -> Any:
    parent = element.getparent()
    while parent is not None and _tag(parent) != "table":
        parent = parent.getparent()
    return parent


def _odf_text(element: Any, odf: _Odf) -> str:
    """The text of a paragraph, its notes and blanks included."""
    text = _ONE.sub(" ", _odf_inner(element, odf))
    return "" if odf.omits(odf.look("paragraph", element), text) else text


def _odf_inner(element: Any, odf: _Odf) -> str:
    parts: list[str] = [element.text or ""]
    for child in element:
        tag = _tag(child)
        if tag == "s":
            parts.append(" " * int(_attribute(child, "c") or 1))
        elif tag in ("tab", "line-break"):
            parts.append(" ")
        elif tag == "note":
            body = " ".join(_odf_text(p, odf) for p in child.iter() if _tag(p) == "p")
            parts.append(f" [footnote: {body}]" if body else "")
        elif tag == "span":
            parts.append(_odf_span(child, odf))
        elif tag == "hidden-text" and _attribute(child, "is-hidden") == "true":
            odf.left_out.counts["passage of hidden text"] += 1
        elif tag not in _FRAMES and tag not in _ASIDE:
            parts.append(_odf_inner(child, odf))
        parts.append(child.tail or "")
    return "".join(parts)


def _odf_span(span: Any, odf: _Odf) -> str:
    text, look = _odf_inner(span, odf), odf.look("text", span)
    return "" if odf.omits(look, text) else _raised(text, look.rise)


# -- e-books and RTF ---------------------------------------------------------------------------------------------------


def _epub(data: bytes) -> Extract:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, recover=True)
    with ZipFile(BytesIO(data)) as archive:
        names = set(archive.namelist())
        if b"EncryptedData" in (archive.read("META-INF/encryption.xml") if "META-INF/encryption.xml" in names else b""):
            kinds = archive.read("META-INF/encryption.xml")
            if b"xmlenc#" in kinds:
                raise Unreadable("encrypted EPUB: its publisher protects it")
        container = etree.fromstring(archive.read("META-INF/container.xml"), parser)
        opf = next(_attribute(element, "full-path") for element in container.iter() if _tag(element) == "rootfile")
        package = etree.fromstring(archive.read(opf), parser)
        items = {_attribute(e, "id"): _attribute(e, "href") for e in package.iter() if _tag(e) == "item"}
        spine = [items.get(_attribute(e, "idref"), "") for e in package.iter() if _tag(e) == "itemref"]
        files = [posixpath.normpath(posixpath.join(posixpath.dirname(opf), unquote(href))) for href in spine if href]
        parts = []
        for file in files:
            if file in names:
                got = page_text(decode(archive.read(file)))
                if got.text.strip():
                    parts.append(Extract(got.text.strip("\n"), got.headings))
    return _joined(parts)


def _rtf_page(text: str) -> str:
    """The plain text of an RTF file, whose cells are parted by bars, as a page."""
    found, rows, margins = [], Cells(), set[str]()
    for line in [*text.splitlines(), ""]:
        line = _LOOSE.sub(r"\1]", line.strip())
        if "|" in line and line.endswith("|"):
            rows.append([(_ONE.sub(" ", cell).strip(), 1, 1) for cell in line[:-1].split("|")])
            continue
        if rows:
            found.append(_html(rows))
            rows = []
        margin = _MARGIN.fullmatch(line)
        if not line or (margin is not None and (line in margins or not _is_margin(margin[1]))):
            continue
        margins |= {line} if margin is not None else set()
        found.append(f"<p>{_marked(line)}</p>")
    return "".join(found)
