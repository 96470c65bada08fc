"""The reader's training on a tiny model: the loss falls, a stopped training goes on the same, the engine loads it."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hybrid.evals.research.reader import rules
from hybrid.evals.research.reader.records import KINDS, Made, tabled
from hybrid.evals.research.reader.sources import KeptOut, kept_out

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.engines.local.engine import LocalEngine
from hybrid.errors import InputError
from hybrid.settings import EngineSettings
from hybrid.types import Piece
from tests.engines.local.conftest import tiny  # noqa: F401
from tests.evals.samples import DATA


@pytest.fixture(scope="module")
def work(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Forty lookups as tokens, and one of them longer than the native window."""
    pytest.importorskip("torch")
    from hybrid.evals.research.reader.samples import Example, encode

    draw, examples = Random(0), []
    count = LocalEngine(EngineSettings(kind="local", model=str(tiny), device="cpu")).count
    for number in range(40):
        record = Made("order", draw, ["status", "carrier"])
        text = record.text()
        text *= 1 if number else 4500 // count([text])[0]
        prompt = Prompt(record.question("status"), (Piece("orders", text, 0),))
        examples.append(Example("records", prompt, f"{record.values['status']} [1]"))
    folder = tmp_path_factory.mktemp("reader")
    encode(examples, str(tiny), folder, lambda _: None)
    return folder


def test_a_stopped_training_goes_on_the_same_and_the_engine_loads_it(tiny: Path, work: Path, tmp_path: Path) -> None:  # noqa: F811
    torch = pytest.importorskip("torch")
    from hybrid.evals.research.reader.training import Plan, Samples, Training, train

    samples, plan = Samples(work), Plan(steps=8, tokens=2048, rate=3e-3, every=4, seed=1)
    assert samples.long.sum() == 1
    said: list[str] = []

    def run(out: str, plan: Plan = plan) -> Training:
        torch.manual_seed(7)  # whatever ran before
        return train(work, str(tiny), tmp_path / out, plan, start=None, device="cpu", say=said.append)

    whole = run("whole")
    assert said[-1].startswith("step 8 of 8: loss")
    assert "0 min left" in said[-1]

    class Stopped(Exception):
        pass

    def stop(_: str) -> None:
        raise Stopped

    halfway = Training(samples, str(tiny), tmp_path / "stopped", plan, None, "cpu")
    for rows, _ in zip(samples.batches(plan.tokens, plan.seed), range(4), strict=False):
        halfway.next(rows)
    halfway.save()
    stopped = run("stopped")
    for one, other in zip(whole.learned, stopped.learned, strict=True):
        assert torch.equal(one, other)

    fresh = Training(samples, str(tiny), tmp_path / "fresh", plan, None, "cpu")
    rows = next(samples.batches(100_000, 0))
    with torch.no_grad():
        assert whole.loss(rows) < 0.9 * fresh.loss(rows)

    reader = LocalEngine(EngineSettings(kind="local", model=str(tiny), adapter=str(tmp_path / "whole"), device="cpu"))
    asked = Prompt("What is the status of order AB-12?", (Piece("orders", "Order AB-12 is marked as paid.", 0),))
    with torch.inference_mode():
        ids = torch.tensor([reader._tokens(asked)])
        ours, theirs = (model(ids).logits for model in (reader._computing.model, whole.model))
    assert (ours - theirs).abs().max() < 0.02 * theirs.abs().max()  # it is stored in half precision

    with pytest.raises(InputError, match=r"holds a training with steps 8, .* and this one has steps 9"):
        run("whole", replace(plan, steps=9))
    with pytest.raises(InputError, match="make it with python -m"):
        train(tmp_path, str(tiny), tmp_path, plan, start=None, device="cpu", say=stop)


def test_made_records_say_what_is_asked(tmp_path: Path) -> None:
    draw = Random(2)
    for kind in KINDS:
        for _ in range(20):
            record = Made(kind, draw)
            key = draw.choice(record.said)
            text = record.text()
            assert record.values[key][1:] in text  # a sentence may begin with it
            assert "{" not in text + record.question(key) + record.reverse(key)
            assert all(record.values[key] in tabled([record, record], draw) for key in record.said)
    one, other = Made("building", draw, ["height"]), Made("building", draw, ["height"])
    pair = one.compared("height", other)
    assert pair is not None
    assert pair[1] is max(one, other, key=lambda record: int(record.values["height"]))


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("The old mill was sold to a baker in 1932.", "When was the old mill sold to a baker?", "1932"),
        ("Marie Curie discovered two elements with her husband.", "discovered two elements", "Marie Curie"),
        ("The museum is located in Turin.", "Where is the museum located?", "Turin"),
        ("“Net Sales” means the invoiced price less returns", "Net Sales", "the invoiced price less returns"),
        ("The house had seven bedrooms upstairs.", "How many bedrooms upstairs", "seven"),
    ],
)
def test_questions_are_made_of_sentences(sentence: str, question: str, answer: str) -> None:
    found = [pair for seed in range(9) for pair in rules.asked(sentence, Random(seed))]
    assert any(question in asked and answer == said for asked, said in found)
    assert all(said in sentence for _, said in found)


