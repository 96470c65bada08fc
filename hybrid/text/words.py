"""Words as search compares them, one way for the index and for the engine that quotes.

Full-width forms, ligatures and accents are folded; scripts that are written without blanks are cut into pairs of
characters; a number, a date or a part code is one word in whatever spelling it stands: 1250000, 1,250,000, 1.25 million
and 125万 are one, and so are 2024-03-05, 5 March 2024 and 05.03.2024. Where a spelling may mean two values, both are
given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hybrid.files import carried, joined

_CARRIED = carried(__name__)
_SCALES: dict[int, str] = {int(exponent): joined(names) for exponent, names in _CARRIED["scales"].items()}
_OF = {exponent: re.compile(rf"(?:{names})", re.IGNORECASE) for exponent, names in _SCALES.items()}
_SCALE = "|".join(f"(?:{names})" for names in _SCALES.values())
_NUMBER = re.compile(
    r"(?P<money>[$€£¥] ?)?(?<![\w.,])"
    r"(?P<figure>\d{1,3}(?:(?P<mark>[,.' ])\d{3})(?:(?P=mark)\d{3})*(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    rf"(?:[ -]?(?P<scale>{_SCALE})(?![a-zа-я]))?(?![\d])",
    re.IGNORECASE,
)

_MONTH_NAMES: list[str] = _CARRIED["months"]
MONTHS = "|".join(names.split()[0] for names in _MONTH_NAMES)  # of English, in lower case
_MONTH = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_A_MONTH = "|".join(sorted(_MONTH, key=len, reverse=True))
_DATE = re.compile(
    r"(?<!\d)(?:"
    r"(?P<y1>\d{4})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})"
    r"|(?P<y2>\d{4}) ?[年년] ?(?P<m2>\d{1,2}) ?[月월] ?(?P<d2>\d{1,2})"
    r"|(?P<a3>\d{1,2})(?P<mark>[./-])(?P<b3>\d{1,2})(?P=mark)(?P<y3>\d{4})"
    rf"|(?P<d4>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?(?: of| day of| de)? ?(?P<n4>{_A_MONTH})\.?,?"
    r"(?: of| de| del)? (?P<y4>\d{4})"
    r")(?!\d)"
    rf"|\b(?P<n5>{_A_MONTH})\.? (?P<d5>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y5>\d{{4}})(?!\d)",
    re.IGNORECASE,
)


def numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and value of the numbers that are more than a row of digits; "1.250" has two values."""
    for match in _NUMBER.finditer(text):
        figure, mark, scale = match["figure"], match["mark"], match["scale"]
        if scale in ("m", "M") and not match["money"]:
            scale = None  # metres, minutes or months
        if scale in ("k", "K") and text[match.start("scale") - 1] in " -":
            scale = None  # form 10-K
        if figure.isdigit() and not scale:
            continue
        exponent = next((e for e, names in _OF.items() if names.fullmatch(scale)), 0) if scale else 0
        for value in _values(figure, mark):
            yield match.start(), match.end(), _plain(value.scaleb(exponent))


def _values(figure: str, mark: str | None) -> list[Decimal]:
    grouped = figure
    if mark:
        head, *rest = figure.split(mark)
        last = re.match(r"\d{3}", rest[-1]) if rest else None
        tail = rest[-1][3:] if last else ""
        grouped = head + "".join(part[:3] for part in rest) + tail
        found = [Decimal(grouped.replace(",", "."))]
        if len(rest) == 1 and not tail and mark in ".,":
            found.append(Decimal(figure.replace(",", ".")))
        return found
    return [Decimal(figure.replace(",", "."))]


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dates(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and ISO form of the dates with a day, a month and a year; 3/5/2024 is in March and in May."""
    for match in _DATE.finditer(text):
        part = match.groupdict()
        n = next(i for i in "12345" if part[f"y{i}"])
        year = int(part[f"y{n}"])
        if n == "3":
            a, b = int(part["a3"]), int(part["b3"])
            options = {(a, b), (b, a)} if part["mark"] == "/" else {(a, b)}
        else:
            month = _MONTH[part[f"n{n}"].lower()] if n in "45" else int(part[f"m{n}"])
            options = {(int(part[f"d{n}"]), month)}
        for day, month in sorted(options):
            if 1 <= day <= 31 and 1 <= month <= 12:
                yield match.start(), match.end(), f"{year:04}-{month:02}-{day:02}"


VERSION = 2  # raised whenever the words of a text change: indexes are then made anew

HAN = r"\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA = r"\u3041-\u309f"
KATAKANA = r"\u30a0-\u30ff"
HANGUL = r"\uac00-\ud7a3"
THAI = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese and Khmer, whose words stand without blanks
UNSPACED = HAN + HIRAGANA + KATAKANA + HANGUL + THAI
RUN = re.compile(rf"[{HAN}]+|[{HIRAGANA}]+|[{KATAKANA}]+|[{HANGUL}]+|[{THAI}]+")
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")

STOP: frozenset[str] = frozenset(_CARRIED["stop"].split())

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
