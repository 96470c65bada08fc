"""Headings: where the parts of a text begin, by the rules of its kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from hybrid.corpus.readers.code.definitions import definitions
from hybrid.document import Heading


def headings_of(text: str, kind: str, language: str | None = None) -> tuple[Heading, ...]:
    """The headings of a text of this kind, in order; for code the definitions."""
    if language is not None:
        return definitions(text, language)
    find = {"markdown": markdown_headings, "rst": rst_headings, "text": plain_headings}.get(kind)
    return find(text) if find is not None else ()


_MARKDOWN = re.compile(
    r"^ {0,3}(?:"
    r"(?P<fence>`{3,}|~{3,})[^\r\n]*"
    r"|(?P<hashes>\#{1,6})(?:[ \t]+(?P<title>[^\r\n]*))?"
    r"|(?P<setext>[^\s>#|`~][^\r\n]*)\r?\n {0,3}(?P<rule>=+|-+)[ \t]*"
    r")\r?$",
    re.MULTILINE,
)
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:[^\n]*\n)*?---[ \t]*\r?$", re.MULTILINE)


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """ATX and setext headings outside fenced code."""
    front = _FRONT_MATTER.match(text)
    at = front.end() if front else 0
    headings: list[Heading] = []
    while (found := _MARKDOWN.search(text, at)) is not None:
        at = found.end()
        if found["fence"]:
            fence = found["fence"]
            close = re.compile(rf"^ {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*\r?$", re.MULTILINE).search(text, at)
            at = close.end() if close else len(text)
        elif found["hashes"]:
            title = re.sub(r"(?:^|[ \t]+)#+[ \t]*$", "", found["title"] or "").strip()
            if title:
                headings.append(Heading(found.start("hashes"), len(found["hashes"]), title))
        elif not re.match(r"[-+*] |\d+[.)] |[-*_ ]+$", found["setext"]):  # lists and rules have no underline
            level = 1 if found["rule"][0] == "=" else 2
            headings.append(Heading(found.start("setext"), level, found["setext"].strip()))
    return tuple(headings)


_UNDERLINE = re.compile(r"^([!-/:-@\[-`{-~])\1+[ \t]*\r?$", re.MULTILINE)


def rst_headings(text: str) -> tuple[Heading, ...]:
    """Titles with an underline at least as long, with or without a line above; levels by first appearance."""
    headings: list[Heading] = []
    styles: list[tuple[str, bool]] = []
    for rule in _UNDERLINE.finditer(text):
        begin = text.rfind("\n", 0, max(0, rule.start() - 1)) + 1
        line = text[begin : max(begin, rule.start() - 1)].rstrip()
        title = line.strip()
        above = text[text.rfind("\n", 0, max(0, begin - 1)) + 1 : max(0, begin - 1)].rstrip()
        over = above == rule[0].rstrip() and len(above) > 1
        if not title or len(title) > len(rule[0].rstrip()) or _UNDERLINE.match(line) or (line[0] == " " and not over):
            continue
        style = (rule[1], over)
        if style not in styles:
            styles.append(style)
        headings.append(Heading(begin + len(line) - len(line.lstrip()), styles.index(style) + 1, title))
    return tuple(headings)


_BLANK = r"[ \t\u00a0]"
_LEVELS = {
    "PART": 1, "EXHIBIT": 1, "SCHEDULE": 1, "APPENDIX": 1, "ANNEX": 1, "ATTACHMENT": 1, "ADDENDUM": 1,
    "ARTICLE": 2, "ITEM": 2, "CHAPTER": 2, "NOTE": 3, "SECTION": 3, "CLAUSE": 3,
}  # fmt: skip
_WORDS = "|".join(form for word in _LEVELS for form in (word, word.title()))
_NUMBERED = re.compile(
    rf"^{_BLANK}*(?P<mark>(?:(?P<word>{_WORDS}){_BLANK}+"
    r"(?P<id>\d{1,3}(?:\.\d{1,3}){0,4}[A-Z]?|[IVXLC]{1,7}|[A-Z](?:-\d{1,2})?)(?![\w(])[.:)]?"
    r"|(?P<number>\d{1,3}(?:\.\d{1,3}){0,5})(?![\w(,%])(?P<dot>\.?)))"
    rf"(?=[\s\u2013\u2014-])(?P<rest>[^\r\n]{{0,160}})(?P<end>\r?$)?",
    re.MULTILINE,
)
_CAPITALS = re.compile(rf"^{_BLANK}*(?P<title>[^\W\d_a-z][^\r\na-z|$%]{{2,78}}?){_BLANK}*(?=\r?$)", re.MULTILINE)
_RUN_IN = re.compile(r"([^.:;]{2,70})(?<!\bNo)(?<!\bInc)(?<!\bCorp)(?<!\bCo)(?<!\bLtd)[.:](?=\s)")
_TABULAR = re.compile(r"\S(?:[ \u00a0]{3,}|\t|\|)\S|\.{4}|(?:\. ){3}|[^\d\s]\s+(?:\d{1,3}|[ivxl]{1,6})$")
_UNTITLED = re.compile(  # lines of cover and signature pages
    r"(?:BY|NAME|DATED?|ITS|AND|OR|BETWEEN|AMONG|ATTN|ATTENTION|PAGE|IN WITNESS|SOURCE|ADDRESS|TEL|FAX)\b"
    r"|(?:TITLE|TO|FROM):"
    r"|.*\b(?:INC|LLC|LTD|CORP|CORPORATION|LIMITED|L\.?P|LLP|GMBH|S\.A|N\.?A|PLC|CO|COMPANY)\.?$"
)
_VERBS = frozenset("shall means mean is are was were will has have had may must can does do be agrees".split())
_SMALL = frozenset("a an and as at by for from in into of on or per the to upon with".split())


def plain_headings(text: str) -> tuple[Heading, ...]:
    """The headings of a contract, a filing or a paper by their looks: numbered titles, short lines in capitals."""
    capitals = list(_capital_headings(text))
    times = Counter(h.title for h in capitals)
    found = sorted({h.start: h for h in (*capitals, *_numbered_headings(text))}.values())
    seen: set[str] = set()
    path: list[Heading] = []
    kept: list[Heading] = []
    for heading in found:
        repeated = heading.title in seen and times[heading.title] > 3
        if not repeated and all(heading.title != h.title for h in path):  # else it is the running head of a page
            path = [*(h for h in path if h.level < heading.level), heading]
            kept.append(heading)
        seen.add(heading.title)
    levels = {level: i for i, level in enumerate(sorted({h.level for h in kept}), 1)}
    return tuple(h._replace(level=levels[h.level]) for h in kept)


def _numbered_headings(text: str) -> Iterator[Heading]:
    bare = 0  # the last title with a number and no dot: such lines count only in sequence
    for found in _NUMBERED.finditer(text):
        number = (found["id"] or found["number"]).removesuffix(".0")
        depth = number.count(".")
        strict = found["word"] is None and depth == 0
        plain = strict and not found["dot"]
        if plain and int(number) not in {1, bare + 1}:
            continue
        title = _title(found["rest"], found["end"] is not None, strict)
        if title is None or (not title and found["word"] is None) or continues(text, found.start()):
            continue
        if plain:
            if found["end"] is None or title.split()[0].upper() in _LEVELS:
                continue  # a page number before running text, or before a heading
            bare = int(number)
        base = _LEVELS[found["word"].upper()] if found["word"] else 3
        level = base + (depth if base == 3 and found["word"] not in {"NOTE", "Note"} else 0)
        yield Heading(found.start("mark"), level, " ".join(f"{found['mark']} {title}".split()))


def _title(rest: str, complete: bool, strict: bool) -> str | None:
    """The title after a number: the whole rest of the line, or the part before its first full stop.

    None where this is no title; `strict` refuses titles in sentence case, which fill lists.
    """
    rest = rest.strip(" \t\u00a0\u2013\u2014-:")
    if not rest:
        return "" if complete else None
    if complete and len(rest) <= 110:
        if _TABULAR.search(rest):
            return None
        if _titled(rest.rstrip(".:"), strict or rest.endswith(".")):
            return rest.rstrip(".:")
    head = _RUN_IN.match(rest)
    return head[1] if head and not _TABULAR.search(head[1]) and _titled(head[1], True) else None


def _titled(title: str, strict: bool) -> bool:
    words = title.split()
    if not words or not title[0].isupper() or len(words) > 14 or ". " in title or title[-1] in ",;-(":
        return False
    if words[-1].lower() in _SMALL or not any(len(w) > 2 and w[0].isalpha() for w in words):
        return False
    if _VERBS & {w.lower() for w in words} and not title.isupper():
        return False
    long = [w for w in words if w[0].isalpha() and w.lower() not in _SMALL]
    return 10 * sum(w[0].isupper() for w in long) >= 7 * len(long) or (not strict and len(words) <= 6)


def _capital_headings(text: str) -> Iterator[Heading]:
    for found in _CAPITALS.finditer(text):
        title = " ".join(found["title"].split())
        letters = sum(c.isalpha() for c in title)
        if (
            title.isupper()
            and letters >= 0.7 * len(title.replace(" ", ""))
            and len(title.split()) <= 10
            and re.search(r"[^\W\d_]{4}", title)
            and title[-1] not in ".,;-&"
            and not _TABULAR.search(found["title"])
            and not _UNTITLED.match(title)
            and not continues(text, found.start())
        ):
            yield Heading(found.start("title"), 3, title.rstrip(":"))


def continues(text: str, start: int) -> bool:
    """Whether the line at `start` goes on with the sentence of the line just above it."""
    above = text[max(0, start - 200) : start]
    if above[len(above.rstrip()) :].count("\n") > 1:
        return False  # a blank line between
    line = above.rstrip().rpartition("\n")[2].strip()
    return len(line) > 40 and (line[-1].isalpha() or line[-1] in ",(&")
