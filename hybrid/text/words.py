"""Words as search compares them, one way for the index and for the engine that quotes.

Full-width forms, ligatures and accents are folded; scripts that are written without blanks are cut into pairs of
characters; a number, a date or a part code is one word in whatever spelling it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hybrid.text.numerals import dates, numbers

VERSION = 2  # raised whenever the words of a text change: indexes are then made anew

HAN = r"\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA = r"\u3041-\u309f"
KATAKANA = r"\u30a0-\u30ff"
HANGUL = r"\uac00-\ud7a3"
THAI = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese and Khmer, whose words stand without blanks
UNSPACED = HAN + HIRAGANA + KATAKANA + HANGUL + THAI
RUN = re.compile(rf"[{HAN}]+|[{HIRAGANA}]+|[{KATAKANA}]+|[{HANGUL}]+|[{THAI}]+")
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")

_STOP_WORDS = """
a about also am an and any are as at be been being but by can could d did do does doing done for from had has have
having he her him his how i if in into is it its ll many may me might much must my name no not of on onto or our
please re s shall she should so some such t tell than that the their them then there these they this those to us ve
was we were what when where which who whom whose why will with without would you your
"""
STOP = frozenset(_STOP_WORDS.split())

# A part number: letters and digits, with hyphens, full stops, slashes or underscores between them.
CODE = re.compile(r"(?<![\w./-])(?=[A-Za-z0-9._/-]*\d)(?=[A-Za-z0-9._/-]*[A-Za-z])[A-Za-z0-9]+(?:[-._/][A-Za-z0-9]+)*")
_PLAIN_CODE = re.compile(r"\d+[a-z]{1,4}|v\d+")  # "12th", "30km", "5pm": no name of anything
_PATHS = re.compile(r"[./][a-z]|[a-z]{3}[./]")  # "log4cxx/layout.h" is no code, but "log4cxx" is
_PATH = re.compile(r"[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*")
_SEPARATOR = re.compile(r"[-._/]")

_SPECIAL = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "ð": "d", "þ": "th",
    "Æ": "AE", "Œ": "OE", "Ø": "O", "Đ": "D", "Ł": "L", "ẞ": "SS",
    **dict.fromkeys("\u2018\u2019\u02bc\uff07", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\uff0d", "-"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\u0640", ""),  # soft hyphen, invisible marks, Arabic tatweel
    **{sign: f"^{i}" for i, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},  # 10⁹ is no 109
}  # fmt: skip
_MARKS = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670"  # accents, Hebrew and Arabic vowel points
_STRIPPED = re.compile(f"[{_MARKS}]")
_JOINING = r"\u0300-\u036f\u3099\u309a\uff9e\uff9f\u1160-\u11ff"
_CLUSTER = re.compile(rf"(?s).[{_JOINING}]*")
_JOINED = re.compile(rf"[{_JOINING}]")


@lru_cache(maxsize=20_000)
def _folded(cluster: str) -> str:
    """One character with its marks, folded; case is kept."""
    if cluster in _SPECIAL:
        return _SPECIAL[cluster]
    whole = unicodedata.normalize("NFKC", cluster)
    bare = "".join(
        piece
        for char in whole
        for piece in (unicodedata.normalize("NFD", char) if char < "\u0660" or "\u1e00" <= char < "\u2000" else char)
    )
    bare = _STRIPPED.sub("", bare)
    return "".join(_SPECIAL.get(char, char) for char in bare)


def fold(text: str) -> str:
    """`text` without accents, ligatures and full-width forms; case is kept, the length may change."""
    return fold_at(text)[0]


def fold_at(text: str) -> tuple[str, NDArray[np.intp] | None]:
    """`text` folded, and where each of its characters stands in that: len(text) + 1 offsets, None where none moved."""
    if text.isascii():
        return text, None
    if not _JOINED.search(text):
        table = {ord(char): _folded(char) for char in set(text) if char > "\x7f"}
        folded = text.translate(table)
        moved = {char: len(to) for char, to in ((chr(c), to) for c, to in table.items()) if len(to) != 1}
        if not moved:
            return folded, None
        sizes = np.ones(len(text), np.intp)
        for match in re.finditer(f"[{''.join(map(re.escape, moved))}]", text):
            sizes[match.start()] = moved[match.group()]
        return folded, np.concatenate([np.zeros(1, np.intp), np.cumsum(sizes)])
    parts: list[str] = []
    at = np.zeros(len(text) + 1, np.intp)
    length = 0
    for match in _CLUSTER.finditer(text):
        parts.append(_folded(match.group()))
        at[match.start() : match.end()] = length
        length += len(parts[-1])
    at[-1] = length
    return "".join(parts), at


def grams(run: str, *, single: bool = False) -> list[str]:
    """The words of a run of a script without blanks: pairs of characters, threes of Thai; a short run as it is.

    `single`: Chinese and Korean characters also one by one, so that a word of one is found in longer ones.
    """
    size = 3 if "\u0e00" <= run[0] < "\u1800" and not "\u1100" <= run[0] < "\u1200" else 2
    found = [run[i : i + size] for i in range(len(run) - size + 1)] or [run]
    if single and len(run) > 1 and not "\u0e00" <= run[0] < "\u3400":
        found += run
    return found


def codes(text: str) -> Iterator[tuple[int, int, str]]:
    """Part codes of folded text: start, end, and the code in lower case without its separators."""
    for match in CODE.finditer(text):
        for part in _PATH.finditer(match.group()) if _PATHS.search(match.group()) else (None,):
            start, code = match.start() + (part.start() if part else 0), (part or match).group().lower()
            if not code.isalpha() and not code.isdigit() and not _PLAIN_CODE.fullmatch(code):
                yield start, start + len(code), _SEPARATOR.sub("", code)


def specials(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and word of each number, date and part code of folded text; one may have several words."""
    if not any(char.isdigit() for char in text):
        return
    yield from codes(text)
    yield from numbers(text)
    yield from dates(text)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A word in lower case and without its English endings, the same for words that differ only there."""
    word = word.lower()
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending in ("ing", "ed", "ly"):
        if len(word) >= len(ending) + 3 and word.endswith(ending) and not word.endswith("eed"):
            word = word.removesuffix(ending)
            word = word[:-1] if word[-1] == word[-2] and word[-1] not in "lsz" else word
            break
    word = word[:-1] if len(word) > 3 and word.endswith("e") else word
    return word[:-1] + "i" if len(word) > 2 and word.endswith("y") else word


def stems(text: str, stop: frozenset[str] = frozenset()) -> list[str]:
    """The stems of the words of `text`, in order, without the words in `stop`."""
    return [stem(word) for word in WORD.findall(fold(text)) if word.lower() not in stop]
