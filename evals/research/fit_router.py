"""Fits the router's weights and reports their worth.

Run `python -m hybrid.evals.research.fit_router --data DIR --table FILE`.

The data are LaRA's questions with the published replies of five models by both routes, and features from hybrid's own
index (`hybrid.evals.research.router_data`). Documents are split in two halves, those that share text on one side. What
there is to choose was chosen by cross-validation inside the first half (--choose). Every figure of the report is of the
second half with weights fitted on the first; the weights written are fitted on both.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import click
import numpy as np
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.replay import OUTPUT, carry_out
from hybrid.evals.research.router_data import NEED, Floats, Make, Measured, Row, cheap, report, rows
from sklearn.linear_model import LogisticRegression

from hybrid.cost.estimate import estimate
from hybrid.routing.features import DOCUMENTS, FEATURES, QUESTION, RETRIEVAL
from hybrid.routing.fit import PRIOR, Example, fit, fit_lines
from hybrid.routing.policies.calibrated import WORTH, Calibrated
from hybrid.routing.policy import Policy
from hybrid.routing.situation import Situation
from hybrid.routing.weights import MEASURES, NEEDS, Expected, Weights, save
from hybrid.settings import CostSettings
from hybrid.types import Decision, Rung

DATE = "2026-11-22"
CARRIED_RIDGE, CARRIED_PRIOR = 0.01, 2.0  # chosen on the first half: see docs/routing.md
_FOLDS = 5


def examples(table: Sequence[Row], models: Sequence[str]) -> list[Example]:
    """Each question once per model; tasks weigh the same within a length, and a question's models share its weight."""
    sizes = Counter((row.size, row.task) for row in table)
    mean = len(table) / len(sizes)
    return [
        Example(
            row.features,
            row.score(model, "rag"),
            row.score(model, "long"),
            row.cases[model].outcomes["rag"].abstained,
            row.group,
            NEED[row.task],
            mean / sizes[row.size, row.task] / len(models),
        )
        for row in table
        for model in models
    ]


def pooled(table: Sequence[Row], models: Sequence[str], card: Mapping[str, Any] | None = None) -> Weights:
    """Weights that know no model's name."""
    return first_fit(examples(table, models), card or {}, CARRIED_RIDGE, CARRIED_PRIOR)


def first_fit(examples: Sequence[Example], card: Mapping[str, Any], ridge: float, prior: float) -> Weights:
    """Weights from nothing: the classifier of needs, and lines that begin at 0. Users' fits begin at what this made.

    Args:
        examples: with their needs.
        ridge: of the classifier, per question, on standardised features.
        prior: how many questions of a need the lines at 0 are worth.
    """
    rows = np.array([[example.features[name] for name in FEATURES] for example in examples])
    needs = np.array([NEEDS.index(example.need) for example in examples if example.need])
    share = np.array([example.weight for example in examples])
    share /= share.sum()
    mean = share @ rows
    scale = np.sqrt(share @ (rows - mean) ** 2)
    scale[scale < 1e-9] = 1.0
    found = LogisticRegression(C=1 / ridge, tol=1e-9, max_iter=10_000)
    found.fit(np.clip((rows - mean) / scale, -3, 3), needs, sample_weight=share)
    columns = {"mean": mean.round(5), "scale": scale.round(5), **dict(zip(NEEDS, found.coef_.round(4), strict=True))}
    table = {name: {key: float(of[i]) for key, of in columns.items()} for i, name in enumerate(FEATURES)}
    biases = {need: round(float(bias), 4) for need, bias in zip(NEEDS, found.intercept_, strict=True)}
    level = {measure: dict.fromkeys(NEEDS, (0.0, 0.0)) for measure in MEASURES}
    return Weights(card, table, biases, fit_lines(examples, np.eye(len(NEEDS))[needs], level, prior))


class Undoubting(Calibrated):
    """The calibrated policy, which accepts every answer from passages."""

    def _second(
        self, situation: Situation, tried: Decision, expected: Expected, *, abstained: bool
    ) -> tuple[Rung, bool, str] | None:
        return super()._second(situation, tried, expected, abstained=True) if abstained else None


