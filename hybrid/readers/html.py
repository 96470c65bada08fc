"""HTML: the visible text of a web page.

What an element hides by its attribute `hidden` or its own style is left out: no reader sees it, and instructions to a
model are hidden there. Stylesheets are not followed.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser

from hybrid.document import Heading
from hybrid.readers.encoding import decode, without_surrogates
from hybrid.readers.extract import Extract
from hybrid.readers.headings import plain_headings
from hybrid.readers.rendering import Rendering

_DROPPED = frozenset({"script", "style", "template", "noscript", "svg"})
_PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 pre blockquote table ul ol dl section article header footer main nav aside title hr".split()
)
_LINES = frozenset(
    "address body br caption center dd details div dt fieldset figcaption figure form head html legend li option "
    "select summary tbody textarea tfoot thead tr".split()
)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# A start tag that ends open elements without an end tag of theirs, up to the element that holds them
_ENDED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "menu"})),
    **dict.fromkeys(("dt", "dd"), (frozenset({"dt", "dd"}), frozenset({"dl"}))),
    **dict.fromkeys(("option", "optgroup"), (frozenset({"option"}), frozenset({"select", "optgroup"}))),
    **dict.fromkeys(("td", "th"), (frozenset({"td", "th"}), frozenset({"tr", "table"}))),
    "tr": (frozenset({"tr", "td", "th"}), frozenset({"table"})),
    **dict.fromkeys(
        ("tbody", "thead", "tfoot"),
        (frozenset({"tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup"}), frozenset({"table"})),
    ),
    **dict.fromkeys(
        "p h1 h2 h3 h4 h5 h6 pre blockquote table ul ol dl section article header footer main nav aside hr address "
        "center details dir div fieldset figcaption figure form menu".split(),
        (frozenset({"p"}), frozenset({"table", "td", "th", "caption", "button"})),
    ),
}
_CELLS = frozenset({"table", "td", "th", "caption"})  # an end tag inside one of these ends nothing outside
_TABLE = _CELLS | {"tr", "tbody", "thead", "tfoot", "body", "html"}
_DEEPEST = 512  # open elements that are looked through, as deep as browsers nest
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)", re.IGNORECASE)
_HEADINGS = {"title": 1, "h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_GAPS = ("", " ", " | ", "\n", "\n\n")  # by strength: between two runs of text the strongest wins
_RUN = re.compile(r"[^ \t\n\r\f]+(?: [^ \t\n\r\f]+)*")
# html.parser gives up at `&#` that begins no character reference and takes the rest of the page for text
_STRAY = re.compile(r"&(?=#(?!(?:[0-9]+|[xX][0-9a-fA-F]+)[^0-9a-fA-F]))")


def read_html(data: bytes) -> Extract:
    source = decode(data, _declared(data))
    page = _Page(source)
    try:
        page.feed(_STRAY.sub("\uffff", source))
        page.close()
    except AssertionError:  # html.parser on declarations it does not know
        return Extract(source)
    got = page.out.extract(tuple(page.headings))
    return got if got.headings else got._replace(headings=plain_headings(got.text))


def _declared(data: bytes) -> str | None:
    """The encoding an HTML file names in its head, None where it names none that exists."""
    match = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", data[:4096], re.IGNORECASE)
    try:
        name = codecs.lookup(match[1].decode("ascii")).name if match else None
    except LookupError:
        return None
    return "cp1252" if name in {"iso8859-1", "ascii", "utf-8"} else name  # as browsers read them


def _hides(attrs: Sequence[tuple[str, str | None]]) -> bool:
    """Whether an element's attributes hide it; of several declarations the last one holds."""
    given = dict(attrs)
    declared = _DISPLAY.findall(given.get("style") or "")
    return declared[-1].lower() == "none" if declared else "hidden" in given


