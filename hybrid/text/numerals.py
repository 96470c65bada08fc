"""Numbers and dates in their spellings: 1250000, 1,250,000, 1.25 million and 125万 are one word, and so are
2024-03-05, 5 March 2024 and 05.03.2024. Where a spelling may mean two values, both are given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

_SCALES = {
    3: "thousand|tausend|tsd|k|milliers?|mila|тыс(?:яч[аи]?)?|千|천",
    4: "万|萬|만",
    6: "millions?|millionen|mio|mln|mn|m|millones|millon|milion[ei]|milhoes|milhao|miljoen|миллион(?:а|ов)?|млн|"
    "百万|百萬",
    8: "亿|億|억",
    9: "billions?|bn|milliarden?|mrd|milliards?|miliard[oi]|миллиард(?:а|ов)?|млрд|十亿|十億|십억",
}
_OF = {exponent: re.compile(rf"(?:{names})", re.IGNORECASE) for exponent, names in _SCALES.items()}
_SCALE = "|".join(f"(?:{names})" for names in _SCALES.values())
_NUMBER = re.compile(
    r"(?P<money>[$€£¥] ?)?(?<![\w.,])"
    r"(?P<figure>\d{1,3}(?:(?P<mark>[,.' ])\d{3})(?:(?P=mark)\d{3})*(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    rf"(?:[ -]?(?P<scale>{_SCALE})(?![a-zа-я]))?(?![\d])",
    re.IGNORECASE,
)

_NAMES = (
    "january jan januar janvier enero gennaio janeiro januari января январь",
    "february feb februar fevrier febrero febbraio fevereiro februari февраля февраль",
    "march mar marz maerz mars marzo marco maart марта март",
    "april apr avril abril aprile апреля апрель",
    "may mai mayo maggio maio mei мая маи май",
    "june jun juni juin junio giugno junho июня июнь",
    "july jul juli juillet julio luglio julho июля июль",
    "august aug aout agosto augustus августа август",
    "september sep sept septembre septiembre settembre setembro сентября сентябрь",
    "october oct okt oktober octobre octubre ottobre outubro октября октябрь",
    "november nov novembre noviembre novembro ноября ноябрь",
    "december dec dez dezember decembre diciembre dicembre dezembro декабря декабрь",
)
MONTHS = "|".join(names.split()[0] for names in _NAMES)  # of English, in lower case
_MONTH = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_NAME = "|".join(sorted(_MONTH, key=len, reverse=True))
_DATE = re.compile(
    r"(?<!\d)(?:"
    r"(?P<y1>\d{4})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})"
    r"|(?P<y2>\d{4}) ?[年년] ?(?P<m2>\d{1,2}) ?[月월] ?(?P<d2>\d{1,2})"
    r"|(?P<a3>\d{1,2})(?P<mark>[./-])(?P<b3>\d{1,2})(?P=mark)(?P<y3>\d{4})"
    rf"|(?P<d4>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?(?: of| day of| de)? ?(?P<n4>{_NAME})\.?,?"
    r"(?: of| de| del)? (?P<y4>\d{4})"
    r")(?!\d)"
    rf"|\b(?P<n5>{_NAME})\.? (?P<d5>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y5>\d{{4}})(?!\d)",
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