class Deciding(Calibrated):
    """The calibrated policy without second decisions."""

    def _second(self, situation: Situation, tried: Decision, expected: Expected, *, abstained: bool) -> None:
        return None


def in_turn(table: Sequence[Row], policy: Policy, *, knows: bool) -> tuple[Floats, Floats, Floats]:
    """A policy where the questions on a document are asked one after the other, of an engine that caches what it read.

    Args:
        knows: whether the policy knows that a document has been read; else it takes every reading for the first.

    Returns:
        Score, dollars of all attempts as they are then estimated, and 1 where the whole was read: each of shape
        (questions, models).
    """
    found = np.zeros((3, len(table), len(table[0].models)))
    for column, model in enumerate(table[0].models):
        read: set[tuple[str, str]] = set()
        for i, row in enumerate(table):
            case, key = row.cases[model], (row.size, row.document)
            size = case.situation.tokens["corpus"]
            again = estimate(CostSettings(), size, OUTPUT, size)
            warm = {
                rung: prediction.model_copy(update={"cost": again, "cached_tokens": size})
                for rung, prediction in case.situation.predictions.items()
                if prediction.route == "long"
            }
            if key in read and knows:
                case = replace(case, situation=replace(case.situation, predictions=case.situation.predictions | warm))
            score, long, tokens, _ = carry_out(policy, case)
            price = (again if key in read else case.outcomes["long"].cost) if long else None
            passages = case.outcomes["rag"].cost if not long or tokens > case.outcomes["long"].tokens else None
            found[:, i, column] = score, sum(c.dollars or 0.0 for c in (price, passages) if c is not None), long
            if long:
                read.add(key)
    return found[0], found[1], found[2]


def turns(table: Sequence[Row], weights: Weights) -> dict[str, Any]:
    """The gain from knowing the cache, by the price of a right answer, and the share that is read whole."""
    measured = Measured(table)
    found: dict[str, Any] = {}
    for worth in (0.02, WORTH["cost"], 0.1, WORTH["balance"]):
        policy = Calibrated(weights, accuracy_price=worth)
        one, other = (in_turn(table, policy, knows=knows) for knows in (True, False))
        found[f"worth {worth:g}"] = {
            "score": [measured.mean(way[0])[0] for way in (one, other)],
            "gain": measured.mean(one[0] - other[0]),
            "dollars_per_1000": [round(float(1000 * way[1].mean()), 3) for way in (one, other)],
            "dollars_per_1000_more": measured.mean(10 * (one[1] - other[1])),  # which gives it in hundredths
            "long": [round(float(way[2].mean()), 3) for way in (one, other)],
        }
    return found


