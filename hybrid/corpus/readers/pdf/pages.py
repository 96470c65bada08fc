"""The text of PDF pages for reading: plain letters, whole words, running lines apart, tables joined over page breaks.

Rows are joined where they end one page and begin the next, in equally many columns, with a gap between the columns in
every row, so that only the margins of the pages stand between them. Margins (titles, page numbers) move before or
behind the table, within their page. Every row stays on its page, and so does a repeated head: a passage has one page,
and needs the head for the names of its columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybrid.corpus.readers.pdf.runs import PIECE

_LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
    | {chr(c): chr(c - 0xFEE0) for c in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
    | {"\u00ad": None}  # full-width letters and digits above; their punctuation ends sentences
)
_ARABIC_FORMS = re.compile(r"[\ufb50-\ufdff\ufe70-\ufefc]+")  # letters as they look within a word
_BROKEN = re.compile(r"(?P<left>[^\W\d_]*[^\W\d_A-Z])-[ \t]*\n[ \t]*(?P<right>[^\W\d_]+)(?P<blank>[ \t]*)")
_CODE = re.compile(r"(?<=[A-Z\d])-[ \t]*\n[ \t]*(?=\d)")
_COMPOUND = frozenset(
    """well self non co ex half high low long short full part vice cross semi all by so twenty thirty forty fifty first
    second third cost user time real x e multi""".split()
)
_NEAR_EDGE = 4  # lines at the beginning and end of a page's text that may be running ones
_OTHERS = re.compile(r" \| |^\[page \d+ ")  # rows of tables, and the remark on a page without text
_SHORT = 120  # characters of a running line
_NUMBER = re.compile(r"\d+")
_PAGE = re.compile(
    r"\W*(?:page|seite|p\.|pagina|página|стр\.?|第)?\W*#\W*(?:(?:of|von|de|di|sur|из|/)\W*#)?\W*(?:页|頁)?", re.I
)


def plain(text: str) -> str:
    """Plain letters in place of ligatures and full-width forms, without soft hyphens."""
    text = text.translate(_LIGATURES)
    return _ARABIC_FORMS.sub(lambda form: unicodedata.normalize("NFKC", form.group()), text)


def unbroken(texts: Sequence[str]) -> list[str]:
    """The pages' texts with words joined that a line's end breaks; lines keep their numbers.

    A hyphen stays where the document has it in the word elsewhere, behind the first part of many a compound, and in
    codes and ranges; all else that goes on in lower case is one word.
    """
    whole = "\n".join(text.strip() for text in texts)
    if "-\n" not in whole.replace("- \n", "-\n"):
        return list(texts)
    words = Counter(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", _BROKEN.sub(" ", whole).lower()))

    def join(found: re.Match[str]) -> str:
        left, right = found["left"], found["right"]
        if not right[0].islower():
            return found.group()
        kept, joined = f"{left}-{right}", f"{left}{right}"
        both = min(len(left), len(right)) > 2 and words[left.lower()] and words[right.lower()]  # each a word by itself
        hyphen = words[kept.lower()] > 0 or ((left.lower() in _COMPOUND or both) and not words[joined.lower()])
        return (kept if hyphen else joined) + "\n"

    found = list(texts)
    for i in range(len(found) - 1):  # over a page's end: the word goes to the page on which it begins
        left, right = re.search(r"[^\W\d_]+-\s*$", found[i]), re.match(r"\s*([^\W\d_]+)", found[i + 1])
        if left is not None and right is not None:
            broken = f"{left.group().rstrip()}\n{right[1]}"
            if (joined := _BROKEN.sub(join, broken)) != broken:
                found[i] = found[i][: left.start()] + joined.rstrip()
                found[i + 1] = found[i + 1][right.end() :].lstrip(" ")
    return [_CODE.sub("-", _BROKEN.sub(join, text)) for text in found]


def without_running_lines(texts: Sequence[str]) -> list[str]:
    """The pages' texts without running lines: headers, footers and page numbers.

    A running line stands near the beginning or end of at least three pages and of two in five, or first or last on both
    of two pages, with the same words and numbers; only a number that counts the pages may differ. Other numbers keep
    their line: each invoice in a file has its own total. A running line is kept once, at the end of the last page.
    """
    edges = [_edges(text) for text in texts]
    filled = [page for page in edges if page]
    stands: dict[str, list[tuple[int, str]]] = {}  # by words: the pages, and the line as it stands there
    for number, page in enumerate(edges):
        for line in dict.fromkeys(page.values()):
            stands.setdefault(_NUMBER.sub("#", line), []).append((number, line))
    running: dict[str, str] = {}  # line -> the line to keep, empty for a page number
    for words, found in stands.items():
        pages = {number for number, _ in found}
        enough = len(pages) >= 3 and len(pages) >= 0.4 * len(filled)
        if len(filled) == 2 == len(pages):
            enough = bool(_PAGE.fullmatch(words)) or all(
                line in (next(iter(page.values())), list(page.values())[-1])
                for page, (_, line) in zip(filled, found, strict=False)
            )
        if enough and _counts_pages(found):
            kept = "" if _PAGE.fullmatch(words) else found[0][1]
            running |= {line: kept for _, line in found}
    if not running:
        return list(texts)
    left = []
    for text, page in zip(texts, edges, strict=True):
        lines = text.split("\n")
        joined = "\n".join(line for number, line in enumerate(lines) if page.get(number) not in running)
        goes_on = re.search(r"[^.!?:;\s]\s*$", joined)  # a sentence that the page's end does not end
        left.append(joined.rstrip() if goes_on else joined)
    told = [f"[header or footer: {kept}]" for kept in dict.fromkeys(filter(None, running.values()))]
    left[-1] = "\n\n".join([left[-1].rstrip(), *told]) if told else left[-1]
    return left


def _counts_pages(found: Sequence[tuple[int, str]]) -> bool:
    """Whether a line is the same on all of its pages, except for one number that grows by one with every page."""
    rows = [[int(number) for number in _NUMBER.findall(line)] for _, line in found]
    changing = [column for column in zip(*rows, strict=True) if len(set(column)) > 1]
    if not changing:
        return True
    pages = [page for page, _ in found]
    return len(changing) == 1 and len({number - page for number, page in zip(changing[0], pages, strict=True)}) == 1


def _edges(text: str) -> dict[int, str]:
    """The lines of a page that may be running ones, by number."""
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n")) if line.strip()]
    near = lines if len(lines) <= 2 * _NEAR_EDGE else [*lines[:_NEAR_EDGE], *lines[-_NEAR_EDGE:]]
    return {number: line for number, line in near if len(line) <= _SHORT and not _OTHERS.search(line)}


_MARGIN = 3  # lines of a margin at most
_PAGE_NUMBER = re.compile(r"\W*(?:page\W*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/)\s*\d{1,4})?\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str  # with single blanks
    cells: list[tuple[int, int]]  # where each begins and ends


@dataclass(frozen=True, slots=True)
class _Page:
    margin: list[_Line]
    body: list[_Line]


def join_tables(texts: Sequence[str], layout: Callable[[int], str]) -> list[str]:
    """The texts of pages, with the rows of a table next to each other over page breaks; see `name_columns`."""
    if len(texts) < 2:
        return list(texts)
    pages = _pages([layout(number) for number in range(len(texts))])
    bare = [_without(text, page.margin) for text, page in zip(texts, pages, strict=True)]
    goes_on = [
        _rows(above.body[::-1]) > 1
        and _rows(below.body) > 0
        and len(above.body[-1].cells) == len(below.body[0].cells)
        and _ends(one, above.body[-1], last=True)
        and _ends(other, below.body[0])
        for (above, below), (one, other) in zip(pairwise(pages), pairwise(bare), strict=True)
    ]
    found = list(texts)
    for number, (before, after) in enumerate(zip([False, *goes_on], [*goes_on, False], strict=True)):
        if before or after:
            margin = [line.text for line in pages[number].margin]  # moves before or behind the table
            found[number] = "\n".join([*([] if before else margin), *bare[number], *([] if after else margin)])
    return found


def _pages(layouts: Sequence[str]) -> list[_Page]:
    """The pages; a margin is like those of the pages beside it."""
    seen = [
        [
            _Line(_squeezed(line), [cell.span() for cell in PIECE.finditer(line)])
            for line in text.split("\n")
            if line.strip()
        ]
        for text in layouts
    ]
    pages = []
    for number, lines in enumerate(seen):
        near = [seen[other] for other in (number - 1, number + 1) if 0 <= other < len(seen)]
        top = _margin(lines, [line for other in near for line in other[:_MARGIN]])
        while top and _rows(lines[top - 1 :]) > 1:  # the head of a table that goes on over several pages
            top -= 1
        bottom = _margin(lines[top:][::-1], [line for other in near for line in other[-_MARGIN:]])
        stop = len(lines) - bottom
        pages.append(_Page(lines[:top] + lines[stop:], lines[top:stop]))
    return pages


def _margin(lines: Sequence[_Line], near: Sequence[_Line]) -> int:
    """How many of the first lines are page numbers, or stand at the same edge of a page beside this one."""
    count = 0
    for line in lines[:_MARGIN]:
        if not _PAGE_NUMBER.fullmatch(line.text) and not any(_same(line.text, other.text) for other in near):
            break
        count += 1
    return count


def _same(line: str, other: str) -> bool:
    """Whether two lines are the same except for a page number that is one higher or lower."""
    if _NUMBER.sub("0", line) != _NUMBER.sub("0", other):
        return False
    pairs = zip(_NUMBER.findall(line), _NUMBER.findall(other), strict=True)
    return [abs(int(one) - int(two)) for one, two in pairs if one != two] in ([], [1])


def _rows(lines: Sequence[_Line]) -> int:
    """How many of the first lines are rows of one table: equally many cells, with a gap between the columns."""
    columns = list(lines[0].cells) if lines else []
    if len(columns) < 2:
        return 0
    for count, line in enumerate(lines):
        if len(line.cells) != len(columns):
            return count
        columns = [(min(a, c), max(b, d)) for (a, b), (c, d) in zip(columns, line.cells, strict=True)]
        if any(end >= start for (_, end), (start, _) in pairwise(columns)):
            return count
    return len(lines)


def _without(text: str, margin: Sequence[_Line]) -> list[str]:
    """The lines of a page's text without its margin and blank ends; empty where a line of the margin is not found."""
    kept = text.split("\n")
    for line in margin:
        at = next((i for i, own in enumerate(kept) if _squeezed(own) == line.text), None)
        if at is None:
            return []
        del kept[at]
    filled = [i for i, own in enumerate(kept) if own.strip()]
    return kept[filled[0] : filled[-1] + 1] if filled else []


def _ends(lines: Sequence[str], row: _Line, *, last: bool = False) -> bool:
    """Whether a row is the first, or the last, line of a text too: files may draw a page in another order."""
    return bool(lines) and _squeezed(lines[-1 if last else 0]) == row.text


def _squeezed(line: str) -> str:
    return " ".join(line.split())
