"""HTML: the visible text of a web page.

Text hidden by the attribute `hidden` or an element's own style is left out: no reader sees it, and it may hold
instructions to a model. Stylesheets are not followed. Struck-out text (del, s) no longer holds: it is left out, with a
remark. Raised and lowered text is kept apart (10^6); a term of a list stands before its meaning.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser

from hybrid.corpus.readers.encoding import decode, without_surrogates
from hybrid.corpus.readers.equations import Math
from hybrid.corpus.readers.extract import Extract, omitted
from hybrid.corpus.readers.headings import plain_headings
from hybrid.corpus.readers.scripts import lowered, raised
from hybrid.corpus.readers.web.writing import DEEPEST, RUN, HtmlTable, Op, Writing

DROPPED = frozenset({"script", "style", "template", "noscript", "svg"})
PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 pre blockquote table ul ol dl section article header footer main nav aside title hr".split()
)
LINES = frozenset(
    "address body br caption center dd details div dt fieldset figcaption figure form head html legend li option "
    "summary tbody textarea tfoot thead tr".split()
)
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# Start tags that end open elements which have no end tag: those elements, and the ones that hold them
ENDED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
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
CELLS = frozenset({"table", "td", "th", "caption"})  # an end tag inside one of these ends nothing outside
TABLE = CELLS | {"tr", "tbody", "thead", "tfoot", "body", "html"}
NESTED = 512  # open elements that are searched, as deep as browsers nest
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)", re.IGNORECASE)
_INVISIBLE = re.compile(r"(?:^|;)\s*visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
_LINE_THROUGH = re.compile(r"(?:^|;)\s*text-decoration(?:-line)?\s*:[^;]*line-through", re.IGNORECASE)
_STRUCK = frozenset({"del", "s", "strike"})
HEADINGS = {"title": 1, "h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}


def hides(attrs: Sequence[tuple[str, str | None]]) -> bool:
    """Whether an element's attributes hide it; the last of several declarations holds."""
    if not attrs:
        return False
    given = dict(attrs)
    declared = _DISPLAY.findall(given.get("style") or "")
    if _INVISIBLE.search(given.get("style") or ""):
        return True
    return declared[-1].lower() == "none" if declared else "hidden" in given


def strikes(tag: str, attrs: Sequence[tuple[str, str | None]]) -> bool:
    """Whether an element strikes its text out."""
    return tag in _STRUCK or bool(attrs and _LINE_THROUGH.search(dict(attrs).get("style") or ""))


_FIELDS = frozenset("text number date time datetime-local month week email tel url search".split())
_SCRIPTS = frozenset({"sup", "sub"})
_LOOK = 40  # characters of a line before a raised or lowered text that tell how to write it
# html.parser takes the rest of the page for text after an `&#` that begins no character reference
_STRAY = re.compile(r"&(?=#(?!(?:[0-9]+|[xX][0-9a-fA-F]+)[^0-9a-fA-F]))")


def read_html(data: bytes) -> Extract:
    return page_text(decode(data, _declared(data)))


def page_text(source: str) -> Extract:
    """The visible text of a page, or of a part of one."""
    page = _Page(source)
    try:
        page.feed(_STRAY.sub("\uffff", source))
        page.close()
    except AssertionError:  # html.parser on declarations it does not know
        return Extract(source)
    got = page.writing.extract()
    if page.struck:
        got = got._replace(remarks=(omitted(page.struck, "struck-out passage"),))
    return got if got.headings else got._replace(headings=plain_headings(got.text))


def _declared(data: bytes) -> str | None:
    """The encoding that an HTML file names in its head, None where it names no known one."""
    match = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", data[:4096], re.IGNORECASE)
    try:
        name = codecs.lookup(match[1].decode("ascii")).name if match else None
    except LookupError:
        return None
    return "cp1252" if name in {"iso8859-1", "ascii", "utf-8"} else name  # as browsers read them


