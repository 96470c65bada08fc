"""A router fitted to your own records: both routes answered the same questions, half of the documents judge the fit.

The records are of `make testbed`: what a small model on real vLLM made of 240 questions on short texts, by passages and
by the whole. Yours are made with `hybrid eval run`, or in use with routing.explore. Offline.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hybrid.cli.calibrate import calibrate
from hybrid.cli.main import guarded
from hybrid.routing.policies.calibrated import Calibrated
from hybrid.routing.records import read
from hybrid.routing.weights import carried, load

RECORDS = Path(__file__).parent / "testbed" / "records.jsonl.gz"

if __name__ == "__main__":
    answered = read(RECORDS)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "hybrid-router.json"
        guarded(calibrate, ["router", str(RECORDS), "--output", str(file)])
        fitted = {"fitted": load(file)} if file.is_file() else {}  # nothing is written where a fixed way is worth more
        for name, weights in {"carried": carried(), **fitted}.items():
            decisions = [Calibrated(weights).decide(one.situation()) for one in answered]
            print(f"\n{name}: begins with {dict(Counter(decision.rung for decision in decisions))}")
            print(f"  {decisions[0].reason}")