def test_a_gap_is_filled_from_the_sentence() -> None:
    sentence = "The board of the company met on 3 May 2021 and elected Ann Lee as its chair for two years."
    for seed in range(20):
        found = rules.gap(sentence, Random(seed))
        assert found is not None
        assert found[1] in sentence
        assert "____" in found[0]


def test_what_is_kept_out_is_found_in_other_texts(tmp_path: Path) -> None:
    def write(name: str, *rows: object) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    said = {
        name: f"The {name} was painted by nobody else than the man who had built it in that year." for name in "abcd"
    }
    qas = [{"question": "Who painted it?", "answers": []}]
    write("squad/xquad.en.json.gz", {"data": [{"paragraphs": [{"context": said["a"], "qas": qas}]}]})
    write("leval/any.dev.jsonl.gz", {"input": said["b"], "instructions": ["Why?"], "outputs": ["So."]})
    out, kept = (next(n for n in map(str, range(99)) if kept_out(n) is wanted) for wanted in (True, False))
    rows = [{"file": name, "type": "book", "text": said[key]} for name, key in ((out, "c"), (kept, "d"))]
    write("lara/docs_32k.dev.jsonl.gz", *rows)
    write("lara/docs_128k.dev.jsonl.gz")
    known = KeptOut(tmp_path)
    assert known.questions == {"who painted it", "why"}
    for number, text in enumerate([said["a"], f"Before it. {said['b'].upper()}", said["c"].replace(" ", "\n")], 1):
        assert known.shares(text)
        assert known.left_out == number
    assert not known.shares("The a was painted by nobody else than the man.")  # nine words, without the article
    assert not known.shares("A text of its own, which has more than ten words in a row but no such run.")


@pytest.mark.slow
def test_samples_of_the_data_show_what_they_answer() -> None:
    if not DATA.is_dir():
        pytest.skip("the data sets are not beside the checkout")
    from hybrid.evals.research.reader.samples import Maker

    maker, kinds = Maker(DATA, 0.02, 0), set[str]()
    for kind, prompt, reply in maker.all():
        kinds.add(kind)
        marks = [int(mark) for mark in re.findall(r"\[(\d+)\]", reply[reply.rfind(" ") :])]
        shown = [prompt.pieces[mark - 1].text for mark in marks] or [piece.text for piece in prompt.pieces]
        assert abstains(reply) == kind.endswith(", absent")
        if not abstains(reply) and kind != "copy":
            said = reply.rpartition(" ")[0].lower()
            assert any(said in " ".join(text.split()).lower() for text in shown), (kind, reply)
    assert {"natural questions", "records", "lara", "long", "book", "financial", "copy"} <= kinds
    assert maker.out.left_out > 0


def test_answers_are_counted_against_the_quoting_engine(tmp_path: Path) -> None:
    from hybrid.evals.research.reader.measuring import MEASURES, answered, rows, shown

    file = tmp_path / "answers.jsonl"
    said = [("quoting", 0, 0.0), ("quoting", 1, 0.5), ("reader", 0, 1.0), ("reader", 1, 0.5)]
    lines = [
        json.dumps(
            {"way": way, "set": "nq", "place": place, "group": str(place), "F1": score, "refused": 0.0, "tokens": 9}
        )
        for way, place, score in said
    ]
    file.write_text("\n".join(lines) + '\n{"way": "rea')
    assert len(list(answered(file))) == 4
    assert file.read_text().endswith("}\n")  # a torn line is gone
    found = {(row["way"], row["measure"]): row for row in rows(file)}
    assert found["reader", "F1"]["mean"] == 0.75
    assert found["reader", "F1"]["over quoting"]["mean"] == 0.5
    assert found["quoting", "F1"]["over quoting"] is None
    line = next(line for line in shown(rows(file)) if line[1] == "reader")
    assert line[:3] == ["nq", "reader", "2 / 2"]
    assert len(line) == 4 + len(MEASURES)
