"""Questions that are asked of every contract.

The file `cuad.toml` carries the 41 categories of CUAD; a file of your own has the same form, or one question a line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid.errors import InputError
from hybrid.files import read_text, read_toml
from hybrid.index.embedding import PACKAGED, Embedder, Vectors
from hybrid.text.words import STOP, stems


class Question(BaseModel):
    """A question with the words by which a clause on its subject is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: str = Field(min_length=1)
    name: str = ""  # of the column; empty: the question itself
    cues: tuple[str, ...] = ()  # one of these is in every clause on the subject
    all: tuple[str, ...] = ()  # and one of these too
    where: Literal["anywhere", "beginning"] = "anywhere"

    @property
    def title(self) -> str:
        """What it is called in a table."""
        return self.name or self.ask

    @cached_property
    def stems(self) -> frozenset[str]:
        """The words of its name, for titles of clauses."""
        return frozenset(stems(self.name, STOP))

    @staticmethod
    def words(title: str) -> frozenset[str]:
        """The words of a clause's title."""
        return frozenset(stems(title, STOP))

    def fits(self, text: str) -> float:
        """How many cues a text has, long ones counting more; 0 for a text on another subject."""
        flat = " ".join(text.lower().split())
        found = [cue for cue in self.cues if cue in flat]
        beside = [word for word in self.all if word in flat]
        if not found or (self.all and not beside):
            return 0.0
        return sum(0.5 + 0.5 * len(cue.split()) for cue in found) + 0.5 * len(beside)


@lru_cache(maxsize=1)
def cuad() -> tuple[Question, ...]:
    """The 41 categories of CUAD as questions."""
    return tuple(Question.model_validate(entry) for entry in _stored()["question"])


def _stored() -> dict[str, Any]:
    return tomllib.loads((files("hybrid.pipelines.legal") / "cuad.toml").read_text("utf-8"))


def recognised(asked: str) -> Question:
    """The category that a question names in quotation marks, or without them if the name has two words or more."""
    text = " ".join(asked.lower().split())
    quoted = re.findall(r"[\"“'‘]([^\"”'’]+)[\"”'’]", text)
    named = {question.name.lower(): question for question in cuad()}
    written = [name for name in named if " " in name and re.search(rf"\b{re.escape(name)}\b", text)]
    # quotation marks say which is meant: a question on a "Perpetual License" may speak of a license grant too
    for name in (*quoted, *sorted(written, key=len, reverse=True)):
        if name in named:
            return named[name]
    return Question(ask=asked)


# Cosines, chosen on 39 questions in words of our own and 40 on other subjects: 26 were asked as their category, 6 as
# another, and 1 of those on other subjects as one. Of 39 and 34 further ones it was 19, 7 and 4.
_ALIKE, _APART = 0.45, 0.05
_CUES = 6  # of a category that are compared
_AGREEMENT = re.compile(
    r"\b(?:lease|contract|deal)\b", re.IGNORECASE
)  # which the categories' questions call agreements


class Meanings:
    """The categories by what they mean, for questions in words of one's own.

    Args:
        embedder: the packaged one; cosines of others are on another scale, and with them nothing is recognised.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def of(self, asked: str) -> Question:
        """The category that a question means; the question itself where none is near enough.

        One with a date or a figure asks for something particular, as on a filing, and is left as it is.
        """
        if self._embedder.settings.model != PACKAGED or re.search(r"\d", asked):
            return Question(ask=asked)
        vector = self._embedder.encode_query([_AGREEMENT.sub("agreement", asked)])[0]
        categories, beside = self._vectors
        near = (categories @ vector).reshape(len(cuad()), -1).max(1)
        best = int(near.argmax())
        meant = near[best] >= max(_ALIKE, float((beside @ vector).max()) + _APART)
        return cuad()[best] if meant else Question(ask=asked)

    @cached_property
    def _vectors(self) -> tuple[Vectors, Vectors]:
        """Of each category's question, name and cues, one after the other, and of other subjects."""
        told = [text for known in cuad() for text in (known.ask, known.name, ", ".join(known.cues[:_CUES]))]
        return self._embedder.encode_query(told), self._embedder.encode_query(_stored()["beside"])


def questions_in(file: str | Path, text: str | None = None) -> tuple[Question, ...]:
    """The questions in a file: tables [[question]] in TOML, or one a line.

    Args:
        text: what the file holds, if that is known.

    Raises:
        InputError: a file that cannot be read, has no question, or a table with a wrong key.
    """
    try:
        if Path(file).suffix.lower() == ".toml":
            tables = read_toml(Path(file), f"The file of questions {file}", text=text)
            found = [Question.model_validate(entry) for entry in tables.get("question", [])]
        else:
            text = read_text(Path(file), f"the questions in {file}") if text is None else text
            lines = (line.strip() for line in text.splitlines())
            found = [Question(ask=line) for line in lines if line and not line.startswith("#")]
    except (ValidationError, TypeError, AttributeError) as error:
        raise InputError(
            f"The questions in {file} have to be tables [[question]] with the key ask, and name, cues, all or where "
            f"beside it: {_fault(error)}."
        ) from None
    if not found:
        raise InputError(f"There is no question in {file}: write one a line, or tables [[question]] in TOML.")
    return tuple(found)


def _fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}"
    return str(error)


def named(questions: Sequence[Question], wanted: Sequence[str]) -> tuple[Question, ...]:
    """The questions of those names, in the order of `wanted`.

    Raises:
        InputError: a name that none of them has.
    """
    known = {q.title.lower(): q for q in questions}
    missing = [name for name in wanted if name.lower() not in known]
    if missing:
        raise InputError(f"There is no question {missing[0]!r}; choose from: {', '.join(q.title for q in questions)}.")
    return tuple(known[name.lower()] for name in dict.fromkeys(name for name in wanted))