def without(table: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The table with some features 0."""
    gone = dict.fromkeys(names, 0.0)
    changed = []
    for row in table:
        features = {**row.features, **gone}
        cases = {
            model: replace(case, situation=replace(case.situation, features=features))
            for model, case in row.cases.items()
        }
        changed.append(replace(row, features=features, cases=cases))
    return changed


def reliability(table: Sequence[Row], weights: Weights) -> dict[str, list[list[float]]]:
    """For each route, in five equal bins of what was expected: expected, observed (mean of the models), questions."""
    found: dict[str, list[list[float]]] = {}
    for route in ("rag", "long"):
        expected = np.array([getattr(weights.expected(row.features), route) for row in table])
        scored = np.array([np.mean([row.score(model, route) for model in row.models]) for row in table])
        parts = np.array_split(np.argsort(expected, kind="stable"), 5)
        found[route] = [[round(float(expected[p].mean()), 3), round(float(scored[p].mean()), 3), len(p)] for p in parts]
    return found


def specific(table: Sequence[Row], start: Weights, prior: float) -> dict[str, Weights]:
    """For each model, the weights drawn towards its own replies."""
    return {model: fit(examples(table, [model]), start, card={}, prior=prior) for model in table[0].models}


def choose(table: Sequence[Row]) -> None:
    """Choose on the first half, cross-validated: the price of a right answer, and the weight of own replies."""
    order = sorted({row.group for row in table}, key=lambda name: crc32(name.encode()))
    fold = {name: i % _FOLDS for i, name in enumerate(order)}
    general = {k: pooled([r for r in table if fold[r.group] != k], table[0].models) for k in range(_FOLDS)}
    for worth in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 10.0):
        made = {k: Calibrated(weights, accuracy_price=worth) for k, weights in general.items()}
        _tell("worth", worth, table, lambda row, _, made=made: made[fold[row.group]])  # type: ignore[misc]
    for prior in (10.0, 30.0, 100.0):
        own = {
            (k, model): Calibrated(weights, accuracy_price=WORTH["balance"])
            for k in general
            for model, weights in specific([r for r in table if fold[r.group] != k], general[k], prior).items()
        }
        _tell("prior", prior, table, lambda row, model, own=own: own[fold[row.group], model])  # type: ignore[misc]


def _tell(what: str, value: float, table: Sequence[Row], make: Make) -> None:
    found = report(table, {"it": make})["it"]
    print(what, value, {key: found[key] for key in ("score", "over_better_fixed", "tokens")}, flush=True)


def final(fitted: Sequence[Row], held: Sequence[Row]) -> dict[str, Any]:
    """The report on documents that were not used for anything."""
    models = held[0].models
    blind = pooled(fitted, models)
    own = {model: Calibrated(weights) for model, weights in specific(fitted, blind, PRIOR).items()}
    others = {m: Calibrated(pooled(fitted, [o for o in models if o != m])) for m in models}
    makes: dict[str, Make] = {
        "calibrated": cheap(Calibrated(blind)),
        "calibrated, own replies": lambda _, model: own[model],
        "calibrated, fitted without this model": lambda _, model: others[model],
        "without cost": cheap(Calibrated(blind, accuracy_price=1e6)),
        "without second decision": cheap(Deciding(blind)),
        "without doubting answers": cheap(Undoubting(blind)),
    }
    makes |= {f"worth {worth:g}": cheap(Calibrated(blind, accuracy_price=worth)) for worth in (0.02, 0.05, 0.1, 0.5, 1)}
    found = report(held, makes)
    for name, gone in (
        ("without kind and question", QUESTION),
        ("without retrieval", RETRIEVAL),
        ("without document", tuple(n for n in DOCUMENTS if n != "tokens")),
    ):
        part = Calibrated(pooled(without(fitted, gone), models))
        found[name] = report(without(held, gone), {"it": cheap(part)})["it"]
    found["reliability"] = reliability(held, blind)
    found["in turn, with and without knowing the cache"] = turns(held, blind)
    return found


@click.command()
@click.option("--data", type=FOLDER, required=True, help="folder lara/")
@click.option(
    "--table", "file", type=click.Path(path_type=Path), required=True, help="made by hybrid.evals.research.router_data"
)
@click.option("--out", type=click.Path(path_type=Path), default="hybrid/routing/router.json")
@click.option("--choose", "only_choose", is_flag=True, help="only the first half, cross-validated")
def main(data: Path, file: Path, out: Path, only_choose: bool) -> None:
    """Choose, or report and write."""
    table = rows(data, file)
    first, second = ([row for row in table if row.half == half] for half in (0, 1))
    if only_choose:
        choose(first)
        return
    found = final(first, second)
    print(json.dumps(found, indent=1))
    kept = ("score", "over_better_fixed", "over_self_route", "tokens")
    card = {
        "what": "what passages and whole documents are expected to make of a question",
        "data": "LaRA (Alibaba-NLP/LaRA, MIT): questions, documents, and replies of five models from 3 to 72 billion "
        "parameters by both routes",
        "made": f"python -m hybrid.evals.research.fit_router, {DATE}",
        "embedder": "all-MiniLM-L6-v2",
        "score": "share of the gold answer's content words in the reply; unanswerable: whether it says so",
        "split": "two halves of the documents, those that share text on one side; everything was chosen on the first, "
        "the figures are of the second with weights fitted on the first; the weights below are fitted on both",
        "unanswerable": 1 / len({row.task for row in table}),  # tasks weigh the same
        "questions": len(table),
        "groups": len({row.group for row in table}),
        "held_out": {
            "questions": found["questions"],
            "groups": found["groups"],
            **{name: {key: found[name][key] for key in kept} for name in ("rag", "long", "self_route", "calibrated")},
            "reliability": found["reliability"],
        },
    }
    save(pooled(table, table[0].models, card), out)


if __name__ == "__main__":
    main()
