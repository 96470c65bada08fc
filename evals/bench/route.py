"""`POST /v1/route` over a large index: `python -m hybrid.evals.bench.route --passages 100000`.

The index is made as by `hybrid.evals.bench.scale`: random words and vectors, since only sizes matter; the questions are
embedded by the real model. The service answers over its socket, in this process.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path

import click
import httpx
import numpy as np
import uvicorn
from hybrid.evals.bench.scale import TOKENS, asked, built

from hybrid.index.chunking import Chunker
from hybrid.serve.app import app
from hybrid.serve.service import Service
from hybrid.serve.start import listening
from hybrid.session.hybrid import Hybrid
from hybrid.settings import PassageSettings, ServeSettings, load
from hybrid.settings.names import STORES


@click.command()
@click.option("--passages", default=100_000, show_default=True, help="Of the index.")
@click.option(
    "--questions", default=300, show_default=True, help="One after the other; the first tenth is not counted."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def main(passages: int, questions: int, as_json: bool) -> None:
    """Measure decisions over the wire."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "index"
        made = built(place, passages)
        with Hybrid(load(environ={})) as hybrid:
            settings = ServeSettings(uploads=str(Path(folder) / "uploads"), watch=False)
            service = Service(hybrid, settings)
            chunker = Chunker(hybrid.embedder, PassageSettings(tokens=TOKENS))
            service.shelf.put("large", ["."]).store = STORES["sqlite"](place, hybrid.embedder, chunker, create=False)
            times = _asked(service, questions)
    found = np.quantile(times[len(times) // 10 :], [0.5, 0.95])
    told = {"passages": made, "questions": len(times), "median_ms": round(found[0], 1), "p95_ms": round(found[1], 1)}
    print(
        json.dumps(told) if as_json else ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())
    )


def _asked(service: Service, questions: int) -> list[float]:
    """Milliseconds of each decision, from request to reply."""
    socket_ = listening(ServeSettings(port=0))
    server = uvicorn.Server(uvicorn.Config(app(service), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket_]})
    thread.start()
    times = []
    with httpx.Client(base_url=f"http://127.0.0.1:{socket_.getsockname()[1]}", timeout=60) as client:
        for question in asked(questions):
            begun = time.perf_counter()
            client.post("/v1/route", json={"model": "large", "question": question}).raise_for_status()
            times.append((time.perf_counter() - begun) * 1000)
    server.should_exit = True
    thread.join()
    return times


if __name__ == "__main__":
    main()
