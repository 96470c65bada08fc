"""English questions: what of a thing they ask for, and which texts have the opposite of that, or nobody who did it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from hybrid.text.numerals import MONTHS
from hybrid.text.words import stem

# A question names these without saying anything of the thing: the number of a telephone is a telephone.
GENERAL = frozenset(
    """number numbers name names amount date time total value level kind type sort many much way thing things size
    length people person place day days long exact current maximum minimum open closed cost costs
    price pay paid given""".split()
)
ONLY_ASKING = frozenset("mean means meant called happens happen stand stands".split())
# People ask with these, and documents need not say them: the excess is 250 pounds, however "how high" it is.
LIGHT = frozenset(
    """one ones take takes place find belong get happen happens need high big large long much old good come exist
    located situated called named look want know give mean stand use used bring bought go goes held served mr mrs ms
    total exactly actually currently normally usually normal usual altogether overall single""".split()
)
VAGUE = frozenset(  # those of GENERAL that say little even beside others
    "number numbers name names amount total value level kind type sort way thing things current exact given".split()
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
    [re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for words in pair]
    for pair in (
        (
            "end(?:s|ed|ing)?|finish(?:es|ed)?|expires?|stop(?:s|ped)?|until|till",
            "start(?:s|ed|ing|_\\w+)?|begin(?:s|ning)?|began",
        ),
        ("clos(?:e|es|ed|ing)", "open(?:s|ed|ing)?"),
        ("arriv(?:e|es|ed|al)", "depart(?:s|ed|ure)?|leav(?:e|es)|left"),
        ("child(?:ren)?(?:'s)?|kids?", "adults?"),
        ("max(?:imum)?|at most", "min(?:imum)?|at least"),
        ("buy|purchase[sd]?|buying", "sell(?:s|ing)?|sold"),
        ("employees?", "employers?"),
    )
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


_WHICH_NAMED = re.compile(
    r"\W*(?:which|what)\s+(?:[\w-]+\s+){0,2}(?:compan(?:y|ies)|firms?|banks?|carriers?|insurers?|hotels?|airlines?|"
    r"vessels?|ships?|suppliers?|manufacturers?|brands?|makers?|schools?|universit(?:y|ies)|hospitals?|contractors?|"
    r"agenc(?:y|ies)|brokers?|software|programs?|shops?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?:\n] )(?<!^)(?<![\n|])\b[A-Z]\w+|\b[A-Z]\w+ [A-Z]\w+")


_ROLE = re.compile(  # of a contract
    r"The|Suppliers?|Buyers?|Sellers?|Employe[er]s?|Landlords?|Tenants?|Less(?:or|ee)|Licens(?:or|ee)|Contractor|Clients?|"
    r"Customers?|Purchasers?|Borrowers?|Lenders?|Providers?|Consultants?|Part(?:y|ies)|Company|Agreement|Contract"
)


def names_none(question: str, text: str, terms: Collection[str]) -> bool:
    """Whether a question asks which company, ship or the like, and a text has no name but those that the question has.

    Args:
        terms: stems of the question's words.
    """
    if not _WHICH_NAMED.match(question):
        return False
    words = [word for name in _NAME.findall(text) for word in name.split()]
    return all(
        word.lower() in _DATED or word.isupper() or _ROLE.fullmatch(word) or stem(word.lower()) in terms
        for word in words
    )


_SOMEBODY = re.compile(
    r"\b(?:we|i|you|our|your|they|he|she|us|me|everyone|everybody|nobody|anyone|landlord|tenant|owner|"
    r"manager|director|chair\w*|board|committee|council|staff|caretaker|treasurer|secretary|teachers?|part(?:y|ies)|"
    r"compan(?:y|ies)|firm|suppliers?|buyers?|sellers?|employe[er]s?|customers?|clients?|contractors?|users?|guests?|"
    r"members?|residents?|parents?|children|players?|adults?|people|persons?|men|women|pupils?|students?|patients?|"
    r"visitors?|passengers?|drivers?|operators?|technicians?|engineers?|admin\w*|inspectors?|doctors?|nurses?|lawyers?|"
    r"insurers?|lenders?|borrowers?|lessees?|lessors?|office|department|team|service|society|club|association|caller|"
    r"dealers?|agents?|representatives?|trustees?|shareholders?|authorit(?:y|ies)|police|court|president|minister|mayor)\b",
    re.IGNORECASE,
)


def names_nobody(text: str, terms: Collection[str]) -> bool:
    """Whether a text has neither a name nor somebody but those that the question has.

    Args:
        terms: stems of the question's words.
    """
    named = [*_NAME.findall(text), *(match.group() for match in _SOMEBODY.finditer(text))]
    words = [word.lower() for name in named for word in name.split()]
    return all(word in _DATED or stem(word) in terms for word in words)
