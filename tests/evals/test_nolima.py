"""Needles that share no word with the question: checked when the task is made, and here by other means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.tasks.haystack import prose
from hybrid.evals.tasks.nolima.nolima import (
    CARRIED,
    PLACEMENTS,
    Asked,
    base_score,
    effective_length,
    read,
    shared,
)
from hybrid.evals.tasks.registry import task

from hybrid.errors import InputError
from tests.evals.samples import characters, draw

NEEDLES = read(CARRIED)
PAIRS = [(pair.needle, asked) for pair in NEEDLES.needles for asked in (pair.one, pair.two)]
BARE = {
    "who",
    "of",
    "in",
    "the",
    "to",
    "a",
    "an",
    "is",
    "has",
    "and",
    "was",
    "with",
    "by",
    "on",
    "at",
    "it",
    "does",
    "not",
}


def test_there_are_at_least_forty_pairs_and_they_are_different() -> None:
    assert len(PAIRS) >= 40
    assert len({asked.question for _, asked in PAIRS}) == len(PAIRS)
    assert len({pair.needle for pair in NEEDLES.needles}) == len(NEEDLES.needles)


@pytest.mark.parametrize(("needle", "asked"), PAIRS)
def test_needle_and_question_share_no_word_and_the_distractor_shares_one(needle: str, asked: Asked) -> None:
    assert shared(needle, asked.question) == set()
    words = [set(re.findall(r"[^\W\d_]+", re.sub(r"\{\w+\}", "", text).lower())) for text in (needle, asked.question)]
    alike = {
        (one, other)
        for one in words[0] - BARE
        for other in words[1] - BARE
        if one == other or (min(len(one), len(other)) >= 5 and one[:5] == other[:5])
    }
    assert not alike
    assert shared(asked.near, asked.question)
    assert not shared(asked.near, needle)


def test_inflections_of_a_word_are_one_word_and_stop_words_none() -> None:
    assert shared("{name} was swimming with the dolphins.", "Who swims?")
    assert shared("{name} studies medicine.", "Who studied at night?")
    assert shared("{name} can terminate it.", "Who is for termination?")
    assert not shared("{name} is at the Uffizi.", "Who is at work in Florence?")


def test_a_file_of_ones_own_is_checked_and_named(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"

    def wrong(text: str) -> str:
        file.write_text(text)
        read.cache_clear()
        with pytest.raises(InputError) as caught:
            draw("nolima/one", length=1024, needles=file)
        return str(caught.value)

    asked = 'one = { question = "Who sails?", near = "{other} never sails." }\n'
    asked += 'two = { question = "Who?", near = "{other}" }'
    good = f'names = "Ann Bo"\n[[needles]]\nneedle = "{{name}} hoists the jib."\n{asked}\n'
    assert "needle 1 shares sail with its question 'Who sails?'" in wrong(good.replace("hoists", "sailed behind"))
    assert "has 1 names, and 2 are needed" in wrong(good.replace("Ann Bo", "Ann"))
    assert "'needles.0.needle' is wrong" in wrong(good.replace("{name}", "Someone"))
    assert "is not valid TOML" in wrong("names = ")
    file.write_text(good)
    read.cache_clear()
    (sample,) = draw("nolima/one", 1, length=1024, needles=file)
    assert sample.golds[0] in ("Ann", "Bo")
    assert "needles of own.toml" in task("nolima/one", needles=file).source


@pytest.mark.parametrize("hops", ["one", "two"])
def test_needles_are_placed_named_and_never_longer_than_asked(hops: str) -> None:
    samples = draw(f"nolima/{hops}", len(NEEDLES.needles) + 2, length=1024)
    assert len({sample.group for sample in samples}) == len(NEEDLES.needles)
    assert len({sample.about["depth"] for sample in samples}) == PLACEMENTS
    names = NEEDLES.names.split()
    for sample in samples:
        text, (_, start, end) = sample.documents["book"], sample.ranges[0]
        pair = NEEDLES.needles[int(str(sample.about["needle"])) - 1]
        asked = pair.one if hops == "one" else pair.two
        (name,) = sample.golds
        assert text[start:end] == pair.needle.format(name=name)
        assert text.count(name) == 1
        (other,) = {other for other in names if other in text} - {name}
        assert asked.near.format(other=other) in text
        assert sample.question.startswith(asked.question)
        assert name not in sample.question
        reached = start / (len(text) - (end - start))
        assert (
            abs(reached - float(str(sample.about["depth"]))) < 0.2
        )  # a sentence is long in a short text, and the distractor is one more
        assert characters([sample.prompt + sample.prefix])[0] + sample.max_tokens == sample.about["tokens"] <= 1024
    assert all(other not in sample.documents["book"] for sample in draw(
        f"nolima/{hops}", 3, length=1024, distractors=False) for other in set(names) - set(sample.golds))  # fmt: skip


def test_no_name_is_in_another_or_in_the_book() -> None:
    names = NEEDLES.names.split()
    assert not [(one, other) for one in names for other in names if one != other and one in other]
    assert not [name for name in names if name in prose(None)]


def test_replies_are_right_if_they_contain_the_name() -> None:
    contains = METRICS["contains"]
    assert contains("It was Osric, I believe.", ("Osric",)) == 1
    assert contains("osric", ("Osric",)) == 0
    assert contains("Osric or Zelda", ("Osric",)) == 1  # as published: naming others costs nothing
    assert contains("", ("Osric",)) == 0


def test_the_base_score_is_of_each_needle_the_best_short_one_and_85_percent_of_it_hold() -> None:
    scores = {
        512: {"a": 1.0, "b": 0.5},
        1024: {"a": 0.5, "b": 0.75},
        4096: {"a": 0.75, "b": 0.75},  # .75 is at least .85 * .875 = .744
        8192: {"a": 0.5, "b": 0.5},
        16384: {"a": 1.0, "b": 0.5},
        32768: {"a": 0.5, "b": 0.5},
    }
    assert base_score(scores) == pytest.approx(0.875)
    assert effective_length(scores) == 16384  # the longest that holds, also after one that does not, as published
    assert effective_length({length: scores[length] for length in (512, 1024, 4096, 8192)}) == 4096
    assert base_score({4096: {"a": 1.0}}) is None
    assert effective_length({4096: {"a": 1.0}}) is None
    assert effective_length({512: {"a": 0.0}, 4096: {"a": 0.0}}) is None
