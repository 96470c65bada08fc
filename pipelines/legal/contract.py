"""A contract: its clauses, found by their numbers wherever the numbering is regular enough to be trusted.

`Contract.of(document)` reads a document's marks (1, 1.1, (a), Article IV, Section 2.3, Schedule 1, headings, the
signature page) and nests them: a mark is taken where it begins a list or goes on with one that is open, so that a
year, an amount or a page number at the beginning of a line is none. Numbers may stand in running text, restart in
every schedule, or be missing altogether; then headings and paragraphs are what there is. Every clause keeps its
character range in `Document.text`, and through `Document.locate` its place in the original.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from hybrid.document import Document

Kind = Literal["preamble", "article", "clause", "schedule", "heading", "signatures"]

_AHEAD = 300  # marks looked at to see whether a list goes on
_GAP = 3  # numbers that may be missing in a list: "[Reserved]" is often left out
_TITLE = 90  # characters of a title at most
_TOP = 600  # characters in which a contract's own title stands

_ATTACHMENTS = "EXHIBIT|SCHEDULE|ANNEX|APPENDIX|ATTACHMENT|ADDENDUM"
_WORDS = "ARTICLE|SECTION|CLAUSE|PARAGRAPH"
_NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
_NUMBER = r"\d{1,3}(?:\.\d{1,3}){0,5}"


def _cased(words: str) -> str:
    """The words in capitals and with one capital, but not in lower case."""
    return "|".join(form for word in words.split("|") for form in (word, word.title()))


_MARK = re.compile(
    r"^[ \t\u00a0]*(?:\d{1,3}[ \t]+(?=[A-Z]{4}|\d{1,2}(?:\.|[ \t]{2})[ \t]*[A-Z]{4}))?(?:"  # a page number before it
    rf"(?P<attachment>{_cased(_ATTACHMENTS)})[ \t\u00a0]+(?P<id>[A-Z](?:-?\d{{1,2}})?|{_NUMBER}|[IVXLC]{{1,6}})\b"
    rf"|(?:(?P<word>{_cased(_WORDS)}|Sec\.|\u00a7)[ \t\u00a0]*(?P<count>{_NUMBER}|[IVXLC]{{1,7}}|"
    rf"(?i:{'|'.join(_NUMBER_WORDS)}))(?![\w(])[.:]?)"
    rf"|(?P<number>{_NUMBER})(?![\w,%$])(?P<dot>[.)]?)(?=\s|[\"\u201c]|$)"
    r"|\((?P<inner>[a-z]{1,5}|[A-Z]{1,5}|\d{1,2})\)(?=\s)"
    r"|(?P<letter>[A-Z]|[a-z]|[ivx]{2,5}|[IVX]{2,5})(?P<stop>[.)])(?=[ \t\u00a0]{1,})"
    r")",
    re.MULTILINE,
)
# numbers inside a line count where a sentence has just ended and the list goes on exactly
_INLINE = re.compile(
    r"(?<=[.;:)\]\"\u201d])[ \t\u00a0]+(?:(?P<number>\d{1,3}(?:\.\d{1,3}){0,4})(?P<dot>[.)]?)"
    r"|\((?P<inner>[a-z]{1,4}|[A-Z]|\d{1,2})\))(?=[ \t\u00a0]+[A-Z\"\u201c(\[])"
)
_SIGNATURES = re.compile(r"^[ \t\u00a0]*IN WITNESS WHEREOF\b|(?<=[.;] )IN WITNESS WHEREOF\b", re.MULTILINE)
_CONTENTS = re.compile(r"(?:\.{3,}|(?:\. ){3,}|\s{2,}|\D\s)\d{1,3}[ \t]*$")
_QUANTITY = re.compile(r"\s*(?:million|billion|thousand|percent|per cent|shares|days|months|years|hours|%|x\b)", re.I)
_HEAD = re.compile(r"([^.:;\n]{2,90}?)(?:[.:](?=\s|$)|\s*$|\s[\u2013\u2014-]\s)")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_NAMES_ALL = re.compile(r"\b(?:AGREEMENT|CONTRACT|LEASE|DEED|AMENDMENT|TERMS)\b", re.IGNORECASE)
_RECITALS = re.compile(r"(?:RECITALS?|BACKGROUND|WITNESSETH|W I T N E S S|PREAMBLE|PREMISES|WHEREAS|PARTIES)\b", re.I)
_SMALL = frozenset("a an and as at by for from in into of on or per the to upon with under".split())


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with everything under it."""

    kind: Kind
    label: str  # as references name it: "4.1(a)", "Article IV", "Schedule 1"; empty for headings
    title: str  # empty where it has none
    start: int  # character range in Document.text, the clauses below it included
    end: int
    level: int  # 1 is the outermost
    path: str  # labels and titles from the outermost down: "Article IV Term > 4.1 Renewal > (a)"

    @property
    def name(self) -> str:
        """Label and title."""
        return f"{self.label} {self.title}".strip()