class _Page(HTMLParser):
    """The visible text of a web page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.source = source
        self.out = Rendering(source)
        self.headings: list[Heading] = []
        self._starts = [0, *(m.end() for m in re.finditer("\n", source))]
        self._title_counts = re.search(r"<h1[\s>]", source, re.IGNORECASE) is None
        self._open: list[str] = []  # elements, the outermost first
        self._hidden: int | None = None  # which of them hides its text, the outermost that does
        self._pre = 0
        self._rows: list[int] = []  # per open table: text length at which the current row began
        self._gap = ""
        self._heading: tuple[int, list[str]] | None = None  # level and text so far
        self._heading_start: int | None = None

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        ended, holder = _ENDED.get(tag, (frozenset(), frozenset()))
        if ended:
            self._end(self._outermost(ended, holder))
        visible = self._hidden is None
        if tag not in _VOID:
            self._open.append(tag)
        if visible and (tag in _DROPPED or (tag == "title" and not self._title_counts) or _hides(attrs)):
            self._hidden = len(self._open) - 1 if tag not in _VOID else None
            self._space(tag)
        elif visible:
            self._begin(tag)

    def _begin(self, tag: str) -> None:
        """An element that shows begins."""
        if tag in {"td", "th"}:
            if self._rows and self.out.length > self._rows[-1]:
                self._gap = " | "
            return
        self._space(tag)
        if tag == "table":
            self._rows.append(self.out.length)
        elif tag == "tr" and self._rows:
            self._rows[-1] = self.out.length
        elif tag == "pre":
            self._pre += 1
        elif tag in _HEADINGS:
            self._end_heading()
            self._heading = (_HEADINGS[tag], [])

    def handle_endtag(self, tag: str) -> None:
        hidden = self._hidden
        at = self._ended_by(tag)
        self._end(at)
        if hidden is not None and (at is None or at >= hidden):  # inside what is hidden, or the end of it
            if self._hidden is None:
                self._space(tag)
            return
        if tag == "table" and self._rows:
            self._rows.pop()
        self._space(tag)
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        elif tag in _HEADINGS:
            self._end_heading()

    def _end(self, at: int | None) -> None:
        """The open elements from `at` on end."""
        if at is not None:
            del self._open[at:]
            if self._hidden is not None and self._hidden >= at:
                self._hidden = None

    def _outermost(self, ended: frozenset[str], holder: frozenset[str]) -> int | None:
        """The outermost open element of those that are ended, within the nearest that holds them."""
        found = None
        for i in range(len(self._open) - 1, max(-1, len(self._open) - 1 - _DEEPEST), -1):
            if self._open[i] in ended:
                found = i
            elif self._open[i] in holder:
                break
        return found

    def _ended_by(self, tag: str) -> int | None:
        """Which open element an end tag ends, with all inside it; None where it stands for none.

        As in browsers, one of text (`</b>`) ends nothing across an element of structure, so that it cannot end what is
        hidden around it.
        """
        structure = tag in _PARAGRAPHS or tag in _LINES or tag in _CELLS
        for i in range(len(self._open) - 1, max(-1, len(self._open) - 1 - _DEEPEST), -1):
            element = self._open[i]
            if element == tag:
                return i
            if (element in _CELLS and tag not in _TABLE) or (
                not structure and (element in _PARAGRAPHS or element in _LINES)
            ):
                break
        return None

    def handle_data(self, data: str) -> None:
        if self._hidden is not None:
            return
        offset = self._offset()
        data = self.source[offset : offset + len(data)]  # not as it was fed: see _STRAY
        if self._pre:
            self._emit(data, offset)
            return
        end = 0
        for run in _RUN.finditer(data):
            if run.start() > end:
                self._widen(" ")
            self._emit(run[0], offset + run.start())
            end = run.end()
        if end < len(data):
            self._widen(" ")

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name}")

    def _reference(self, written: str) -> None:
        if self._hidden is not None:
            return
        offset = self._offset()
        written += ";" if self.source.startswith(";", offset + len(written)) else ""
        self._emit(without_surrogates(html.unescape(written)), offset)

    def _emit(self, piece: str, offset: int) -> None:
        if self._gap and self.out.length:
            self.out.fill(self._gap)
        self._gap = ""
        if self._heading is not None:
            if self._heading_start is None:
                self._heading_start = self.out.length
            self._heading[1].append(piece)
        self.out.put(piece, offset)

    def _space(self, tag: str) -> None:
        paragraph = tag in _PARAGRAPHS
        self._widen("\n\n" if paragraph and not self._rows else "\n" if paragraph or tag in _LINES else "")

    def _widen(self, gap: str) -> None:
        if gap == " " and self._heading is not None:
            self._heading[1].append(" ")
        if self._gap != " | " and _GAPS.index(gap) > _GAPS.index(self._gap):  # a cell stays in its row
            self._gap = gap

    def _end_heading(self) -> None:
        if self._heading is not None and self._heading_start is not None:
            level, parts = self._heading
            self.headings.append(Heading(self._heading_start, level, " ".join("".join(parts).split())))
        self._heading = self._heading_start = None

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column
