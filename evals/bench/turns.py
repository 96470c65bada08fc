"""The time that two servers on one machine lose when a router asks them in turn: `python -m hybrid.evals.bench.turns`.

    hybrid up examples/testbed --context 4096 -- --enforce-eager
    python -m hybrid.evals.bench.turns http://127.0.0.1:8000/v1 http://127.0.0.1:8001/v1

With VLLM_CPU_OMP_THREADS_BIND=auto before `hybrid up`, both servers take the cores that vLLM chooses, which are the
same. A request alone is sent after a pause in which the other server's threads have stopped spinning.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import click
import numpy as np
from hybrid.evals.testbed import FOLDER

from hybrid.cli.main import guarded
from hybrid.errors import EngineError

PAUSE = 1.5  # seconds; vLLM's workers spin for one
_SHORT, _LONG = 150, 2000  # words


@click.command()
@click.argument("native")
@click.argument("extended")
@click.option("--rounds", default=10, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(native: str, extended: str, rounds: int, seed: int) -> None:
    """Seconds of a short prompt on NATIVE and a long one on EXTENDED (base URLs), alone and right after the other."""
    from openai import OpenAI, OpenAIError

    rng, words = random.Random(seed), (FOLDER / "prose.txt").read_text("utf-8").split()
    seconds: dict[tuple[str, bool], list[float]] = {}

    def drawn(count: int) -> str:
        at = rng.randrange(len(words) - count)
        return " ".join(words[at : at + count])

    def ask(client: Any, prompt: str, kind: str, *, alone: bool) -> None:
        time.sleep(PAUSE if alone else 0)
        start = time.perf_counter()
        client.completions.create(model=names[client], prompt=prompt, max_tokens=16, temperature=0)
        seconds.setdefault((kind, alone), []).append(time.perf_counter() - start)

    short, long = (OpenAI(base_url=url, api_key="none", timeout=120, max_retries=0) for url in (native, extended))
    try:
        names = {client: client.models.list().data[0].id for client in (short, long)}
        for turn in range(rounds + 1):
            for alone in (False, True):
                text = drawn(_LONG)
                ask(short, drawn(_SHORT), "", alone=False)  # so that the long one comes right after it
                ask(long, text, "long, cold", alone=alone)
                ask(short, drawn(_SHORT), "short", alone=alone)
                ask(long, f"{text} and", "long, cached", alone=alone)
            if not turn:
                seconds.clear()  # warming up
    except OpenAIError as error:
        raise EngineError(f"A server does not answer ({type(error).__name__}): start both with hybrid up.") from None
    for kind in ("short", "long, cold", "long, cached"):
        told = [np.array(seconds[kind, alone]) for alone in (True, False)]
        shown = [f"{each.mean():.3f} ({each.min():.3f} to {each.max():.3f})" for each in told]
        times = told[1].mean() / told[0].mean()
        click.echo(f"{kind:12} alone {shown[0]} s, in turn {shown[1]} s, {times:.1f} times, n = {rounds}")


if __name__ == "__main__":
    sys.exit(guarded(main))
