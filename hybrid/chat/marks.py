"""The marks by which a model cites the texts that a statement rests on, in the forms that models write.

The prompt asks for [1]; models also write [1, 2], [1-3], [1][2], 【1】, 【1†source】, [text 1], (source 2), [^1],
[doc 1, p. 4], **[1]**, [[1]] or a raised number behind a full stop. Subscripts of code (argv[1], `a[2]`, x = [1, 2]),
links and lists (it returns [1, 2]) are no marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BEGIN, END = "\ue000", "\ue001"  # of a mark as it is kept while a reply is worked on: characters that no text uses
MARK = re.compile(rf"\s*{BEGIN}([\d,]+){END}")
_YEARS = 1000  # from here on a number in brackets is a year or the like
MOST = 20  # texts that one range may name

_LABEL = (
    r"(?:texts?|sources?|passages?|doc(?:ument)?s?|citations?|ref(?:erence)?s?|contexts?|excerpts?|quellen?|textes?|"
    r"fuentes?|fonti|fonte|文档|文本|资料|資料|文書|출처|문서)"
)
_NUMBERS = (
    rf"\d{{1,3}}(?:\s*(?:,|;|-|\u2013|\u2014|\u3001|\uff0c|\b(?:and|und|et|y|e)\b|&)\s*(?:{_LABEL}\s*)?\d{{1,3}})*"
)
_NO = r"(?:(?:no\.?|number|nr\.?|#|n[\u00b0\u00ba])(?:=\")?)"
_PLACE = (  # in that text: ", p. 4"
    r"[,;:]\s*(?:pp?\.|pages?|lines?|sections?|clauses?|par\w*\.?|§|s\.|seiten?|zeilen?|abschnitt|art\w*\.?)"
    r"[^\[\](){}\n]{1,40}"
)
_FORMS = re.compile(
    r"(?P<around>\*\*|<sup>|\[)?"
    rf"(?P<open>[\[\u3010\u3014\uff3b(])\s*(?:(?P<label>{_LABEL})\s*\.?\s*{_NO}?\s*|(?P<note>\^)|#)?"
    rf"(?P<numbers>{_NUMBERS})\"?\s*(?:\u2020[^\]\u3011]*|{_PLACE})?(?P<close>[\]\u3011\u3015\uff3d)])"
    r"(?(around)(?:\*\*|</sup>|\](?!\()))"
    r"|(?P<raised>(?<=[.!?,;\u3002)\"\u201d])(?:[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+|<sup>\d{1,2}</sup>))",
    re.IGNORECASE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_RAISED = str.maketrans("\u00b9\u00b2\u00b3\u2070\u2074\u2075\u2076\u2077\u2078\u2079", "1230456789")
# A list after these is one of numbers
_LISTS = re.compile(
    r"\b(?:is|are|returns?|gives?|yields?|prints?|equals?|list|array|tuple|vector|ist|sind|est|sont)\s+$", re.IGNORECASE
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")


def marked(reply: str, texts: int, read: Iterable[str]) -> str:
    """The reply with every mark in the form that `MARK` finds, and everything else as it was.

    Args:
        texts: how many texts the model was given; a higher number is no mark.
        read: those texts; a name that has a subscript in them is code.
    """
    if not _FORMS.search(reply):
        return reply
    code = [found.span() for found in _CODE.finditer(reply)]
    subscripts = _subscripts(reply, read)
    kept, at = "", 0
    no_mark = -1  # where the latest brackets end that are no mark; brackets right behind them are none either
    for found in _FORMS.finditer(reply):
        if any(start <= found.start() < end for start, end in code):
            continue
        numbers = _numbers(found)
        sure = found["raised"] is None and (found["label"] or found["note"] or found["open"] in "\u3010\u3014")
        if not sure and (
            found["open"] == "(" or found.start() == no_mark or not _stands_as_mark(reply, found, subscripts)
        ):
            no_mark = found.end()
            continue
        inside = [n for n in numbers if 0 < n <= texts]
        # a mark that names nothing is dropped where it ends a clause; [#12] is an issue
        ends = re.match(r"\s*(?:[.!?,;\u3002\[]|$)", reply[found.end() :]) and "#" not in found.group()
        if not sure and len(inside) < len(numbers) and not (ends and max(numbers) < _YEARS):
            continue
        kept += reply[at : found.start()]
        kept += f"{BEGIN}{','.join(map(str, inside))}{END}" if inside else ""
        kept = kept if inside else kept.rstrip(" ")
        at = found.end()
    return kept + reply[at:]


def _numbers(found: re.Match[str]) -> list[int]:
    if found["raised"]:
        return [int(re.sub(r"\D", "", found["raised"].translate(_RAISED)))]
    numbers: list[int] = []
    for part in re.split(r"[,;\u3001\uff0c&]|\b(?:and|und|et|y|e)\b", found["numbers"], flags=re.IGNORECASE):
        ends = [int(number) for number in re.findall(r"\d+", part)]
        span = range(ends[0], ends[-1] + 1)
        numbers.extend(span if 0 < len(span) <= MOST else ends)
    return numbers


def _stands_as_mark(reply: str, found: re.Match[str], subscripts: set[str]) -> bool:
    """Whether brackets stand where a mark would: not on a name of code, behind an operator, or before a link."""
    if found["raised"]:
        return True
    before, after = reply[: found.start()], reply[found.end() :]
    if after.startswith("(") or re.match(r"\s*=(?!=)|[A-Za-z0-9_]|\.[A-Za-z_]", after):
        return False
    if re.search(r"[=(\[{<>+*/|]\s*$", before) and not before.endswith((f"{BEGIN}", "]")):
        return False
    if len(_numbers(found)) > 1 and _LISTS.search(before):
        return False
    name = None if found["around"] in ("**", "<sup>") else _NAME.search(before)
    if name is None or not before[-1].isascii():
        return True
    word = name.group()
    plain = word.isalpha() and len(word) > 2 and word[1:].islower()
    return plain and word.lower() not in subscripts


def _subscripts(reply: str, read: Iterable[str]) -> set[str]:
    """Names that stand with a subscript in the texts, or with several different ones in the reply."""
    pattern = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[([^\]\n]{1,20})\]")
    own: dict[str, set[str]] = {}
    for name, inside in pattern.findall(reply):
        own.setdefault(name.lower(), set()).add(inside)
    names = {name for name, insides in own.items() if len(insides) > 1}
    return names | {name.lower() for text in read for name, _ in pattern.findall(text) if name.lower() in own}
