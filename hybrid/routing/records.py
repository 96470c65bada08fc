"""A router fitted on a user's own records, and whether it is better on documents that the fit did not see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from hybrid.chat.refusals import abstains
from hybrid.errors import InputError
from hybrid.files import read_lines
from hybrid.routing.features import FEATURES
from hybrid.routing.fit import Example, Floats, fit
from hybrid.routing.policies.calibrated import Calibrated, dollars
from hybrid.routing.policies.long import Long
from hybrid.routing.policies.rag import Rag
from hybrid.routing.policies.self_route import SelfRoute
from hybrid.routing.policy import Policy, second
from hybrid.routing.situation import ROUTES, Situation, sized
from hybrid.routing.weights import Rule, Weights, carried
from hybrid.types import Cost, Route

FEWEST, FEWEST_GROUPS = 60, 8  # questions by both routes, and documents, that a fit needs
_ROUTES: tuple[Route, ...] = ("rag", "long")
_RULES: tuple[Rule, ...] = ("rag", "self_route", "")  # the cheapest first
FIXED: Mapping[str, Policy] = {policy.name: policy for policy in (Rag(), SelfRoute(), Long())}
_FOLDS = 4
_BINS = 5
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that both routes answered: the example to fit, and the tokens and dollars of each route."""

    example: Example
    tokens: Mapping[Route, int]
    dollars: Mapping[Route, float | None]
    quoting: bool = False  # whether an engine that quotes answered it

    def situation(self) -> Situation:
        """The recorded sizes, costs and features, as a policy sees them."""
        sizes = {rung: self.tokens[route] for rung, route in ROUTES.items()}
        costs = {rung: Cost(dollars=self.dollars[route], basis="measured") for rung, route in ROUTES.items()}
        return sized(sizes, max(sizes.values()), costs, features=self.example.features)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fit on records, and how good it is.

    Args:
        weights: fitted on all records; to be used only if `better`.
        questions, groups: held out.
        scores: mean score there of rag, self_route, long, the carried weights and the fitted ones.
        fixed: the one of rag, self_route and long that is worth most there; among equals the cheapest.
        gain: how much more the fitted router scores than the better route, with its 95 % interval, by documents.
        worth: how much more it is worth than `fixed`, less costs, as shares of the worth of a right answer.
        tokens: of the fitted router, as a share of the long route's.
        reliability: route -> in equal bins: expected and observed score, questions.
    """

    weights: Weights
    questions: int
    groups: int
    scores: dict[str, float]
    fixed: str
    gain: tuple[float, float, float]
    worth: tuple[float, float, float]
    tokens: float
    reliability: dict[Route, list[tuple[float, float, int]]]

    @property
    def better(self) -> bool:
        """Whether the fitted router is worth at least as much as every fixed way."""
        return self.worth[0] >= 0


def read(path: Path) -> list[Answered]:
    """The questions of a file that both routes answered.

    A line has `question`, `document` or `group`, `route`, `score` (0 to 1), `features` (as a decision carries them),
    and if known `abstained` or `text`, `tokens`, `cost` (dollars). Lines of an evaluation's records are such lines.
    Answers as `hybrid ask --json` prints them count if the other route was explored: they need a `score` of their own
    and one inside `explored`; other answers are passed over.

    Args:
        path: JSONL, or one JSON list.

    Raises:
        InputError: a line lacks something, or no question has both routes.
    """
    found: dict[tuple[str, str], dict[Route, dict[str, Any]]] = {}
    homes: dict[str, str] = {}
    for number, line in _rows(path):
        row = _row(line, f"Line {number} of {path}")
        document, group = str(line.get("document", row["group"])), row["group"]
        if homes.setdefault(document, group) != group:
            raise InputError(
                f"The document {document!r} is in the groups {homes[document]!r} and {group!r} of {path}, so it would "
                "be fitted on and reported on: give all of its lines the same group."
            )
        found.setdefault((group, str(line["question"])), {}).setdefault(row["route"], row)
    both = [routes for routes in found.values() if len(routes) == len(_ROUTES)]
    if found and not both:
        raise InputError(
            f"None of the {len(found)} questions of {path} was answered by both routes: answer the same questions with "
            "--route rag and with --route long, or let a share of them be explored with routing.explore."
        )
    return [_answered(routes) for routes in both]


def calibrate(
    answered: Sequence[Answered], policy: Mapping[str, Any], *, engine: str = "", source: str = ""
) -> Calibration:
    """Fit on half of the documents, judge on the other half, then fit on all.

    Args:
        policy: further arguments of `Calibrated`.
        engine: the model that answered.
        source: where the records come from, for the card.

    Raises:
        InputError: too few questions or documents, both routes always score the same, or an engine that quotes
            answered.
    """
    if any(one.quoting for one in answered):
        raise InputError(
            "These are records of the engine that quotes, with which the policy 'calibrated' does as 'self_route' "
            "does, whatever the fit: have a model answer the questions."
        )
    groups = _ordered([one.example for one in answered])
    if len(answered) < FEWEST or len(groups) < FEWEST_GROUPS:
        raise InputError(
            f"There are {len(answered)} questions by both routes on {len(groups)} documents; at least {FEWEST} on "
            f"{FEWEST_GROUPS} are needed: {max(0, FEWEST - len(answered))} questions and "
            f"{max(0, FEWEST_GROUPS - len(groups))} documents are missing."
        )
    if all(one.example.rag == one.example.long for one in answered):
        raise InputError(
            "Both routes score the same on every question, so there is nothing to learn from: ask harder ones."
        )
    half = {name: i % 2 for i, name in enumerate(groups)}
    fitted, held = ([one for one in answered if half[one.example.group] == part] for part in (0, 1))
    own = _fitted(fitted, policy)
    ways: dict[str, Policy] = {**FIXED, "carried": Calibrated(carried(), **policy), "fitted": Calibrated(own, **policy)}
    done = {name: _replay(way, held) for name, way in ways.items()}
    price, held_groups = Calibrated(own, **policy).worth, [one.example.group for one in held]
    fixed = min(FIXED, key=lambda name: (-done[name].worth(price).mean(), done[name].dollars.mean()))
    routes = {name: done[name].score for name in _ROUTES}
    better = max(routes.values(), key=lambda score: float(score.mean()))
    scores = {name: round(float(way.score.mean()), 4) for name, way in done.items()}
    card = {
        "what": "what passages and whole documents are expected to make of a question",
        "data": source,
        "questions": len(answered),
        "groups": len(groups),
        "held_out": {"questions": len(held), **scores},
    }
    return Calibration(
        weights=replace(fit([one.example for one in answered], carried(), card=card, engine=engine), rule=own.rule),
        questions=len(held),
        groups=len(set(held_groups)),
        scores=scores,
        fixed=fixed,
        gain=_interval(done["fitted"].score - better, held_groups),
        worth=_interval(done["fitted"].worth(price) - done[fixed].worth(price), held_groups),
        tokens=float(done["fitted"].tokens.sum() / max(1, sum(one.tokens["long"] for one in held))),
        reliability={route: _reliability(own, held, route) for route in _ROUTES},
    )


def _ordered(examples: Sequence[Example]) -> list[str]:
    """The groups in an arbitrary but fixed order."""
    return sorted({example.group for example in examples}, key=lambda name: (crc32(name.encode()), name))


def _fitted(answered: Sequence[Answered], policy: Mapping[str, Any]) -> Weights:
    """The carried weights drawn to some records, or a rule in their place if they are not worth more than it.

    Expected scores after a hundred records err by some points: by more than either way costs if texts are short or have
    no price. So each quarter of the documents, with the lines fitted on the others, shows whether the expected scores
    are worth more than passages alone, or than passages and then the whole if they do not answer. The result is the
    simplest rule that the best one does not beat for certain (95 %): else one question in a hundred would decide for
    reading six times as much.
    """
    examples = [one.example for one in answered]
    groups = _ordered(examples)
    fold = {name: i % _FOLDS for i, name in enumerate(groups)}
    tried: list[Answered] = []
    worth: dict[Rule, list[Floats]] = {rule: [] for rule in _RULES}
    for k in range(_FOLDS):
        lines = fit([example for example in examples if fold[example.group] != k], carried(), card={})
        own = [one for one in answered if fold[one.example.group] == k]
        tried += own
        for rule in worth if own else ():
            way = Calibrated(replace(lines, rule=rule), **policy)
            worth[rule].append(_replay(way, own).worth(way.worth))
    found = {rule: np.concatenate(parts) for rule, parts in worth.items()}
    best = max(found.values(), key=lambda values: float(values.mean()))
    named = [one.example.group for one in tried]
    simplest = next(rule for rule in _RULES if _interval(best - found[rule], named)[1] <= 0)
    return replace(fit(examples, carried(), card={}), rule=simplest)


class _Done(NamedTuple):
    """The result of a policy for each question, all attempts."""

    score: Floats
    tokens: Floats
    dollars: Floats

    def worth(self, price: float) -> Floats:
        """Score less costs, as shares of a right answer's worth."""
        return self.score - self.dollars / price


