"""What a question asks for: the kind and the unit of the answer in the languages people use, and what such an answer
looks like; of an English one also what of a thing it asks for, and which texts have the opposite of that, or nobody who
did it. Texts are compared folded, without accents (`hybrid.text.words.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from hybrid.files import carried, joined
from hybrid.text.words import HAN, HANGUL, KATAKANA, MONTHS, stem

_CARRIED = carried(__name__)
_PARTS = {"months": MONTHS, "han": HAN, "hangul": HANGUL, "katakana": KATAKANA}
_PARTS |= {name: joined(part) for name, part in _CARRIED["parts"].items()}
_WORDS = _CARRIED["words"]
NUMBER = _PARTS["number"]
_HOW_OFTEN = re.compile(r"\bhow (?:often|frequently|regularly)\b|\bwie oft\b|多久一次|何回", re.IGNORECASE)
_FREQUENCY = re.compile(
    rf"{NUMBER}|\b(?:hourly|daily|weekly|fortnightly|monthly|quarterly|yearly|annually|always|never|rarely|sometimes)\b|"
    r"\b(?:each|every|per) \w+|\b(?:taglich|wochentlich|monatlich|jahrlich)\b|每|毎",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(
    r"\bhow (?:many|much) (?!(?:does|did|are|was|were|will|would|can|could|has|have|had|should|must|may|the)\b)"
    r"(\w{3,})",
    re.IGNORECASE,
)


def _kind(asked: str, elsewhere: str, answer: str, *, capitals: bool = False) -> tuple[re.Pattern[str], ...]:
    asks = rf"\b(?:{joined(asked)})\b|{joined(elsewhere)}"
    return re.compile(asks, re.IGNORECASE), re.compile(joined(answer, **_PARTS), 0 if capitals else re.IGNORECASE)


KINDS = {name: _kind(**kind) for name, kind in _CARRIED["kinds"].items()}


_UNITS = [
    [re.compile(joined(unit[name], **_PARTS), re.IGNORECASE) for name in ("asked", "sign", "column")]
    for unit in _CARRIED["units"]
]


def how_many(question: str) -> bool:
    """Whether a folded question asks for the number of some things."""
    return re.match(r"\W*how many\b", question, re.IGNORECASE) is not None


_QUOTED = re.compile(r"\"[^\"]*\"|\u201c[^\u201d]*\u201d|\[[^\]]*\]|\([^)]*\)")
_SENTENCE_ENDS = re.compile(r"(?<=[?.!])\s+|(?<=[?.!][\"\u201d])\s+|\n+")
_FORM = re.compile(r"\W*(?:please )?(?:only )?(?:answer|reply|respond|give|write|return)\b", re.IGNORECASE)
_OF_FORM = frozenset(_WORDS["form"].split())


def without_form(question: str) -> str:
    """A question without sentences at its end that say how to answer, such as "Answer with one word.".

    They say nothing of what is asked for, and a search for their words finds something else. A sentence with any other
    word stays; so does a question that is nothing else.
    """
    ends = [match.span() for match in _SENTENCE_ENDS.finditer(question)]
    for start, after in reversed(ends):
        last = question[after:]
        plain = _QUOTED.sub(" ", last).lower()
        if "?" in plain or (
            last.strip() and not (_FORM.match(last) and set(re.findall(r"[^\W_]+", plain)) <= _OF_FORM)
        ):
            break
        question = question[:start]
    return question


def unit_of(question: str) -> re.Pattern[str] | None:
    """What the answer to a folded question should have beside a number; None where anything will do."""
    found = _of_unit(question)
    return found[1] if found else None


def column_of(question: str) -> re.Pattern[str] | None:
    """What the name of a column has whose numbers have that unit; None where anything will do."""
    found = _of_unit(question)
    return found[2] if found else None


def _of_unit(question: str) -> list[re.Pattern[str]]:
    if _HOW_OFTEN.search(question) or how_many(question):
        return []
    return next((unit for unit in _UNITS if unit[0].search(question)), [])


_ASKS_A_THING = re.compile(r"\W*(?:what|which|how)\b", re.IGNORECASE)
_EARLY = 8  # characters before a word that asks on its own


def kind_of(question: str) -> str | None:
    """The kind of answer that a folded question asks for, of KINDS; none where it asks whether something is so."""
    if whether(question) and not _ASKS_MORE.search(question):
        return None
    places = {name: match.start() for name, (asked, *_) in KINDS.items() if (match := asked.search(question))}
    if _ASKS_A_THING.match(question):  # "what happens when": a clause of time
        places = {name: at for name, at in places.items() if name == "number" or at < _EARLY}
    found = min(places, key=lambda name: places[name], default=None)
    return "number" if found is None and unit_of(question) is not None else found


_WHETHER = re.compile(
    r"\W*(?:is|are|was|were|can|may|must|do|does|did|has|have|should|will|would|could|ist|sind|war|waren|darf|durfen|kann|"
    r"konnen|muss|mussen|gibt es|hat|haben|est-ce|peut-on|y a-t-il|es|son|hay|puede|e|sono|c'e)\b",
    re.IGNORECASE,
)
_ASKS_MORE = re.compile(
    r"\b(?:who|whom|whose|when|where|why|how|what|which|wer|wann|wo|warum|wie|was|qui|quand|ou|quel\w*|combien)\b",
    re.IGNORECASE,
)


def whether(question: str) -> bool:
    """Whether a folded question begins with a verb that asks whether something is so."""
    return _WHETHER.match(question) is not None


def answer_of(kind: str, question: str) -> re.Pattern[str]:
    """The pattern of an answer to a question of that kind."""
    return _FREQUENCY if _HOW_OFTEN.search(question) else KINDS[kind][1]


def counted_in(question: str) -> str | None:
    """What is counted: "episodes" in "how many episodes"."""
    found = _HOW_MANY.search(question)
    return found.group(1) if found else None


GENERAL, VAGUE, ONLY_ASKING, LIGHT = (
    frozenset(_WORDS[name].split()) for name in ("general", "vague", "only_asking", "light")
)
_ASKED_OF = re.compile(
    r"\W*(?:what|which)\s+(?:(?:is|are|was|were)\s+(?:the\s+|an?\s+|its\s+|their\s+)?)?"
    r"(?!(?:do|does|did|has|have|will|would|can|could|must|should|may|happens)\b)(?P<thing>(?:[\w'\u2019-]+\s+){0,2}?[\w-]+)"
    r"(?=\s+(?:of|for|in|at|on|to|by|does|do|did|is|are|was|were|has|have|will|must|should|can|may|holds?|gives?|apply|"
    r"applies)\b|\W*$)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b\d{1,2} ?[-\u2013:] ?\d{1,2}\b|\d ?(?:am|pm|h|uhr|o'clock)\b|\d ?[ap]\.m\.|"
    r"\b(?:day|week|month|year|hour|morning|noon|night|evening|after|before|until|within|when|once|soon|immediately|"
    r"spring|summer|autumn|winter|tag|woche|monat|jahr|jour|mois|dia|mes)",
    re.IGNORECASE,
)
_VERBS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:do|does|did|will|would|can|could|may|must|should)\b.*?\b([\w-]+)\W*$",
        r"\b(?:is|are|was|were|been|be)\b.*?\b([\w-]+(?:ed|en|t))\W*$",
        r"\b(?:which|what|who)\s+(?:[\w-]+\s+)?([\w-]+s)\b",
    )
)
_PASSIVE = re.compile(r"\b(?:is|are|was|were|been|be)\s+(?:(?:not|been|also|last|first|\w+ly)\s+)*(\w+(?:ed|en|t|n))\b")
_DATED = frozenset(f"{MONTHS}|monday|tuesday|wednesday|thursday|friday|saturday|sunday".split("|"))
_DONE = re.compile(r"\b(?:was|were)\b.*?\b([\w-]+(?:ed|en|t|n))\W*$", re.IGNORECASE)


def asked_of(question: str) -> str:
    """The attribute that a question asks for: "address" in "What is the address of the sauna?"; else empty."""
    found = _ASKED_OF.match(question)
    word, *before = found["thing"].lower().split()[::-1] if found else [""]
    if word in GENERAL and before and not before[0].endswith(("'s", "s'", "\u2019s")):
        return before[0] if before[0] not in GENERAL else ""
    more = re.match(r"\s+of\s+([\w-]+)\W*$", question[found.end() :]) if found and word in GENERAL else None
    return more[1].lower() if more else "" if word in GENERAL else word


def verbs_of(question: str) -> set[str]:
    """The words of a question, in lower case, that are likely its verbs."""
    return {match[1].lower() for pattern in _VERBS if (match := pattern.search(question)) is not None}


def tells_time(text: str) -> bool:
    """Whether a text says any time at all."""
    return _TIME.search(text) is not None


def done_in(question: str) -> str:
    """What was done, by a question: "founded" in "When was the club founded?"; else empty."""
    found = _DONE.search(question)
    return found[1].lower() if found else ""


def undone_by(text: str, terms: Collection[str]) -> bool:
    """Whether a text tells what was done and names nobody who did it: "The lift was inspected in May."

    Args:
        terms: stems of the question's words; one of them is what was done.
    """
    done = [m for m in _PASSIVE.finditer(text) if stem(m[1].lower()) in terms]
    if not done or re.search(r"\bby\b", text):
        return False
    named = re.findall(r"(?<![.!?:\n] )(?<!^)\b[A-Z]\w+", text)
    return all(word.lower() in _DATED or stem(word.lower()) in terms for word in named)


_OPPOSITES = [
    [re.compile(rf"\b(?:{joined(words)})\b", re.IGNORECASE) for words in pair] for pair in _WORDS["opposites"]
]
_CONTRASTS = [*_OPPOSITES, *(pair[::-1] for pair in _OPPOSITES)]


def contrasts(question: str, text: str) -> bool:
    """Whether a text has the opposite of what is asked, and not that: a start where the end is asked."""
    return any(
        asked.search(question) and not other.search(question) and other.search(text) and not asked.search(text)
        for asked, other in _CONTRASTS
    )


_WITH = re.compile(
    r"\b(?P<thing>(?i:agreement|contract|lease|licence|license|loan))\s+(?:with|between)\s+(?:the\s+)?"
    r"(?P<names>[A-Z][\w&.'-]*(?:(?:,\s+|\s+(?:and\s+)?)[A-Z][\w&.'-]*)*)"
)


def without_parties(question: str, texts: Sequence[str]) -> str:
    """A question on "the agreement with Latch Tools" without the names of its parties, where the texts have them."""
    found = _WITH.search(question)
    names = re.findall(r"[A-Z][\w&'-]*\w", found["names"]) if found is not None else []
    if found is None or not all(any(name in text for text in texts) for name in names):
        return question
    return question[: found.end("thing")] + question[found.end() :]


_WHICH_NAMED = re.compile(rf"\W*(?:which|what)\s+(?:[\w-]+\s+){{0,2}}(?:{joined(_WORDS['named'])})\b", re.IGNORECASE)
_NAME_IN_TEXT = re.compile(r"(?<![.!?:\n] )(?<!^)(?<![\n|])\b[A-Z]\w+|\b[A-Z]\w+ [A-Z]\w+")


_ROLE = re.compile(joined(_WORDS["roles"]))  # of a contract


def names_none(question: str, text: str, terms: Collection[str]) -> bool:
    """Whether a question asks which company, ship or the like, and a text has no name but those that the question has.

    Args:
        terms: stems of the question's words.
    """
    if not _WHICH_NAMED.match(question):
        return False
    words = [word for name in _NAME_IN_TEXT.findall(text) for word in name.split()]
    return all(
        word.lower() in _DATED or word.isupper() or _ROLE.fullmatch(word) or stem(word.lower()) in terms
        for word in words
    )


_SOMEBODY = re.compile(rf"\b(?:{joined(_WORDS['somebody'])})\b", re.IGNORECASE)


def names_nobody(text: str, terms: Collection[str]) -> bool:
    """Whether a text has neither a name nor somebody but those that the question has.

    Args:
        terms: stems of the question's words.
    """
    named = [*_NAME_IN_TEXT.findall(text), *(match.group() for match in _SOMEBODY.finditer(text))]
    words = [word.lower() for name in named for word in name.split()]
    return all(word in _DATED or stem(word) in terms for word in words)
