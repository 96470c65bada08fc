"""Whether the sentences of an answer are supported by what they cite.

Recall and precision of citations after ALCE (Gao et al. 2023, arXiv 2305.14627, section 4). Recall: the share of an
answer's statements that all their citations together support; one without a citation is not supported. Precision: the
share of its citations that support: those of a supported statement, but for one that alone does not support it and
without which the others still do. An answer without citations has 0 of both, as there.

What supports is decided elsewhere, by a model, or here by containment. A statement is contained in a text where the
text has its numbers, dates and codes (in any spelling), its names, a denial if it denies, and at least `ENOUGH` of its
other content words, inflections aside. Containment knows no synonyms and no order of words: it is sure of verbatim and
near-verbatim statements, misses free paraphrases, and is misled where the same words say something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from hybrid.text.sentences import sentences
from hybrid.text.words import STOP, WORD, codes, dates, fold, numbers, stem
from hybrid.types import Citation

ENOUGH = 0.5  # share of the content words; `python -m hybrid.evals.bench.cited` tells why
_MARKS = re.compile(r"(?:\s*\[\d+\])+")
_DIGITS = re.compile(r"\d+")
_DENIAL = re.compile(r"\b(?:not|no(?!\.? ?\d)|never|none|nor|neither|without|cannot)\b|n't\b", re.IGNORECASE)
_SPELLED = dict(zip("two three four five six seven eight nine ten eleven twelve".split(), range(2, 13), strict=True))
_LONG_NAME = 5  # letters from which a name may go on: Japan, Japanese


class Source(NamedTuple):
    """A cited text, and what it is of: a title gives names and words, but no figures."""

    text: str
    title: str = ""


class Statement(NamedTuple):
    """A sentence of an answer, and the places of what it cites."""

    text: str
    cited: tuple[int, ...] = ()  # from 0


class Cited(NamedTuple):
    """How an answer's statements are supported."""

    recall: float
    precision: float
    statements: int
    citations: int


Supports = Callable[[str, tuple[int, ...]], bool]  # a statement, and the places of the citations that may support it


def statements(reply: str, sources: Sequence[Source]) -> list[Statement]:
    """The sentences of a reply with marks such as [1], the first source.

    Marks stand behind the sentence that they are of. Where all that stands before them is quoted word for word, as by
    an engine that quotes, it is one statement.
    """
    found: list[Statement] = []
    at = 0
    for marks in _MARKS.finditer(reply):
        numbered = dict.fromkeys(int(number) - 1 for number in _DIGITS.findall(marks[0]))
        cited = tuple(place for place in numbered if 0 <= place < len(sources))
        if not cited:
            continue  # brackets of the text itself
        said, at = reply[at : marks.start()], marks.end()
        words = _plain(said)
        if words and any(words in _plain(sources[place].text) for place in cited):
            found.append(Statement(said.strip(), cited))
            continue
        parts = _sentences(said)
        found += [Statement(part) for part in parts[:-1]]
        found += [Statement(part, cited) for part in parts[-1:]]
    return [*found, *(Statement(part) for part in _sentences(reply[at:]))]


def _sentences(text: str) -> list[str]:
    found = [text[start:end] for start, end in sentences(text)]
    return [part for part in found if WORD.search(part)]


def _plain(text: str) -> str:
    """The words of a text between blanks, so that one may be looked for in another."""
    found = " ".join(WORD.findall(fold(text).lower()))
    return f" {found} " if found else ""


def wanted(statement: Statement) -> list[tuple[int, ...]]:
    """All sets of its citations whose support `score` may ask for."""
    every = statement.cited
    alone = [(place,) for place in every]
    rest = [tuple(other for other in every if other != place) for place in every]
    return list(dict.fromkeys(some for some in [every, *alone, *rest] if some))


