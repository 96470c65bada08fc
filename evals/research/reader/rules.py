"""Questions made from the sentences of a text by rules; the answer stands in the sentence word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from hybrid.text.words import MONTHS

_MONTH = rf"(?i:{MONTHS})"
_DATE = rf"(?:{_MONTH} \d{{1,2}}, \d{{4}}|\d{{1,2}} {_MONTH},? \d{{4}}|{_MONTH} \d{{4}}|1[0-9]{{3}}|20[0-2][0-9])"
_MONEY = r"(?:US)?[$£€] ?\d[\d,]*(?:\.\d+)?(?: (?:million|billion|thousand))?"
_COUNT = r"(?:\d[\d,]*(?:\.\d+)?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty)"
_NAME = r"[A-Z][\w’'\-]+(?: (?:(?:of|de|von|van|the|du|la) )?[A-Z][\w’'\-.]*\w)*"
_PAST = r"\w+(?:ed|wn|en)|built|held|made|found|won|led|set|sold|born|bought|paid|sent|put|lost|left|kept|told|taught"
_S, _R, _BE = r"(?P<s>[^,;()]{3,70}?)", r"(?P<r>[^,;]{0,80}?)", r"(?P<b>was|were|is|are)"
# a sentence (s: its subject, b: a form of to be, v: its verb, d: its verb in the past, r: the rest, a: the answer) and
# the questions that it allows
_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"{_S} {_BE} (?P<v>{_PAST}) {_R}\b(?:in|on) (?P<a>{_DATE})\b",
     ("When {b} {s} {v} {r}?", "On what date or in what year {b} {s} {v} {r}?")),
    (rf"{_S} (?P<d>\w+ed) {_R}\b(?:in|on) (?P<a>{_DATE})\b", ("When did {s} {d} {r}?",)),
    (rf"In (?P<a>{_DATE}), {_S} (?P<d>\w+ed) (?P<r>[^,;]{{3,80}})", ("When did {s} {d} {r}?",)),
    (rf"(?P<a>{_NAME}) (?P<v>\w+ed|was|is|has) (?P<r>[^,;:()\"“]{{8,90}})",
     ("Who {v} {r}?", "Who or what {v} {r}?")),
    (rf"(?P<s>{_NAME}) {_BE} (?P<a>(?:an?|the|one of the) [^,;:()\"“]{{4,90}})", ("Who or what {b} {s}?",)),
    (rf"{_S} (?:has|had|have) (?:about |over |at least |up to )?(?P<a>{_COUNT}) (?P<r>[a-z][\w\-]+(?: [a-z][\w\-]+)?)",
     ("How many {r} are told of {s}?", "How many {r} does it say {s} had?")),
    (rf"{_S} (?:was|were|is|are|totaled|totalled|amounted to) (?:approximately )?(?P<a>{_MONEY}|\d[\d.,]*\s?%)",
     ("How much was {s}?", "What amount is given for {s}?")),
    (rf"{_S} {_BE} (?P<v>located|situated|born|built|founded|held|signed|incorporated|based|headquartered|buried) "
     rf"(?:in|at) (?P<a>(?:the )?(?!{_MONTH}){_NAME}(?:, {_NAME})?)", ("Where {b} {s} {v}?",)),
    (rf"{_S} {_BE} (?P<v>{_PAST}) by (?P<a>(?:the )?{_NAME})", ("By whom {b} {s} {v}?", "Who or what {v} {s}?")),
    (rf"{_S} (?P<d>\w+ed) (?P<r>[^;]{{0,80}}?),? because (?P<a>(?!of\b)[^;]{{8,120}})", ("Why did {s} {d} {r}?",)),
    (r"[“\"](?P<s>[A-Z][\w \-]{2,40})[”\"] (?:means|shall mean|refers to) (?P<a>[^;]{6,150})",
     ("What does “{s}” mean?", "How is \"{s}\" defined?", "What is meant by {s}?")),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), ways) for pattern, ways in _RULES)
_LOOSE = re.compile(
    r"^(?:it|he|she|they|this|that|these|those|which|who|we|i|you|there|what|such|and|but|or|as|if|when|while|because|"
    r"not|then|in|on|at|although|though|since|after|before|for|with|by|from|to|however|one|also|where|here|some|many)\b"
    r"|\b(?:it|he|she|they|we|is|was|were|are|has|had|have|can|will|do|did|which|that|who)\b|[;:(\"“]",
    re.IGNORECASE,
)
_LOWERED = ("The", "A", "An", "His", "Her", "Their", "Its", "These", "Our", "Some", "Most", "All", "Both")
_ABBREVIATION = re.compile(r"((?:[A-Z][\w-]+ (?:of |and |for |the )?){1,5}[A-Z]?[\w-]+) \(([A-Z]{2,6})s?\)")
_GAPS = (
    _DATE,
    _MONEY,
    r"\d[\d,.]*\s?(?:%|percent)",
    rf"(?<![\w.$,]){_COUNT}(?![\w,.]*\d)(?= [a-z])",
    rf"(?<=[a-z,] ){_NAME}",
)
_FILL = ('Fill in the gap: "{}"', 'What is missing in "{}"?', 'What stands at the gap in "{}"?')


def asked(sentence: str, draw: Random) -> Iterator[tuple[str, str]]:
    """Questions on a sentence with their answers."""
    body = sentence.rstrip('.!?”" ')
    for pattern, ways in _COMPILED:
        if not (found := pattern.match(body)):
            continue
        said = {name: (text or "").strip() for name, text in found.groupdict().items()}
        subject = said.get("s", said["a"])
        if _LOOSE.search(subject) or not subject[:1].isupper() or not 2 <= len(said["a"]) <= 150:
            continue
        first, _, rest = subject.partition(" ")
        said["s"] = f"{first.lower()} {rest}" if first in _LOWERED and rest else subject
        if "d" in said:
            said["d"] = _base(said["d"])
            if not said["d"]:
                continue
        question = " ".join(draw.choice(ways).format(**said).split()).replace(" ?", "?")
        if 12 <= len(question) <= 220:
            yield question, said["a"].strip(" ,;")
    for found in _ABBREVIATION.finditer(sentence):
        if "".join(word[0] for word in re.split(r"[ -]", found[1]) if word[0].isupper()) == found[2]:
            yield draw.choice(("What does {} stand for?", "What is {} short for?")).format(found[2]), found[1]


def gap(sentence: str, draw: Random) -> tuple[str, str] | None:
    """A question with a gap for a date, an amount, a number or a name; None where the sentence has none."""
    for kind in draw.sample(_GAPS, len(_GAPS)):
        found = [m for m in re.finditer(kind, sentence) if len(m[0]) < 50 and not _LOOSE.search(m[0])]
        if found:
            hole = draw.choice(found)
            before, after = sentence[: hole.start()].split(" "), sentence[hole.end() :].split(" ")
            left, right = " ".join(before[-draw.randint(4, 14) :]), " ".join(after[: draw.randint(3, 10)])
            if len(f"{left} {right}".split()) >= 6:
                return draw.choice(_FILL).format(f"{left}____{right.rstrip(' .')}"), hole[0]
    return None


def _base(verb: str) -> str:
    """The infinitive of a regular verb's past; empty where that is not sure."""
    stem = verb.removesuffix("ed")
    if len(stem) < 3 or stem == verb or verb in ("indeed", "hundred", "proceed", "exceed", "succeed"):
        return ""
    if stem.endswith("i"):
        return f"{stem[:-1]}y"
    if stem[-1] == stem[-2] and stem[-1] in "bdgmnprt":
        return stem[:-1]
    if re.search(r"(?:at|iz|is|us|v|c|u|rg|ng|dg|[bptgdf]l|ir|ur|or|as|os)$", stem) and not stem.endswith(
        ("eat", "ing")
    ):
        return f"{stem}e"
    return f"{stem}e" if len(stem) <= 5 and re.search(r"[^aeiou][aiou][kmnptd]$", stem) else stem
