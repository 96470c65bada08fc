"""The language of a question, its words that carry nothing, and the words that belong together: of one root, of like
meaning, or one letter apart. Texts are compared folded, without accents (`hybrid.text.words.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from hybrid.files import carried, joined
from hybrid.text.words import HANGUL, HIRAGANA, STOP, THAI, UNSPACED, WORD, stem

_CARRIED = carried(__name__)
# Words that carry nothing, by language; a question is in the language with the most of its words.
STOP_WORDS: dict[str, frozenset[str]] = {"en": STOP | {"per"}}
STOP_WORDS |= {name: frozenset(words.split()) for name, words in _CARRIED["stop_words"].items()}
LANGUAGES = {  # names of the stemmers
    "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese", "nl": "dutch",
    "ru": "russian", "ar": "arabic",
}  # fmt: skip

_ASKING = re.compile(joined(_CARRIED["asking"]["words"]))
_PARTICLE = re.compile(
    rf"(?<=[{HANGUL}]{{2}})(?:{_CARRIED['asking']['korean']})(?![{HANGUL}])"
    rf"|(?<![{HIRAGANA}])(?:{_CARRIED['asking']['japanese']})(?![{HIRAGANA}])"
)
_CJK = re.compile(f"[{UNSPACED}]")


def without_asking(text: str) -> str:
    """A question without the words that only ask or bind, in scripts without blanks; in all others as it is."""
    return _PARTICLE.sub(" ", _ASKING.sub(" ", text)) if _CJK.search(text) else text


@lru_cache(maxsize=1000)
def language_of(question: str) -> str:
    """A key of STOP_WORDS, "en" where no other fits better; "zh" stands for all scripts without blanks."""
    if _CJK.search(question):
        return "zh"
    words = [word.lower() for word in WORD.findall(question)]
    counts = {name: sum(word in stop for word in words) for name, stop in STOP_WORDS.items()}
    return max(counts, key=lambda name: (counts[name], name == "en"))


_SCRIPT = re.compile(rf"[{UNSPACED}{THAI}\u0370-\u1cff]")


def weakly_embedded(question: str) -> bool:
    """Whether the question is mostly in a script for which a small English model's cosines tell little."""
    letters = sum(char.isalpha() for char in question)
    return letters > 0 and 2 * len(_SCRIPT.findall(question)) > letters


_ENDINGS = tuple("ization isation ation ition ment ness anc enc abl ibl ion iv at al i".split())
# Endings of English stems; not -er, -or and -ee: an employer is no employee
_LEFT = {"ment": 3, "abl": 3}  # letters that have to be left, 4 for all others
_SHORTEST, _LONG = 5, 9  # letters of a word that may be misspelt, in one place, and in two


def _groups(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group in text.split(";"):
        words = tuple(group.split())
        for word in words:
            found[word] = tuple(other for other in words if other != word)
    return found


_ENGLISH = _CARRIED["english"]
_FORMS = _groups(_ENGLISH["forms"])
_ASKED = {group.split()[0]: tuple(group.split()[1:]) for group in _ENGLISH["like"].split(";") if group.split()}
_ALIKE = _groups(_ENGLISH["same"])
_SAID = {word: (*_ASKED.get(word, ()), *_ALIKE.get(word, ())) for word in (*_ASKED, *_ALIKE)}


def kin(word: str) -> list[tuple[str, float]]:
    """English words that may stand for a word in lower case, with what they count: its other forms 1, others less."""
    own = _FORMS.get(word) or _FORMS.get(stem(word), ())
    said = [other for each in dict.fromkeys((word, stem(word), *own)) for other in _SAID.get(each, ())]
    return [*((other, 1.0) for other in own), *((other, 0.6) for other in said)]


def agents(word: str) -> tuple[str, ...]:
    """Stems of the words for whoever does what an English verb says: "teacher" for "teaches"."""
    base = (_FORMS[word][0] if word in _FORMS else stem(word)).rstrip("ei")
    return tuple(stem(base + ending) for ending in ("er", "or", base[-1:] + "er", "ier"))


@lru_cache(maxsize=100_000)
def root(word: str, language: str = "en") -> str:
    """The part of a word in lower case that words made of it share: "deliver" for delivery and delivered, "termin" for
    terminate and termination."""
    if language in LANGUAGES:
        return str(_stemmer(LANGUAGES[language]).stemWord(word))
    if language != "en":
        return word
    base = stem(word)
    for ending in _ENDINGS:
        if base.endswith(ending) and len(base) - len(ending) >= _LEFT.get(ending, 4):
            return base.removesuffix(ending)
    return base


def expanded(question: str, texts: Sequence[str]) -> str:
    """A question with an abbreviation in the words of the texts, or words in their abbreviation: "value added tax" for
    "VAT"."""
    for short in dict.fromkeys(re.findall(r"\b[A-Z]{2,5}\b", question)):
        if not _stands(short, texts):
            long = r"[\s-]+(?:(?:of|and|the|for)\s+)?".join(rf"{letter}\w+" for letter in short)
            spelled = re.compile(rf"\b{long}\b", re.IGNORECASE if len(short) > 2 else 0)
            found = next((match.group() for text in texts if (match := spelled.search(text))), "")
            question = re.sub(rf"\b{short}\b", found or short, question)
    words = re.findall(r"\w+", question)
    for size in (5, 4, 3):
        for run in zip(*(words[at:] for at in range(size)), strict=False):
            short = "".join(word[0] for word in run).upper()
            if not STOP & {word.lower() for word in run} and _stands(short, texts):
                return re.sub(r"\W+".join(run), short, question)
    return question


def _stands(word: str, texts: Sequence[str]) -> bool:
    """Whether a word stands in a text. Looking for its letters first is a hundred times as fast where it does not."""
    return any(word in text and re.search(rf"\b{re.escape(word)}\b", text) for text in texts)


@lru_cache(maxsize=16)
def _stemmer(name: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(name)


def near(word: str, among: Collection[str], most: int = 5) -> list[str]:
    """Words that differ from `word` by a letter left out, put in, changed or swapped with the next; by two from nine
    letters on. The nearest first; none for a word of fewer than five letters."""
    if len(word) < _SHORTEST:
        return []
    reach = 2 if len(word) >= _LONG else 1
    found = [
        (distance, other)
        for other in among
        if abs(len(other) - len(word)) <= reach and (distance := _distance(word, other, reach)) <= reach
    ]
    return [other for _, other in sorted(found)[:most]]


def _distance(a: str, b: str, most: int) -> int:
    """Edits between two words (Damerau's, without edits inside a swapped pair); more than `most` is not counted on."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, before, row = before, row, [i] + [0] * len(b)
        for j, y in enumerate(b, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                row[j] = min(row[j], last[j - 2] + 1)
        if min(row) > most:
            return most + 1
    return row[-1]
