"""A router fitted to your own records: both routes answer your questions, and half of the documents judge the fit.

The records here are made on the spot: rents hidden in ten stretches of a story, a short passage and the whole read for
each. With your own documents and a model behind `engine.url` the same lines apply. Offline.
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

from hybrid import Hybrid, load
from hybrid.cli.calibrate import calibrate
from hybrid.cli.main import guarded

STORY = (Path(__file__).parent / "testbed" / "prose.txt").read_text("utf-8").split(". ")
TOWNS = "Lima Cairo Oslo Quito Dakar Hanoi Perth Turin".split()

if __name__ == "__main__":
    rng, rows = random.Random(0), []
    with Hybrid(load(overrides={"retrieval": {"k": 1}})) as hybrid:
        for n in range(10):
            rents, text = {town: str(rng.randint(1000, 9999)) for town in TOWNS[:6]}, STORY[n * 25 : n * 25 + 25]
            for town, rent in rents.items():
                text.insert(rng.randrange(len(text)), f"In {town} the office costs {rent} dollars a month")
            corpus = hybrid.open({f"text {n}": ". ".join(text)})
            asked = [[town] for town in TOWNS] + [rng.sample(TOWNS[:6], 2) for _ in range(4)]  # two are not there
            questions = {f"How many dollars does the office cost in {' and in '.join(t)}?": t for t in asked}
            for route in ("rag", "long"):
                for found in hybrid.answer_many(list(questions), corpus, route=route):
                    gold = [rents.get(town, "") for town in questions[found.question]]
                    right = all(rent in found.text for rent in gold) if all(gold) else found.abstained
                    rows.append({"question": found.question, "document": f"text {n}", "route": route})
                    rows[-1] |= {"score": float(right), "features": found.decision.features}
                    rows[-1] |= {"tokens": found.usage.prompt_tokens, "abstained": found.abstained}
    with tempfile.TemporaryDirectory() as place:
        (records := Path(place) / "records.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
        guarded(calibrate, ["router", str(records), "--output", str(Path(place) / "hybrid-router.json")])
