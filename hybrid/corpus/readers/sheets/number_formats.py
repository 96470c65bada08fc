"""Numbers of workbooks about as their formats show them: with currency, unit, thousands, decimals and leading zeros.

A currency always stands behind the figure, wherever its format has it. Decimals that a format hides are kept.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|[_*].|\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<figure>General|[0#?][0#?,]*(?:\.[0#?]*,*)?|\.[0#?]+,*)(?P<power>[eE][+-][0#?]+)?|(?P<other>.)",
    re.DOTALL,
)
_SECTION = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;])+|(?<=;)(?=;|$)', re.DOTALL)
_CURRENCY = re.compile(
    r"[A-Z]{0,3}[$\u20a0-\u20bf\u00a3\u00a5\u00a2]|EUR|USD|CHF|GBP|JPY|[SFD]?Fr\.?|k\u010d|z\u0142|kr\.?", re.IGNORECASE
)
_WORDS = re.compile(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]')  # and other parts of a format that show nothing of the value
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)")
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, ">": operator.gt, "=": operator.eq, "<=": operator.le, ">=": operator.ge, "<>": operator.ne,
}  # fmt: skip
_BARE = frozenset(" \u00a0\u202f()-+_*/.,:;'<>=@")  # signs that say nothing about a figure


class _Format(NamedTuple):
    """One section of a format: words before, between and behind the places of the digits."""

    figures: list[str]  # runs of places, such as #,##0.00
    words: list[str]  # before, between and behind them; one more than there are runs
    currency: str
    condition: str
    plain: bool  # whether it shows powers of ten or fractions, which are read as plain figures
    percent: bool


def plain(value: float) -> str:
    """A number in full, a whole one never as a power of ten."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    digits = f"{value:.12g}" if abs(value) < 1e11 else f"{value:.15g}"
    return f"{Decimal(digits):f}" if 1e-9 < abs(value) < 1e21 else digits


def duration(value: timedelta, code: str) -> str:
    """A span of time in hours and minutes, with seconds where its format or the span has them."""
    sign, seconds = ("-", -value) if value < timedelta() else ("", value)
    whole = round(seconds.total_seconds())
    rest = f":{whole % 60:02d}" if "s" in code.lower() or whole % 60 else ""
    return f"{sign}{whole // 3600}:{whole // 60 % 60:02d}{rest}"


def moment(value: datetime, code: str) -> str:
    """A date with its time; the month or the year alone where a format shows no more of its first day."""
    code = code.lower()
    if value.time() != time():
        return value.isoformat(" ", "minutes")
    if value.day == 1 and "y" in code and not re.search("[dhs]", code):
        return f"{value:%Y-%m}" if "m" in code or value.month > 1 else f"{value:%Y}"
    return value.date().isoformat()


def of_chart(text: str, code: str, *, since_1904: bool) -> str:
    """A figure of a chart, which keeps dates as days since the first day that a workbook counts."""
    try:
        value = float(text)
    except ValueError:
        return text
    if re.search(r"\[[hms]+\]", code.lower()):
        return duration(timedelta(days=value), code)
    bare = _WORDS.sub("", code.lower())
    if not re.search("[dmyhs]", bare) or re.search("[0#?]|general|standard", bare.replace(".0", "")):
        return shown(value, code)
    first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)
    if not 0 <= value < 2_958_466:  # the year 10000
        return plain(value)
    found = first + timedelta(seconds=round(value * 86_400))
    return moment(found, bare) if value >= 1 else found.time().isoformat("minutes")


def shown(value: float, code: str) -> str:
    """A number as a format shows it."""
    sections = [_parsed(section) for section in _SECTION.findall(code)] or [_parsed("General")]
    look = _chosen(sections, value)
    if not look.figures:
        return _worded(plain(value), look)
    # a format with words of its own for amounts below zero shows no sign beside them
    own = look is not sections[0] and value < 0 and look.words != sections[0].words and any(map(_says, look.words))
    signed = not own or "-" in "".join(look.words) or "(" in "".join(look.words)
    if look.percent:
        amount = value * 100
        return (plain(amount) if abs(amount) >= 1e5 else f"{amount:.6g}") + "%"
    figure = plain(value) if look.plain or "General" in look.figures else _figure(value, look)
    return _worded(figure if signed else figure.lstrip("-"), look)


