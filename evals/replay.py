"""Policies judged on saved records, without an engine: their choices, and what those were worth.

A case is a question with what both routes made of it. Cases come from a run whose arms took both routes, from LaRA's
published replies, or from a file of labels that people gave.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

from hybrid.evals.arms.situations import restored
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.record import Record, records
from hybrid.evals.statistics import SCORE, Estimate, estimate, frontier
from hybrid.evals.suite import target, unknown
from pydantic import BaseModel, ConfigDict

from hybrid.cost.estimate import estimate as estimated
from hybrid.cost.price import total
from hybrid.errors import InputError
from hybrid.files import read_lines
from hybrid.routing.policies.calibrated import unknown as unknown_to
from hybrid.routing.policy import Policy, second
from hybrid.routing.situation import Situation, sized
from hybrid.settings import CostSettings
from hybrid.settings.names import POLICIES
from hybrid.types import Cost, Route, Rung, Usage

QUERIES, REPLIES, DOCUMENTS = (
    "queries.dev.jsonl.gz",
    "published_predictions.dev.jsonl.gz",
    "docs_{}.dev.jsonl.gz",
)  # files of the folder `lara`
_LENGTHS = {"32k": 32_768, "128k": 131_072}
_PASSAGES = 3_000  # tokens that LaRA's retrieval read, assumed: five passages of 600
OUTPUT = 128  # tokens of an answer, assumed where nothing tells
_MOST = 1_000_000_000  # tokens of a prompt
_PER_TOKEN = 4  # characters, where only the text is known
_MODES: dict[Route, str] = {"rag": "rag", "long": "long_context"}
_ROUTES: tuple[Route, ...] = get_args(Route)
# How models say that a text does not answer, anywhere in their reply; they were not given hybrid's own sentence for it.
_SAYS_SO = re.compile(
    r"\bnot (?:\w+ ){0,2}(?:mention|stat|specif|provid|contain|address|includ|detail|discuss|disclos|describ|present|"
    r"report|indicat|given|found|available|outlined|listed|in the (?:text|document|context|passage|paper|statement))"
    r"|\bn['’]t (?:\w+ ){0,2}(?:mention|state|specify|provide|contain|address|include|detail|discuss|disclose|describe)"
    r"|\bno (?:\w+ ){0,2}(?:information|mention|details?|answer|data|evidence|indication)\b"
    r"|\bcan(?:not|['’]t) (?:be )?(?:answer|determine|find|found)|\bunanswerable",
    re.IGNORECASE,
)
_RIGHT = {"correct", "correct answer", "right", "true", "yes", "1", "1.0"}
_WRONG = {"incorrect", "incorrect answer", "wrong", "false", "no", "0", "0.0"}
_REFUSED = {"refusal", "refused", "failed to answer", "abstained", "no answer"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one route on a question."""

    score: float
    abstained: bool
    tokens: int  # of the prompt
    cost: Cost | None
    rung: Rung | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A question that was answered by both routes."""

    set: str  # the table it belongs to: a run, or a model and length
    task: str
    group: str
    situation: Situation
    outcomes: Mapping[Route, Outcome]


class Row(BaseModel):
    """The result that a policy would have had."""

    model_config = ConfigDict(frozen=True)

    set: str
    policy: str
    n: int
    score: Estimate
    mean_of_tasks: float  # each task counts the same
    long: float | None  # share of the questions for which the long route was taken, also after the other one
    tokens: float | None  # of the prompts, mean, all attempts
    dollars: float | None  # mean, all attempts; None where not all are known
    on_frontier: bool


class Replay(BaseModel):
    """The judgement of some policies."""

    rows: list[Row]
    basis: str  # of the costs
    notes: list[str]


class Done(NamedTuple):
    """A policy's result on a question, all attempts together."""

    score: float
    long: bool  # whether the whole was read
    tokens: int
    cost: Cost | None


# -- judging -----------------------------------------------------------------------------------------------------------


