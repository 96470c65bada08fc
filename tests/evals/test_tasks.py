"""Tasks from files and from drawing: every form is read as it is published, and malformed files are named by place."""

import gzip
import json
import math
import re
import threading
import uuid
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hybrid.evals import suite as suites
from hybrid.evals import testbed
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.sample import Sample
from hybrid.evals.selection import needs_data
from hybrid.evals.tasks import haystack
from hybrid.evals.tasks.perplexity import perplexity
from hybrid.evals.tasks.registry import TASKS, task

from hybrid.chat.refusals import ABSTAIN
from hybrid.cli.main import guarded
from hybrid.errors import EngineError, InputError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data of the project are not here")


def characters(texts: Sequence[str]) -> list[int]:
    """A quarter of the characters."""
    return [len(text) // 4 for text in texts]


def draw(name: str, n: int = 5, seed: int = 0, length: int | None = None, **options: Any) -> list[Sample]:
    made = task(name, **options)
    assert made.metric in METRICS
    assert made.source
    assert made.name == name
    samples = list(made.samples(characters, n, seed, length))
    assert samples == list(task(name, **options).samples(characters, n, seed, length))
    assert len({sample.id for sample in samples}) == len(samples)
    for sample in samples:
        assert sample.question.strip()
        assert sample.group
        for document, start, end in sample.ranges:
            assert 0 <= start < end <= len(sample.documents[document])
    return samples


def write(file: Path, rows: Sequence[object]) -> Path:
    text = "\n".join(json.dumps(row) for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


# --- names ------------------------------------------------------------------------------------------------------------


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


def test_every_name_can_be_made() -> None:
    for name in TASKS:
        path = {} if name.startswith(("ruler", "needle", "middle/kv", "testbed")) else {"path": "x.jsonl"}
        assert task(name, **path).name == name


# --- needle -----------------------------------------------------------------------------------------------------------


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


# --- middle -----------------------------------------------------------------------------------------------------------


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


# --- files ------------------------------------------------------------------------------------------------------------


def test_own_questions_with_paths_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("The lamp is red. The rope is long.")
    rows = [
        {"question": "Which colour?", "answers": ["red"], "documents": "texts/a.txt",
         "gold": [{"document": "texts/a.txt", "start": 0, "end": 16}]},
        {"question": "How long?", "answers": [], "documents": ["texts/a.txt"], "id": "q", "group": "g"},
        {"question": "What is long?", "answers": ["rope"], "documents": {"b": "A rope."}, "choices": ["lamp", "rope"]},
        {"question": "How is it?", "answers": ["A"], "documents": "texts/a.txt", "choices": ["long", "short"]},
    ]  # fmt: skip
    file = write(tmp_path / "own.jsonl", rows)
    first, second, third, fourth = draw("jsonl", 9, path=file, judged_by="choice")
    assert first.documents["texts/a.txt"][slice(*first.ranges[0][1:])] == "The lamp is red."
    assert first.documents is fourth.documents
    assert (second.golds, second.id, second.group) == ((), "q", "g")
    assert (third.golds, third.choices) == (("B",), ("lamp", "rope"))
    assert "(A) lamp\n(B) rope" in third.question
    assert fourth.golds == ("A",)
    assert task("jsonl", path=write(tmp_path / "options.jsonl", rows[2:])).metric == "choice"
    assert task("jsonl", path=write(tmp_path / "free.jsonl", rows[:2])).metric == "best_subspan_em"
    with pytest.raises(InputError, match="2 of 4 questions have options"):
        draw("jsonl", path=file)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", r"line 2: this is not JSON"),
        ("[1]", r"line 2: this is \[1\]; write one object"),
        ({"answers": [], "documents": "a"}, r"line 2: the field 'question' is missing"),
        ({"question": 3, "answers": [], "documents": "a"}, r"line 2: the field 'question' has to be text, not 3"),
        ({"question": " ", "answers": [], "documents": "a"}, r"line 2: the field 'question' is empty"),
        (
            {"question": "q", "answers": ["a", " "], "documents": "a"},
            r"'answers' holds an empty text; write \[\] where",
        ),
        (
            {"question": "q", "answers": "a", "documents": "a"},
            r"line 2: the field 'answers' has to be a list, not \"a\"",
        ),
        ({"question": "q", "answers": ["a", 1], "documents": "a"}, r"'answers' has to hold texts, and its item 2 is 1"),
        ({"question": "q", "answers": []}, r"line 2: the field 'documents' is missing"),
        ({"question": "q", "answers": [], "documents": {}}, r"'documents' is empty"),
        ({"question": "q", "answers": [], "documents": 5}, r"'documents' has to be an object of texts by name, a path"),
        ({"question": "q", "answers": [], "documents": "none.txt"}, r"'documents' names 'none.txt', and there is no"),
        ({"question": "q", "answers": [], "documents": {"a": 1}}, r"line 2: the field 'a' has to be text, not 1"),
        (
            {"question": "q", "answers": ["x"], "documents": {"a": "xy"}, "gold": [{"document": "b"}]},
            r"line 2, gold 1: the field 'start' is missing",
        ),
        (
            {
                "question": "q",
                "answers": ["x"],
                "documents": {"a": "xy"},
                "gold": [{"document": "b", "start": 0, "end": 1}],
            },
            r"line 2, gold 1: the field 'document' is 'b', which is not among the documents: a",
        ),
        (
            {
                "question": "q",
                "answers": ["x"],
                "documents": {"a": "xy"},
                "gold": [{"document": "a", "start": 1, "end": 3}],
            },
            r"'a' has the characters 0 to 2",
        ),
        (
            {"question": "q", "answers": ["C"], "documents": {"a": "xy"}, "choices": ["x", "y"]},
            r"'answers' has to be one of the options or one letter of AB, and is C",
        ),
    ],
)
def test_a_malformed_line_is_named_with_its_field(tmp_path: Path, row: object, said: str) -> None:
    good = json.dumps({"question": "q", "answers": [], "documents": {"a": "x"}})
    (tmp_path / "bad.jsonl").write_text(f"{good}\n{row if isinstance(row, str) else json.dumps(row)}\n")
    with pytest.raises(InputError, match=said) as caught:
        list(task("jsonl", path=tmp_path / "bad.jsonl").samples(characters, 5, 0))
    assert "bad.jsonl" in str(caught.value)


