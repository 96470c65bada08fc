"""DrawingML: what is drawn in office files, their charts, SmartArt and the paragraphs on slides and in text boxes.

A file keeps a copy of a chart's figures beside their place in a workbook, in one form for the old kinds of charts and
in another for those since Office 2016, such as waterfalls. SmartArt has its texts, each behind those above it, as in
`Board > Finance > Payroll`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.corpus.readers.archive import attribute, tag_of
from hybrid.corpus.readers.equations import linear
from hybrid.corpus.readers.markup import BLANKS, Cells, marked, raised, table_of
from hybrid.corpus.readers.sheets.number_formats import of_chart
from hybrid.text.sentences import CELLS

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_STRUCK = ("sngStrike", "dblStrike")


def drawn(paragraph: Any, left_out: Counter[str]) -> str:
    """The text of a paragraph with its equations; struck-out text is left out and counted."""
    text = BLANKS.sub(" ", "".join(map(_drawn_run, paragraph))).strip()
    left_out["struck-out passage"] += any(is_struck(run) and _run_text(run).strip() for run in paragraph.iter(f"{A}r"))
    return text


def _drawn_run(element: Any) -> str:
    tag = tag_of(element)
    if tag in ("oMath", "oMathPara"):
        return f" {linear(element)} "
    if tag in ("AlternateContent", "Choice", "m"):
        return "".join(map(_drawn_run, element))
    if tag not in ("r", "fld"):
        return " " if tag == "br" else ""
    look = element.find(f"{A}rPr")
    rise = "0" if look is None else look.get("baseline", "0")
    return "" if is_struck(element) else raised(_run_text(element), float(rise.rstrip("%") or "0"))


def _run_text(run: Any) -> str:
    return "".join(held.text or "" for held in run.findall(f"{A}t"))


def is_struck(run: Any) -> bool:
    look = run.find(f"{A}rPr")
    return look is not None and look.get("strike") in _STRUCK


_AXES = ("{*}valAx", "{*}catAx", "{*}dateAx", "{*}axis")
_LABELLED = frozenset({"catAx", "dateAx"})


@dataclass(slots=True)
class _Series:
    name: str
    axis: str  # the title of the axis of its labels
    labels: Mapping[int, str]
    values: Mapping[int, str]
    sizes: Mapping[int, str]


@dataclass(slots=True)
class Chart:
    """A chart by the root of its part."""

    root: Any

    def figures(self) -> str:
        """The chart as a table; empty where the file keeps no figures."""
        groups: list[list[_Series]] = []
        for series in (one for one in self._series() if one.values):
            group = next((group for group in groups if group[0].labels == series.labels), None)
            if group is None:
                groups.append([series])
            else:
                group.append(series)
        return "".join(self._table(group) for group in groups)

    def words(self) -> str:
        """The titles of the chart and of its axes."""
        told = CELLS.join(dict.fromkeys(filter(None, [self._title(), *map(_title_of, self._axes())])))
        return f"<p>{marked(told)}</p>" if told else ""

    def sheets(self) -> set[str]:
        """The sheets of the workbook that the figures come from."""
        places = [element.text or "" for element in self.root.iter("{*}f")]
        return {place.rpartition("!")[0].strip("'").replace("''", "'") for place in places}

    def _table(self, group: list[_Series]) -> str:
        """A table of series over the same labels; the title is a row below the names."""
        places = sorted({place for one in group for place in (*one.labels, *one.values)})
        names = [group[0].axis]
        columns: list[Mapping[int, str]] = [{place: group[0].labels.get(place, str(place + 1)) for place in places}]
        for one in group:
            names += [one.name, f"{one.name} size"] if one.sizes else [one.name]
            columns += [one.values, one.sizes] if one.sizes else [one.values]
        title = self._title()
        rows: Cells = [[(name, 1, 1) for name in names]]
        rows += [[(title, len(names), 1)]] if title else []
        rows += [[(column.get(place, ""), 1, 1) for column in columns] for place in places]
        return table_of(rows, heads=1)

    def _title(self) -> str:
        return _title_of(next(self.root.iterchildren("{*}chart"), self.root))

    def _axes(self) -> list[Any]:
        return list(self.root.iter(*_AXES))

    def _series(self) -> Iterator[_Series]:
        """The visible series; one without a name gets the name that Office gives it."""
        since_1904 = any(attribute(one, "val") not in ("0", "false") for one in self.root.iter("{*}date1904"))
        found = [one for one in self.root.iter("{*}ser", "{*}series") if _is_shown(one)]
        for number, one in enumerate(found, 1):
            axis, unit = self._titles(one.getparent())
            name = _named(one) or f"Series {number}"
            points = [_points(part, since_1904) for part in self._parts(one)]
            labels, across, values, up, sizes = points
            told = f"{name} ({unit})" if unit and unit != name else name
            yield _Series(told, axis, labels or across, values or up, sizes)

    def _parts(self, series: Any) -> list[Any]:
        """The elements with a series' labels, places across, values, places upwards and sizes."""
        key = series.find("{*}dataId")
        if key is None:
            return [series.find(f"{{*}}{kind}") for kind in ("cat", "xVal", "val", "yVal", "bubbleSize")]
        data = next(one for one in self.root.iter("{*}data") if attribute(one, "id") == attribute(key, "val"))
        return [data.find("{*}strDim"), None, data.find("{*}numDim"), None, None]

    def _titles(self, plot: Any) -> tuple[str, str]:
        """The titles of the axis of labels, which is the horizontal one where both have figures, and of the values."""
        wanted = {attribute(one, "val") for one in plot.iterfind("{*}axId")}
        axes = [
            axis
            for axis in self._axes()
            if not wanted or wanted & {attribute(one, "val") for one in axis.iterfind("{*}axId")}
        ]
        labelled = [axis for axis in axes if tag_of(axis) in _LABELLED or axis.find("{*}catScaling") is not None]
        level = [axis for axis in axes for at in axis.findall("{*}axPos") if attribute(at, "val") in ("b", "t")]
        labels = next(iter([*labelled, *level]), None)
        values = next((axis for axis in axes if axis is not labels), None)
        return "" if labels is None else _title_of(labels), "" if values is None else _title_of(values)