def policy(name: str) -> Policy:
    """A policy by its name, or made by `module:function`.

    Raises:
        InputError: there is none.
    """
    if ":" not in name and name not in POLICIES:
        raise InputError(f"There is no {unknown('policy', name, POLICIES)} Yours is named as module:function.")
    made: Policy = target(name)() if ":" in name else POLICIES[name]()
    return made


def judge(policies: Sequence[Policy], cases: Sequence[Case]) -> Replay:
    """The result of each policy, with two bounds: the better route of each task and of each question.

    Raises:
        InputError: there are no cases.
    """
    if not cases:
        raise InputError("The records hold no question that both routes answered; run an arm for each route.")
    rows: list[Row] = []
    for name in dict.fromkeys(case.set for case in cases):
        own = [case for case in cases if case.set == name]
        done = {policy.name: [carry_out(policy, case) for case in own] for policy in policies}
        done["better route of each task"] = _best_of_tasks(own)
        done["better route of each question"] = [_done(_better(case), case) for case in own]
        rows += _rows(name, own, done)
    bases = {o.cost.basis for case in cases for o in case.outcomes.values() if o.cost is not None}
    notes = ["The better routes are bounds with hindsight: no policy knows them beforehand."]
    if len(bases) > 1:
        rows = [row.model_copy(update={"dollars": None}) for row in rows]
        notes.append("Some costs are measured and some estimated: they are not added up.")
    blind = sum(bool(unknown_to(case.situation)) for case in cases)
    if blind and any(policy.name == "calibrated" for policy in policies):
        notes.append(
            f"For {blind:,} of {len(cases):,} questions the records hold nothing that 'calibrated' goes by (the "
            "`features` of a decision), so there it does as 'self_route' does: what it is worth is not told here."
        )
    return Replay(rows=rows, basis=bases.pop() if len(bases) == 1 else "", notes=notes)


def carry_out(policy: Policy, case: Case) -> Done:
    """The way of a question under a policy, both attempts charged."""
    decision = policy.decide(case.situation)
    first = case.outcomes[decision.route]
    again = second(policy, case.situation, decision, abstained=first.abstained)
    if again is None or again.route == decision.route:
        return _done(decision.route, case)
    last = case.outcomes[again.route]
    both = [cost for cost in (first.cost, last.cost) if cost is not None]
    cost = total(both) if len(both) == 2 and both[0].basis == both[1].basis else None
    return Done(last.score, "long" in (decision.route, again.route), first.tokens + last.tokens, cost)


def _done(route: Route, case: Case) -> Done:
    outcome = case.outcomes[route]
    return Done(outcome.score, route == "long", outcome.tokens, outcome.cost)


def _better(case: Case) -> Route:
    """The route that scored more; the passages where both score the same, because they cost less."""
    return "long" if case.outcomes["long"].score > case.outcomes["rag"].score else "rag"


def _best_of_tasks(cases: Sequence[Case]) -> list[Done]:
    gains: dict[str, float] = defaultdict(float)
    for case in cases:
        gains[case.task] += case.outcomes["long"].score - case.outcomes["rag"].score
    return [_done("long" if gains[case.task] > 0 else "rag", case) for case in cases]


def _rows(name: str, cases: Sequence[Case], done: Mapping[str, Sequence[Done]]) -> list[Row]:
    groups = [case.group for case in cases]
    rows = []
    for policy_name, found in done.items():
        dollars = [d.cost.dollars for d in found if d.cost is not None and d.cost.dollars is not None]
        rows.append(
            Row(
                set=name,
                policy=policy_name,
                n=len(found),
                score=estimate([d.score for d in found], groups, SCORE),
                mean_of_tasks=_mean_of_tasks(cases, found),
                long=sum(d.long for d in found) / len(found),
                tokens=sum(d.tokens for d in found) / len(found) if any(d.tokens for d in found) else None,
                dollars=sum(dollars) / len(dollars) if len(dollars) == len(found) else None,
                on_frontier=False,
            )
        )
    priced = {row.policy: ((row.tokens or 0) if not row.dollars else row.dollars, row.score.mean) for row in rows}
    worth = frontier({name: point for name, point in priced.items() if not name.startswith("better route")})
    return [row.model_copy(update={"on_frontier": row.policy in worth}) for row in rows]


