"""The text of PDF pages for reading: plain letters, whole words, running lines apart."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

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
_EDGE = 4  # lines at the beginning and end of a page's text that may be running ones
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
    near = lines if len(lines) <= 2 * _EDGE else [*lines[:_EDGE], *lines[-_EDGE:]]
    return {number: line for number, line in near if len(line) <= _SHORT and not _OTHERS.search(line)}
