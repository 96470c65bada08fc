"""WordprocessingML: the paragraphs, tables and boxes of a Word file in their order, as a reader sees them.

Tracked changes are read as accepted: deleted and moved text is gone, and a paragraph whose mark was deleted goes on in
the next one. Hidden and struck-out text is left out and counted. A text box or a note stands in paragraphs of its own
after its paragraph. A table is told row by row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hybrid.corpus.readers.archive import W, find, switch, value, whole_number
from hybrid.corpus.readers.drawings import PLACES
from hybrid.corpus.readers.equations import M, linear
from hybrid.corpus.readers.list_numbers import Numbering
from hybrid.corpus.readers.tables.grid import Cell, spread
from hybrid.corpus.readers.word.line import UNKNOWN, Line, Look, Looks, sign, signs
from hybrid.text.sentences import CELLS

_PROSE = 400  # characters of a cell that lays out a page rather than holding a value
_KEY = 60  # most characters of the cell that names the row around an inner table


@dataclass(slots=True)
class WordCell:
    """A cell as it is written."""

    across: int = 1
    goes_on: bool = False  # with the cell above it
    bold: bool = True  # whether all of its text is
    blocks: list[tuple[int, str] | list[WordRow]] = field(default_factory=list)  # heading level and text, or a table

    @property
    def inner(self) -> list[list[WordRow]]:
        return [block for block in self.blocks if isinstance(block, list)]

    @property
    def text(self) -> str:
        return " ".join(" ".join(block[1] for block in self.blocks if isinstance(block, tuple)).split())


@dataclass(slots=True)
class WordRow:
    """A row, and whether every page repeats it as one that names the columns."""

    cells: list[WordCell]
    head: bool = False


def told(rows: Sequence[WordRow]) -> Iterator[tuple[int, str]]:
    """Heading level and text: lines of rows, or paragraphs where a table only lays out a page."""
    texts = _cells(rows)
    grid, _ = spread(texts, [row.head for row in rows])
    if grid.heads != {0} and not grid.heads and len(rows) > 1 and _is_bold(rows[0]) and not _is_bold(rows[1]):
        grid.heads = {0}
    if grid.heads == {0}:
        grid.heads = set(range(grid.depth()))
    prose = set() if grid.heads else {at for at, row in enumerate(rows) if _is_prose(row)}
    for number in prose:
        grid.rows[number] = []
    lines: dict[int, list[str]] = {}
    for line in grid.lines():
        lines.setdefault(line.row, []).append(line.text)
    waiting: list[str] = []
    for number, row in enumerate(rows):
        if number not in prose:
            inner = any(cell.inner for cell in row.cells)
            if grid.heads or not inner or sum(bool(cell.text) for cell in row.cells) > 1:  # else it is only the key
                waiting += lines.get(number, [])
            key = next((cell.text for cell in row.cells if 0 < len(cell.text) <= _KEY), "")
            for text in (text for cell in row.cells for table in cell.inner for _, text in told(table)):
                waiting += [f"{key}{CELLS}{line}" if key else line for line in text.split("\n")]
            continue
        if waiting:
            yield 0, "\n".join(waiting)
            waiting = []
        for cell in row.cells:
            for block in cell.blocks:
                if isinstance(block, list):
                    yield from told(block)
                else:
                    yield block
    if waiting:
        yield 0, "\n".join(waiting)


def _cells(rows: Sequence[WordRow]) -> list[list[Cell]]:
    """The cells with their heights: Word only marks each cell that goes on from above."""
    found: list[list[Cell]] = []
    above: dict[int, list[int]] = {}  # by column: row and place of the cell that may go on
    for number, row in enumerate(rows):
        own: list[Cell] = []
        column = 0
        for cell in row.cells:
            if cell.goes_on and column in above:
                at, place = above[column]
                begun = found[at][place]
                if begun.down == number - at:
                    found[at][place] = Cell(begun.text, begun.across, begun.down + 1)
                    column += cell.across
                    continue
            above[column] = [number, len(own)]
            own.append(Cell(cell.text, cell.across))
            column += cell.across
        found.append(own)
    return found


def _is_bold(row: WordRow) -> bool:
    filled = [cell for cell in row.cells if cell.blocks]
    return len(filled) > 1 and all(cell.bold for cell in filled)


def _is_prose(row: WordRow) -> bool:
    """Whether a row lays out a page: it is one cell, or has headings or very much text."""
    filled = [cell for cell in row.cells if cell.blocks]
    if len(filled) < 2:
        return len(row.cells) < 2 and not (row.cells and row.cells[0].across > 1)
    return any(
        len(cell.text) > _PROSE or any(isinstance(block, tuple) and block[0] for block in cell.blocks)
        for cell in filled
    )


_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_GONE = frozenset({f"{W}del", f"{W}moveFrom"})
_SKIPPED = frozenset(f"{W}{tag}" for tag in "delText delInstrText instrText pPr rPr sdtPr tblPr trPr tcPr".split())
_CHARACTERS = {
    f"{W}tab": "\t", f"{W}ptab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-",
}  # fmt: skip
_NOTES = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}
_WRAPPERS = frozenset(f"{W}{tag}" for tag in "sdt sdtContent ins moveTo customXml smartTag".split())
_EQUATIONS = frozenset({f"{M}oMath", f"{M}oMathPara"})
_HEX = re.compile(r"[0-9A-Fa-f]{1,6}")
EQUATION = -1  # in place of a heading's level: the paragraph is an equation


@dataclass(slots=True)
class Reading:
    """One file while it is read."""

    levels: Mapping[str, int]  # heading level by style
    numbering: Numbering
    looks: Looks
    notes: Mapping[tuple[str, str], Any]  # paragraphs' parent by kind and id
    figure: Callable[[Any], str] = lambda _: ""  # the words of a chart or of SmartArt by its place
    seen: dict[str, int] = field(default_factory=dict)  # notes of each kind until now
    waiting: list[tuple[int, str]] = field(default_factory=list)  # notes and boxes of the block at hand
    tracked: bool = False  # whether anything was deleted or moved
    hidden: int = 0  # paragraphs and rows with hidden text
    struck: int = 0  # paragraphs with struck-out text
    fields: list[bool] = field(default_factory=list)  # open ones, the outermost first: whether their code goes on
    ended: set[Any] = field(default_factory=set)  # the beginnings of fields that have an end

    def blocks(self, parent: Any) -> Iterator[tuple[int, str]]:
        """Heading level or EQUATION, and text, of the blocks in an element, also of those in content controls."""
        self.ended |= _ended(parent)
        for level, text in self._blocks(parent):
            yield level, text
            waiting, self.waiting = self.waiting, []
            yield from waiting

    def _blocks(self, parent: Any) -> Iterator[tuple[int, str]]:
        carried = ""  # of paragraphs whose marks were deleted
        for child in _parts(parent):
            if child.tag == f"{W}p":
                line = self._line(child)
                if self._joins_next(child):
                    carried += line.text
                    continue
                alone = not carried and line.equation and line.equation == line.text.strip()
                yield EQUATION if alone else self._level(child), self._numbered(child, carried + line.text)
                carried = ""
                continue
            if carried:
                yield 0, carried
                carried = ""
            if child.tag == f"{W}tbl":
                yield from told(self.rows(child))
            elif child.tag in _EQUATIONS:
                yield EQUATION, linear(child)
        if carried:
            yield 0, carried

    def rows(self, table: Any) -> list[WordRow]:
        """The rows of a table that are neither deleted nor hidden."""
        found = []
        for row in _parts(table, "tr"):
            properties = row.find(f"{W}trPr")
            if find(properties, "del") is not None:
                self.tracked = True
                continue
            if switch(properties, "hidden"):
                self.hidden += 1
                continue
            before = find(properties, "gridBefore")
            cells = [WordCell(across=whole_number(before, 1))] if before is not None else []
            found.append(WordRow(cells, bool(switch(properties, "tblHeader"))))
            for cell in _parts(row, "tc"):
                own = cell.find(f"{W}tcPr")
                if find(own, "cellDel") is not None:
                    self.tracked = True
                else:
                    cells.append(self._cell(cell, own))
        return found

    def _cell(self, cell: Any, properties: Any | None) -> WordCell:
        """A cell; its notes and boxes wait for the end of the table."""
        down = find(properties, "vMerge")
        goes_on = down is not None and down.get(f"{W}val", "continue") == "continue"
        found = WordCell(whole_number(find(properties, "gridSpan"), 1), goes_on)
        carried = ""
        for child in _parts(cell):
            if child.tag == f"{W}tbl":
                found.blocks.append(self.rows(child))
            elif child.tag == f"{W}p":
                line = self._line(child)
                if self._joins_next(child):
                    carried += line.text
                    continue
                text, carried = self._numbered(child, carried + line.text), ""
                found.bold = found.bold and line.bold
                if text.strip():
                    found.blocks.append((self._level(child), text))
        if carried.strip():
            found.blocks.append((0, carried))
        return found

    def _level(self, paragraph: Any) -> int:
        return self.levels.get(value(paragraph.find(f"{W}pPr"), "pStyle") or "", 0)

    def _numbered(self, paragraph: Any, text: str) -> str:
        """The text of a paragraph with its number. As in Word, an empty paragraph counts and a hidden one does not."""
        mark = paragraph.find(f"{W}pPr/{W}rPr")
        if not text.strip() and switch(mark, "vanish"):
            return ""
        number = self.numbering.next(paragraph)
        return f"{number} {text.lstrip()}" if number and text.strip() else text

    def _joins_next(self, paragraph: Any) -> bool:
        mark = paragraph.find(f"{W}pPr/{W}rPr")
        gone = mark is not None and any(mark.find(tag) is not None for tag in _GONE)
        self.tracked = self.tracked or gone
        return gone

    def _line(self, paragraph: Any) -> Line:
        line = Line()
        hidden, struck = self.hidden, self.struck
        self._walk(paragraph, line, self.looks.style(value(paragraph.find(f"{W}pPr"), "pStyle")))
        self.hidden, self.struck = min(self.hidden, hidden + 1), min(self.struck, struck + 1)  # of one in many runs
        line.end()
        return line

    def _walk(self, parent: Any, line: Line, look: Look) -> None:
        """Writes the text of an element with all tracked changes accepted."""
        for child in parent:
            tag = child.tag
            if tag in _GONE:
                self.tracked = True
            elif tag in _SKIPPED or not isinstance(tag, str):
                continue
            elif tag == f"{W}fldChar":
                self._field(child, line, look)
            elif tag == f"{W}r":
                self._run(child, line, self.looks.of(child.find(f"{W}rPr"), look))
            elif any(self.fields):
                self._walk(child, line, look)  # a field's code is invisible, but may hold other fields
            elif tag == f"{W}t":
                line.add(signs(child.text or "", look.font or ""), look)
            elif tag in _CHARACTERS:
                line.add(_CHARACTERS[tag], look)
            elif tag in _NOTES:
                line.add(self._note(_NOTES[tag], child.get(f"{W}id")), Look(bold=look.bold))
            elif tag == f"{W}sym":
                code = child.get(f"{W}char", "")
                line.add(sign(int(code, 16), child.get(f"{W}font", "")) if _HEX.fullmatch(code) else UNKNOWN, look)
            elif tag == f"{W}txbxContent":
                (inner, self.waiting), (fields, self.fields) = (self.waiting, []), (self.fields, [])
                boxes = list(self.blocks(child))
                self.waiting, self.fields = [*inner, *boxes], fields
            elif tag == f"{_MC}AlternateContent":
                self._walk(_chosen(child), line, look)
            elif tag in PLACES:
                self.waiting.append((0, self.figure(child)))
            elif tag in _EQUATIONS:
                text = linear(child)
                apart = line.end()[-1:].isalnum() and text[:1].isalnum()
                line.equation = text
                line.add(f" {text}" if apart else text, Look(bold=look.bold))
            elif tag == f"{W}ruby":
                self._walk(child.find(f"{W}rubyBase"), line, look)
            else:
                self._walk(child, line, look)

    def _run(self, run: Any, line: Line, look: Look) -> None:
        if look.hidden or look.struck:
            text = "".join(element.text or "" for element in run.iter(f"{W}t"))
            shown = not any(self.fields)
            for mark in run.iter(f"{W}fldChar"):
                self._field(mark, Line(), look)
            if text.strip() and shown:
                self.hidden += bool(look.hidden)
                self.struck += not look.hidden
            return
        self._walk(run, line, look)

    def _field(self, mark: Any, line: Line, look: Look) -> None:
        """A field begins with its code, goes on with its text, and ends, maybe in a later paragraph."""
        kind = mark.get(f"{W}fldCharType")
        if kind == "begin":
            if not any(self.fields):
                line.add(_form_field(mark), look)
            self.fields.append(mark in self.ended)
        elif self.fields and kind == "separate":
            self.fields[-1] = False
        elif self.fields and kind == "end":
            self.fields.pop()

    def _note(self, kind: str, number: str | None) -> str:
        """The mark of a note; its text waits for the end of the paragraph."""
        found = self.notes.get((kind, number or ""))
        if found is None:
            return ""
        count = self.seen[kind] = self.seen.get(kind, 0) + 1
        self.waiting.append((0, f"[{kind} {count}: {self.flat(found)}]"))
        return f" [{kind} {count}]"

    def flat(self, parent: Any) -> str:
        """The text of a note or margin on one line."""
        apart = Reading({}, Numbering(None, None), self.looks, {})
        text = " ".join(" ".join(text for _, text in apart.blocks(parent)).split())
        self.hidden, self.struck = self.hidden + apart.hidden, self.struck + apart.struck
        self.tracked = self.tracked or apart.tracked
        return text


def _parts(parent: Any, tag: str = "") -> Iterator[Any]:
    """The blocks of an element, or those with a tag, also the ones inside content controls."""
    for child in parent:
        if child.tag in _WRAPPERS:
            yield from _parts(child, tag)
        elif child.tag == f"{_MC}AlternateContent":
            yield from _parts(_chosen(child), tag)
        elif not tag or child.tag == f"{W}{tag}":
            yield child


def _ended(parent: Any) -> set[Any]:
    """The beginnings of fields that have an end; all text behind another one would look like its code."""
    open_, ended = [], set()
    for mark in parent.iter(f"{W}fldChar"):
        kind = mark.get(f"{W}fldCharType")
        if any(above.tag in _GONE for above in mark.iterancestors()):
            continue
        if kind == "begin":
            open_.append(mark)
        elif kind == "end" and open_:
            ended.add(open_.pop())
    return ended


def without_prompts(root: Any) -> Any:
    """The element without the prompts of content controls that nobody has filled in, "Click to enter text."."""
    for control in root.iter(f"{W}sdt"):
        properties, content = control.find(f"{W}sdtPr"), control.find(f"{W}sdtContent")
        if properties is not None and content is not None and switch(properties, "showingPlcHdr"):
            for text in content.iter(f"{W}t"):
                if next(text.iterancestors(f"{W}sdt")) is control:
                    text.text = ""
    return root


def _chosen(alternatives: Any) -> Any:
    """The form of a thing that Word shows: the first, or the last where that has no words."""
    choices = alternatives.findall(f"{_MC}Choice")
    fallback = alternatives.find(f"{_MC}Fallback")
    for choice in choices:
        if fallback is None or any(True for _ in choice.iter(f"{W}t", f"{M}t", *PLACES)):
            return choice
    return fallback if fallback is not None else alternatives


def _form_field(begin: Any) -> str:
    """The value of a check box or of a list to choose from, which has no text beside it."""
    box, choices = begin.find(f"{W}ffData/{W}checkBox"), begin.find(f"{W}ffData/{W}ddList")
    if box is not None:
        checked = switch(box, "checked")
        return "\u2612" if (checked if checked is not None else switch(box, "default")) else "\u2610"
    if choices is not None:
        entries = [entry.get(f"{W}val", "") for entry in choices.findall(f"{W}listEntry")]
        result = choices.find(f"{W}result")
        at = whole_number(result if result is not None else choices.find(f"{W}default"), 0)
        return entries[at] if at < len(entries) else ""
    return ""
