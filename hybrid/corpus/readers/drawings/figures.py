"""Charts and SmartArt of office files: finds the part of the file for a place, and gives its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from hybrid.corpus.readers.drawings.charts import Chart
from hybrid.corpus.readers.drawings.diagrams import diagram
from hybrid.corpus.readers.drawings.paragraphs import A, is_struck

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