@dataclass(slots=True)
class _Mark:
    """What may be the beginning of a clause."""

    start: int
    end: int  # of the mark itself
    kind: Kind
    label: str
    styles: tuple[tuple[str, int], ...]  # the lists it may belong to, with its place in each
    value: tuple[int, ...] = ()  # of decimal numbers
    inline: bool = False
    level: int = 0  # of headings
    title: str = ""
    worded: bool = False  # "Section 3", not only "3"
    bare: bool = False  # "3" without a point, as page numbers are


@dataclass(slots=True)
class _Open:
    """A clause that has not ended yet."""

    kind: Kind
    style: str
    ordinal: int
    value: tuple[int, ...]
    label: str
    level: int = 0  # of headings
    recital: bool = False  # a heading of what comes before the clauses


@dataclass
class Contract:
    """One document as clauses."""

    document: Document
    clauses: tuple[Clause, ...]
    _starts: list[int] = field(default_factory=list, repr=False)

    @staticmethod
    def of(document: Document) -> Contract:
        """The clauses of a document. A text without any mark is one preamble."""
        placed = _placed(document.text, list(_marks(document)))
        clauses = tuple(_clauses(document.text, placed))
        return Contract(document, clauses, [clause.start for clause in clauses])

    def at(self, position: int) -> Clause | None:
        """The innermost clause that holds a character of `Document.text`; None for an empty document."""
        for i in range(bisect_right(self._starts, position) - 1, -1, -1):
            if self.clauses[i].end > position:
                return self.clauses[i]
        return None

    def above(self, clause: Clause) -> Iterator[Clause]:
        """The clauses around one, from the nearest outwards."""
        level = clause.level
        for other in reversed(self.clauses[: bisect_right(self._starts, clause.start)]):
            if other.level < level and other.start <= clause.start < other.end:
                level = other.level
                yield other

    def around(self, start: int, end: int, limit: int) -> tuple[int, int]:
        """What has to be read to understand the characters `start:end`: whole clauses, at most about `limit` long.

        The largest clause around the range that is no longer than `limit`. Where even the innermost is longer, the
        whole paragraphs next to the range; and always the range itself.
        """
        low, high = start, end
        for position in (start, max(start, end - 1)):
            clause = self.at(position)
            if clause is None:
                continue
            fitting = [c for c in (clause, *self.above(clause)) if c.end - c.start <= limit]
            if fitting:
                low, high = min(low, fitting[-1].start), max(high, fitting[-1].end)
            else:
                low, high = min(low, self._paragraph(start, clause.start)[0]), max(high, self._paragraph(end, low)[1])
        if high - low > 2 * limit:
            return start, end
        return low, high

    def labelled(self, label: str, near: int = 0) -> Clause | None:
        """The clause of that label; of several the one in the same schedule as `near`, else in the main text."""
        found = self._by_label.get(label_key(label), [])
        if not found:
            return None
        here = self.schedule(near)
        same = [clause for clause in found if self.schedule(clause.start) == here]
        main = [clause for clause in found if self.schedule(clause.start) is None]
        return (same or main or found)[0]

    def schedule(self, position: int) -> Clause | None:
        """The schedule or exhibit that holds a place, None in the main text."""
        clause = self.at(position)
        if clause is None:
            return None
        return next((c for c in (clause, *self.above(clause)) if c.kind == "schedule" and c.start > 200), None)

    def over(self, start: int, end: int) -> list[Clause]:
        """The innermost clauses that a range of `Document.text` touches, in order."""
        first = self.at(start)
        inside = [clause for clause in self.clauses if start <= clause.start < end]
        return inside if first is None or first in inside else [first, *inside]

    def own(self, clause: Clause) -> str:
        """The text of a clause without that of the clauses below it."""
        i = bisect_right(self._starts, clause.start)
        stop = self._starts[i] if i < len(self._starts) else clause.end
        return self.document.text[clause.start : min(stop, clause.end)]

    def paragraph(self, position: int) -> tuple[int, int]:
        """The paragraph that holds a place, not beyond the innermost clause around it."""
        clause = self.at(position)
        floor, ceiling = (clause.start, clause.end) if clause is not None else (0, len(self.document.text))
        start, end = self._paragraph(position, floor)
        return start, min(end, max(ceiling, position))

    def _paragraph(self, position: int, floor: int) -> tuple[int, int]:
        text = self.document.text
        before = text.rfind("\n\n", floor, position)
        after = _PARAGRAPH.search(text, position)
        return (before + 2 if before >= 0 else floor), (after.start() if after else len(text))

    @cached_property
    def _by_label(self) -> dict[str, list[Clause]]:
        found: dict[str, list[Clause]] = {}
        for clause in self.clauses:
            if clause.label:
                found.setdefault(label_key(clause.label), []).append(clause)
        return found


