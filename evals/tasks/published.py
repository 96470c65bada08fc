"""Tasks on published data sets: each reads the files as they were published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from hybrid.evals.metrics.published import option
from hybrid.evals.sample import Sample, Value
from hybrid.evals.tasks.documents import LETTERS, STRICT, Documents, letter, with_options
from hybrid.evals.tasks.files import Fields, lines, named, whole
from hybrid.evals.tasks.haystack import joined
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=STRICT)
class Squad(Documents):
    """Questions in the form of rajpurkar/SQuAD-explorer, v1.1 or v2.0: `data`, `paragraphs`, `qas`.

    Args:
        together: all articles as one corpus instead of each article alone.
    """

    together: bool = False

    name = "squad"
    paper = "SQuAD form, arXiv 1606.05250 and 1806.03822"
    usual = "best_subspan_em"

    def read(self) -> Iterator[Sample]:
        articles = whole(self.path).objects("data")
        titles = [article.text("title", f"article {number}") for number, article in enumerate(articles, 1)]
        texts, starts = dict[str, str](), list[list[int]]()
        for title, article in zip(titles, articles, strict=True):
            own = [paragraph.text("context") for paragraph in article.objects("paragraphs")]
            starts.append([sum(len(text) + 2 for text in own[:place]) for place in range(len(own))])
            if title in texts:
                raise article.fault("title", f"is {title!r}, which another article has too")
            texts[title] = "\n\n".join(own)
        for title, article, begins in zip(titles, articles, starts, strict=True):
            documents = texts if self.together else {title: texts[title]}
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
                        ranges=tuple(dict.fromkeys(ranges)),
                        about={"answerable": not impossible},
                    )


# LongBench's metric by data set, where it is not qa_f1
_LONGBENCH: Mapping[str, str] = {
    **dict.fromkeys(("gov_report", "qmsum", "multi_news"), "rouge_l"),
    "samsum": "rouge_l_first_line",
    "triviaqa": "qa_f1_first_line",
    "trec": "classification_first_line",
    **dict.fromkeys(("passage_retrieval_en", "passage_count"), "number_named"),
    **dict.fromkeys(("lcc", "repobench-p"), "code_similarity"),
}


class LongBench(Documents):
    """Of THUDM/LongBench: `input`, `context`, `answers` (v1), or `question`, `choice_A` ..., `answer` (v2).

    The metric is the one of the data set that the file is named after.
    """

    name = "longbench"
    paper = "LongBench, arXiv 2308.14508 and 2412.15204 (MIT)"
    usual = "qa_f1"

    def suited(self) -> str:
        """`choice` for questions with options, else the data set's."""
        return self.choice_if_all() or _LONGBENCH.get(self.stem.removesuffix("_e"), self.usual)

    def read(self) -> Iterator[Sample]:
        rows = lines(self.path) if ".jsonl" in self.path.suffixes else iter(whole(self.path).objects("items"))
        for number, row in enumerate(rows, 1):
            key = row.text("_id", str(number))
            documents = {"context": row.text("context")}
            columns = ("domain", "sub_domain", "difficulty", "length", "dataset", "language")
            about: dict[str, Value] = {name: row.text(name) for name in columns if isinstance(row.data.get(name), str)}
            golds: tuple[str, ...]
            choices: tuple[str, ...] = ()
            if "choice_A" in row.data:
                choices = tuple(row.text(f"choice_{letter}") for letter in "ABCD")
                question, golds = row.text("question"), (letter(row, "answer", (row.text("answer"),), choices),)
            else:
                question, golds = row.text("input"), row.texts("answers")
                if row.data.get("all_classes"):
                    golds = (*golds[:1], *row.texts("all_classes"))
            shown = with_options(question, choices) or "Summarise the text."
            yield Sample(key, shown, documents, golds, key, choices=choices, about=about)


_CHOICE_SETS = ("quality", "tpo", "coursera")  # L-Eval's tasks with options
_OPTIONS = re.compile(r"\(A\).*\(B\)", re.DOTALL)


