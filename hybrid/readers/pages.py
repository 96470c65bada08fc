"""The text of PDF pages as it reads: plain letters, whole words, running lines apart, forms filled in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

_LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
    | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width forms
    | {"\u00ad": None, "\u3000": " "}
)
_BROKEN = re.compile(r"(?P<left>[^\W\d_]*[^\W\d_A-Z])-[ \t]*\n[ \t]*(?P<right>[^\W\d_]+)(?P<blank>[ \t]*)")
_CODE = re.compile(r"(?<=[A-Z\d])-[ \t]*\n[ \t]*(?=\d)")
_COMPOUND = frozenset(
    "well self non co ex half high low long short full part vice cross semi all by so twenty thirty".split()
)
_EDGE = 4  # lines at the beginning and end of a page's text that may be running ones
_SHORT = 120  # characters of a running line
_NUMBER = re.compile(r"\d+")
_PAGE = re.compile(
    r"\W*(?:page|seite|p\.|pagina|página|стр\.?|第)?\W*#\W*(?:(?:of|von|de|di|sur|из|/)\W*#)?\W*(?:页|頁)?", re.I
)


def plain(text: str) -> str:
    """Ligatures and full-width forms as the letters that they stand for, without soft hyphens."""
    return text.translate(_LIGATURES)


def unbroken(texts: Sequence[str]) -> list[str]:
    """The pages' texts with words that were broken at a line's end joined; lines keep their numbers.

    A hyphen stays where the word stands with it elsewhere in the document, behind the first part of many a compound,
    and in codes and ranges; all else that goes on in lower case is one word.
    """
    whole = "\n".join(texts)
    if "-\n" not in whole.replace("- \n", "-\n"):
        return list(texts)
    words = Counter(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", whole.lower()))

    def join(found: re.Match[str]) -> str:
        left, right = found["left"], found["right"]
        if not right[0].islower():
            return found.group()
        kept, joined = f"{left}-{right}", f"{left}{right}"
        hyphen = words[kept.lower()] > 0 or (left.lower() in _COMPOUND and not words[joined.lower()])
        return (kept if hyphen else joined) + "\n"

    return [_CODE.sub("-", _BROKEN.sub(join, text)) for text in texts]


def without_running_lines(texts: Sequence[str]) -> list[str]:
    """The pages' texts without the lines that run over them, such as headers, footers and page numbers.

    A line runs where it stands near the beginning or end of at least three pages and of two in five, its numbers aside,
    or as the first or last one of both of two pages. Its words are kept once, before the first page it stood on.
    """
    edges = [_edges(text) for text in texts]
    counted = Counter(key for page in edges for key in set(page.values()))
    pages = sum(1 for page in edges if page)
    running = {key for key, count in counted.items() if count >= 3 and count >= 0.4 * pages}
    if pages == 2:
        outer = [{next(iter(page.values())), list(page.values())[-1]} for page in edges if page]
        running |= outer[0] & outer[1] | {key for key, count in counted.items() if count == 2 and _PAGE.fullmatch(key)}
    if not running:
        return list(texts)
    told: set[str] = set()
    found = []
    for text, page in zip(texts, edges, strict=True):
        lines, kept = text.split("\n"), []
        for number, line in enumerate(lines):
            key = page.get(number)
            if key not in running:
                kept.append(line)
            elif key is not None and key not in told and not _PAGE.fullmatch(key):
                told.add(key)
                kept.insert(0, f"[header: {line.strip()}]\n")
        joined = "\n".join(kept)
        goes_on = re.search(r"[^.!?:;\s]\s*$", joined)  # a sentence that the page's end does not end
        found.append(joined.rstrip() if goes_on else joined)
    return found


def _edges(text: str) -> dict[int, str]:
    """The lines of a page that may be running ones, by number: their words, with numbers as one sign."""
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n")) if line.strip()]
    near = lines if len(lines) <= 2 * _EDGE else [*lines[:_EDGE], *lines[-_EDGE:]]
    return {n: _NUMBER.sub("#", line) for n, line in near if len(line) <= _SHORT and " | " not in line}


def filled_in(page: Any) -> str:
    """What is filled into the form fields of a page, a line each, and its notes."""
    lines: list[str] = []
    for reference in page.get("/Annots") or ():
        annotation = reference.get_object()
        kind = annotation.get("/Subtype")
        if kind == "/Widget":
            lines += _field(annotation)
        elif kind in ("/FreeText", "/Text") and str(annotation.get("/Contents") or "").strip():
            lines.append(f"[note: {' '.join(str(annotation['/Contents']).split())}]")
    return plain("\n".join(dict.fromkeys(lines)))


def _field(widget: Any) -> Iterator[str]:
    told = {key: _inherited(widget, key) for key in ("/TU", "/T", "/V", "/FT", "/Ff")}
    label = " ".join(str(told["/TU"] or told["/T"] or "").split())
    value = told["/V"]
    if told["/FT"] == "/Btn":
        state = widget.get("/AS", value)
        if state is None or int(told["/Ff"] or 0) & 1 << 16:  # a push button
            return
        on = str(state).lstrip("/")
        if on == "Off" and int(told["/Ff"] or 0) & 1 << 15:  # one of several that was not chosen
            return
        yield f"{label}: {'no' if on == 'Off' else 'yes' if on in ('Yes', 'On', '1') else on}"
    elif value is not None and label:
        values = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        text = " ".join(", ".join(values).split()).lstrip("/" if told["/FT"] == "/Ch" else "")
        if text:
            yield f"{label}: {text}"


def _inherited(widget: Any, key: str) -> Any:
    """A property of a field, which its parents may hold."""
    for _ in range(8):  # parents can lead in a circle
        if key in widget:
            return widget[key].get_object() if hasattr(widget[key], "get_object") else widget[key]
        if "/Parent" not in widget:
            return None
        widget = widget["/Parent"].get_object()
    return None
