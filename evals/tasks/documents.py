"""Questions over documents of files, in the forms that benchmarks are published in and in one for your own.

jsonl      {"question", "answers": [..], "documents": {name: text} | [paths] | path, "choices"?: [..],
           "gold"?: [{"document", "start", "end"}], "id"?, "group"?}; no answers: the documents do not say; paths may be
           of any format that hybrid reads, and gold counts characters of the text that was read
squad      `data`, `paragraphs`, `qas`, v1.1 or v2.0 (rajpurkar/SQuAD-explorer)
longbench  `input`, `context`, `answers` (THUDM/LongBench v1), or `question`, `choice_A` ..., `answer` (v2)
leval      `input`, `instructions`, `outputs` (OpenLMLab/LEval)
lara       a folder with queries*.jsonl and docs_*.jsonl (Alibaba-NLP/LaRA, arXiv 2502.09977)
qasper     papers by id with `full_text` and `qas` (allenai/qasper, arXiv 2105.03011)
qmsum      `meeting_transcripts` and lists of questions (Yale-LILY/QMSum, arXiv 2104.05938); gold: turns
squality   `document` and `questions` with several written `responses` (nyu-mll/SQuALITY, arXiv 2205.11465)
quality    `article` and `questions` with `options` and `gold_label` (nyu-mll/quality, arXiv 2112.08608)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Literal

from hybrid.evals.metrics.choice import option
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.sample import Count, Sample, Value
from hybrid.evals.tasks.files import Fields, fitting, lines, whole
from hybrid.evals.tasks.haystack import joined
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from hybrid.errors import InputError

Form = Literal["jsonl", "squad", "longbench", "leval", "lara", "qasper", "qmsum", "squality", "quality"]
Texts = Mapping[str, str]

_LETTERS = "ABCDEFGH"
_CHOICE_SETS = ("quality", "tpo", "coursera")  # L-Eval's tasks with options
_OPTIONS = re.compile(r"\(A\).*\(B\)", re.DOTALL)
_SOURCES: Mapping[Form, str] = {
    "jsonl": "own questions",
    "squad": "SQuAD form, arXiv 1606.05250 and 1806.03822",
    "longbench": "LongBench, arXiv 2308.14508 and 2412.15204 (MIT)",
    "leval": "L-Eval, arXiv 2307.11088 (GPL-3.0)",
    "lara": "LaRA, arXiv 2502.09977 (MIT)",
    "qasper": "Qasper, arXiv 2105.03011 (CC BY 4.0)",
    "qmsum": "QMSum, arXiv 2104.05938 (MIT)",
    "squality": "SQuALITY, arXiv 2205.11465 (CC BY 4.0)",
    "quality": "QuALITY, arXiv 2112.08608 (CC BY 4.0)",
}
_METRICS: Mapping[Form, str] = {
    "jsonl": "best_subspan_em",
    "squad": "best_subspan_em",
    "longbench": "qa_f1",
    "leval": "qa_f1",
    "lara": "content_words",
    "qasper": "qa_f1",
    "qmsum": "rouge_l",
    "squality": "rouge_l",
    "quality": "choice",
}
# LongBench's metric by data set, where it is not qa_f1
_LONGBENCH: Mapping[str, str] = {
    **dict.fromkeys(("gov_report", "qmsum", "multi_news"), "rouge_l"),
    "samsum": "rouge_l_first_line",
    "triviaqa": "qa_f1_first_line",
    "trec": "classification_first_line",
    **dict.fromkeys(("passage_retrieval_en", "passage_count"), "number_named"),
    **dict.fromkeys(("lcc", "repobench-p"), "code_similarity"),
}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Documents:
    """The questions of one file.

    Args:
        form: how the file is written.
        path: the file, gzipped or not; for lara the folder.
        judged_by: name of a metric; None for the one that suits the form (longbench and leval: by the file's name), and
            `choice` where the questions have options.
        together: of squad, all articles as one corpus instead of each article alone.
        only: of lara, these kinds of questions (location, reasoning, comp, hallu).
        size: of lara, documents of this class only, 32k or 128k.
        max_tokens: room for a reply.
    """

    form: Form
    path: Path
    judged_by: str | None = None
    together: bool = False
    only: tuple[str, ...] | None = None
    size: Literal["32k", "128k"] | None = None
    max_tokens: int = 128

    @property
    def name(self) -> str:
        return self.form

    @property
    def source(self) -> str:
        return f"{_SOURCES[self.form]}; {self.path.name}"

    @property
    def metric(self) -> str:
        stem = self.path.name.split(".")[0]
        if self.judged_by is not None:
            if self.judged_by not in METRICS:
                raise InputError(f"There is no metric {self.judged_by!r}; there are {', '.join(METRICS)}.")
            return self.judged_by
        if self.form in ("jsonl", "longbench") and any(chosen := [bool(s.choices) for s in self._read]):
            if not all(chosen):
                raise InputError(
                    f"{self.path}: {sum(chosen)} of {len(chosen)} questions have options and the others have none; "
                    "put them in two files, or name a metric for both in the option judged_by."
                )
            return "choice"
        if self.form == "longbench":
            return _LONGBENCH.get(stem.removesuffix("_e"), _METRICS[self.form])
        if self.form == "leval" and stem in _CHOICE_SETS:
            return "choice"
        return _METRICS[self.form]

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` questions drawn with the seed and left in the file's order, so that one document's follow each other.

        With a length, only questions whose documents fit it with the reply. Options of a multiple choice stand in the
        question. A question without golds cannot be answered from its documents. `about` has what the form tells.
        """
        found = fitting(self._read, count, length)
        drawn = sorted(Random(f"{self.form}|{seed}").sample(range(len(found)), min(n, len(found))))
        return (found[place] for place in drawn)

    @cached_property
    def _read(self) -> tuple[Sample, ...]:
        found = tuple(_FORMS[self.form](self))
        seen = set[str]()
        for sample in found:
            if sample.id in seen:
                raise InputError(f"{self.path}: the id {sample.id!r} stands there twice; each question needs its own.")
            seen.add(sample.id)
        if not found:
            raise InputError(f"{self.path} holds no question that was asked for.")
        return found


def _jsonl(task: Documents) -> Iterator[Sample]:
    shared: dict[str, Texts] = {}
    for number, row in enumerate(lines(task.path), 1):
        question, golds = row.text("question"), row.texts("answers")
        if not question.strip():
            raise row.fault("question", "is empty")
        if not all(gold.strip() for gold in golds):
            raise row.fault("answers", "holds an empty text; write [] where the documents do not say")
        documents = _own_documents(row, task.path.parent, shared)
        ranges = []
        for gold in row.objects("gold") if "gold" in row.data else []:
            name, start, end = gold.text("document"), gold.number("start"), gold.number("end")
            if name not in documents:
                raise gold.fault("document", f"is {name!r}, which is not among the documents: {', '.join(documents)}")
            if not 0 <= start < end <= len(documents[name]):
                raise gold.fault(
                    "end", f"and start are {end} and {start}; {name!r} has the characters 0 to {len(documents[name])}"
                )
            ranges.append((name, start, end))
        choices = row.texts("choices") if "choices" in row.data else ()
        if choices:
            golds = (_letter(row, "answers", golds, choices),)
        yield Sample(
            id=row.text("id", str(number)),
            question=_with_options(question, choices),
            documents=documents,
            golds=golds,
            group=row.text("group", " ".join(sorted(documents))),
            max_tokens=task.max_tokens,
            choices=choices,
            ranges=tuple(ranges),
        )


def _own_documents(row: Fields, folder: Path, shared: dict[str, Texts]) -> Texts:
    """Documents by name; the same ones are the same object. Paths are relative to the file of questions."""
    given = row.data.get("documents")
    if given is None:
        raise row.fault("documents", "is missing")
    known = repr(given)
    if known in shared:
        return shared[known]
    if isinstance(given, dict):
        documents = {name: Fields(row.where, given).text(name) for name in given}
    elif isinstance(given, str) or (isinstance(given, list) and all(isinstance(path, str) for path in given)):
        documents = {}
        for path in [given] if isinstance(given, str) else given:
            file = folder / path
            if not file.is_file():
                raise row.fault("documents", f"names {path!r}, and there is no file {file}")
            try:
                documents[path] = read(file.name, file.read_bytes()).text
            except Unreadable as error:
                raise row.fault("documents", f"names {path!r}, which cannot be read: {error}") from None
    else:
        raise row.fault("documents", "has to be an object of texts by name, a path, or a list of paths")
    if not documents:
        raise row.fault("documents", "is empty")
    shared[known] = documents
    return documents


def _squad(task: Documents) -> Iterator[Sample]:
    articles = whole(task.path).objects("data")
    titles = [article.text("title", f"article {number}") for number, article in enumerate(articles, 1)]
    texts, starts = dict[str, str](), list[list[int]]()
    for title, article in zip(titles, articles, strict=True):
        own = [paragraph.text("context") for paragraph in article.objects("paragraphs")]
        starts.append([sum(len(text) + 2 for text in own[:place]) for place in range(len(own))])
        if title in texts:
            raise article.fault("title", f"is {title!r}, which another article has too")
        texts[title] = "\n\n".join(own)
    for title, article, begins in zip(titles, articles, starts, strict=True):
        documents = texts if task.together else {title: texts[title]}
        for begin, paragraph in zip(begins, article.objects("paragraphs"), strict=True):
            for q in paragraph.objects("qas"):
                impossible = bool(q.data.get("is_impossible"))
                ranges = []
                for answer in [] if impossible else q.objects("answers"):
                    text, start = answer.text("text"), begin + answer.number("answer_start")
                    if texts[title][start : start + len(text)] != text:
                        raise answer.fault("answer_start", f"does not point to {text!r} in its paragraph")
                    ranges.append((title, start, start + len(text)))
                yield Sample(
                    id=q.text("id"),
                    question=q.text("question"),
                    documents=documents,
                    golds=tuple(dict.fromkeys(texts[title][start:end] for _, start, end in ranges)),
                    group=title,
                    max_tokens=task.max_tokens,
                    ranges=tuple(dict.fromkeys(ranges)),
                    about={"answerable": not impossible},
                )


def _longbench(task: Documents) -> Iterator[Sample]:
    rows = lines(task.path) if ".jsonl" in task.path.suffixes else iter(whole(task.path).objects("items"))
    for number, row in enumerate(rows, 1):
        key = row.text("_id", str(number))
        documents = {"context": row.text("context")}
        columns = ("domain", "sub_domain", "difficulty", "length", "dataset", "language")
        about: dict[str, Value] = {name: row.text(name) for name in columns if isinstance(row.data.get(name), str)}
        golds: tuple[str, ...]
        choices: tuple[str, ...] = ()
        if "choice_A" in row.data:
            choices = tuple(row.text(f"choice_{letter}") for letter in "ABCD")
            question, golds = row.text("question"), (_letter(row, "answer", (row.text("answer"),), choices),)
        else:
            question, golds = row.text("input"), row.texts("answers")
            if row.data.get("all_classes"):
                golds = (*golds[:1], *row.texts("all_classes"))
        shown = _with_options(question, choices) or "Summarise the text."
        yield Sample(key, shown, documents, golds, key, max_tokens=task.max_tokens, choices=choices, about=about)


def _leval(task: Documents) -> Iterator[Sample]:
    for number, row in enumerate(lines(task.path), 1):
        documents = {row.text("source", "document"): row.text("input")}
        asked, answers = row.texts("instructions"), row.texts("outputs")
        if len(asked) != len(answers):
            raise row.fault("outputs", f"has {len(answers)} answers to {len(asked)} instructions")
        for place, (question, answer) in enumerate(zip(asked, answers, strict=True)):
            choices: tuple[str, ...] = ()
            if task.metric == "choice" and _OPTIONS.search(question):
                answer = option(answer.strip()[:3]) or answer
                choices = tuple(part.strip() for part in re.split(r"\([A-H]\)", question)[1:])
            yield Sample(
                id=f"{number}-{place}",
                question=question.strip(),
                documents=documents,
                golds=(answer.strip(),),
                group=str(number),
                max_tokens=task.max_tokens,
                choices=choices,
                about={"evaluation": row.text("evaluation", "")},
            )


def _lara(task: Documents) -> Iterator[Sample]:
    documents: dict[tuple[str, str, str], Texts] = {}
    for file in _some(task.path, "docs_*.jsonl*"):
        for row in lines(file):
            documents[row.text("length"), row.text("type"), row.text("file")] = {row.text("file"): row.text("text")}
    for file in _some(task.path, "queries*.jsonl*"):
        for row in lines(file):
            kind, key = row.text("task"), (row.text("length"), row.text("type"), row.text("file"))
            if (task.only is not None and kind not in task.only) or (task.size or key[0]) != key[0]:
                continue
            if key not in documents:
                raise row.fault("file", f"is {key[2]!r}, and no docs_*.jsonl has that {key[1]} of {key[0]}")
            # a question on a paper says which, such as "paper 0", by its place in the document: the hint stays
            part = row.data.get("context_order")
            yield Sample(
                id=row.text("qid"),
                question=row.text("question"),
                documents=documents[key],
                golds=() if kind == "hallu" else (row.text("answer"),),
                group=f"{key[0]} {key[2]}",
                max_tokens=task.max_tokens,
                about={
                    "task": kind,
                    "type": key[1],
                    "size": key[0],
                    "part": part if isinstance(part, int | str) else None,
                    "answerable": kind != "hallu",
                },
            )


def _some(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(f"{folder} has no file {pattern}; name the folder with LaRA's queries and documents.")
    return found


def _qasper(task: Documents) -> Iterator[Sample]:
    papers = whole(task.path)
    for key in papers.data:
        if not isinstance(papers.data[key], dict):
            raise papers.fault(key, "has to be a paper: an object with full_text and qas")
        paper = Fields(f"{papers.where}, paper {key}", papers.data[key])
        parts = [paper.text("title", ""), paper.text("abstract", "")]
        for section in paper.objects("full_text"):
            parts += [section.data.get("section_name") or "", *section.texts("paragraphs")]
        title = paper.text("title", key)
        text = "\n\n".join(part for part in parts if part.strip())
        documents = {title: text}
        for number, q in enumerate(paper.objects("qas"), 1):
            golds, evidence = list[str](), list[str]()
            for given in q.objects("answers"):
                answer = Fields(given.where, given.data.get("answer") or given.data)
                if not answer.data.get("unanswerable"):
                    golds.append(_qasper_gold(answer))
                    evidence += answer.texts("evidence") if "evidence" in answer.data else ()
            places = [(said, text.find(said)) for said in dict.fromkeys(evidence)]
            yield Sample(
                id=q.text("question_id", f"{key}-{number}"),
                question=q.text("question"),
                documents=documents,
                golds=tuple(dict.fromkeys(golds)),  # one annotator's answer outweighs another's "unanswerable"
                group=key,
                max_tokens=task.max_tokens,
                ranges=tuple((title, at, at + len(said)) for said, at in places if at >= 0 and said),
                about={"answerable": bool(golds)},
            )


def _qasper_gold(answer: Fields) -> str:
    if answer.data.get("extractive_spans"):
        return ", ".join(answer.texts("extractive_spans"))
    if answer.data.get("free_form_answer"):
        return answer.text("free_form_answer")
    if answer.data.get("yes_no") is None:
        raise answer.fault("free_form_answer", "is empty, and so are the other forms of an answer")
    return "Yes" if answer.data["yes_no"] else "No"


def _qmsum(task: Documents) -> Iterator[Sample]:
    for number, row in enumerate(lines(task.path), 1):
        name = f"meeting {number}"
        turns = [f"{turn.text('speaker')}: {turn.text('content')}" for turn in row.objects("meeting_transcripts")]
        text, starts = joined(turns, "\n")
        documents = {name: text}
        for kind in ("general", "specific"):
            for place, q in enumerate(row.objects(f"{kind}_query_list"), 1):
                ranges = []
                for span in q.items("relevant_text_span") if "relevant_text_span" in q.data else []:
                    first, last = _turns(q, span, len(turns))
                    ranges.append((name, starts[first], starts[last] + len(turns[last])))
                yield Sample(
                    id=f"{number}-{kind}-{place}",
                    question=q.text("query"),
                    documents=documents,
                    golds=(q.text("answer"),),
                    group=name,
                    max_tokens=task.max_tokens,
                    ranges=tuple(ranges),
                    about={"kind": kind},
                )


def _turns(q: Fields, span: object, many: int) -> tuple[int, int]:
    """First and last turn of a span, which names them as texts."""
    try:
        first, last = (int(place) for place in span)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise q.fault("relevant_text_span", "has to hold pairs of turns") from None
    if not 0 <= first <= last < many:
        raise q.fault("relevant_text_span", f"names the turns {first} to {last}; there are 0 to {many - 1}")
    return first, last


def _squality(task: Documents) -> Iterator[Sample]:
    for row in lines(task.path):
        key = Fields(row.where, row.data.get("metadata") or {}).text("passage_id")
        documents = {key: row.text("document")}
        for q in row.objects("questions"):
            yield Sample(
                id=f"{key}-{q.number('question_number')}",
                question=q.text("question_text"),
                documents=documents,
                golds=tuple(response.text("response_text") for response in q.objects("responses")),
                group=key,
                max_tokens=task.max_tokens,
            )


def _quality(task: Documents) -> Iterator[Sample]:
    texts: dict[str, Texts] = {}
    for row in lines(task.path):
        key = row.text("article_id")
        documents = texts.setdefault(key, {row.text("title", key): row.text("article")})
        for number, q in enumerate(row.objects("questions"), 1):
            choices, label = q.texts("options"), q.number("gold_label")
            if not 1 <= label <= len(choices) <= len(_LETTERS):
                raise q.fault("gold_label", f"is {label}, with {len(choices)} options")
            yield Sample(
                id=q.text("question_unique_id", f"{row.text('set_unique_id', key)}-{number}"),
                question=_with_options(q.text("question"), choices),
                documents=documents,
                golds=(_LETTERS[label - 1],),
                group=key,
                max_tokens=task.max_tokens,
                choices=choices,
                about={"difficult": bool(q.data.get("difficult"))},
            )


def _letter(row: Fields, field: str, golds: tuple[str, ...], choices: tuple[str, ...]) -> str:
    """The letter of the right option, given as a letter or as the option's text."""
    if len(choices) > len(_LETTERS):
        raise row.fault("choices", f"has {len(choices)} options; {len(_LETTERS)} are the most")
    letters = _LETTERS[: len(choices)]
    if len(golds) == 1 and golds[0] in choices:
        return letters[choices.index(golds[0])]
    if len(golds) == 1 and golds[0] in letters:
        return golds[0]
    raise row.fault(
        field, f"has to be one of the options or one letter of {letters}, and is {', '.join(golds) or 'none'}"
    )


def _with_options(question: str, choices: Iterable[str]) -> str:
    """The question with its options, which arms that know only the question need to see."""
    shown = [f"({letter}) {text}" for letter, text in zip(_LETTERS, choices, strict=False)]
    return "\n".join([question, *shown, "Answer with the letter of the right option."]) if shown else question


_FORMS: Mapping[Form, Callable[[Documents], Iterator[Sample]]] = {
    "jsonl": _jsonl,
    "squad": _squad,
    "longbench": _longbench,
    "leval": _leval,
    "lara": _lara,
    "qasper": _qasper,
    "qmsum": _qmsum,
    "squality": _squality,
    "quality": _quality,
}