def label_key(label: str) -> str:
    """A label in the form in which labels are compared: "Section 2.0" and "2" are the same."""
    bare = label.replace("\u00a0", " ").strip().rstrip(".").lower()
    bare = re.sub(r"^(?:sections?|sec\.|clauses?|paragraphs?|\u00a7+)\s*", "", bare)
    bare = re.sub(r"\s+", " ", bare)
    bare = re.sub(r"(?<![\d.])(\d+)\.0(?![\d.])", r"\1", bare)
    head = re.match(r"(article|part)s? (\w+)$", bare)
    if head:
        value = _count(head[2])
        return f"{head[1]} {value}" if value else bare
    return bare.replace(" (", "(")


# -- marks -----------------------------------------------------------------------------------------------------------


def _marks(document: Document) -> list[_Mark]:
    """All candidates in order: numbered, headings without a number, signature pages."""
    text = document.text
    found: dict[int, _Mark] = {}
    for match in _MARK.finditer(text):
        mark = _numbered(text, match, inline=False)
        if mark is not None:
            found[mark.start] = mark
            inner = re.compile(r"[ \t\u00a0]+\((?P<inner>[a-z]|\d{1,2})\)(?=\s)").match(text, mark.end)
            if inner is not None:  # "5.1 (a) The Supplier ..."
                found[inner.start("inner") - 1] = _lettered(
                    inner, inner.start("inner") - 1, "inner", "()", inline=False
                )
    for match in _INLINE.finditer(text):
        mark = _numbered(text, match, inline=True)
        if mark is not None:
            found.setdefault(mark.start, mark)
    taken = sorted(found)
    for heading in document.headings:
        i = bisect_right(taken, heading.start + 12) - 1  # a numbered mark of the same line says more
        if i < 0 or "\n" in text[min(taken[i], heading.start) : max(taken[i], heading.start)]:
            mark = _Mark(heading.start, heading.start, "heading", "", (("heading", 0),), level=heading.level)
            mark.title = " ".join(heading.title.split())[:_TITLE]
            found.setdefault(heading.start, mark)
    for match in _SIGNATURES.finditer(text):
        found[match.start()] = _Mark(match.start(), match.end(), "signatures", "Signatures", (("signatures", 0),))
    ordered = [found[start] for start in sorted(found)]
    ordered = [mark for i, mark in enumerate(ordered) if not _in_contents(text, mark, ordered[i + 1 :])]
    times = Counter(mark.label for mark in ordered if mark.kind == "schedule")
    seen: set[str] = set()
    kept = []
    for mark in ordered:
        running = mark.kind == "schedule" and times[mark.label] > 2 and mark.label in seen  # the head of every page
        if not running and not _above_all(text, mark):
            kept.append(mark)
        seen.add(mark.label)
    return kept


