"""Tasks from files: every form is read as it is published, and malformed files are named by place."""

import gzip
import json
from pathlib import Path

import pytest
from hybrid.evals import suite as suites
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.selection import needs_data
from hybrid.evals.tasks.registry import task

from hybrid.errors import InputError
from tests.evals.samples import DATA, characters, draw, real, write


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
        (
            {"question": "q", "answers": ["x"], "documents": {"a": "xy"}, "choices": ["x", "x"]},
            r"'choices' has the same option twice",
        ),
        ({"question": "q", "answer": ["x"], "documents": {"a": "x"}}, r"the field 'answer' is not known; did you mean"),
        (
            {"question": "q", "answers": ["x"], "documents": {"a": "x"}, "histroy": ["p"]},
            r"'histroy' is not known; did you mean 'history'",
        ),
        ({"question": "q", "answers": [], "documents": {"": "x"}}, r"'documents' has a text without a name"),
        ({"question": "q", "answers": [], "documents": {"a": " ", "b": ""}}, r"'documents' has no text: a, b"),
        ('{"question": "q", "answers": [], "documents": {"a": "x", "a": "y"}}', r"the field 'a' stands twice"),
        (f'{{"question": {"[" * 100_000}', r"line 2: this is nested too deep"),
        (
            r'{"question": "q \ud83d", "answers": [], "documents": {"a": "x"}}',
            r"line 2: \\ud83d is half a character; write it with its other half",
        ),
    ],
)
def test_a_malformed_line_is_named_with_its_field(tmp_path: Path, row: object, said: str) -> None:
    good = json.dumps({"question": "q", "answers": [], "documents": {"a": "x"}})
    (tmp_path / "bad.jsonl").write_text(f"{good}\n{row if isinstance(row, str) else json.dumps(row)}\n")
    with pytest.raises(InputError, match=said) as caught:
        list(task("jsonl", path=tmp_path / "bad.jsonl").samples(characters, 5, 0))
    assert "bad.jsonl" in str(caught.value)


def test_fields_of_the_user_and_whole_characters_are_kept(tmp_path: Path) -> None:
    row = r'{"question": "Why \ud83d\ude00?", "answers": [], "documents": {"a": "x"}, "author": "me", "note": 3}'
    (tmp_path / "own.jsonl").write_bytes(b"\xef\xbb\xbf" + row.encode() + b"\r\n\r\n")
    (sample,) = draw("jsonl", path=tmp_path / "own.jsonl")
    assert sample.question == "Why \U0001f600?"


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
        ("twice.jsonl", "two questions have the id '7'"),
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
        if needs_data(spec) and not spec.optional:
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
