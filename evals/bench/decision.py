"""How long a decision takes beyond retrieval: `python -m hybrid.evals.bench.decision [--times N]`.

Features of 20 found passages of 214 tokens, the policy's decision, and both of its second decisions, on one core.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import click
import numpy as np

from hybrid.cli.common import print_json
from hybrid.document import Location
from hybrid.routing.features import features
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.policy import whole
from hybrid.routing.situation import Situation, sized
from hybrid.settings import Settings
from hybrid.types import Candidate, Cost, Passage, Rung

QUESTION = "How did the rental revenue of Exchange Income Fund change from March 2023 to March 2024, and why?"
_TEXT = "The Company's revenue for the three months ended March 31, 2024 was $20,469,000, as the leases were renewed. "


def candidates() -> list[Candidate]:
    """Passages as a search finds them."""
    texts = [(_TEXT * 8)[i : i + 900] for i in range(20)]
    return [
        Candidate(
            Passage(i, "report.txt", 7 * i, text, 0, len(text), Location(0, len(text), 1, 1, None), "Results", 214),
            1 - i / 40,
            0.7 - i / 100,
            9 - i / 5,
        )
        for i, text in enumerate(texts)
    ]


def situation(found: list[Candidate], known: dict[str, float]) -> Situation:
    """One document of 100 000 tokens."""
    tokens: dict[Rung, int] = {"passages": 1_700, "sections": 5_000, "documents": 100_000, "corpus": 100_000}
    costs = {rung: Cost(dollars=size * 1e-7, basis="estimated") for rung, size in tokens.items()}
    return replace(sized(tokens, 128_000, costs, question=QUESTION, features=known), candidates=tuple(found[:8]))


def timed(work: Callable[[], object], times: int) -> dict[str, float]:
    """Milliseconds: median and 95th percentile, by the clock and of the thread's CPU.

    On a machine with other work the clock also counts the others' turns; the CPU's time does not.
    """
    found = []
    for _ in range(times):
        begun = time.perf_counter(), time.thread_time()
        work()
        found.append((time.perf_counter() - begun[0], time.thread_time() - begun[1]))
    told = {}
    for name, column in zip(("", "cpu_"), 1000 * np.array(found).T, strict=True):
        told[f"{name}median_ms"] = round(float(np.median(column)), 3)
        told[f"{name}p95_ms"] = round(float(np.percentile(column, 95)), 3)
    return told


@click.command()
@click.option("--times", default=500, show_default=True, help="Each part is measured that often.")
def main(times: int) -> None:
    """Measure each part of a decision."""
    found, policy = candidates(), Calibrated()

    def known() -> dict[str, float]:
        return features(QUESTION, found, {"report.txt": 470}, 100_000)

    seen = situation(found, known())
    tried = policy.decide(seen).model_copy(update={"route": "rag", "rung": "passages"})

    def all_() -> None:
        again = situation(found, known())
        policy.decide(again)
        policy.reconsider(again, tried)

    parts: dict[str, Callable[[], object]] = {
        "features": known,
        "whole": lambda: whole(seen),
        "decide": lambda: policy.decide(seen),
        "review": lambda: policy.review(seen, tried),
        "reconsider": lambda: policy.reconsider(seen, tried),
        "all": all_,
    }
    print_json(
        {"times": times, "k": Settings().retrieval.k, **{name: timed(run, times) for name, run in parts.items()}}
    )


if __name__ == "__main__":
    main()