def test_documents_of_any_format_that_hybrid_reads(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<html><body><p>The lamp is red.</p></body></html>")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-nothing")
    row = {"question": "Which colour?", "answers": ["red"], "documents": ["a.html"]}
    sample = draw("jsonl", path=write(tmp_path / "own.jsonl", [row]))[0]
    assert sample.documents["a.html"].strip() == "The lamp is red."
    row["documents"] = ["b.pdf"]
    with pytest.raises(InputError, match=r"line 1: the field 'documents' names 'b.pdf', which cannot be read: "):
        draw("jsonl", path=write(tmp_path / "bad.jsonl", [row]))


def test_files_that_are_damaged_empty_or_repeat_an_id(tmp_path: Path) -> None:
    (tmp_path / "damaged.jsonl.gz").write_bytes(gzip.compress(b"{}" * 500)[:20])
    (tmp_path / "empty.jsonl").write_text("\n\n")
    row = {"question": "q", "answers": [], "documents": {"a": "x"}, "id": "7"}
    write(tmp_path / "twice.jsonl", [row, row])
    for name, said in (
        ("damaged.jsonl.gz", "damaged or not UTF-8"),
        ("empty.jsonl", "is empty"),
        ("twice.jsonl", "the id '7' stands there twice"),
        ("none.jsonl", "cannot be read"),
    ):
        with pytest.raises(InputError, match=said):
            draw("jsonl", path=tmp_path / name)
    with pytest.raises(InputError, match="no metric 'rouge'"):
        draw("jsonl", path=tmp_path / "empty.jsonl", judged_by="rouge")


def test_only_questions_whose_documents_fit_are_drawn(tmp_path: Path) -> None:
    rows = [{"question": "q?", "answers": ["x"], "documents": {"a": "word " * size}} for size in (100, 1000, 100)]
    file = write(tmp_path / "sizes.jsonl", rows)
    assert [sample.id for sample in draw("jsonl", 9, length=500, path=file)] == ["1", "3"]
    with pytest.raises(InputError, match=r"None of 3 samples fits 200 tokens; the shortest takes \d+"):
        draw("jsonl", 9, length=200, path=file)


@real
def test_squad_by_article_and_together() -> None:
    file = DATA / "squad" / "xquad.en.json.gz"
    samples = draw("squad", 2000, path=file)
    assert len(samples) == 1190
    assert len({id(sample.documents) for sample in samples}) == len({sample.group for sample in samples}) == 48
    for sample in samples:
        document, start, end = sample.ranges[0]
        assert sample.documents[document][start:end] == sample.golds[0]
    together = draw("squad", 20, path=file, together=True)
    assert len(together[0].documents) == 48
    assert together[0].documents is together[-1].documents
    assert draw("squad", 20, seed=1, path=file) != draw("squad", 20, path=file)