def _mean_of_tasks(cases: Sequence[Case], found: Sequence[Done]) -> float:
    by_task: dict[str, list[float]] = defaultdict(list)
    for case, done in zip(cases, found, strict=True):
        by_task[case.task].append(done.score)
    return sum(sum(scores) / len(scores) for scores in by_task.values()) / len(by_task)


# -- cases -------------------------------------------------------------------------------------------------------------


def read(path: Path, model: str | None = None) -> list[Case]:
    """The cases of a run, of LaRA's folder, or of a file of labels.

    Args:
        model: for LaRA, only the replies of this one.

    Raises:
        InputError: it is none of these.
    """
    if path.is_dir() and (path / REPLIES).is_file():
        return list(lara(path, model))
    if model is not None:
        raise InputError(f"--model has no effect on {path}, which is not the folder of LaRA: leave it out.")
    if path.is_dir() or path.name == "records.jsonl":
        return of_run(path)
    return labels(path)


def of_run(path: Path) -> list[Case]:
    """Questions that some arm answered by passages alone and some by whole documents alone, or that one explored."""
    by_question: dict[tuple[str, int | None, int, str], dict[Route, Record]] = defaultdict(dict)
    for record in records(path):
        attempts = (record.decision or {}).get("attempts", ())
        if record.status == "answered" and record.route is not None and len(attempts) == 1:
            by_question[record.key[1:]].setdefault(record.route, record)
            other = (record.decision or {}).get("explored")
            if other and other.get("score") is not None:
                by_question[record.key[1:]].setdefault(other["route"], _other(record, other))
    cases = []
    for found in by_question.values():
        situation = next((r.decision["situation"] for r in found.values() if r.decision), None)
        if len(found) == len(_ROUTES) and situation is not None:
            first = next(iter(found.values()))
            outcomes = {route: _outcome(r) for route, r in found.items()}
            cases.append(
                Case("run", first.task, f"{first.task} {first.group}", restored(first.question, situation), outcomes)
            )
    return cases


def _other(record: Record, explored: Mapping[str, Any]) -> Record:
    """The record as if the explored route had answered."""
    decision = {**(record.decision or {}), "attempts": [explored], "explored": None}
    own = ("route", "rung", "text", "abstained", "score", "usage", "cost")
    return Record.model_validate(
        {**record.model_dump(), **{name: explored[name] for name in own}, "decision": decision}
    )


def _outcome(record: Record) -> Outcome:
    """The outcome of the record's only attempt; an explored route beside it adds nothing to the price."""
    attempt = (record.decision or {})["attempts"][0]
    usage, cost = Usage.model_validate(attempt["usage"]), Cost.model_validate(attempt["cost"])
    return Outcome(record.score or 0.0, record.abstained, usage.prompt_tokens, cost, record.rung)


def lara(folder: Path, model: str | None = None) -> Iterator[Case]:
    """LaRA's published replies by both routes, scored without a judge, costs estimated.

    Source: Alibaba-NLP/LaRA at c171553 (MIT); arXiv 2502.09977. The score is the share of the gold answer's content
    words that the reply has, and where no answer exists, whether the reply says so. Its means follow those of the
    published judge with r = .72 to .94 by task; single scores are rough.
    """
    sizes = {
        (length, document["file"]): len(document["text"]) // _PER_TOKEN
        for length in _LENGTHS
        for document in read_lines(folder / DOCUMENTS.format(length))
    }
    queries = {query["qid"]: query for query in read_lines(folder / QUERIES)}
    replies: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for reply in read_lines(folder / REPLIES):
        text = reply["prediction"]
        replies[reply["model"], reply["qid"]][reply["mode"]] = text if isinstance(text, str) else ""
    models = list(dict.fromkeys(name for name, _ in replies))
    if model is not None and model not in models:
        raise InputError(f"LaRA has no replies of the {unknown('model', model, models)}")
    for (name, qid), modes in replies.items():
        if model is not None and name != model:
            continue
        query = queries[qid]
        length, tokens = query["length"], sizes[query["length"], query["file"]]
        read: dict[Route, int] = {"rag": min(_PASSAGES, tokens), "long": tokens}
        if len(modes) == len(_MODES):
            outcomes = {route: _lara_outcome(query, modes[mode], read[route]) for route, mode in _MODES.items()}
            situation = plain_situation(query["question"], read["rag"], tokens, max(tokens, _LENGTHS[length]))
            yield Case(f"{name} {length}", query["task"], query["file"], situation, outcomes)