def _above_all(text: str, mark: _Mark) -> bool:
    """Whether a mark only names the whole: the number under which a contract was filed, or the contract's title."""
    if mark.kind == "schedule":
        return mark.start < _TOP and "." in mark.label
    return mark.kind == "heading" and mark.start < _TOP + len(text) // 20 and bool(_NAMES_ALL.search(mark.title))


def _numbered(text: str, match: re.Match[str], *, inline: bool) -> _Mark | None:
    groups = match.groupdict()
    group = next(g for g in ("attachment", "word", "number", "inner", "letter") if groups.get(g))
    start = match.start(group) - (group == "inner")
    line_end = text.find("\n", match.end())
    rest = text[match.end() : line_end if line_end >= 0 else len(text)].strip()
    if groups.get("attachment"):
        if _wrapped(text, start) or re.match(r"[a-z(,;.]|(?:to|of|and)\b", rest) or len(rest) > 160:
            return None
        label = f"{groups['attachment'].title()} {groups['id']}"
        return _Mark(start, match.end(), "schedule", label, (("schedule", 0),))
    if groups.get("word"):
        return _worded(text, match, rest)
    if groups.get("number"):
        value = tuple(int(part) for part in groups["number"].split("."))
        value = value[:-1] if len(value) == 2 and value[1] == 0 else value
        if not rest and (len(value) == 1 and not groups["dot"]):
            return None  # a page number
        if _QUANTITY.match(rest) or rest[:1].islower() or _wrapped(text, start):
            return None
        if len(value) == 1:
            if not groups["dot"] and (not re.match(r"[A-Z\"\u201c]", rest) or inline):
                return None  # bare numbers count before a title only
            style = "number)" if groups["dot"] == ")" else "number"
            bare = not groups["dot"]
            return _Mark(start, match.end(), "clause", groups["number"], ((style, value[0]),), value, inline, bare=bare)
        return _Mark(start, match.end(), "clause", groups["number"], (("decimal", value[-1]),), value, inline)
    if groups.get("inner"):
        return _lettered(match, start, "inner", "()", inline=inline)
    if groups.get("letter"):
        return _lettered(match, start, "letter", groups["stop"], inline=inline)
    return None


def _worded(text: str, match: re.Match[str], rest: str) -> _Mark | None:
    """ARTICLE IV, Section 2.3, Clause 5."""
    word, count = match["word"].rstrip(".").lower(), match["count"]
    if _wrapped(text, match.start("word")) or re.match(r"[a-z,;(]|(?:of|hereof|above|below)\b", rest):
        return None
    if word == "article":
        value = _count(count)
        if value:
            return _Mark(match.start("word"), match.end(), "article", f"Article {count}", (("article", value),))
        return None
    numbers = tuple(int(part) for part in count.split(".")) if count[0].isdigit() else (_count(count),)
    numbers = numbers[:-1] if len(numbers) == 2 and numbers[1] == 0 else numbers
    if not numbers[0]:
        return None
    label = ".".join(map(str, numbers))
    style = "number" if len(numbers) == 1 else "decimal"
    return _Mark(match.start("word"), match.end(), "clause", label, ((style, numbers[-1]),), numbers, worded=True)


def _lettered(match: re.Match[str], start: int, group: str, marks: str, *, inline: bool) -> _Mark:
    """(a), (iv), (A), a., A., iv.: a letter may be a number in Roman numerals too."""
    written = match[group]
    styles: list[tuple[str, int]] = []
    if written.isdigit():
        styles.append((f"1{marks}", int(written)))
    else:
        lower = written.islower()
        if len(set(written)) == 1 and len(written) <= 2:  # z is followed by aa
            styles.append((f"{'a' if lower else 'A'}{marks}", ord(written[0].lower()) - 96 + 26 * (len(written) - 1)))
        if roman := _roman(written):
            styles.append((f"{'i' if lower else 'I'}{marks}", roman))
    if written.lower() == "i":  # begins a list of Roman numerals more often than it follows an h
        styles.reverse()
    end = match.end() if group == "letter" else match.end(group) + 1
    return _Mark(start, end, "clause", f"({written})", tuple(styles), (), inline)


