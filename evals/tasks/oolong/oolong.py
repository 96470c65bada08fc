"""OOLONG's form: questions on how often things occur among many messages, which no few of them answer.

Source: arXiv 2511.02817 and abertsch72/oolong, whose synthetic half asks of labelled lines which label is frequent, of
all lines, of a user's and over time, and gives partial credit for numbers that are near. Messages (`lines.toml`) and
questions (`hybrid.evals.tasks.oolong.counts`) are our own. So scores are of this form, not OOLONG's.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Annotated, Literal, get_args

from hybrid.evals.sample import Count, Sample, Tokens
from hybrid.evals.tasks.haystack import largest
from hybrid.evals.tasks.oolong.counts import TOPICS, Line, Question, questions, written
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError

Kind = Literal["counting", "users", "timeline"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_REPLY = 64  # tokens
_LEAST = 12  # lines


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Oolong:
    """Questions that need all lines.

    Args:
        task: counting (over all lines), users (of one user, or who wrote most) or timeline (before or after a day).
        labels: whether each line shows its topic; otherwise a reader has to tell it from the message.
        questions: on each text, different ones, next to each other.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    task: Kind
    labels: bool = True
    questions: Annotated[int, Field(ge=1, le=8)] = 4
    reserve: Tokens = 0

    metric = "oolong"

    @property
    def name(self) -> str:
        return f"oolong/{self.task}"

    @property
    def source(self) -> str:
        return f"OOLONG's form, arXiv 2511.02817; messages made here, topics {'shown' if self.labels else 'hidden'}"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples; see `hybrid.evals.sample.Task`. Those of one text share their documents and their group.

        `about` has length, tokens, lines (how many) and kind (of the answer).
        """
        if length is None:
            raise InputError(f"{self.name} makes samples of a given length; name lengths, such as 4096 and 8192.")
        room, size = length - _REPLY - self.reserve, None
        for text in range(-(-n // self.questions)):
            key = f"{length}-{seed}-{text}"

            def tokens(many: int, key: str = key) -> int:
                return max(count([prompt for _, prompt in self._text(key, many)[2]]))

            if size is None:
                size = largest(tokens, room, _LEAST)
            own = size or _LEAST
            while (needed := tokens(own)) > room:
                if own == _LEAST:
                    raise InputError(
                        f"{self.name} cannot be made in {length} tokens: its shortest sample takes "
                        f"{needed + _REPLY + self.reserve} with the reply. Ask for a greater length."
                    )
                own = max(_LEAST, own - max(1, own // 50))
            rows, documents, asked = self._text(key, own)
            for number, (question, prompt) in enumerate(asked[: n - text * self.questions]):
                yield Sample(
                    id=f"{key}-{number}",
                    question=question.text,
                    documents=documents,
                    golds=(question.answer,),
                    group=key,
                    prompt=prompt,
                    max_tokens=_REPLY,
                    about={
                        "length": length,
                        "tokens": count([prompt])[0] + _REPLY,
                        "lines": len(rows),
                        "kind": question.kind,
                    },
                )

    def _text(self, key: str, many: int) -> tuple[list[Line], dict[str, str], list[tuple[Question, str]]]:
        """Lines, the document of them, and the questions with their prompts."""
        rng = Random(f"{self.name}|{key}")
        rows = written(rng, many)
        text = "\n".join(row.shown(label=self.labels) for row in rows)
        told = ", and in brackets its topic" if self.labels else f"; its topic is one of {', '.join(TOPICS)}"
        rule = f"The lines below are messages: the day, who wrote it, what it says{told}. Count over all of them."
        asked = questions(self.task, rows, rng, self.questions)
        return rows, {"messages": text}, [(one, f"{rule}\n\n{text}\n\n{rule}\n{one.text}\n") for one in asked]
