"""A question as the quoting engine sees it: its content words, and the kind of answer it wants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hybrid.text.asking import GENERAL, LIGHT, NUMBER, VAGUE, answer_of, counted_in, how_many, kind_of, unit_of, whether
from hybrid.text.languages import (
    STOP_WORDS,
    agents,
    expanded,
    kin,
    language_of,
    near,
    root,
    weakly_embedded,
    without_asking,
)
from hybrid.text.words import RUN, STOP, UNSPACED, WORD, codes, fold, fold_at, grams, specials, stem

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

KEPT = 32  # patterns that are remembered
_ROOT, _KIN, _TYPO = 0.8, 0.6, 0.8  # what a related word, one of like meaning and a misspelt one count
_SAID_OF_CODE = frozenset(  # what people say of code and code does not say of itself
    """made make makes by default defined used use uses return returns returned computed calculated implemented work
    works happen happens""".split()
)
_IN_BRACKETS = re.compile(r"([^\W\d_]+) \(([^\W\d_]+)\)")
_FIGURE = re.compile(r"\d{4,}")
_KIND_NAMED = re.compile(
    r"\b(?:which|what|welche[rsmn]?|quelle?s?|que|cual|quale|qual|welke?)\s+(cit(?:y|ies)|countr(?:y|ies)|towns?|places?|"
    r"years?|dates?|days?|months?|time|hours?|stadt|ort|land|jahr|tag|datum|monat|ville|pays|annee|jour|date|ciudad|pais|"
    r"ano|dia|fecha|citta|paese|anno|giorno|data|cidade|stad|jaar|dag)\b",
    re.IGNORECASE,
)
_GENERAL = frozenset(map(stem, GENERAL))
_VAGUE = frozenset(map(stem, VAGUE))
_COMPOUNDING = ("de", "nl")
_LIGHT = frozenset(map(stem, LIGHT))
_STRICT = re.compile(
    r"\b(?:costs?|weigh|how (?:heavy|long|soon|hot)|temperature|e-?mail|phone|telephone|hotline|salary|earns?)\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?:[:=|] |\| )\d[\d.,' ]*(?:\||$)")  # a cell or value that is a number alone


@lru_cache(maxsize=KEPT)
def _finder(heads: tuple[str, ...], anywhere: bool) -> re.Pattern[str]:
    before = r"[^\W_]*?" if anywhere else ""
    return re.compile(rf"(?<![^\W_])(?i:{before}(?:{'|'.join(map(re.escape, heads))}))[^\W_]*")


@dataclass(frozen=True)
class Question:
    """What is asked: its content words and the kind of answer it wants."""

    text: str
    terms: tuple[str, ...]  # distinct stems, in order; a number, date or part code is one
    kind: str | None = None  # a key of KINDS
    counted: str | None = None  # the stem of what is counted: "episode" in "how many episodes"
    how_many: bool = False
    language: str = "en"
    names: frozenset[int] = frozenset()  # terms that name one thing: capitalised, a figure or a code
    codes: frozenset[str] = frozenset()
    weak: bool = False  # cosines tell little
    of_code: bool = False  # all that is read is source code
    forms: dict[str, tuple[int, float]] = field(default_factory=dict, hash=False)  # stem or root -> term, its count
    grams: dict[str, int] = field(default_factory=dict, hash=False)
    values: dict[str, int] = field(default_factory=dict, hash=False)  # of numbers, dates and codes

    @classmethod
    def of(cls, text: str, *, of_code: bool = False, without: frozenset[str] = frozenset()) -> Question:
        """The question as the models see it; one of stop words only keeps them.

        Args:
            without: stems of words that are left out like stop words.
        """
        asked = fold(text)
        language, kind, counted = language_of(asked), kind_of(asked), counted_in(asked)
        found = _terms_of(asked, language, kind, of_code, without)
        return cls(
            text,
            tuple(found.terms),
            kind,
            stem(counted) if counted else None,
            how_many(asked),
            language,
            frozenset(found.names),
            frozenset(found.codes),
            weakly_embedded(asked),
            of_code,
            found.forms,
            found.grams,
            found.values,
        )

    @property
    def unnamed(self) -> list[int]:
        """The terms that are no name."""
        return [term for term in range(len(self.terms)) if term not in self.names]

    @property
    def in_plain_english(self) -> bool:
        """Whether it is an English question about prose or tables."""
        return self.language == "en" and not self.of_code

    @property
    def unit(self) -> bool:
        """Whether the number that it asks for has a unit, whatever the words around it: money, weight, time."""
        return _STRICT.search(fold(self.text)) is not None

    @property
    def is_translated(self) -> bool:
        """Whether it says a word again in another language: "employees (Mitarbeiter)"."""
        return _IN_BRACKETS.search(self.text) is not None

    @property
    def yes_or_no(self) -> bool:
        """Whether it begins with a verb that asks whether something is so."""
        return whether(fold(self.text))

    def lightened(self, missing: Sequence[int]) -> Question:
        """An English question without those of its words that say little and that none of the texts has: "take" of
        "Where does mediation take place?"; itself where there are none.

        Args:
            missing: terms that none of the texts has.
        """
        light = frozenset(self.terms[term] for term in missing if self.terms[term] in _LIGHT)
        if self.language != "en" or not light or len(light) == len(self.terms):
            return self
        return Question.of(self.text, of_code=self.of_code, without=light)

    def mended(self, missing: Sequence[int], texts: Sequence[str], known: dict[str, float]) -> Question:
        """The question with the words of the texts in place of its misspelt ones; itself where there are none.

        Args:
            missing: terms that none of the texts has.
            known: stems of common words, which are not misspelt.
        """
        spelled = expanded(self.text, texts) if missing and self.language == "en" else self.text
        if spelled != self.text:
            return Question.of(spelled, of_code=self.of_code)
        wanted = {self.terms[i] for i in missing if self._may_be_misspelt(i, known)}
        if not wanted:
            return self
        words = {word.lower() for text in texts for word in WORD.findall(fold(text)) if len(word) >= 4}
        text, forms = self.text, dict[str, str]()
        for word in dict.fromkeys(re.findall(r"[^\W\d_]+", fold(self.text))):
            if stem(word) not in wanted or not (meant := near(word.lower(), words)):
                continue
            text = re.sub(rf"\b{re.escape(word)}\b", meant[0], text)
            forms |= {stem(other): stem(meant[0]) for other in meant[1:]}
        if text == self.text:
            return self
        found = Question.of(text, of_code=self.of_code)
        others = {
            form: (found.terms.index(term), _TYPO)
            for form, term in forms.items()
            if term in found.terms and form not in found.forms
        }
        return replace(found, forms={**found.forms, **others})

    def _may_be_misspelt(self, number: int, known: dict[str, float]) -> bool:
        term = self.terms[number]
        return term.isalpha() and len(term) >= 4 and term not in known and term not in self.grams

    def hits(self, text: str, starts: Rows) -> Floats:
        """(sentences, terms): 1 where the sentence beginning at that start has the term, less where a related word."""
        found = np.zeros((len(starts), len(self.terms)))
        if not len(starts) or not self.terms:
            return found
        folded, at = fold_at(text)
        starts = starts if at is None else at[starts]
        seen = np.array(self._seen(folded), np.float64).reshape(-1, 3)
        rows = np.searchsorted(starts, seen[:, 0], side="right") - 1
        keep = rows >= 0
        np.maximum.at(found, (rows[keep], seen[keep, 1].astype(np.intp)), seen[keep, 2])
        return found

    def hits_in(self, text: str) -> Floats:
        """(terms,): 1 where a text has the term, less where a related word."""
        found: Floats = self.hits(text, np.zeros(1, np.intp))[0]
        return found

    def _seen(self, folded: str) -> list[tuple[int, int, float]]:
        """Where a folded text has which term, and what it counts."""
        found: list[tuple[int, int, float]] = []
        if self.forms:
            compounding = self.language in _COMPOUNDING
            for match in _finder(self._heads(), compounding).finditer(folded):
                term, count = self._of_word(match.group(), compounding)
                if term >= 0:
                    found.append((match.start(), term, count))
        for gram, term in self.grams.items():
            at = folded.find(gram)
            while at >= 0:
                found.append((at, term, 1.0))
                at = folded.find(gram, at + 1)
        for start, _, value in specials(folded) if self.values else ():
            if value in self.values:
                found.append((start, self.values[value], 1.0))
        return found

    def _heads(self) -> tuple[str, ...]:
        heads = {form[:-1] if form[-1] in "iy" and len(form) > 2 else form for form in self.forms}
        shortest = sorted(heads, key=len)
        return tuple(sorted(h for i, h in enumerate(shortest) if not any(h.startswith(o) for o in shortest[:i])))

    def _of_word(self, word: str, compounding: bool) -> tuple[int, float]:
        """The term that a word of a text is a form of, and what it counts; -1 of none."""
        found = self.forms.get(stem(word))
        if found is not None and found[1] == 1.0:
            return found
        related = self.forms.get(root(word.lower(), self.language))
        if related is not None and related[1] >= _ROOT:
            return related[0], max(_ROOT, found[1] if found and found[0] == related[0] else 0.0)
        if found is None and compounding:
            inside = [form for form in self.forms if len(form) >= 5 and form in word.lower()]
            if inside:
                return self.forms[max(inside, key=len)][0], _KIN
        return found or (-1, 0.0)

    def fits(self, text: str) -> float:
        """0 to 1: whether `text` has what is asked for and the question itself does not have."""
        if self.kind is None:
            return 0.0
        asked, text = fold(self.text).lower(), fold(text)
        if self.kind == "number" and (unit := unit_of(asked)) is not None:
            return 1.0 if unit.search(text) else 0.7 if _BARE.search(text) else 0.3 if re.search(NUMBER, text) else 0.0
        wanted = answer_of(self.kind, asked)
        if not any(m.group().lower() not in asked for m in wanted.finditer(text)):
            return 0.0
        if self.kind != "number" or self.counted is None or self._counts_in_a_cell(text):
            return 1.0
        counted = self.counted[:-1] if self.counted.endswith("i") else self.counted  # "dai" is the stem of days
        head = re.search(rf"{NUMBER}\W+(?:\w+\W+){{0,2}}{re.escape(counted)}", text, re.IGNORECASE)
        return 1.0 if head else 0.4

    def _counts_in_a_cell(self, text: str) -> bool:
        """Whether a row of a table has a number in the column of what is counted: "Tons: 880"."""
        if self.counted not in self.terms:
            return False
        counted = self.terms.index(self.counted)
        cells = (cell.partition(":") for cell in text.split("|"))
        return any(_BARE.match(f": {value.strip()}") and self.hits_in(name)[counted] > 0 for name, _, value in cells)

    def of_another(self, text: str) -> bool:
        """Whether `text` has a part code like the one that is asked for, and not that one."""
        if not self.codes:
            return False
        found = {code for *_, code in codes(fold(text))}
        shapes = {_shape(code) for code in self.codes}
        return not found & self.codes and any(_shape(code) in shapes for code in found)


def _shape(code: str) -> str:
    """Codes that are alike have one shape: letters as letters, digits as digits, however many."""
    return re.sub(r"\d+", "0", re.sub(r"[a-z]+", "a", code))


class _Terms:
    """The terms of a question while they are collected; `Question` says what its parts are."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.terms: list[str] = []
        self.names: set[int] = set()
        self.codes: set[str] = set()
        self.forms: dict[str, tuple[int, float]] = {}
        self.grams: dict[str, int] = {}
        self.values: dict[str, int] = {}

    def add(self, term: str) -> int:
        """Its number."""
        if term not in self.terms:
            self.terms.append(term)
        return self.terms.index(term)

    def spell(self, word: str, number: int) -> None:
        """Add the forms of a word: its stem, its root, and in English those of words of like meaning."""
        self.forms[stem(word)] = (number, 1.0)
        base = root(word.lower(), self.language)
        if len(base) >= 3:
            self._lesser(base, number, _ROOT)
        for other, count in kin(word.lower()) if self.language == "en" else ():
            self._lesser(stem(other), number, count)
            self._lesser(root(other, self.language), number, count)

    def spell_agents(self, word: str) -> None:
        """Add whoever does what a verb says as a form of it, for a question that asks for somebody."""
        number = self.terms.index(stem(word)) if stem(word) in self.terms else -1
        for other in agents(word) if number >= 0 else ():
            self._lesser(other, number, _ROOT)

    def _lesser(self, form: str, number: int, count: float) -> None:
        if form and self.forms.get(form, (0, 0.0))[1] < count:
            self.forms[form] = (number, count)

    def take_values(self, asked: str) -> str:
        """The question without its numbers and part codes, which become terms; a date stays beside its term."""
        spans: list[tuple[int, int]] = []
        own, found = {code for *_, code in codes(asked)}, list(specials(asked))
        for start, end, value in found:
            if "-" in value:  # a date
                self.values.setdefault(value, self.add(value))
                continue
            if any(a < end and start < b and (a, b) != (start, end) for a, b in spans):
                continue
            same = (self.values[v] for a, b, v in found if (a, b) == (start, end) and v in self.values)
            number = next(same, -1)
            number = self.add(value) if number < 0 else number
            self.values.setdefault(value, number)
            self.names.add(number)
            if value in own:
                self.codes.add(value)
            spans.append((start, end))
        for start, end in spans:
            asked = asked[:start] + " " * (end - start) + asked[end:]
        return asked

    def take_words(self, content: str, words: list[tuple[str, int]]) -> None:
        """Make terms of the words of a question.

        Args:
            content: the question without what only asks.
            words: its words and where they begin in it.
        """
        first = re.search(r"\w", content)
        again = {match[2]: match[1] for match in _IN_BRACKETS.finditer(content)}  # the same in another word
        for word, at in words:
            if again.get(word, "") in {other for other, _ in words}:
                self.spell(word, self.add(stem(again[word])))
                continue
            if RUN.fullmatch(word):
                for gram in grams(word):
                    self.grams.setdefault(gram, self.add(gram))
                continue
            number, begins = self.add(stem(word)), at == (first.start() if first else 0)
            if (word[0].isupper() and not begins and self.language != "de") or word[0].isdigit():
                self.names.add(number)
            if _FIGURE.fullmatch(word):
                self.values.setdefault(word, number)
            self.spell(word, number)


