"""Why a question goes which way, what each way was expected to bring and to cost, and what a preference changes.

Decided for a model on a GPU that are only named: nothing is asked, and neither has to be here. Offline:
python examples/routing_explained.py. The same from the command line: hybrid route QUESTION PATH --model qwen3-8b
"""

from __future__ import annotations

from pathlib import Path

from hybrid import Hybrid, load
from hybrid.engines.planned import Planned
from hybrid.index.embedding import Embedder

FILING = Path(__file__).parent / "filing" / "genprex-10-q-2024-q1.txt"
MODEL, GPU = "qwen3-8b", "h100"
QUESTIONS = (
    "What was the net loss for the three months ended March 31, 2024?",
    "Summarise the risks that the company sees in its clinical trials.",
    "How do the research expenses of 2024 compare with those of 2023, and why?",
)

if __name__ == "__main__":
    routes: dict[str, list[str]] = {question: [] for question in QUESTIONS}
    for prefer in ("cost", "balance", "accuracy"):
        settings = load(overrides={"cost": {"shape": MODEL, "gpu": GPU}, "routing": {"prefer": prefer}})
        with Hybrid(settings, engine=Planned(MODEL, Embedder(settings.embedder))) as hybrid:
            for question in QUESTIONS:
                decision = hybrid.decide(question, FILING)
                routes[question].append(f"{prefer}: {decision.route}")
                if prefer == "balance":
                    print(f"\n{question}\n  {decision.route} ({decision.rung}): {decision.reason}")
                    for way in decision.predictions:
                        right = decision.expected.get(way.rung)
                        chance = "" if right is None else f", expected right: {right:.0%}"
                        print(f"    {way.rung:<9} {way.prompt_tokens:>7,} tokens, ${way.cost.dollars:.2g}{chance}")
    print("\nwith --prefer")
    for question, found in routes.items():
        print(f"  {', '.join(found):<46} {question}")