def test_squad_with_unanswerable_questions_and_with_wrong_places(tmp_path: Path) -> None:
    qas = [
        {"id": "1", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}]},
        {"id": "2", "question": "When?", "answers": [], "is_impossible": True},
    ]
    articles = [{"title": "t", "paragraphs": [{"context": "Bo came.", "qas": []}, {"context": "Ann sat.", "qas": qas}]}]
    file = tmp_path / "v2.json"
    file.write_text(json.dumps({"data": articles}))
    first, second = draw("squad", path=file)
    assert (first.ranges, first.golds, second.golds) == ((("t", 10, 13),), ("Ann",), ())
    qas[0]["answers"][0]["answer_start"] = 1  # type: ignore[index]
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"data": articles}))
    with pytest.raises(
        InputError, match=r"wrong.json, data 1, paragraphs 2, qas 1, answers 1: the field 'answer_start'"
    ):
        draw("squad", path=wrong)


@real
@pytest.mark.parametrize(
    ("name", "questions", "documents", "metric"),
    [
        ("quality", 112, 8, "choice"),
        ("legal_contract_qa", 73, 11, "qa_f1"),
        ("scientific_qa", 102, 13, "qa_f1"),
        ("natural_question", 49, 10, "qa_f1"),
        ("multidoc_qa", 85, 12, "qa_f1"),
    ],
)
def test_leval(name: str, questions: int, documents: int, metric: str) -> None:
    options = {"path": DATA / "leval" / f"{name}.dev.jsonl.gz"}
    samples = draw("leval", 999, **options)
    assert len(samples) == questions
    assert len({id(sample.documents) for sample in samples}) == documents
    assert task("leval", **options).metric == metric
    if metric == "choice":
        assert all(sample.golds[0] in tuple("ABCD") for sample in samples)
        assert all(len(sample.choices) == 4 for sample in samples)


@real
def test_lara_with_questions_that_have_no_answer() -> None:
    samples = draw("lara", 2000, path=DATA / "lara")
    assert len(samples) == 943
    assert all((sample.about["task"] == "hallu") == (not sample.golds) for sample in samples)
    assert any("paper 0" in sample.question for sample in samples)
    assert len({id(sample.documents) for sample in samples}) == 62
    books = draw("lara", 2000, path=DATA / "lara", only=["location"], size="32k")
    assert {(sample.about["task"], sample.about["size"]) for sample in books} == {("location", "32k")}
    with pytest.raises(InputError, match=r"has no file docs_\*\.jsonl\*"):
        draw("lara", path=DATA / "squad")


def test_longbench_of_both_versions(tmp_path: Path) -> None:
    first = {"input": "Which kind?", "context": "x", "answers": ["city"], "all_classes": ["town", "city"], "_id": "a"}
    write(tmp_path / "trec.jsonl", [first])
    assert draw("longbench", path=tmp_path / "trec.jsonl")[0].golds == ("city", "town", "city")
    assert task("longbench", path=tmp_path / "trec.jsonl").metric == "classification_first_line"
    write(tmp_path / "gov_report.jsonl", [{"input": "", "context": "x", "answers": ["y"]}])
    assert draw("longbench", path=tmp_path / "gov_report.jsonl")[0].question
    options = {f"choice_{letter}": f"option {letter}" for letter in "ABCD"}
    second = {"_id": "b", "question": "Which?", "context": "x", "answer": "C", "difficulty": "hard", **options}
    (tmp_path / "v2.json").write_text(json.dumps([second]))
    assert task("longbench", path=tmp_path / "v2.json").metric == "choice"
    sample = draw("longbench", path=tmp_path / "v2.json", judged_by="longbench2_choice")[0]
    assert sample.golds == ("C",)
    assert sample.about["difficulty"] == "hard"
    assert "(C) option C" in sample.question


def test_meetings_name_the_turns_that_answer(tmp_path: Path) -> None:
    turns = [{"speaker": "A", "content": "Hello ."}, {"speaker": "B", "content": "It costs ten ."}]
    specific = {"query": "What does it cost?", "answer": "Ten.", "relevant_text_span": [["1", "1"]]}
    row = {
        "meeting_transcripts": turns,
        "general_query_list": [{"query": "What was said?", "answer": "A price."}],
        "specific_query_list": [specific],
    }
    general, cost = draw("qmsum", path=write(tmp_path / "val.jsonl", [row]))
    assert general.ranges == ()
    ((name, start, end),) = cost.ranges
    assert cost.documents[name][start:end] == "B: It costs ten ."
    specific["relevant_text_span"] = [["1", "2"]]
    with pytest.raises(InputError, match=r"line 1.*relevant_text_span.* names the turns 1 to 2; there are 0 to 1"):
        draw("qmsum", path=write(tmp_path / "wrong.jsonl", [row]))


def test_stories_have_several_right_summaries(tmp_path: Path) -> None:
    responses = [{"response_text": "One went."}, {"response_text": "Somebody went."}]
    question = {"question_text": "What is the plot?", "question_number": 1, "responses": responses}
    row = {"metadata": {"passage_id": "7"}, "document": "One went.", "questions": [question]}
    (sample,) = draw("squality", path=write(tmp_path / "dev.jsonl", [row]))
    assert (sample.id, sample.golds) == ("7-1", ("One went.", "Somebody went."))
    assert METRICS["rouge_l"]("Somebody went.", sample.golds) == pytest.approx(1)


