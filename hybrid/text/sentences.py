"""Sentences of any text as character ranges: prose, hard-wrapped prose, lists, tables, code.

Blank lines always end a sentence. A line break ends one where the lines are headings, list items, table rows or code,
and does not where a paragraph was wrapped at a fixed width. Marks of punctuation end one unless they belong to an
abbreviation, an initial or a number. A row of a table, cells between " | ", is one sentence whatever stands in it.
Every pattern starts at most once per run of characters, so time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

CELLS = " | "  # between the cells of a table's row
LONGEST = 600  # characters; longer runs are cut at the last clause boundary before

_BLANK = re.compile(r"\n[ \t\r\v]*(?:\n\s*|\f\s*)|\f\s*")
_END = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]\u00bb*_]*+(?=\s)"
    r"|(?<![\u3002\uff01\uff1f\u0964])[\u3002\uff01\uff1f\u0964]++[\u300d\u300f\u201d\uff09]*+"
    r"|</?(?:p|tr|li|h[1-6]|ul|ol|table|div|br)\s*+/?>",  # mark-up that was left in a text
    re.IGNORECASE,
)
_WORD_BEFORE = re.compile(r"[^\s(\[\"'\u201c\u2018]*\Z")
_WORD_AFTER = re.compile(r"\s+[\"'\u201c\u2018(\[*_\u00ab]*([^\s,;:.]*)")
_ITEM = re.compile(
    r"\s*(?:[-*+\u2022\u25cf\u25aa\u2013]\s|#{1,6}\s|>|\||(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]\s|\(\w{1,4}\)\s)"
)
_ROW = re.compile(r"\|.*\||\s\|(?:\s|$)|\t|\S {3,}\S")
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:[@}\])]|//|/\*|#include|\$ |>>> )|\)\s*[:{]\s*$|^\s*[\w.]+\(.*\)$"
    r"|^\s*[\w.\[\]\"']+\s*(?:[-+*/|&]?=|:=|<-)\s*\S"
    r"|^\s*(?:def|class|return|import|from|elif|else|try|except|func|fn|let|const|var|public|private|static|package|use)\b"
    r".*(?:[:;({]|\bimport\b.*|\w)$"
)
_CUT = re.compile(r"[;:\u2014](?=\s)|,(?=\s)|\s")

# No sentence ends behind these words
_LAST = re.compile(
    r"\s(?:to|of|the|an?|for|by|from|and|or|with|than|per|als|der|die|das|den|dem|des|ein|eine[mnrs]?|und|oder|von|vom|zu|zum"
    r"|zur|mit|bei|le|la|les|du|des|une?|et|ou|de|à|pour|par|avec|el|los|las|y|o|con|il|lo|gli|e|di)\s*$"
)
_NEVER = frozenset(
    """
    mr mrs ms dr prof st mt ft gen col lt sgt capt cmdr maj adm rev hon gov sen rep pres messrs mme mlle v vs cf viz
    al e.g i.e eg ie fig figs eq eqs sec secs art arts para paras pp vol vols ch approx ca resp incl excl est nos ex
    jan feb mar apr jun jul aug sept sep oct nov dec
    """.split()
)
_NUMBERED = frozenset("no p n art sec ch vol item note app appx cl rule ser op".split())  # only before a number
_PERHAPS = frozenset(
    """
    inc corp ltd co llc plc bros u.s u.k u.n e.u u.s.a u.s.c d.c jr sr etc a.m p.m b.c a.d ph.d m.d b.a m.a dept
    univ n.a s.a l.p n.v b.v ave blvd rd
    """.split()
)
# Months after the full stop of an ordinal: "am 1. März"
_MONTHS = frozenset(
    "januar februar märz april mai juni juli august september oktober november dezember marts maj".split()
)
_STARTERS = frozenset(
    """
    the a an in on at it its he she they we you i this that these those there as for from if when while after before
    since although however but and or so such under by with to our their his her all each any no not upon during
    what who how why where which is are was were one two both some many most other another
    """.split()
)


def sentences(text: str) -> list[Span]:
    """Character ranges of the sentences of `text`, in order, never overlapping, stripped of white space."""
    found: list[Span] = []
    start = 0
    for blank in _BLANK.finditer(text):
        _block(text, start, blank.start(), found)
        start = blank.end()
    _block(text, start, len(text), found)
    return found


def _block(text: str, start: int, end: int, found: list[Span]) -> None:
    for first, last in _runs(text, start, end):
        for span in _split(text, first, last):
            stripped = _strip(text, *span)
            if stripped[0] < stripped[1]:
                found.extend(_shorten(text, *stripped))


def _runs(text: str, start: int, end: int) -> Iterator[Span]:
    """The lines, joined where a paragraph was only wrapped."""
    if text.find("\n", start, end) < 0:
        yield start, end
        return
    lines = _lines(text, start, end)
    width = max(b - a for a, b in lines)
    shown = [text[a : min(b, a + 300)].rstrip() for a, b in lines]
    code = sum(bool(_CODE.search(line)) for line in shown) * 2 > len(lines)
    begin, depth = lines[0][0], 0
    for i, (a, b) in enumerate(lines[:-1]):
        if code:
            depth = max(0, depth + sum(map(shown[i].count, "([{")) - sum(map(shown[i].count, ")]}")))
            joined = depth > 0 and not shown[i].endswith("{") and lines[i + 1][1] - begin < LONGEST
        else:
            joined = _wrapped(shown[i], b - a, shown[i + 1], width)
        if not joined:
            yield begin, b
            begin, depth = lines[i + 1][0], 0
    yield begin, lines[-1][1]


def _lines(text: str, start: int, end: int) -> list[Span]:
    lines, at = [], start
    while (stop := text.find("\n", at, end)) >= 0:
        lines.append((at, stop))
        at = stop + 1
    lines.append((at, end))
    return lines


def _wrapped(line: str, length: int, following: str, width: int) -> bool:
    """Whether the break after `line` only keeps a paragraph within `width`."""
    if not line or not following or _ITEM.match(following) or line.lstrip().startswith(("#", "|")):
        return False
    if _ROW.search(line) or _ROW.search(following):
        return False
    words = following.split(None, 1)
    if length >= 12 and _LAST.search(line[-20:]):
        return True
    if words[0][0].islower() and length >= 20 and line[-1] not in ".!?:":
        return True
    return length >= 35 and length + 1 + len(words[0]) > 0.9 * width


def is_row(text: str, start: int, end: int) -> bool:
    """Whether a range without line breaks is the row of a table."""
    return text.find(CELLS, start, end) >= 0 and text.find("\n", start, end) < 0


def _split(text: str, start: int, end: int) -> Iterator[Span]:
    """A run, cut at its marks of punctuation; a row stays whole unless it is longer than a sentence may be."""
    if end - start <= LONGEST and is_row(text, start, end):
        yield start, end
        return
    begin = start
    for mark in _END.finditer(text, start, end):
        if mark.start() > begin and _ends(text, begin, mark, end):
            yield begin, mark.end()
            begin = mark.end()
    yield begin, end


def _ends(text: str, begin: int, mark: re.Match[str], end: int) -> bool:
    """Whether a mark of punctuation ends a sentence rather than an abbreviation or a number."""
    sign = mark.group()
    if sign[0] in "<\u3002\uff01\uff1f\u0964":
        return True
    after = _WORD_AFTER.match(text, mark.end(), min(end, mark.end() + 60))
    following = after.group(1) if after else ""
    if sign[0] != ".":
        return not following[:1].islower()
    if following[:1].islower() and following[1:2] != ".":
        return len(sign) == 1 and mark.start() > begin and text[mark.start() - 1].isspace()  # tokenised text: "word ."
    if len(sign) > 1:
        return True
    found = _WORD_BEFORE.search(text[max(begin, mark.start() - 16) : mark.start()])
    word = found.group() if found else ""
    if following.lower() in _MONTHS and word.isdigit() and len(word) <= 2:
        return False
    bare = word.lower()
    if bare == "follows" and "=" in text[mark.end() : min(end, mark.end() + 40)]:
        return False  # an equation that is announced
    if bare in _NEVER or (bare in _NUMBERED and following[:1].isdigit()):
        return False
    if (len(bare) == 1 and word.isalpha()) or bare in _PERHAPS or re.fullmatch(r"(?:[a-z]\.)+[a-z]", bare):
        return following.lower() in _STARTERS and not (word == "A" and following == "A") and word != "i"
    # "2. Parties": the number of a list item stands at the beginning and belongs to what follows
    return not (re.fullmatch(r"[\divxIVX.]+", word) and not text[begin : mark.start() - len(word)].strip())


def _shorten(text: str, start: int, end: int) -> Iterator[Span]:
    """Pieces of at most `LONGEST` characters, cut at a clause boundary where there is one."""
    while end - start > LONGEST:
        cuts: dict[str, int] = {}
        for cut in _CUT.finditer(text, start + LONGEST // 3, start + LONGEST):
            sign = cut.group()
            cuts["," if sign == "," else " " if sign.isspace() else ";"] = cut.end()
        at = next((cuts[sign] for sign in ";, " if sign in cuts), start + LONGEST)
        piece = _strip(text, start, at)
        if piece[0] < piece[1]:
            yield piece
        start = _strip(text, at, end)[0]
    if start < end:
        yield start, end


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