def _parsed(section: str) -> _Format:
    figures, words, currency, condition = list[str](), [""], "", ""
    fraction = power = percent = False
    for token in _TOKEN.finditer(section):
        kind, text = token.lastgroup, token.group()
        if token["figure"]:
            figures.append(token["figure"])
            words.append("")
            power = power or bool(token["power"])
        elif kind == "currency":
            currency = currency or token["currency"].strip()
        elif kind == "bracket":
            condition = condition or (text[1:-1] if _CONDITION.fullmatch(text[1:-1]) else "")
        elif kind == "other" and text == "%":
            percent = True
        elif kind is not None:
            fraction = fraction or (kind == "other" and text == "/" and bool(figures))
            words[-1] += token[kind]
    for at, word in enumerate(words):
        sign = _CURRENCY.fullmatch(word.strip(" \u00a0-()"))
        if sign is not None:
            currency, words[at] = currency or sign.group(), ""
    return _Format(figures, words, currency, condition, fraction or power, percent)


def _chosen(sections: list[_Format], value: float) -> _Format:
    """The section for a value: by conditions, or else the first above zero, the second below, the third at zero."""
    if any(section.condition for section in sections):
        return next((section for section in sections if _holds(section.condition, value)), sections[0])
    at = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    return sections[at] if sections[at].figures else sections[0]


def _holds(condition: str, value: float) -> bool:
    found = _CONDITION.fullmatch(condition)
    return found is None or _COMPARED[found[1]](value, float(found[2]))


def _figure(value: float, look: _Format) -> str:
    places = "".join(look.figures)
    if len(look.figures) > 1 and "." not in places and "," not in places and float(value).is_integer():
        return _parted(value, look)
    whole, _, part = places.rstrip(",").partition(".")
    scale = len(places) - len(places.rstrip(",")) + (len(whole) - len(whole.rstrip(",")) if part else 0)
    whole, part = whole.rstrip(","), part.rstrip(",")
    amount = value / 1000**scale if scale else value
    text = f"{amount:.{len(part)}f}" if part else plain(amount)
    if part and amount and not float(text):
        text = plain(amount)  # too small for its format
    elif part:
        text = _shortened(text, part)
    return _grouped(text, grouped="," in whole, least=whole.count("0"))


def _shortened(text: str, places: str) -> str:
    """Decimals without the zeros that a format leaves out."""
    least = places.count("0")
    kept = text.rstrip("0") if not least else text
    while least and len(kept.partition(".")[2]) > least and kept.endswith("0"):
        kept = kept[:-1]
    return kept.rstrip(".")


def _grouped(text: str, *, grouped: bool, least: int) -> str:
    """A figure with marks of thousands, or with zeros before it."""
    found = re.fullmatch(r"(-?)(\d+)(.*)", text)
    if found is None:
        return text
    digits = f"{int(found[2]):,}" if grouped else found[2].zfill(least)
    return found[1] + digits + found[3]


def _parted(value: float, look: _Format) -> str:
    """Digits with the signs between them, as in 030-1234; the first run takes the rest."""
    digits = str(abs(int(value))).zfill(sum(map(len, look.figures)))
    told = ""
    for run, word in zip(reversed(look.figures[1:]), reversed(look.words[1:-1]), strict=True):
        told, digits = word + digits[-len(run) :] + told, digits[: -len(run)]
    return ("-" if value < 0 else "") + digits + told


def _says(word: str) -> bool:
    return any(sign not in _BARE for sign in word)


def _worded(figure: str, look: _Format) -> str:
    """A figure with the words before and behind it, and its currency."""
    before, behind = look.words[0], look.words[-1] if len(look.words) > 1 else ""
    text = (before.lstrip() if _says(before) else "") + figure + (behind.rstrip() if _says(behind) else "")
    return f"{text} {look.currency}" if look.currency else text