class LEval(Documents):
    """Of OpenLMLab/LEval: `input`, `instructions`, `outputs`; the metric goes by the file's name."""

    name = "leval"
    paper = "L-Eval, arXiv 2307.11088 (GPL-3.0)"
    usual = "qa_f1"

    def suited(self) -> str:
        """`choice` for the sets with options."""
        return "choice" if self.stem in _CHOICE_SETS else self.usual

    def read(self) -> Iterator[Sample]:
        for number, row in enumerate(lines(self.path), 1):
            documents = {row.text("source", "document"): row.text("input")}
            asked, answers = row.texts("instructions"), row.texts("outputs")
            if len(asked) != len(answers):
                raise row.fault("outputs", f"has {len(answers)} answers to {len(asked)} instructions")
            for place, (question, answer) in enumerate(zip(asked, answers, strict=True)):
                choices: tuple[str, ...] = ()
                if self.metric == "choice" and _OPTIONS.search(question):
                    answer = option(answer.strip()[:3]) or answer
                    choices = tuple(part.strip() for part in re.split(r"\([A-H]\)", question)[1:])
                yield Sample(
                    id=f"{number}-{place}",
                    question=question.strip(),
                    documents=documents,
                    golds=(answer.strip(),),
                    group=str(number),
                    choices=choices,
                    about={"evaluation": row.text("evaluation", "")},
                )


@dataclass(frozen=True, config=STRICT)
class Lara(Documents):
    """Of Alibaba-NLP/LaRA: a folder of docs_*.jsonl and queries*.jsonl.

    Args:
        only: these kinds of questions (location, reasoning, comp, hallu).
        size: documents of this class only.
    """

    only: tuple[str, ...] | None = None
    size: Literal["32k", "128k"] | None = None

    name = "lara"
    paper = "LaRA, arXiv 2502.09977 (MIT)"
    usual = "content_words"

    def read(self) -> Iterator[Sample]:
        documents: dict[tuple[str, str, str], Mapping[str, str]] = {}
        for file in named(self.path, "docs_*.jsonl*"):
            for row in lines(file):
                documents[row.text("length"), row.text("type"), row.text("file")] = {row.text("file"): row.text("text")}
        for file in named(self.path, "queries*.jsonl*"):
            for row in lines(file):
                kind, key = row.text("task"), (row.text("length"), row.text("type"), row.text("file"))
                if (self.only is not None and kind not in self.only) or (self.size or key[0]) != key[0]:
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
                    about={
                        "task": kind,
                        "type": key[1],
                        "size": key[0],
                        "part": part if isinstance(part, int | str) else None,
                        "answerable": kind != "hallu",
                    },
                )


class Qasper(Documents):
    """Of allenai/qasper: papers by id with `full_text` and `qas`."""

    name = "qasper"
    paper = "Qasper, arXiv 2105.03011 (CC BY 4.0)"
    usual = "qa_f1"

    def read(self) -> Iterator[Sample]:
        papers = whole(self.path)
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


class QMSum(Documents):
    """Of Yale-LILY/QMSum: `meeting_transcripts` and lists of questions; gold: turns."""

    name = "qmsum"
    paper = "QMSum, arXiv 2104.05938 (MIT)"
    usual = "rouge_l"

    def read(self) -> Iterator[Sample]:
        for number, row in enumerate(lines(self.path), 1):
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


class Quality(Documents):
    """Of nyu-mll/quality: `article` and `questions` with `options` and `gold_label`."""

    name = "quality"
    paper = "QuALITY, arXiv 2112.08608 (CC BY 4.0)"
    usual = "choice"

    def read(self) -> Iterator[Sample]:
        texts: dict[str, Mapping[str, str]] = {}
        for row in lines(self.path):
            key = row.text("article_id")
            documents = texts.setdefault(key, {row.text("title", key): row.text("article")})
            for number, q in enumerate(row.objects("questions"), 1):
                choices, label = q.texts("options"), q.number("gold_label")
                if not 1 <= label <= len(choices) <= len(LETTERS):
                    raise q.fault("gold_label", f"is {label}, with {len(choices)} options")
                yield Sample(
                    id=q.text("question_unique_id", f"{row.text('set_unique_id', key)}-{number}"),
                    question=with_options(q.text("question"), choices),
                    documents=documents,
                    golds=(LETTERS[label - 1],),
                    group=key,
                    choices=choices,
                    about={"difficult": bool(q.data.get("difficult"))},
                )


