"""Messages with their topics, and questions on how often these occur, with the answers counted."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from itertools import count, cycle
from random import Random
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

_CARRIED = tomllib.loads((files("hybrid.evals.tasks.oolong") / "lines.toml").read_text("utf-8"))
USERS: tuple[str, ...] = tuple(_CARRIED["users"].split())
TOPICS: tuple[str, ...] = tuple(_CARRIED["topics"])
_FIRST, _DAYS = date(2024, 3, 1), 60
_TRIES = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """A message."""

    day: date
    user: str
    topic: str
    text: str

    def shown(self, *, label: bool) -> str:
        """The line of the document."""
        return f"{self.day.isoformat()} {self.user}: {self.text}" + (f" [{self.topic}]" if label else "")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answer."""

    text: str
    answer: str
    kind: str  # of the answer: number, label, user, date, comparison


def written(rng: Random, many: int) -> list[Line]:
    """Messages in no order; some topics, users and days are more frequent than others."""
    topics, users = ([rng.uniform(1, 5) for _ in names] for names in (TOPICS, USERS))
    days = [rng.uniform(1, 3) for _ in range(_DAYS)]
    rows = []
    for _ in range(many):
        topic, own = rng.choices(TOPICS, topics)[0], _CARRIED["topics"]
        said = rng.choice(own[topic]["messages"]).replace("{x}", rng.choice(own[topic]["words"]))
        day = _FIRST + timedelta(days=rng.choices(range(_DAYS), days)[0])
        rows.append(Line(day, rng.choices(USERS, users)[0], topic, said[0].upper() + said[1:]))
    return rows


def questions(task: str, rows: Sequence[Line], rng: Random, many: int) -> list[Question]:
    """Different questions of a task, its kinds in turn; a kind whose answer would be two things gives way to the next.

    Raises:
        RuntimeError: there are not so many.
    """
    found: dict[str, Question] = {}
    for tried, ask in zip(count(), cycle(ASKS[task])):
        question = ask(rows, rng)
        if question is not None:
            found.setdefault(question.text, question)
        if len(found) == many:
            return list(found.values())
        if tried == _TRIES:
            break
    raise RuntimeError(f"{len(rows)} lines have {len(found)} questions of oolong/{task}, and {many} are asked for")


Ask = Callable[[Sequence[Line], Random], Question | None]  # None where two answers would be right

_FORM = 'Give the answer as "Answer: {}" and write nothing after it.'
_RELATION = (
    'Give the answer as "Answer: [relation]", where the relation is "more common than", "less common than" or '
    '"same frequency as".'
)


def _most(items: Iterable[T], sign: int = 1) -> T | None:
    """The most frequent item, or with -1 the least; None where several are."""
    ranked = sorted(((sign * many, item) for item, many in Counter(items).items()), key=lambda pair: -pair[0])
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]


def _label(asked: str, rows: Iterable[Line], sign: int = 1) -> Question | None:
    answer = _most((row.topic for row in rows), sign)
    return Question(f"{asked} {_FORM.format('[topic]')}", answer, "label") if answer else None


def _number(asked: str, rows: Iterable[Line]) -> Question:
    return Question(f"{asked} {_FORM.format('[number]')}", str(sum(1 for _ in rows)), "number")


def _comparison(asked: str, one: int, other: int) -> Question:
    answer = "more common than" if one > other else "less common than" if one < other else "same frequency as"
    return Question(f"{asked} {_RELATION}", answer, "comparison")


def _most_common(rows: Sequence[Line], rng: Random) -> Question | None:
    return _label("Which topic do most of the messages have?", rows)


def _least_common(rows: Sequence[Line], rng: Random) -> Question | None:
    return _label("Which of the topics do fewest of the messages have?", rows, -1)


def _of_topic(rows: Sequence[Line], rng: Random) -> Question | None:
    topic = rng.choice(TOPICS)
    return _number(f"How many messages have the topic {topic}?", (row for row in rows if row.topic == topic))


def _compared(rows: Sequence[Line], rng: Random) -> Question | None:
    one, other = rng.sample(TOPICS, 2)
    held = Counter(row.topic for row in rows)
    return _comparison(f"How common is the topic {one}, compared with {other}?", held[one], held[other])


def _who(rows: Sequence[Line], rng: Random) -> Question | None:
    topic = rng.choice(TOPICS)
    user = _most(row.user for row in rows if row.topic == topic)
    asked = f"Which user wrote most of the messages with the topic {topic}? {_FORM.format('[user]')}"
    return Question(asked, user, "user") if user else None


def _of_user(rows: Sequence[Line], rng: Random) -> Question | None:
    user, topic = rng.choice(USERS), rng.choice(TOPICS)
    own = (row for row in rows if row.user == user and row.topic == topic)
    return _number(f"How many messages with the topic {topic} did {user} write?", own)


def _topic_of_user(rows: Sequence[Line], rng: Random) -> Question | None:
    user = rng.choice(USERS)
    return _label(f"Which topic do most of the messages by {user} have?", (row for row in rows if row.user == user))


def _compared_of_user(rows: Sequence[Line], rng: Random) -> Question | None:
    user, (one, other) = rng.choice(USERS), rng.sample(TOPICS, 2)
    held = Counter(row.topic for row in rows if row.user == user)
    asked = f"Among the messages by {user}, how common is the topic {one}, compared with {other}?"
    return _comparison(asked, held[one], held[other])


def _some_day(rng: Random) -> date:
    return _FIRST + timedelta(days=rng.randrange(_DAYS // 4, 3 * _DAYS // 4))


def _before(rows: Sequence[Line], rng: Random) -> Question | None:
    topic, day = rng.choice(TOPICS), _some_day(rng)
    own = (row for row in rows if row.topic == topic and row.day < day)
    return _number(f"How many messages with the topic {topic} were written before {day.isoformat()}?", own)


def _topic_after(rows: Sequence[Line], rng: Random) -> Question | None:
    day = _some_day(rng)
    asked = f"Which topic do most of the messages have that were written after {day.isoformat()}?"
    return _label(asked, (row for row in rows if row.day > day))


def _over_time(rows: Sequence[Line], rng: Random) -> Question | None:
    topic, day = rng.choice(TOPICS), _some_day(rng)
    days = [row.day for row in rows if row.topic == topic]
    asked = f"How common was the topic {topic} before {day.isoformat()}, compared with after that day?"
    return _comparison(asked, sum(own < day for own in days), sum(own > day for own in days))


def _which_day(rows: Sequence[Line], rng: Random) -> Question | None:
    day = _most(row.day for row in rows)
    asked = f"On which day were most messages written? {_FORM.format('[YYYY-MM-DD]')}"
    return Question(asked, day.isoformat(), "date") if day else None


ASKS: Mapping[str, tuple[Ask, ...]] = {
    "counting": (_of_topic, _most_common, _compared, _least_common),
    "users": (_of_user, _who, _compared_of_user, _topic_of_user),
    "timeline": (_before, _topic_after, _over_time, _which_day),
}
