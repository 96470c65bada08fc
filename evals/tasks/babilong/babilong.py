"""BABILong's form: facts of a little world scattered through a book, and a question on them.

Source: arXiv 2406.10149 and booydar/babilong (Apache-2.0), which scatters the facts of bAbI (arXiv 1502.05698) between
the sentences of books, in their order and at random places. Questions, answer words and scoring are theirs; the facts
are drawn here (`hybrid.evals.tasks.babilong.world`), the book is the haystack of the other tasks, and instructions are
worded anew. So scores are of this form, not BABILong's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from hybrid.evals.sample import Count, Sample, Tokens
from hybrid.evals.tasks.babilong.world import GIVERS, PEOPLE, TELLS, THINGS, Story, story
from hybrid.evals.tasks.draft import Draft, Make, drawn
from hybrid.evals.tasks.haystack import SOURCE, cycled, hide, prose, unbroken
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError

KINDS = tuple(TELLS)
_REPLY = 32  # tokens; a sentence is enough

_LATEST = "Where somebody was in several rooms, only the last of them counts."
_GOES_ALONG = "A thing that somebody takes goes with them; one that is put down stays in that room."
_RULES = {
    "qa1": _LATEST,
    "qa2": _GOES_ALONG,
    "qa3": _GOES_ALONG,
    "qa4": "They tell how rooms lie beside each other.",
    "qa5": "They tell who gave what to whom.",
    "qa6": _LATEST,
    "qa7": "They tell what people take, put down and hand over.",
    "qa8": "They tell what people take, put down and hand over.",
    "qa9": _LATEST,
    "qa10": f"{_LATEST} Of two rooms that somebody is in one of, neither is certain.",
}
_FORMS = {  # of the answer; the words in them are no words of the question
    "qa6": "Answer yes or no.",
    "qa7": "Answer none, one, two or three.",
    "qa8": "Answer with the names of the objects, or nothing.",
    "qa9": "Answer yes or no.",
    "qa10": "Answer yes, no or maybe.",
}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class BabiLong:
    """One of the first ten kinds of question.

    Args:
        task: qa1 to qa10.
        haystack: a long text; None for the carried one. Its sentences that name the people or things of the facts are
            left out, so that the facts alone decide.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    task: str
    haystack: Path | None = None
    reserve: Tokens = 0

    metric = "babilong"

    @property
    def name(self) -> str:
        return f"babilong/{self.task}"

    @property
    def source(self) -> str:
        return f"BABILong's form, arXiv 2406.10149; facts made here; haystack: {SOURCE}"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples; see `hybrid.evals.sample.Task`.

        The first gold is the answer; the others are the words that a right reply may not say. `about` has length,
        tokens, facts (how many), support (how many decide), depth (0 to 1, of the first that decides) and depths.
        """
        if length is None:
            raise InputError(f"{self.name} makes samples of a given length; name lengths, such as 4096 and 8192.")
        hay = _hay(self.haystack)
        makes = ((1, self._make(hay, story(self.task, Random(f"{self.name}|{seed}|{i}")))) for i in range(n))
        yield from drawn(self.name, makes, count, seed, length, _REPLY, self.reserve)

    def _make(self, hay: tuple[str, ...], told: Story) -> Make:
        """Facts between sentences: where the haystack begins and where each fact stands is drawn for the sample."""
        question = f"{told.question} {_FORMS.get(self.task, 'Answer with one word.')}"
        begin = f"Some sentences of the text below are facts that belong together. {_RULES[self.task]}"

        def make(rng: Random, size: int) -> Draft:
            kept = cycled(hay, size, rng.randrange(len(hay)))
            places = sorted(rng.choices(range(size + 1), k=len(told.facts)))
            text, spans = hide(kept, places, list(told.facts), " ")
            return Draft(
                prompt=f"{begin}\n\n<context>\n{text}\n</context>\n\n{begin}\nQuestion: {question}\n",
                prefix="Answer:",
                question=question,
                documents={"book": text},
                golds=golds(told),
                ranges=tuple(("book", *spans[place]) for place in told.support),
                about={"facts": len(told.facts), "support": len(told.support)},
            )

        return make


def golds(told: Story) -> tuple[str, ...]:
    """The answer, and the words that a right reply may not say: those of other answers that the question does not."""
    own = told.answer.split(",")
    asked = set(re.findall(r"\w+", told.question.lower()))
    return told.answer, *(label for label in told.labels if label not in own and label.lower() not in asked)


@cache
def _hay(path: Path | None) -> tuple[str, ...]:
    """The sentences of the book that name nobody and nothing of the facts."""
    named = re.compile(rf"\b(?:{'|'.join((*PEOPLE, *GIVERS, *THINGS))})s?\b", re.IGNORECASE)
    found = tuple(sentence for sentence in unbroken(prose(path)) if not named.search(sentence))
    if not found:
        raise InputError(f"{path} has no sentence without the people and things of the facts; give another haystack.")
    return found