class Squality(Documents):
    """Of nyu-mll/SQuALITY: `document` and `questions` with several written `responses`."""

    name = "squality"
    paper = "SQuALITY, arXiv 2205.11465 (CC BY 4.0)"
    usual = "rouge_l"

    def read(self) -> Iterator[Sample]:
        for row in lines(self.path):
            key = Fields(row.where, row.data.get("metadata") or {}).text("passage_id")
            documents = {key: row.text("document")}
            for q in row.objects("questions"):
                yield Sample(
                    id=f"{key}-{q.number('question_number')}",
                    question=q.text("question_text"),
                    documents=documents,
                    golds=tuple(response.text("response_text") for response in q.objects("responses")),
                    group=key,
                )


class Chunking(Documents):
    """Retrieval alone, of brandonstarxel/chunking_evaluation (commit d451fc4): characters of a corpus that answer.

    A folder with corpora.jsonl and questions.jsonl. Judge the ranges with `hybrid.evals.metrics.retrieval`; the metric
    named here judges the text that a reader got.
    """

    name = "chunking"
    paper = "chunking_evaluation (MIT)"
    usual = "match_all"

    def read(self) -> Iterator[Sample]:
        texts = {row.text("corpus_id"): row.text("text") for row in lines(named(self.path, "corpora*.jsonl*")[0])}
        documents = {name: {name: text} for name, text in texts.items()}
        for number, row in enumerate(lines(named(self.path, "questions*.jsonl*")[0]), 1):
            name = row.text("corpus_id")
            if name not in documents:
                raise row.fault("corpus_id", f"is {name!r}, which is not among the corpora: {', '.join(texts)}")
            ranges = []
            for reference in row.objects("references"):
                start, end = reference.number("start_index"), reference.number("end_index")
                if texts[name][start:end] != reference.text("content"):
                    raise reference.fault("content", f"is not what stands at {start} to {end} of {name!r}")
                ranges.append((name, start, end))
            golds = tuple(texts[name][start:end] for _, start, end in ranges)
            yield Sample(str(number), row.text("question"), documents[name], golds, name, ranges=tuple(ranges))


class CodeQA(Documents):
    """Retrieval alone, of the code search set of anthropics/anthropic-cookbook (commit 4b36a1e): chunks that answer.

    A folder with codebase_chunks.json and codebase_queries.jsonl; each given chunk is a document, as published. Judge
    the ranges with `hybrid.evals.metrics.retrieval`.
    """

    name = "codeqa"
    paper = "anthropic-cookbook (MIT)"
    usual = "content_words"

    def read(self) -> Iterator[Sample]:
        chunks = {
            f"{file.text('original_uuid')} {chunk.number('original_index')}": chunk.text("content")
            for file in whole(named(self.path, "codebase_chunks*.json*")[0]).objects("items")
            for chunk in file.objects("chunks")
        }
        for number, row in enumerate(lines(named(self.path, "codebase_queries*.jsonl*")[0]), 1):
            names = [" ".join(map(str, pair)) for pair in row.items("golden_chunk_uuids") if isinstance(pair, list)]
            missing = [name for name in names if name not in chunks]
            if missing or not names:
                said = f"names chunks that are not there: {', '.join(missing) or 'none'}"
                raise row.fault("golden_chunk_uuids", said)
            yield Sample(
                id=str(number),
                question=row.text("query"),
                documents=chunks,
                golds=(row.text("answer"),),
                group=names[0].split()[0],
                ranges=tuple((name, 0, len(chunks[name])) for name in names),
            )