def _roman(written: str) -> int:
    """The value of a Roman numeral, 0 for what is none."""
    values = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
    digits = [values.get(letter, 0) for letter in written.lower()]
    if not digits or 0 in digits:
        return 0
    total = sum(-d if any(e > d for e in digits[i + 1 : i + 2]) else d for i, d in enumerate(digits))
    return total if _to_roman(total) == written.lower() else 0


def _to_roman(value: int) -> str:
    found = ""
    for size, letters in (
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ):
        while value >= size:
            found, value = found + letters, value - size
    return found


def _count(written: str) -> int:
    """A number in figures, Roman numerals or words; 0 for what is none."""
    if written.isdigit():
        return int(written)
    lower = written.lower()
    return _NUMBER_WORDS.index(lower) + 1 if lower in _NUMBER_WORDS else _roman(written)


def _wrapped(text: str, start: int) -> bool:
    """Whether the line at `start` goes on with a sentence of the line just above."""
    above = text[max(0, start - 240) : start]
    if not above.rstrip(" \t\u00a0").endswith("\n") or above[len(above.rstrip()) :].count("\n") > 1:
        return False
    line = above.rstrip().rpartition("\n")[2].strip()
    return len(line) > 40 and (line[-1].isalpha() or line[-1] in ",(&")


def _in_contents(text: str, mark: _Mark, later: Sequence[_Mark]) -> bool:
    """Whether a mark is a line of a table of contents: it ends in a page number and comes once more."""
    if not mark.label or mark.inline:
        return False
    line_end = text.find("\n", mark.end)
    line = text[mark.end : line_end if line_end >= 0 else len(text)].rstrip()
    return len(line) < 160 and bool(_CONTENTS.search(line)) and any(mark.label == other.label for other in later)


# -- nesting ---------------------------------------------------------------------------------------------------------


def _placed(text: str, marks: list[_Mark]) -> list[tuple[_Mark, int, str]]:
    """The marks that begin a clause, with the level and the full label of each."""
    stack: list[_Open] = []
    placed: list[tuple[_Mark, int, str]] = []
    for i, mark in enumerate(marks):
        later = marks[i + 1 : i + 1 + _AHEAD]
        found = _place(mark, stack, later)
        if found is None:
            continue
        keep, opened = found
        del stack[keep:]
        stack.append(opened)
        placed.append((mark, len(stack), opened.label))
    return placed


def _place(mark: _Mark, stack: list[_Open], later: Sequence[_Mark]) -> tuple[int, _Open] | None:
    """How many of the open clauses stay open, and the one that is opened; None where the mark begins no clause."""
    outer = next((i + 1 for i in range(len(stack) - 1, -1, -1) if stack[i].kind == "schedule"), 0)
    if mark.kind == "schedule":
        again = any(o.label == mark.label for o in stack)
        return None if again else (0, _Open("schedule", "schedule", 0, (), mark.label))
    if mark.kind == "signatures":
        return outer, _Open("signatures", "signatures", 0, (), mark.label)
    if mark.kind == "heading":
        return _place_heading(mark, stack, outer, later)
    if mark.kind == "article":
        at = next((i for i in range(outer, len(stack)) if stack[i].style == "article"), outer)
        return at, _Open("article", "article", mark.styles[0][1], (mark.styles[0][1],), mark.label)
    if len(mark.value) > 1:
        return _place_decimal(mark, stack, outer, later)
    if mark.value:
        return _place_number(mark, stack, outer, later)
    return _place_letter(mark, stack, later)