def _is_shown(series: Any) -> bool:
    """Whether a series stands in a plot; a filter may have taken it out."""
    tag = tag_of(series.getparent())
    return tag.endswith("Chart") or tag == "plotAreaRegion"


def _title_of(parent: Any) -> str:
    title = parent.find("{*}title")
    if title is None:
        return ""
    words = " ".join(drawn(paragraph, Counter()) for paragraph in title.iter(f"{A}p"))
    return BLANKS.sub(" ", words).strip() or _named(title)


def _named(parent: Any) -> str:
    """A name that the file keeps beside its place in a workbook."""
    text = parent.find("{*}tx")
    values = [] if text is None else [value.text or "" for value in text.iter("{*}v")]
    return BLANKS.sub(" ", " ".join(values)).strip()


def _points(parent: Any, since_1904: bool) -> dict[int, str]:
    """The texts or figures in an element; labels of several levels have the outer ones first."""
    if parent is None:
        return {}
    levels = list(parent.iter("{*}lvl")) or [parent]
    found = [_points_of_level(level, since_1904) for level in levels]
    for outer in found[1:]:
        label = ""
        for place in sorted({*found[0], *outer}):
            label = outer.get(place, label)
            found[0][place] = f"{label} {found[0].get(place, '')}".strip()
    return found[0]


def _points_of_level(level: Any, since_1904: bool) -> dict[int, str]:
    code = next((one.text or "" for one in level.iter("{*}formatCode")), attribute(level, "formatCode"))
    found = {}
    for point in level.iter("{*}pt"):
        number = next(point.iterancestors("{*}numCache", "{*}numLit", "{*}numDim"), None) is not None
        text = " ".join(value.text or "" for value in point.iter("{*}v")) or point.text or ""
        told = of_chart(text, attribute(point, "formatCode") or code, since_1904=since_1904) if number else text
        found[int(attribute(point, "idx") or 0)] = BLANKS.sub(" ", told).strip()
    return found


_TOLD = frozenset({"", "node", "asst"})  # kinds of points; the others are lines and forms
_APART = " > "


def diagram(root: Any, left_out: Counter[str]) -> str:
    """A diagram, by the root of its data, as a list in HTML."""
    points = {
        attribute(point, "modelId"): point for point in root.iter("{*}pt") if tag_of(point.getparent()) == "ptLst"
    }
    texts = {
        name: "" if _is_prompt(point) else " ".join(filter(None, (drawn(p, left_out) for p in point.iter(f"{A}p"))))
        for name, point in points.items()
        if attribute(point, "type") in _TOLD
    }
    below: dict[str, list[tuple[int, str]]] = {}
    for line in root.iter("{*}cxn"):
        if attribute(line, "type") in ("", "parOf") and attribute(line, "destId") in texts:
            order = int(attribute(line, "srcOrd") or 0)
            below.setdefault(attribute(line, "srcId"), []).append((order, attribute(line, "destId")))
    hanging = {name for children in below.values() for _, name in children}
    told = [line for name in points if name not in hanging for line in _branches(name, (), texts, below)]
    return f"<ul>{''.join(f'<li>{marked(line)}</li>' for line in told)}</ul>" if told else ""


def _branches(
    name: str, above: Sequence[str], texts: Mapping[str, str], below: Mapping[str, list[tuple[int, str]]]
) -> Iterator[str]:
    """A line for each text with none below it."""
    path = (*above, texts[name]) if texts.get(name) else tuple(above)
    if len(path) > len(texts):  # points that hang on each other in a circle
        return
    children = [line for _, child in sorted(below.get(name, ())) for line in _branches(child, path, texts, below)]
    if children:
        yield from children
    elif texts.get(name):
        yield _APART.join(path)


def _is_prompt(point: Any) -> bool:
    """Whether a text only asks somebody to write something."""
    return any(attribute(look, "phldr") in ("1", "true") for look in point.iterfind("{*}prSet"))


_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CHART, _DIAGRAM = "chart", "SmartArt drawing"
PLACES = {  # by the elements that stand where something is drawn
    "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart": _CHART,
    "{http://schemas.microsoft.com/office/drawing/2014/chartex}chart": _CHART,
    "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds": _DIAGRAM,
}


def figure(place: Any, part: Callable[[str], bytes], left_out: Counter[str], sheets: Collection[str] = ()) -> str:
    """The chart or SmartArt at a place as HTML; one without words is counted as left out.

    Args:
        place: one of PLACES.
        part: the content of a part of the file by the name that the place gives it, empty where there is none.
        sheets: those of a workbook that are read: charts of their figures give only their titles.
    """
    from lxml import etree

    what = PLACES[place.tag]
    data = part(place.get(f"{_RELATION}{'id' if what == _CHART else 'dm'}", ""))
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, huge_tree=True)) if data else None
    if root is None:
        left_out[what] += 1
        return ""
    if what == _DIAGRAM:
        told = diagram(root, left_out)
    else:
        chart = Chart(root)
        left_out["struck-out passage"] += any(map(is_struck, root.iter(f"{A}r")))
        from_told = bool(chart.sheets()) and chart.sheets() <= set(sheets)
        told = ("" if from_told else chart.figures()) or chart.words()
        left_out[what] -= from_told and not told  # nothing of it is missing
    left_out[what] += not told
    return told