def score(found: Sequence[Statement], supports: Supports) -> Cited:
    """Recall and precision of the citations of an answer, which has one statement or more."""
    supported = good = 0
    for text, every in found:
        if not every or not supports(text, every):
            continue
        supported += 1
        for place in every:
            rest = tuple(other for other in every if other != place)
            needed = supports(text, (place,)) or not rest or not supports(text, rest)
            good += needed
    citations = sum(len(one.cited) for one in found)
    return Cited(supported / len(found), good / citations if citations else 0.0, len(found), citations)


def sources(citations: Sequence[Citation]) -> list[Source]:
    """What an answer shows of its citations: the quotations, with document and heading as their title."""
    return [Source(one.quote, f"{one.document} {one.heading}") for one in citations]


def by_containment(reply: str, citations: Sequence[Citation]) -> Cited | None:
    """Recall and precision of the citations of a reply with its marks; None where it has no sentence."""
    given = sources(citations)
    found = statements(reply, given)
    return score(found, lambda text, places: contained(text, [given[i] for i in places])) if found else None


def contained(statement: str, sources: Sequence[Source], enough: float = ENOUGH) -> bool:
    """Whether the texts together hold a statement's numbers, names and denial, and enough of its other words."""
    claim, held = _read(statement), [_read(source.text) for source in sources]
    titles = [_read(source.title) for source in sources]
    figures = frozenset[str]().union(*(one.offered for one in held))
    words = frozenset[str]().union(*(one.words for one in [*held, *titles]))
    if not claim.words and not claim.figures:
        return False
    if claim.denies and not any(one.denies for one in held):
        return False
    if any(not group & figures for group in claim.figures):
        return False
    if any(name not in words and not _goes_on(name, words) for name in claim.names):
        return False
    return len(claim.words & words) >= enough * len(claim.words)


class _Content(NamedTuple):
    """What a text says, as far as it can be looked up."""

    words: frozenset[str]  # stems of content words, those of names too
    names: frozenset[str]
    figures: tuple[frozenset[str], ...]  # of each number, date or code the values it may have
    offered: frozenset[str]  # all these values, and the numbers inside dates and codes
    denies: bool


@lru_cache(maxsize=8192)  # one citation is compared with several statements, and one statement with several citations
def _read(text: str) -> _Content:
    folded = fold(text)
    words, names = set[str](), set[str]()
    for place, match in enumerate(WORD.finditer(folded)):
        word = match[0]
        if word.lower() in STOP or any(char.isdigit() for char in word):
            continue
        words.add(stem(word))
        if not word.islower() and (place or not word[1:].islower()):  # a sentence begins with a capital by itself
            names.add(stem(word))
    return _Content(frozenset(words), frozenset(names), *_figures(folded), _DENIAL.search(folded) is not None)


def _figures(folded: str) -> tuple[tuple[frozenset[str], ...], frozenset[str]]:
    """The numbers, dates and codes of folded text, one with several readings in a group; and all that these offer."""
    groups: dict[tuple[int, int], set[str]] = {}
    inside = set[str]()
    sums = list(numbers(folded))
    for start, end, value in [*codes(folded), *sums, *dates(folded)]:
        groups.setdefault((start, end), set()).add(value)
    spans = list(groups)
    for run in _DIGITS.finditer(folded):
        value = run[0].lstrip("0") or "0"
        if not any(start <= run.start() < end for start, end in spans):
            groups[run.span()] = {value}
        elif not any(start <= run.start() < end for start, end, _ in sums):  # 31 March 2024 says 2024
            inside.add(value)
    for match in WORD.finditer(folded):
        if match[0].lower() in _SPELLED:
            groups[match.span()] = {str(_SPELLED[match[0].lower()])}
    return tuple(map(frozenset, groups.values())), frozenset(inside).union(*groups.values())


def _goes_on(name: str, words: frozenset[str]) -> bool:
    """Whether a name stands there in a longer or shorter form."""
    return any(
        min(len(word), len(name)) >= _LONG_NAME and (word.startswith(name) or name.startswith(word)) for word in words
    )
