"""Tasks by name, and those that are drawn: needles and lost in the middle."""

import gzip
import json
import re
import uuid
from pathlib import Path

import pytest
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.tasks.registry import TASKS, task

from hybrid.errors import InputError
from tests.evals.samples import DATA, characters, draw, real


def test_unknown_names_and_options_are_refused_with_the_near_ones() -> None:
    with pytest.raises(InputError, match=r"no task 'ruler/nia_single_1'; did you mean 'ruler/niah_single_1'"):
        task("ruler/nia_single_1")
    with pytest.raises(InputError, match=r"no option 'dephts'; did you mean 'depths'"):
        task("needle", dephts=[0.5])
    with pytest.raises(InputError, match=r"squad needs the option 'path'"):
        task("squad")
    with pytest.raises(InputError, match=r"option 'documents' of the task middle/qa cannot be 0: input should be"):
        task("middle/qa", path="x", documents=0)
    with pytest.raises(InputError, match="no option 'task'"):
        task("ruler/vt", task="cwe")


MADE = ("ruler", "needle", "middle/kv", "testbed", "babilong", "nolima", "oolong")  # tasks that need no file


def test_every_name_can_be_made() -> None:
    for name in TASKS:
        path = {} if name.startswith(MADE) else {"path": "x.jsonl"}
        assert task(name, **path).name == name


def test_a_needle_stands_at_a_sentence_end_at_its_depth_and_the_length_is_never_exceeded() -> None:
    samples = draw("needle", 11, length=4000)
    assert [sample.about["depth"] for sample in samples] == [round(step / 10, 4) for step in range(11)]
    for sample in samples:
        text, (_, start, end) = sample.documents["text"], sample.ranges[0]
        assert text[start:end].startswith("The best thing to do in San Francisco")
        assert text.count(text[start:end]) == 1
        assert start == 0 or text[start - 2] in '.!?”’"'
        assert abs(float(str(sample.about["reached"])) - float(str(sample.about["depth"]))) < 0.03
        assert 3500 < characters([sample.prompt + sample.prefix])[0] + sample.max_tokens <= 4000 - 100
    assert samples[0].ranges[0][1] == 0
    assert samples[-1].documents["text"].endswith("sunny day.")
    assert METRICS["keywords"]("Eat a sandwich in Dolores Park on a sunny day", samples[0].golds) == 1


def test_needles_are_spread_from_the_depth_to_the_end_and_later_rounds_read_elsewhere() -> None:
    own = ["The first tool is a lamp.", "The second tool is a rope.", "The third tool is a map."]
    samples = draw(
        "needle",
        4,
        length=3000,
        needles=own,
        keywords=["lamp", "rope", "map"],
        question="Which tools?",
        depths=[0.2, 1],
    )
    starts = [start / len(samples[0].documents["text"]) for _, start, _ in samples[0].ranges]
    assert starts == pytest.approx([0.2, 0.4667, 0.7333], abs=0.04)
    assert samples[1].documents["text"].endswith(" ".join(own))
    assert samples[2].documents["text"][:200] != samples[0].documents["text"][:200]
    sigmoid = [float(str(s.about["depth"])) for s in draw("needle", 5, length=3000, spacing="sigmoid")]
    assert sigmoid[0] == 0
    assert sigmoid[-1] == 1
    assert sigmoid[1] < 0.1


def test_a_haystack_is_read_again_from_its_beginning_when_it_is_short(tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    file.write_text("One line stands here. Another\nline follows it.\n" * 3)
    sample = draw("needle", 1, length=2000, haystack=file)[0]
    assert sample.documents["text"].count("Another line follows it.") > 50
    long = tmp_path / "long.txt"
    long.write_text("Short. Short. " + "one long sentence " * 99 + "ends.")
    assert all(sample.ranges for sample in draw("needle", 9, length=450, haystack=long, depths=[0.5]))
    with pytest.raises(InputError, match=r"cannot be made in 300 tokens: .* take \d+"):
        draw("needle", 1, length=300)
    with pytest.raises(InputError, match="name lengths"):
        draw("needle", 1)
    with pytest.raises(InputError, match="cannot be read"):
        draw("needle", 1, length=2000, haystack=tmp_path / "none.txt")


def test_the_key_asked_for_stands_at_each_position_in_turn() -> None:
    samples = draw("middle/kv", 10, keys=140)
    assert [sample.about["position"] for sample in samples] == [0, 34, 69, 104, 139] * 2
    assert len({sample.group for sample in samples}) == 2
    for sample in samples:
        pairs = list(json.loads(sample.documents["records.json"]).items())
        assert len(pairs) == len(dict(pairs)) == 140
        key, value = pairs[int(str(sample.about["position"]))]
        assert key in sample.question
        assert sample.golds == (value,)
        assert uuid.UUID(value).version == 4
        _, start, end = sample.ranges[0]
        assert value in sample.documents["records.json"][start:end]
    assert samples[0].golds == samples[4].golds != samples[5].golds


@pytest.mark.parametrize("length", [600, 2000, 8000])
def test_as_many_keys_as_a_length_holds(length: int) -> None:
    for sample in draw("middle/kv", 5, length=length):
        used = characters([sample.prompt + sample.prefix])[0] + sample.max_tokens
        assert 0.75 * length < used <= length
    with pytest.raises(InputError, match=r"middle/kv with 900 keys takes \d+ tokens"):
        draw("middle/kv", 1, length=600, keys=900)
    with pytest.raises(InputError, match=r"Positions go from 0 to 9 with 10 keys, and cannot be \[10\]"):
        draw("middle/kv", 1, keys=10, positions=[0, 10])


@real
def test_published_keys_keep_their_values() -> None:
    file = DATA / "litm" / "kv-retrieval-75_keys.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    values = {row["key"]: row["value"] for row in rows}
    samples = draw("middle/kv", 8, path=file, positions=[0, 74])
    for sample in samples:
        key = re.search(r'"(.*)"', sample.question)
        assert key is not None
        assert sample.golds == (values[key[1]],)
        assert sample.about["keys"] == 75
    assert len(draw("middle/kv", 2, path=file, keys=10)) == 2
    with pytest.raises(InputError, match="has 75 keys to a record and 76"):
        draw("middle/kv", 2, path=file, keys=76)


@real
def test_the_gold_passage_stands_at_each_position_in_turn() -> None:
    files = {
        "path": DATA / "litm" / "nq_open_oracle.dev.jsonl.gz",
        "distractors": DATA / "litm" / "nq_open_distractors.dev.jsonl.gz",
    }
    samples = draw("middle/qa", 10, documents=20, **files)
    assert [sample.about["position"] for sample in samples] == [0, 4, 9, 14, 19] * 2
    for sample in samples:
        assert len(sample.documents) == 20
        name, start, end = sample.ranges[0]
        assert list(sample.documents).index(name) == sample.about["position"]
        assert any(gold.lower() in sample.documents[name][start:end].lower() for gold in sample.golds)
        assert sample.prompt.index("Document [1](Title: ") < sample.prompt.index("Document [20](Title: ")
    assert len(draw("middle/qa", 3, documents=1, positions=[0], **files)) == 3
    with pytest.raises(InputError, match="49 passages beside the gold one, and 59 are needed; set documents to 50"):
        draw("middle/qa", 1, documents=60, **files)
    with pytest.raises(InputError, match=r"20 documents takes \d+ tokens with the reply, and the length is 500"):
        draw("middle/qa", 1, length=500, **files)