def _replay(policy: Policy, held: Sequence[Answered]) -> _Done:
    """The result of a policy on the recorded answers of both routes."""
    rows = []
    for one in held:
        situation = one.situation()
        decision = policy.decide(situation)
        route, tokens, paid = decision.route, one.tokens[decision.route], dollars(situation.predictions[decision.rung])
        if route == "rag":
            again = second(policy, situation, decision, abstained=one.example.abstained)
            if again is not None and again.route == "long":
                route, tokens = "long", tokens + one.tokens["long"]
                paid += dollars(situation.predictions[again.rung])
        rows.append((getattr(one.example, route), tokens, paid))
    return _Done(*np.array(rows, dtype=np.float64).T)


def _interval(values: Floats, groups: Sequence[str]) -> tuple[float, float, float]:
    names = sorted(set(groups))
    member = np.array([names.index(group) for group in groups])
    sums, sizes = np.bincount(member, values), np.bincount(member)
    drawn = np.random.default_rng(0).integers(0, len(names), (_DRAWS, len(names)))
    low, high = np.percentile(sums[drawn].sum(1) / sizes[drawn].sum(1), [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def _reliability(weights: Weights, held: Sequence[Answered], route: Route) -> list[tuple[float, float, int]]:
    expected = np.array([getattr(weights.expected(one.example.features), route) for one in held])
    seen = np.array([getattr(one.example, route) for one in held])
    parts = np.array_split(np.argsort(expected, kind="stable"), _BINS)
    return [(round(float(expected[p].mean()), 3), round(float(seen[p].mean()), 3), len(p)) for p in parts if len(p)]


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The answers of a file with the numbers of their lines; an explored question gives two, one by each route."""
    for number, line in enumerate(_lines(path), 1):
        if not isinstance(line, dict) or line.get("status", "answered") != "answered":
            continue
        explored = line.get("explored") or (line.get("decision") or {}).get("explored")
        if explored:
            if explored.get("failed"):
                continue
            both = {**line, "document": line.get("document") or explored.get("document")}
            if "score" not in line or explored.get("score") is None:
                raise InputError(
                    f"Line {number} of {path} was explored and has to be scored twice: give `score` (0 to 1) for the "
                    "answer and `explored.score` for the other route's, or leave the line out."
                )
            yield number, both
            yield number, {**both, "attempts": None, **explored, "document": both["document"]}
        elif "explored" not in line or "score" in line:
            yield number, line


def _lines(path: Path) -> Iterator[Any]:
    """The lines of a JSONL file, or the items of a JSON list."""
    if path.suffix != ".gz":
        try:
            text = path.read_text("utf-8")
            if text.lstrip().startswith("["):
                yield from json.loads(text)
                return
        except (OSError, ValueError):  # `read_lines` reports it
            pass
    yield from read_lines(path)


def _own(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of several attempts the last by the line's route, with its own tokens, cost and silence."""
    attempts = line.get("attempts") or (line.get("decision") or {}).get("attempts") or ()
    routes = [(one.get("route") or one["decision"]["route"], one) for one in attempts]
    return next((one for route, one in reversed(routes) if route == line.get("route")), {})


def _row(line: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A line's values, wherever a record keeps them."""
    decision = line.get("decision") or {}
    features = (
        line.get("features") or decision.get("features") or (decision.get("situation") or {}).get("features") or {}
    )
    missing = [name for name in FEATURES if not isinstance(features.get(name), int | float)]
    group, score, cost = line.get("group", line.get("document")), line.get("score"), line.get("cost")
    if not isinstance(line.get("question"), str) or line.get("route") not in _ROUTES or group is None:
        raise InputError(f"{where} needs a question, a document or group, and a route (rag or long).")
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        raise InputError(f"{where} has the score {score!r}; it has to be a number from 0 to 1.")
    if missing:
        raise InputError(
            f"{where} lacks {len(missing)} of the {len(FEATURES)} features, such as {missing[0]!r}: take them from the "
            "`features` of the answer's decision, or from `hybrid route --json`."
        )
    own = {} if "attempts" in line and line["attempts"] is None else _own(line)
    usage, cost = own.get("usage") or line.get("usage") or {}, own.get("cost") or cost
    return {
        "group": str(group),
        "route": line["route"],
        "score": float(score),
        "features": {name: float(features[name]) for name in FEATURES},
        "abstained": bool(line.get("abstained", abstains(line["text"]) if line.get("text") else False)),
        "tokens": int(line.get("tokens") or usage.get("prompt_tokens") or 0),
        "cost": cost.get("dollars") if isinstance(cost, dict) else cost,
        "quoting": bool((decision.get("situation") or {}).get("quoting")),
    }


def _answered(routes: Mapping[Route, dict[str, Any]]) -> Answered:
    rag, long = routes["rag"], routes["long"]
    example = Example(rag["features"], rag["score"], long["score"], rag["abstained"], rag["group"])
    tokens = {route: row["tokens"] for route, row in routes.items()}
    paid = {route: row["cost"] for route, row in routes.items()}
    return Answered(example, tokens, paid, rag["quoting"] or long["quoting"])
