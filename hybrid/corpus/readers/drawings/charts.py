"""Charts: their figures as a table with the names of their series and axes.

A file keeps a copy of a chart's figures beside their place in a workbook, in one form for the old kinds of charts and
in another for those since Office 2016, such as waterfalls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hybrid.corpus.readers.drawings.paragraphs import A, drawn
from hybrid.corpus.readers.markup import BLANKS, Cells, marked, table_of
from hybrid.corpus.readers.sheets.number_formats import of_chart
from hybrid.corpus.readers.xml import attribute, tag_of
from hybrid.text.sentences import CELLS

_AXES = ("{*}valAx", "{*}catAx", "{*}dateAx", "{*}axis")
_LABELLED = frozenset({"catAx", "dateAx"})


@dataclass(slots=True)
class _Series:
    """The labels and figures of one series, by place."""

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
        told = CELLS.join(dict.fromkeys(filter(None, [self._title(), *map(_title, self._axes())])))
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
        return _title(next(self.root.iterchildren("{*}chart"), self.root))

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
        labels = next(iter([*labelled, *(axis for axis in axes if _side(axis) in ("b", "t"))]), None)
        values = next((axis for axis in axes if axis is not labels), None)
        return "" if labels is None else _title(labels), "" if values is None else _title(values)


def _is_shown(series: Any) -> bool:
    """Whether a series stands in a plot; a filter may have taken it out."""
    tag = tag_of(series.getparent())
    return tag.endswith("Chart") or tag == "plotAreaRegion"


def _side(axis: Any) -> str:
    found = axis.find("{*}axPos")
    return "" if found is None else attribute(found, "val")


def _title(parent: Any) -> str:
    """The title of a chart or an axis."""
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
    found = [_level(level, since_1904) for level in levels]
    for outer in found[1:]:
        label = ""
        for place in sorted({*found[0], *outer}):
            label = outer.get(place, label)
            found[0][place] = f"{label} {found[0].get(place, '')}".strip()
    return found[0]


def _level(level: Any, since_1904: bool) -> dict[int, str]:
    code = next((one.text or "" for one in level.iter("{*}formatCode")), attribute(level, "formatCode"))
    found = {}
    for point in level.iter("{*}pt"):
        number = next(point.iterancestors("{*}numCache", "{*}numLit", "{*}numDim"), None) is not None
        text = " ".join(value.text or "" for value in point.iter("{*}v")) or point.text or ""
        told = of_chart(text, attribute(point, "formatCode") or code, since_1904=since_1904) if number else text
        found[int(attribute(point, "idx") or 0)] = BLANKS.sub(" ", told).strip()
    return found
