"""Whether the sentences of an answer are supported by what they cite.

Recall and precision of citations after ALCE (Gao et al. 2023, arXiv 2305.14627, section 4). Recall: the share of an
answer's statements that all their citations together support; one without a citation is not supported. Precision: the
share of its citations that support: those of a supported statement, but for one that alone does not support it and
without which the others still do. An answer without citations has 0 of both, as there.

What supports is decided elsewhere: by a model, or by containment (`hybrid.evals.metrics.containment`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hybrid.evals.metrics.containment import Source, contained

from hybrid.text.sentences import sentences
from hybrid.text.words import WORD, fold
from hybrid.types import Citation

_MARKS = re.compile(r"(?:\s*\[\d+\])+")
_DIGITS = re.compile(r"\d+")


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
