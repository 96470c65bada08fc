"""When a document that was read once is worth reading again: `python -m hybrid.evals.bench.warm`.

For documents of some lengths, the bench finds the price of a right answer from which on the policy `calibrated` reads
the whole, cold and warm, at the estimated costs of a model on a GPU. It halves the range of prices around the
crossing, and fails where a decision is not the best by the policy's own figures.
"""

from __future__ import annotations

import click
from hybrid.evals.bench.tables import Row, table
from hybrid.evals.replay import OUTPUT

from hybrid.cli.common import print_json
from hybrid.cost.estimate import estimate
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.situation import ROUTES, Situation, sized
from hybrid.routing.weights import TIE, carried
from hybrid.settings import CostSettings
from hybrid.types import Rung

LENGTHS = (8_000, 16_000, 32_000, 64_000, 128_000)
PASSAGES = 2_000  # tokens of eight passages with their frame
_AROUND = 1e-6  # of a price: how near to the crossing the policy is asked


def situation(length: int, cached: int, cost: CostSettings, features: dict[str, float]) -> Situation:
    """A question on one document, part of which is in the cache."""
    sizes: dict[Rung, int] = {"passages": PASSAGES, "sections": 3 * PASSAGES, "documents": length, "corpus": length}
    costs = {
        rung: estimate(cost, size, OUTPUT, cached if ROUTES[rung] == "long" else 0) for rung, size in sizes.items()
    }
    return sized(sizes, 200_000, costs, features=features)


def best(policy: Calibrated, one: Situation) -> str:
    """The rung that the policy reads; it has to be worth most by its own figures, the cheaper one in a near tie."""
    decision = policy.decide(one)
    rungs = [way.rung for way in policy.ways(one)]  # the cheapest first, all attempts counted
    gain = decision.worth[rungs[1]] - decision.worth[rungs[0]]
    least = TIE * policy.worth
    if (decision.rung == rungs[1]) != (gain > least) and abs(gain - least) > 1e-8:  # worths are told to a billionth
        raise SystemExit(f"The policy reads the {decision.rung}, which is not what its worths say: {decision.worth}")
    return decision.rung


def crossing(one: Situation) -> float | None:
    """The least price of a right answer at which the whole is read; None where no price makes it worth it."""
    low, high = 1e-6, 1e3
    if best(Calibrated(accuracy_price=high), one) == "passages":
        return None
    if best(Calibrated(accuracy_price=low), one) == "corpus":
        return 0.0
    while high / low > 1 + _AROUND:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if best(Calibrated(accuracy_price=middle), one) == "corpus" else (middle, high)
    return high


@click.command()
@click.option("--gpu", default="h100", show_default=True)
@click.option("--shape", default="llama-3.1-8b", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(gpu: str, shape: str, as_json: bool) -> None:
    """Find the prices."""
    from math import log2

    cost = CostSettings(gpu=gpu, shape=shape)
    average = {name: 0.0 if name.startswith("kind_") else own["mean"] for name, own in carried().features.items()}
    rows: list[Row] = []
    for length in LENGTHS:
        compares = {**average, "kind_comparison": 1.0, "tokens": log2(length / 1000), "documents": 0.0}
        cold, warm = (situation(length, cached, cost, compares) for cached in (0, length))
        decision = Calibrated().decide(cold)
        rows.append(
            {
                "tokens": length,
                "expected": decision.expected,
                "dollars": [s.predictions["corpus"].cost.dollars for s in (cold, warm)],
                "passages": cold.predictions["passages"].cost.dollars,
                "worth_from": [crossing(cold), crossing(warm)],
            }
        )
    if as_json:
        print_json(rows)
        return
    lines = []
    for row in rows:
        right = " / ".join(f"{value:.2f}" for value in row["expected"].values())
        prices = [row["passages"], *row["dollars"], *row["worth_from"]]
        told = ["never" if p is None else "any" if p == 0 else f"{p:.2g}" for p in prices]
        lines.append([f"{row['tokens']:,}", right, *told])
    heads = ["tokens", "passages / whole right", "passages $", "whole $, cold", "warm", "read from $, cold", "warm"]
    table(heads, lines)


if __name__ == "__main__":
    main()