def _lara_outcome(query: Mapping[str, Any], reply: str, tokens: int) -> Outcome:
    refuses = not reply.strip() or _SAYS_SO.search(reply) is not None
    score = float(refuses) if query["task"] == "hallu" else METRICS["content_words"](reply, [query["answer"]])
    return Outcome(score, refuses, tokens, estimated(CostSettings(), tokens, OUTPUT))


def labels(path: Path) -> list[Case]:
    """Labels that people gave, one JSON object a line: question, route (rag, long), label, and if known document, task
    and prompt_tokens. A label is a score from 0 to 1, or words such as "Correct Answer", "Incorrect Answer", "Refusal".

    Raises:
        InputError: a line is not like that.
    """
    found: dict[str, dict[Route, dict[str, Any]]] = defaultdict(dict)
    for number, line in enumerate(read_lines(path), 1):
        if not isinstance(line, dict) or not isinstance(line.get("question"), str) or line.get("route") not in _ROUTES:
            raise InputError(f"Line {number} of {path} needs a question, a route (rag or long) and a label.")
        label_score(line.get("label"), f"line {number} of {path}")
        tokens = line.get("prompt_tokens") or 0
        if not isinstance(tokens, int | float) or not 0 <= tokens < _MOST:
            raise InputError(f"Line {number} of {path}: prompt_tokens is {tokens!r}, and has to be a number of tokens.")
        found[line["question"]][line["route"]] = line
    cases = []
    for question, routes in found.items():
        if len(routes) < len(_ROUTES):
            continue
        sizes = {route: int(line.get("prompt_tokens") or 0) for route, line in routes.items()}
        outcomes: dict[Route, Outcome] = {}
        for route, line in routes.items():
            cost = estimated(CostSettings(), sizes[route], OUTPUT) if sizes[route] else None
            outcomes[route] = Outcome(*label_score(line["label"], str(path)), sizes[route], cost)
        line = routes["long"]
        situation = plain_situation(question, sizes["rag"], sizes["long"] or 1, max(sizes["long"], 1))
        cases.append(
            Case(path.stem, str(line.get("task", "")), str(line.get("document", question)), situation, outcomes)
        )
    return cases


def label_score(label: object, where: str) -> tuple[float, bool]:
    """A label as score and abstention.

    Raises:
        InputError: it says neither right nor wrong.
    """
    text = str(label).strip().lower()
    if text in _REFUSED:
        return 0.0, True
    if text in _RIGHT | _WRONG:
        return float(text in _RIGHT), False
    if isinstance(label, int | float) and 0 <= label <= 1:
        return float(label), False
    raise InputError(f"The label {label!r} ({where}) says neither right nor wrong; use correct, incorrect or refusal.")


def plain_situation(question: str, passages: int, corpus: int, window: int) -> Situation:
    """A situation with nothing known but sizes, in tokens."""
    sizes: dict[Rung, int] = {"passages": passages, "sections": passages, "documents": corpus, "corpus": corpus}
    costs = {rung: estimated(CostSettings(), size, OUTPUT) for rung, size in sizes.items()}
    return sized(sizes, window, costs, question=question)
