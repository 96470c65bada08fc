"""RULER's thirteen tasks at any length and for any tokenizer, with the published parameters.

Source: arXiv 2404.06654 and NVIDIA/RULER at commit c3f5e3b (Apache-2.0). Parameters, needle and noise sentences and the
way samples are made are theirs; the instructions around them are worded anew, and words come from a list of our own
instead of the package wonderwords. So scores are close to published ones, not interchangeable with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

from hybrid.evals.sample import Count, Sample, Tokens
from hybrid.evals.tasks.draft import Make, drawn
from hybrid.evals.tasks.haystack import SOURCE
from hybrid.evals.tasks.ruler.makes import (
    COMMON,
    HOPS,
    NEEDLES,
    RANKS,
    SHORT,
    answering,
    coded,
    common,
    hidden,
    read_questions,
    variables,
)
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError

BUDGETS = {**dict.fromkeys(NEEDLES, 128), "vt": 30, "cwe": 120, "fwe": 50, "qa_1": 32, "qa_2": 32}  # tokens of a reply
TASKS = tuple(BUDGETS)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Ruler:
    """One of the thirteen tasks.

    Args:
        task: its published name.
        haystack: a long text for the tasks that the paper fills with essays; None for the carried one.
        path: for `qa_1` and `qa_2`, a file in the form of SQuAD or HotpotQA, or JSON Lines with `question`, `answer`
            and `paragraphs`.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    task: str
    haystack: Path | None = None
    path: Path | None = None
    reserve: Tokens = 0

    @property
    def name(self) -> str:
        return f"ruler/{self.task}"

    @property
    def source(self) -> str:
        if self.task.startswith("qa"):
            return f"RULER, arXiv 2404.06654 (Apache-2.0); questions of {self.path.name if self.path else 'no file'}"
        essays = self.task in NEEDLES and NEEDLES[self.task].hay == "essay"
        return "RULER, arXiv 2404.06654 (Apache-2.0)" + (f"; haystack: {SOURCE}" if essays else "")

    @property
    def metric(self) -> str:
        return "match_part" if self.task.startswith("qa") else "match_all"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples, for question answering no more than there are questions; see `hybrid.evals.sample.Task`.

        `about` has length, tokens (of prompt and reply), depth (0 to 1, of the first gold place) and depths (of all).
        Where question answering has too few paragraphs for the length they are repeated, as published.
        """
        if length is None:
            raise InputError(f"{self.name} makes samples of a given length; name lengths, such as 4096 and 8192.")
        makes = self._makes(count, n, seed, length)
        yield from drawn(self.name, makes, count, seed, length, BUDGETS[self.task], self.reserve)

    def _makes(self, count: Count, n: int, seed: int, length: int) -> Iterator[tuple[int, Make]]:
        """For each sample, the least size of its haystack and how to make it at any size."""
        if self.task in NEEDLES:
            least, make = hidden(NEEDLES[self.task], self.haystack)
        elif self.task == "vt":
            least, make = HOPS + 1, variables(count, length - BUDGETS["vt"] - self.reserve)
        elif self.task == "cwe":
            least, make = COMMON + 1, common(length < SHORT)
        elif self.task == "fwe":
            least, make = 100, coded(max(RANKS + 2, length // 50))
        elif self.task in TASKS:
            yield from self._questions(n, seed)
            return
        else:
            raise InputError(f"RULER has no task {self.task!r}; it has {', '.join(TASKS)}.")
        for _ in range(n):
            yield least, make

    def _questions(self, n: int, seed: int) -> Iterator[tuple[int, Make]]:
        if self.path is None:
            raise InputError(f"{self.name} needs the option path: a file in the form of SQuAD or HotpotQA.")
        asked, pool = read_questions(self.path)
        order = Random(f"{self.name}|{seed}").sample(asked, min(n, len(asked)))
        for question in order:
            yield max(1, len(question.own)), answering(question, pool)


THRESHOLD = 0.856  # Llama-2-7B-chat at 4 096 tokens


def effective_length(scores: Mapping[int, float]) -> int | None:
    """The longest tested length whose mean score is at least the threshold; None if there is none.

    Args:
        scores: tokens to the mean over the thirteen tasks, 0 to 1; compared as printed, to a tenth of a percent.

    Raises:
        InputError: a score above 1.
    """
    for length, score in scores.items():
        if score > 1:
            raise InputError(f"The score at {length} tokens is {score}; scores are 0 to 1, so divide percent by 100.")
    return max((length for length, score in scores.items() if round(score, 3) >= THRESHOLD), default=None)