def _place_heading(mark: _Mark, stack: list[_Open], outer: int, later: Sequence[_Mark]) -> tuple[int, _Open]:
    opened = _Open("heading", "heading", 0, (), "", mark.level, bool(_RECITALS.match(mark.title)))
    following = next((m for m in later if m.kind != "heading"), None)
    if following is not None and any(_goes_on(o, following) for o in stack[outer:] if o.kind != "heading"):
        # a line in capitals between 2.1 and 2.2 belongs to 2.1
        at = next(
            (i for i in range(outer, len(stack)) if stack[i].kind == "heading" and stack[i].level >= mark.level), None
        )
        inside = at is not None and any(_goes_on(o, following) for o in stack[outer:at] if o.kind != "heading")
        return (at if at is not None and inside else len(stack)), opened
    at = next((i for i in range(outer, len(stack)) if stack[i].kind != "heading" or stack[i].level >= mark.level), None)
    return (len(stack) if at is None else at), opened


def _goes_on(opened: _Open, mark: _Mark) -> bool:
    """Whether a mark is the next of the list that an open clause is of."""
    if opened.style == "decimal" or len(mark.value) > 1:
        same = opened.value[:-1] == mark.value[:-1] and len(opened.value) == len(mark.value)
        return same and bool(mark.value) and 0 < mark.value[-1] - opened.value[-1] <= _GAP
    return any(style == opened.style and 0 < ordinal - opened.ordinal <= _GAP for style, ordinal in mark.styles)


def _place_decimal(mark: _Mark, stack: list[_Open], outer: int, later: Sequence[_Mark]) -> tuple[int, _Open] | None:
    """2.3 stands under the clause 2, whatever that is called; without one, next to its siblings."""
    opened = _Open("clause", "decimal", mark.value[-1], mark.value, mark.label)
    if mark.inline:
        before = next((o for o in reversed(stack) if o.value), None)
        if before is None or not _follows(before.value, mark.value):
            return None
    for i in range(len(stack) - 1, outer - 1, -1):
        value = stack[i].value
        if value and len(value) < len(mark.value) and mark.value[: len(value)] == value:
            return i + 1, opened
        if len(value) == len(mark.value) and value[:-1] == mark.value[:-1]:
            return i, opened
    return _base(stack, outer), opened


def _base(stack: Sequence[_Open], outer: int) -> int:
    """How many of the open clauses may hold a numbered list: articles, and headings but those of the recitals."""
    for i in range(outer, len(stack)):
        if stack[i].kind not in ("article", "heading") or stack[i].recital:
            return i
    return len(stack)


def _follows(before: tuple[int, ...], value: tuple[int, ...]) -> bool:
    """Whether a decimal number is one of those that can come next: 9.5 is followed by 9.6, 9.5.1 or 10.1."""
    nexts = {(*before, 1), *((*before[:i], before[i] + 1) for i in range(len(before)))}
    return value in nexts or (value[-1:] == (1,) and value[:-1] in nexts)


def _place_number(mark: _Mark, stack: list[_Open], outer: int, later: Sequence[_Mark]) -> tuple[int, _Open] | None:
    """A number without a point inside: of the outermost list, or of a short list inside a clause."""
    style, ordinal = mark.styles[0]
    opened = _Open("clause", style, ordinal, mark.value, mark.label)
    for i in range(len(stack) - 1, outer - 1, -1):
        if stack[i].style == style and 0 < ordinal - stack[i].ordinal <= (1 if mark.inline or mark.bare else _GAP):
            return i, opened
    open_decimals = [o.value for o in stack[outer:] if o.style == "decimal"]
    if open_decimals and ordinal == open_decimals[0][0] + 1 and not mark.inline:  # 9.4 is followed by 10
        at = next((i for i in range(outer, len(stack)) if stack[i].style in (style, "decimal")), outer)
        return at, opened
    if ordinal != 1 or (mark.inline and not any(_goes_on(opened, m) for m in later[:12])):
        return (_base(stack, outer), opened) if mark.worded else None
    same = next((i for i in range(outer, len(stack)) if stack[i].style == style), None)
    if same is None:  # the first of its kind here: beside the headings and articles, or inside an open clause
        inside = any(o.value for o in stack[outer:])
        return (len(stack) if inside else _base(stack, outer)), opened
    ahead = next((m for m in later if m.styles[0] == (style, stack[same].ordinal + 1)), None)
    if stack[same].ordinal > 1 and ahead is not None:  # the outer list goes on afterwards
        return len(stack), _Open("clause", f"{style} inside", ordinal, mark.value, mark.label)
    return same, opened


