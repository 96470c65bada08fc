"""Marks: the places of a contract at which a clause may begin.

A mark is a number (1, 1.1, (a), Article IV, Section 2.3, Schedule 1), a heading without one, or the beginning of the
signature page. `hybrid.pipelines.legal.nesting` decides which of them begin a clause.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.pipelines.legal.clause import WORDS, Kind, count, roman

from hybrid.corpus.readers.headings import continues
from hybrid.document import Document

TITLE = 90  # characters of a title at most
_TOP = 600  # characters in which a contract's own title stands

_ATTACHMENTS = "EXHIBIT|SCHEDULE|ANNEX|APPENDIX|ATTACHMENT|ADDENDUM"
_WORDED = "ARTICLE|SECTION|CLAUSE|PARAGRAPH"
_NUMBER = r"\d{1,3}(?:\.\d{1,3}){0,5}"


def _cased(words: str) -> str:
    """The words in capitals and with one capital, but not in lower case."""
    return "|".join(form for word in words.split("|") for form in (word, word.title()))


_MARK = re.compile(
    r"^[ \t\u00a0]*(?:\d{1,3}[ \t]+(?=[A-Z]{4}|\d{1,2}(?:\.|[ \t]{2})[ \t]*[A-Z]{4}))?(?:"  # a page number before it
    rf"(?P<attachment>{_cased(_ATTACHMENTS)})[ \t\u00a0]+(?P<id>[A-Z](?:-?\d{{1,2}})?|{_NUMBER}|[IVXLC]{{1,6}})\b"
    rf"|(?:(?P<word>{_cased(_WORDED)}|Sec\.|\u00a7)[ \t\u00a0]*(?P<count>{_NUMBER}|[IVXLC]{{1,7}}|"
    rf"(?i:{'|'.join(WORDS)}))(?![\w(])[.:]?)"
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
_AFTER_NUMBER = re.compile(r"[ \t\u00a0]+\((?P<inner>[a-z]|\d{1,2})\)(?=\s)")  # "5.1 (a) The Supplier ..."
_NAMES_ALL = re.compile(r"\b(?:AGREEMENT|CONTRACT|LEASE|DEED|AMENDMENT|TERMS)\b", re.IGNORECASE)


@dataclass(slots=True)
class Mark:
    """A place at which a clause may begin."""

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


def marks(document: Document) -> list[Mark]:
    """All marks in order, without tables of contents, running heads and the contract's own title."""
    ordered = _candidates(document)
    ordered = [mark for i, mark in enumerate(ordered) if not _in_contents(document.text, mark, ordered[i + 1 :])]
    times = Counter(mark.label for mark in ordered if mark.kind == "schedule")
    seen: set[str] = set()
    kept = []
    for mark in ordered:
        running = mark.kind == "schedule" and times[mark.label] > 2 and mark.label in seen  # the head of every page
        if not running and not _above_all(document.text, mark):
            kept.append(mark)
        seen.add(mark.label)
    return kept


def _candidates(document: Document) -> list[Mark]:
    text = document.text
    found: dict[int, Mark] = {}
    for match in _MARK.finditer(text):
        mark = _numbered(text, match)
        if mark is not None:
            found[mark.start] = mark
            if inner := _AFTER_NUMBER.match(text, mark.end):
                second = _lettered(inner)
                found[second.start] = second
    for match in _INLINE.finditer(text):
        mark = _numbered(text, match, inline=True)
        if mark is not None:
            found.setdefault(mark.start, mark)
    taken = sorted(found)
    for heading in document.headings:
        i = bisect_right(taken, heading.start + 12) - 1  # a numbered mark of the same line says more
        if i < 0 or "\n" in text[min(taken[i], heading.start) : max(taken[i], heading.start)]:
            mark = Mark(heading.start, heading.start, "heading", "", (("heading", 0),), level=heading.level)
            mark.title = " ".join(heading.title.split())[:TITLE]
            found.setdefault(heading.start, mark)
    for match in _SIGNATURES.finditer(text):
        found[match.start()] = Mark(match.start(), match.end(), "signatures", "Signatures", (("signatures", 0),))
    return [found[start] for start in sorted(found)]


def _in_contents(text: str, mark: Mark, later: Sequence[Mark]) -> bool:
    """Whether a mark is a line of a table of contents: the line ends in a page number, and its label comes again."""
    if not mark.label or mark.inline:
        return False
    line = _rest(text, mark.end)
    return len(line) < 160 and bool(_CONTENTS.search(line)) and any(mark.label == other.label for other in later)


