"""Counting over many lines: every answer is counted again from the text of the document."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby

import pytest
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.sample import Sample
from hybrid.evals.tasks.oolong.counts import TOPICS, USERS
from hybrid.evals.tasks.oolong.oolong import KINDS

from hybrid.errors import InputError
from tests.evals.samples import characters, draw

LINE = re.compile(r"(\d{4}-\d\d-\d\d) (\w+): (.+) \[(\w+)\]")


def counted(sample: Sample) -> str:
    """The answer to a question, from the document's lines and the question's words."""
    found = [LINE.fullmatch(line) for line in sample.documents["messages"].split("\n")]
    rows = [(line[1], line[2], line[4]) for line in found if line]
    assert len(rows) == len(found) == sample.about["lines"]
    asked = sample.question.split(" Give the answer")[0]
    topics = sorted((topic for topic in TOPICS if re.search(rf"\b{topic}\b", asked)), key=asked.index)
    users = [user for user in USERS if re.search(rf"\b{user}\b", asked)]
    day = re.search(r"\d{4}-\d\d-\d\d", asked)
    if users:
        rows = [row for row in rows if row[1] == users[0]]
    if "compared with after" in asked:
        assert day
        own = [row[0] for row in rows if row[2] == topics[0]]
        return relation(sum(when < day[0] for when in own), sum(when > day[0] for when in own))
    if day:
        rows = [row for row in rows if (row[0] < day[0] if "before" in asked else row[0] > day[0])]
    if "compared with" in asked:
        return relation(*(sum(row[2] == topic for row in rows) for topic in topics))
    if asked.startswith("How many"):
        return str(sum(row[2] == topics[0] for row in rows))
    column = 0 if "day" in asked and not day else 1 if "user" in asked else 2
    if topics:
        rows = [row for row in rows if row[2] == topics[0]]
    ranked = Counter(row[column] for row in rows).most_common()
    best = ranked[-1] if "fewest" in asked else ranked[0]
    assert [many for _, many in ranked].count(best[1]) == 1, "one answer"
    return best[0]


def relation(one: int, other: int) -> str:
    return "more common than" if one > other else "less common than" if one < other else "same frequency as"


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_counted_and_questions_on_a_text_share_it(kind: str) -> None:
    samples = draw(f"oolong/{kind}", 18, length=2048)
    for sample in samples:
        assert sample.golds == (counted(sample),)
        assert characters([sample.prompt])[0] + sample.max_tokens == sample.about["tokens"] <= 2048
        assert METRICS["oolong"](f"I counted. Answer: {sample.golds[0]}", sample.golds) == 1
    texts = [list(own) for _, own in groupby(samples, lambda sample: sample.group)]
    assert [len(own) for own in texts] == [4, 4, 4, 4, 2]
    assert all(own[0].documents is other.documents for own in texts for other in own)
    assert all(len({sample.question for sample in own}) == len(own) for own in texts)
    assert {sample.about["kind"] for sample in samples} >= {"number", "label", "comparison"}


def test_topics_can_be_hidden_and_the_text_stays_the_same() -> None:
    shown = draw("oolong/counting", 4, length=4096)
    hidden = draw("oolong/counting", 4, length=4096, labels=False)
    lines = hidden[0].documents["messages"].split("\n")
    assert not any("[" in line for line in lines)
    assert len(lines) > int(str(shown[0].about["lines"]))  # more lines fit without labels
    assert all(topic in hidden[0].prompt for topic in TOPICS)


def test_a_length_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match=r"oolong/users cannot be made in 300 tokens: its shortest sample takes \d+"):
        draw("oolong/users", length=300)
    with pytest.raises(InputError, match="oolong/users makes samples of a given length"):
        draw("oolong/users")


@pytest.mark.parametrize(
    ("reply", "gold", "score"),
    [
        ("Answer: 12", "12", 1),
        ("12", "12", 1),
        ("Answer: **14**", "12", 0.75**2),
        ("Answer: [11]", "12", 0.75),
        ("There are 12 of them, so Answer: 12.", "12", 0),  # "12." is no whole number, as in the reference
        ("I counted them all and there are 12", "12", 1),  # without a colon the last word of a long reply
        ("twelve", "12", 0),
        ("Answer: 1" + "0" * 400, "12", 0),
        ("Answer: weather", "weather", 1),
        ("Answer: Weather", "weather", 0),
        ("Answer: weather is more common than food", "more common than", 1),
        ("Answer: more common", "more common than", 1),
        ("Answer: less common than", "more common than", 0),
        ("Answer: the topics have the same frequency", "same frequency as", 1),
        ("Answer: 5 March 2024", "2024-03-05", 1),
        ("Answer: Mar 06, 2024", "2024-03-05", 0),
        ("", "2024-03-05", 0),
        ("", "weather", 0),
    ],
)
def test_scores_are_oolongs(reply: str, gold: str, score: float) -> None:
    assert METRICS["oolong"](reply, (gold,)) == pytest.approx(score)