@real
@pytest.mark.parametrize("name", ["standard", "full"])
def test_the_data_sets_of_the_suites_are_read(name: str) -> None:
    for spec in suites.read(name).tasks:
        if needs_data(spec):
            made = suites.make_task(spec, DATA)
            samples = list(made.samples(characters, 2, 0))
            assert len(samples) == 2
            assert made.metric in METRICS


def test_qasper_and_quality(tmp_path: Path) -> None:
    answers = [
        {"answer": {"unanswerable": True, "extractive_spans": [], "free_form_answer": "", "yes_no": None}},
        {
            "answer": {
                "unanswerable": False,
                "extractive_spans": ["lamps", "ropes"],
                "evidence": ["We use lamps and ropes."],
            }
        },
        {"answer": {"unanswerable": False, "extractive_spans": [], "free_form_answer": "", "yes_no": True}},
    ]
    paper = {
        "title": "T",
        "abstract": "Short.",
        "full_text": [{"section_name": "Method", "paragraphs": ["We use lamps and ropes."]}],
        "qas": [{"question": "What?", "question_id": "1", "answers": answers},
                {"question": "Why?", "question_id": "2", "answers": answers[:1]}],
    }  # fmt: skip
    (tmp_path / "qasper.json").write_text(json.dumps({"p1": paper}))
    first, second = draw("qasper", path=tmp_path / "qasper.json")
    assert first.golds == ("lamps, ropes", "Yes")
    assert first.documents["T"][slice(*first.ranges[0][1:])] == "We use lamps and ropes."
    assert second.golds == ()
    story = {"article_id": "9", "article": "It rained.", "questions": [
        {"question": "What?", "options": ["sun", "rain"], "gold_label": 2},
        {"question": "And?", "options": ["sun", "rain"], "gold_label": 3}]}  # fmt: skip
    file = write(tmp_path / "quality.jsonl", [story])
    with pytest.raises(InputError, match=r"line 1, questions 2: the field 'gold_label' is 3, with 2 options"):
        draw("quality", path=file)
    story["questions"] = story["questions"][:1]  # type: ignore[index]
    sample = draw("quality", path=write(tmp_path / "right.jsonl", [story]))[0]
    assert sample.golds == ("B",)
    assert sample.question.startswith("What?\n(A) sun\n(B) rain")


@real
def test_retrieval_alone() -> None:
    samples = draw("chunking", 999, path=DATA / "chunking")
    assert len(samples) == 276
    assert sum(len(sample.ranges) for sample in samples) == 452
    code = draw("codeqa", 999, path=DATA / "codeqa")
    assert len(code) == 129
    assert len(code[0].documents) == 737
    assert all(sample.ranges and sample.golds for sample in code)


# --- testbed ----------------------------------------------------------------------------------------------------------


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


# --- perplexity -------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """As much of vLLM as perplexity asks: words are tokens, 1 begins a prompt, and place p costs p / 10 nats."""

    gives = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize":
            ids = [1] * body["add_special_tokens"] + [int(word) for word in body["prompt"].split()]
            reply: dict[str, Any] = {"count": len(ids), "tokens": ids, "max_model_len": 99}
        else:
            assert self.path == "/v1/completions"
            assert (body["max_tokens"], body["prompt_logprobs"], body["temperature"]) == (1, 0, 0)
            entries = [{str(token): {"logprob": -place / 10, "rank": 1}} for place, token in enumerate(body["prompt"])]
            choice = {"index": 0, "text": "x", "prompt_logprobs": [None, *entries[1:]] if self.gives else None}
            reply = {"choices": [choice]}
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/v1"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_perplexity_by_place_in_the_window(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(str(number) for number in range(100, 130))  # 30 tokens, windows of 10 of them begin at 0, 5 .. 20
    found = perplexity(server, "m", text, 12, 5, buckets=4)
    assert [(bucket.start, bucket.end, bucket.n) for bucket in found] == [
        (0, 3, 10),
        (3, 6, 15),
        (6, 9, 15),
        (9, 12, 10),
    ]
    assert [bucket.nll for bucket in found] == pytest.approx([0.15, 0.4, 0.7, 0.95])
    assert found[0].perplexity == pytest.approx(math.exp(0.15))
    with pytest.raises(InputError, match="The text has 30 tokens and a window takes 38"):
        perplexity(server, "m", text, 40, 5)
    monkeypatch.setattr(Handler, "gives", False)
    with pytest.raises(EngineError, match="does not give prompt_logprobs"):
        perplexity(server, "m", text, 12, 5, buckets=4)