class _Page(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.source = source
        self.writing = Writing(source)
        self._starts = [0, *(m.end() for m in re.finditer("\n", source))]
        self._title_counts = re.search(r"<h1[\s>]", source, re.IGNORECASE) is None
        self._open: list[str] = []  # elements, the outermost first
        self._hidden: int | None = None  # the outermost of them that hides its text
        self._pre = 0
        self._tables: list[HtmlTable] = []  # that have not ended, the outermost first
        self._deeper = 0  # tables inside the innermost of these, too deep for rows of their own
        self.struck = 0  # passages struck out and left out
        self._strikes = False  # whether the hidden element is struck out, and not counted yet
        self._math: Math | None = None  # the equation that has not ended yet
        self._options: list[tuple[bool, list[Op]]] | None = None  # of a list to choose from: chosen, and its text
        self._script: tuple[str, list[Op]] | None = None  # sup or sub, and its text so far
        self._term = False  # whether a term of a list waits for its meaning
        self._before = ""  # the end of the line so far
        self._figure = False  # whether it ends with a raised or lowered figure

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if self._math is not None:
            self._math.start(tag)
            return
        ended, holder = ENDED.get(tag, (frozenset(), frozenset()))
        if ended:
            self._end(self._outermost(ended, holder))
        visible = self._hidden is None
        if tag not in VOID:
            self._open.append(tag)
        if visible and (tag in DROPPED or (tag == "title" and not self._title_counts) or hides(attrs)):
            self._hidden = len(self._open) - 1 if tag not in VOID else None
            self._space(tag)
        elif visible and tag not in VOID and strikes(tag, attrs):
            self._hidden, self._strikes = len(self._open) - 1, True
            self._space(tag)
        elif visible:
            self._begin(tag, dict(attrs))

    def _begin(self, tag: str, attrs: Mapping[str, str | None]) -> None:
        if tag in PARAGRAPHS or tag in LINES or tag in TABLE:
            self._end_script()
        if tag in TABLE and tag not in {"body", "html"} and self._begin_in_table(tag, attrs):
            return
        self._space(tag)
        if tag == "pre":
            self._pre += 1
        elif tag in _SCRIPTS:
            self._end_script()
            self._script = (tag, [])
        elif tag == "math":
            self._math = Math(self._offset())
        elif tag == "input":
            self._input(attrs)
        elif tag == "select" and "multiple" not in attrs:
            self._end_options()
            self._options = []
        elif tag == "option" and self._options is not None:
            self._options.append(("selected" in attrs, []))
        elif tag == "a" and self._script is not None:
            self._script[1].append(Op("link"))
        elif tag == "dd" and self._term:
            self._widen(": ")
        elif tag in HEADINGS:
            self._do(Op("end of a heading"))
            self._do(Op("heading", at=HEADINGS[tag]))
        self._term = tag == "dt" or (self._term and tag != "dd")

    def _begin_in_table(self, tag: str, attrs: Mapping[str, str | None]) -> bool:
        """A table or a part of one begins; False where no table is open."""
        if tag == "table":
            if len(self._tables) < DEEPEST:
                self._space(tag)
                self._tables.append(HtmlTable())
                return True
            self._deeper += 1
        if not self._tables or self._deeper:
            return False
        table = self._tables[-1]
        self._before, self._figure = "", False
        if tag in {"td", "th"}:
            table.begin_cell(attrs, head=tag == "th")
        elif tag == "tr":
            table.begin_row()
        else:
            table.begin_part(tag)
        return True

    def _end_table(self) -> None:
        """The innermost table ends: it is written into the cell around it or on the page."""
        if self._deeper:
            self._deeper -= 1
            return
        for op in self._tables.pop().told():
            self._do(op)
        self._widen("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._math is not None and tag != "math" and tag not in PARAGRAPHS:
            self._math.end(tag)
            return
        self._end_math()
        hidden = self._hidden
        at = self._ended_by(tag)
        self._end(at)
        if self._script is not None and self._script[0] not in self._open[-_LOOK:]:
            self._end_script()
        if self._options is not None and "select" not in self._open[-_LOOK:]:
            self._end_options()
        if hidden is not None and (at is None or at >= hidden):  # inside the hidden element, or its end
            if self._hidden is None:
                self._space(tag)
            return
        if tag == "table" and self._tables:
            self._end_table()
        elif tag == "thead" and self._tables and not self._deeper:
            self._tables[-1].begin_part("tbody")
        self._space(tag)
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        elif tag in HEADINGS:
            self._do(Op("end of a heading"))

    def _end(self, at: int | None) -> None:
        """The open elements from `at` on end."""
        if at is not None:
            del self._open[at:]
            if self._hidden is not None and self._hidden >= at:
                self._hidden, self._strikes = None, False

    def _outermost(self, ended: frozenset[str], holder: frozenset[str]) -> int | None:
        """The outermost open element among `ended`, within the nearest `holder`."""
        found = None
        for i in range(len(self._open) - 1, max(-1, len(self._open) - 1 - NESTED), -1):
            if self._open[i] in ended:
                found = i
            elif self._open[i] in holder:
                break
        return found

    def _ended_by(self, tag: str) -> int | None:
        """The open element that an end tag ends, with all inside it; None where there is none.

        As in browsers, an end tag of text (`</b>`) ends nothing across an element of structure, so that it cannot end a
        hidden element around it.
        """
        structure = tag == "select" or tag in PARAGRAPHS or tag in LINES or tag in CELLS
        for i in range(len(self._open) - 1, max(-1, len(self._open) - 1 - NESTED), -1):
            element = self._open[i]
            if element == tag:
                return i
            if (element in CELLS and tag not in TABLE) or (
                not structure and (element in PARAGRAPHS or element in LINES)
            ):
                break
        return None

    def handle_data(self, data: str) -> None:
        if self._hidden is not None:
            if self._strikes and data.strip():
                self.struck, self._strikes = self.struck + 1, False
            return
        if self._math is not None:
            self._math.text(data)
            return
        offset = self._offset()
        data = self.source[offset : offset + len(data)]  # without the change by _STRAY
        if self._pre:
            self._emit(data, offset)
            return
        end = 0
        for run in RUN.finditer(data):
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
        if self._math is not None:
            self._math.text(html.unescape(written))
            return
        self._emit(without_surrogates(html.unescape(written)), offset)

    def _emit(self, piece: str, offset: int) -> None:
        if self._script is None:
            if self._figure and piece[:1].isdigit():
                self._do(Op("fill", " "))
            self._before, self._figure = (self._before + piece)[-_LOOK:], False
        self._do(Op("text", piece, offset))

    def _space(self, tag: str) -> None:
        self._widen("\n\n" if tag in PARAGRAPHS else "\n" if tag in LINES else "")

    def _widen(self, gap: str) -> None:
        if not gap:
            return
        if gap != " ":
            self._end_script()
        if self._script is None:
            self._before, self._figure = self._before + " " if gap == " " else "", False
        self._do(Op("gap", gap))

    def _input(self, attrs: Mapping[str, str | None]) -> None:
        """A field of a form: its text, or whether it is checked."""
        kind = (attrs.get("type") or "text").lower()
        shown = attrs.get("value") if kind in _FIELDS else None
        if kind in ("checkbox", "radio"):
            shown = "\u2612" if "checked" in attrs else "\u2610"
        if shown and shown.strip():
            self._widen(" ")
            self._emit(without_surrogates(" ".join(shown.split())), self._offset())
            self._widen(" ")

    def _end_options(self) -> None:
        """A list to choose from ends: the chosen option is written, as a page shows it."""
        if self._options is None:
            return
        options, self._options = self._options, None
        said = next((ops for chosen, ops in options if chosen), options[0][1] if options else [])
        self._widen(" ")
        for op in said:
            if op.what == "text" or op.text == " ":
                self._do(op)
        self._widen(" ")

    def _end_math(self) -> None:
        if self._math is None:
            return
        math, self._math = self._math, None
        text = without_surrogates(math.told())
        if text:
            if self._before[-1:].isalnum() and text[0].isalnum():
                self._widen(" ")
            self._emit(text, math.begin)

    def _end_script(self) -> None:
        """Raised or lowered text ends: it is written so that it stays apart."""
        if self._script is None:
            return
        (tag, ops), self._script = self._script, None
        texts = [at for at, op in enumerate(ops) if op.what == "text"]
        inner = ops[texts[0] : texts[-1] + 1] if texts else []
        mark = "".join(op.text for op in inner)
        linked = any(op.what == "link" for op in ops)
        lead, tail = raised(self._before, mark, linked=linked) if tag == "sup" else lowered(self._before, mark)
        for op in [Op("fill", lead), *(inner if lead else ops), Op("fill", tail)]:
            if op.text:
                self._do(op)
        self._before = (self._before + lead + mark + tail)[-_LOOK:]
        self._figure = mark[-1:].isdigit() and not tail

    def _do(self, op: Op) -> None:
        """Writes something, or keeps it until the table around it has ended."""
        if self._script is not None:
            self._script[1].append(op)
        elif self._options is not None:
            if self._options:
                self._options[-1][1].append(op)
        elif self._tables:
            self._tables[-1].ops().append(op)
        else:
            self.writing.write(op)

    def close(self) -> None:
        """The page ends, and every element that was never closed."""
        super().close()
        self._end_math()
        self._end_script()
        self._end_options()
        while self._tables:
            self._deeper = 0
            self._end_table()

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column