def _above_all(text: str, mark: Mark) -> bool:
    """Whether a mark only names the whole: the number under which a contract was filed, or the contract's title."""
    if mark.kind == "schedule":
        return mark.start < _TOP and "." in mark.label
    return mark.kind == "heading" and mark.start < _TOP + len(text) // 20 and bool(_NAMES_ALL.search(mark.title))


def _numbered(text: str, match: re.Match[str], *, inline: bool = False) -> Mark | None:
    """The mark of a match; None where its number counts something else."""
    groups = match.groupdict()
    if groups.get("attachment"):
        return _attachment(text, match)
    if groups.get("word"):
        return _worded(text, match)
    return _figure(text, match, inline) if groups["number"] else _lettered(match, inline=inline)


def _attachment(text: str, match: re.Match[str]) -> Mark | None:
    """Schedule 1, EXHIBIT A."""
    start, rest = match.start("attachment"), _rest(text, match.end()).strip()
    if _wrapped(text, start) or re.match(r"[a-z(,;.]|(?:to|of|and)\b", rest) or len(rest) > 160:
        return None
    label = f"{match['attachment'].title()} {match['id']}"
    return Mark(start, match.end(), "schedule", label, (("schedule", 0),))


def _worded(text: str, match: re.Match[str]) -> Mark | None:
    """ARTICLE IV, Section 2.3, Clause 5."""
    start, written = match.start("word"), match["count"]
    rest = _rest(text, match.end()).strip()
    if _wrapped(text, start) or re.match(r"[a-z,;(]|(?:of|hereof|above|below)\b", rest):
        return None
    value = _value(written) if written[0].isdigit() else (count(written),)
    if match["word"].lower() == "article":
        number = count(written)
        return Mark(start, match.end(), "article", f"Article {written}", (("article", number),)) if number else None
    if not value[0]:
        return None
    style = "number" if len(value) == 1 else "decimal"
    label = ".".join(map(str, value))
    return Mark(start, match.end(), "clause", label, ((style, value[-1]),), value, worded=True)


def _figure(text: str, match: re.Match[str], inline: bool) -> Mark | None:
    """3., 3), 2.1, and 3 before a title."""
    start, end = match.start("number"), match.end()
    rest = _rest(text, end).strip()
    if _QUANTITY.match(rest) or rest[:1].islower() or _wrapped(text, start):
        return None
    value, dot = _value(match["number"]), match["dot"]
    if len(value) > 1:
        return Mark(start, end, "clause", match["number"], (("decimal", value[-1]),), value, inline)
    if not dot and (inline or not re.match(r"[A-Z\"\u201c]", rest)):
        return None  # a page number, or a figure in a sentence
    style = "number)" if dot == ")" else "number"
    return Mark(start, end, "clause", match["number"], ((style, value[0]),), value, inline, bare=not dot)


def _lettered(match: re.Match[str], *, inline: bool = False) -> Mark:
    """(a), (iv), (A), a., A., iv.: a letter may be a Roman numeral too."""
    group = "letter" if match.groupdict().get("letter") else "inner"
    written, around = match[group], match["stop"] if group == "letter" else "()"
    styles: list[tuple[str, int]] = []
    if written.isdigit():
        styles.append((f"1{around}", int(written)))
    else:
        lower = written.islower()
        if len(set(written)) == 1 and len(written) <= 2:  # z is followed by aa
            styles.append((f"{'a' if lower else 'A'}{around}", ord(written[0].lower()) - 96 + 26 * (len(written) - 1)))
        if value := roman(written):
            styles.append((f"{'i' if lower else 'I'}{around}", value))
    if written.lower() == "i":  # begins a list of Roman numerals more often than it follows an h
        styles.reverse()
    start = match.start(group) - (group == "inner")
    return Mark(start, match.end(), "clause", f"({written})", tuple(styles), (), inline)


def _value(written: str) -> tuple[int, ...]:
    """The parts of a decimal number; 2.0 is 2."""
    value = tuple(int(part) for part in written.split("."))
    return value[:-1] if len(value) == 2 and value[1] == 0 else value


def _rest(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)].rstrip()


def _wrapped(text: str, start: int) -> bool:
    """Whether a line begins at `start` that goes on with the sentence of the line just above."""
    return text[max(0, start - 240) : start].rstrip(" \t\u00a0").endswith("\n") and continues(text, start)
