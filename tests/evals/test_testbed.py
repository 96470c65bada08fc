"""The questions of the testbed, as tasks and as training has them."""

import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hybrid.evals import testbed
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.tasks import haystack
from hybrid.evals.tasks.registry import task

from hybrid.chat.refusals import ABSTAIN
from hybrid.cli.main import guarded
from hybrid.errors import InputError
from tests.evals.samples import draw


@pytest.mark.parametrize("kind", testbed.KINDS)
def test_the_testbed_asks_for_what_is_there_and_for_what_is_not(kind: str) -> None:
    samples = draw(f"testbed/{kind}", 10, length=600)
    assert sum(not sample.golds for sample in samples) == 2
    for sample in samples:
        assert int(str(sample.about["tokens"])) <= 600
        text = " ".join(sample.documents.values())
        assert all(re.search(rf"(?<!\d){gold}(?!\d)", text) for gold in sample.golds)
        assert METRICS["values"](" and ".join(sample.golds) or ABSTAIN, sample.golds) == 1
        assert not sample.prompt
    with pytest.raises(InputError, match="cannot be made in 100 tokens"):
        draw(f"testbed/{kind}", 1, length=100)


def test_a_haystack_with_too_few_words_to_ask_about_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(testbed, "words", tuple)  # as where the carried model is not at hand
    file = tmp_path / "short.txt"
    file.write_text("One short story. It has few words in it, and nothing more than that.")
    with pytest.raises(InputError, match="0 common words for facts to be about, and 208 are needed"):
        draw("testbed/keys", 2, haystack=file)


def test_several_questions_share_a_text_of_the_testbed() -> None:
    samples = draw("testbed/keys", 12, length=900, questions=4)
    groups = {sample.group: [other for other in samples if other.group == sample.group] for sample in samples}
    assert len(groups) >= 3
    for several in groups.values():
        assert len({id(sample.documents) for sample in several}) == 1
        assert len({sample.question for sample in several}) == len(several) <= 4
        text = " ".join(several[0].documents.values())
        assert all(gold in text for sample in several for gold in sample.golds)
    assert {sample.about["answerable"] for sample in samples} == {True, False}
    assert len({sample.id for sample in samples}) == 12
    assert all(sample.about["tokens"] <= 900 for sample in samples)


def test_the_testbed_draws_what_training_drew_with_its_own_tokenizer() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(testbed.FOLDER / "tokenizer.json"))
    prose = testbed.Prose.of([haystack.prose(None)], testbed.words())
    own = next(testbed.samples("keys", 500 - testbed.REPLY, 0.5, 3, tokenizer, prose))
    made = task("testbed/keys", depths=[0.5], unanswerable=0)
    sample = next(
        iter(made.samples(lambda texts: [len(tokenizer.encode(t, add_special_tokens=False)) for t in texts], 1, 3, 500))
    )
    assert sample.question == own.prompt.question
    assert list(sample.documents.values()) == [piece.text for piece in own.prompt.pieces]
    assert sample.golds == own.gold


@pytest.mark.parametrize("task", ["answer", "collect"])
def test_both_values_of_a_key_are_taught_in_the_order_of_the_text(task: Any) -> None:
    """Any other order could only be guessed."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(testbed.FOLDER / "tokenizer.json"))
    prose = testbed.Prose.of([haystack.prose(None)], testbed.words())
    for sample in islice(testbed.samples("values", 600, None, 0, tokenizer, prose, task=task), 30):
        text = " ".join(piece.text for piece in sample.prompt.pieces)
        places = [text.index(f"{said}.") for said in re.findall(r"is: \d+", sample.reply)]
        assert len(places) == len(sample.gold) == 2
        assert places == sorted(places)
        assert sample.right(sample.reply)
        assert task == "collect" or sample.cites(sample.reply)


def test_measuring_the_testbed_on_a_server_that_is_down_ends_with_a_sentence(capsys) -> None:
    measure = pytest.importorskip("hybrid.evals.research.testbed.measure")
    assert guarded(measure.main, ["--url", "http://127.0.0.1:9/v1"]) == 2  # nothing listens there
    said = capsys.readouterr()
    assert said.out == ""
    assert "No server of the model answers at http://127.0.0.1:9/v1 (Connection error)" in said.err