def _place_letter(mark: _Mark, stack: list[_Open], later: Sequence[_Mark]) -> tuple[int, _Open] | None:
    for gap in (1,) if mark.inline else (1, _GAP):
        for i in range(len(stack) - 1, -1, -1):
            for style, ordinal in mark.styles:
                if stack[i].style == style and 0 < ordinal - stack[i].ordinal <= gap:
                    return i, _Open("clause", style, ordinal, (), _under(stack[:i], mark.label))
    first = next((style for style, ordinal in mark.styles if ordinal == 1), None)
    if first is None:
        return None
    goes_on = any((first, 2) in other.styles for other in later[:40])
    if not goes_on and (mark.inline or not mark.label.startswith("(") or mark.styles[0][0][1:] != "()"):
        return None
    if any(o.style == first for o in stack) and mark.inline:
        return None
    # the same style inside itself: the list has begun again under a later paragraph
    at = next((i for i in range(len(stack)) if stack[i].style == first), len(stack))
    return at, _Open("clause", first, 1, (), _under(stack[:at], mark.label))


def _under(stack: Sequence[_Open], label: str) -> str:
    """The label of a lettered clause under the numbered one around it: 4.1 and (a) are 4.1(a)."""
    near = next((o.label for o in reversed(stack) if o.kind == "clause"), "")
    return near + label if near else label


def _clauses(text: str, placed: list[tuple[_Mark, int, str]]) -> Iterator[Clause]:
    """The clauses with their ends and paths, a preamble first where the text does not begin with one."""
    first = placed[0][0].start if placed else len(text)
    if text[:first].strip():
        yield Clause("preamble", "", "Preamble", 0, first, 1, "Preamble")
    path: list[str] = []
    ends = _ends(placed, len(text))
    for (mark, level, label), end in zip(placed, ends, strict=True):
        title = mark.title or ("" if mark.kind == "signatures" else _title(text, mark.end))
        own = label if level == 1 or not mark.label.startswith("(") else mark.label
        if path and own.startswith("(") and level > 1:
            own = mark.label
        path = [*path[: level - 1], *[""] * (level - 1 - len(path)), f"{own} {title}".strip()]
        yield Clause(mark.kind, label, title, mark.start, end, level, " > ".join(filter(None, path)))


def _ends(placed: list[tuple[_Mark, int, str]], length: int) -> list[int]:
    """Where each clause ends: at the next one of its level or further out."""
    ends = [length] * len(placed)
    waiting: list[int] = []
    for i, (mark, level, _) in enumerate(placed):
        while waiting and placed[waiting[-1]][1] >= level:
            ends[waiting.pop()] = mark.start
        waiting.append(i)
    return ends


def _title(text: str, start: int) -> str:
    """The title after a number: the rest of the line, or what stands before its first full stop; else nothing."""
    line = text[start : start + 240].lstrip(" \t\u00a0.:)\u2013\u2014-")
    if line.startswith(("\n", "\r")):  # ARTICLE IV, and its title on the next line
        line = line.lstrip()
        head = line.split("\n", 1)[0].strip()
        return head[:_TITLE] if head.isupper() and len(head) <= _TITLE else ""
    found = _HEAD.match(line.split("\n", 1)[0])
    if not found:
        return ""
    title = " ".join(found[1].strip(' \t\u00a0"\u201c\u201d').split())
    words = [word for word in title.split() if word[0].isalpha() and word.lower() not in _SMALL]
    if not words or len(title.split()) > 14 or not title[0].isalpha() or not title[0].isupper():
        return ""
    return title if 10 * sum(word[0].isupper() for word in words) >= 6 * len(words) or len(words) <= 3 else ""