def _terms_of(asked: str, language: str, kind: str | None, of_code: bool, without: frozenset[str]) -> _Terms:
    """The terms of a folded question without the stems in `without`; one of stop words only keeps them."""
    found = _Terms(language)
    content = without_asking(found.take_values(asked))
    stop = STOP | STOP_WORDS.get(language, STOP) | (_SAID_OF_CODE if of_code else frozenset())
    words = [(m.group(), m.start()) for m in re.finditer(rf"{RUN.pattern}|[^\W_{UNSPACED}]+", content)]
    kept = [w for w in words if w[0].lower() not in stop] or ([] if found.terms else words)
    only_asked = {m[1].lower() for m in _KIND_NAMED.finditer(asked)}  # in which city: of the answer
    kept = [w for w in kept if w[0].lower() not in only_asked and stem(w[0]) not in without] or kept
    found.take_words(content, kept)
    for word, _ in kept if kind == "who" and language == "en" else ():
        found.spell_agents(word.lower())
    return found


def is_general(term: str) -> bool:
    """Whether a term of an English question says nothing of the thing, misspelt or not."""
    return term in _GENERAL or bool(near(term, _GENERAL))


def is_vague(term: str) -> bool:
    """Whether a term of an English question says little even beside others, misspelt or not."""
    return term in _VAGUE or bool(near(term, _VAGUE))
