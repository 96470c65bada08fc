"""What calls are charged on a server that others use too, where it is known what is right.

    python -m hybrid.evals.bench.shared --vllm .vllm/bin/vllm

It starts a real vLLM with the carried small model. Others ask it without a pause, so that a call among N of them has
1/(N + 1) of each step. Then two clients that do not know of each other ask at once, and what both are charged together
is told beside the time in which the server had a request of theirs.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import openai
from hybrid.evals.bench.affinity import CONTEXT, FLAGS, prompts
from hybrid.evals.bench.tables import Row, row, show
from hybrid.evals.testbed import FOLDER

from hybrid.chat.prompts import Prompt
from hybrid.cost.meter import Meter
from hybrid.engines.server import Server
from hybrid.model.read import read_model
from hybrid.serving.pair import plan
from hybrid.serving.placement import cores, place
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import find
from hybrid.session.calls import Calls
from hybrid.settings import CostSettings, EngineSettings
from hybrid.types import Usage

KINDS = {"long answers": (40, 2000), "short answers": (100, 24), "new documents": (3000, 2)}  # letters, tokens
OUTPUT = 64


@contextmanager
def others(url: str, model: str, count: int, kind: str) -> Iterator[None]:
    """So many clients that ask without a pause meanwhile; what they ask is in no cache."""
    letters, tokens = KINDS[kind]
    over = threading.Event()

    def ask(number: int) -> None:
        rng = random.Random(number)
        with openai.OpenAI(base_url=url, api_key="none", timeout=60) as client:
            while not over.is_set():
                text = "".join(rng.choices("abcdefghij ", k=letters))
                with client.completions.create(
                    model=model, prompt=text, max_tokens=tokens, stream=True, extra_body={"ignore_eos": True}
                ) as stream:
                    any(over.is_set() for _ in stream)

    with ThreadPoolExecutor(max(1, count)) as pool:
        for number in range(count):
            pool.submit(ask, number)
        time.sleep(2.0)
        try:
            yield
        finally:
            over.set()


def parts(url: str, model: str, made: Sequence[Prompt]) -> Iterator[Row]:
    """The part that calls are charged among others who are always at work."""
    for kind in KINDS:
        for count in (0, 1, 3):
            salt = f"{kind} {count}"
            engine = Server(EngineSettings(kind="server", url=url, model=model, shared=True, cache_salt=salt))
            with others(url, model, count, kind):
                found = [engine.ask(prompt, max_tokens=OUTPUT).part for prompt in made]
            yield row(f"right: {1 / (count + 1):.2f}", f"{count} with {kind}", "part", found)


def charges(url: str, model: str, made: Sequence[Prompt]) -> Iterator[Row]:
    """What two clients are charged together, over the time that the server worked on them."""
    for shared in (False, True):
        clients = [
            (Server(EngineSettings(kind="server", url=url, model=model, shared=shared, cache_salt=f"{shared}{i}")), i)
            for i in range(2)
        ]
        both, charged = Meter(), [0.0, 0.0]

        def ask_all(client: tuple[Server, int], both: Meter = both, charged: list[float] = charged) -> None:
            engine, place_ = client
            calls = Calls(CostSettings(), [engine])
            for prompt in made:
                usages: list[Usage] = []
                with both.call() as one:
                    calls.ask(engine, prompt, OUTPUT, usages)
                    one.told_seconds = usages[0].told_seconds
                charged[place_] += usages[0].shared_seconds or 0.0

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(ask_all, clients))
        way = "engine.shared" if shared else "not corrected"
        busy = both.spent().busy_seconds
        yield row("two clients, right: 1.00", way, "charged/busy", [sum(charged) / busy]) | {"n": 2 * len(made)}


@click.command()
@click.option("--vllm", help="vLLM's program; default: on PATH.")
@click.option("-n", "--calls", default=20, show_default=True, type=click.IntRange(1), help="For each figure.")
@click.option("--port", default=8300, show_default=True, type=click.IntRange(1, 65535))
@click.option("--json", "as_json", is_flag=True)
def main(vllm: str | None, calls: int, port: int, as_json: bool) -> None:
    """Start the server, ask, and stop it."""
    program = find(vllm)
    known = read_model(str(FOLDER))
    planned, _ = plan(known, str(FOLDER), CONTEXT, only="extended", name="testbed", port=port, extra=FLAGS)
    (served,), _ = place(planned, [], cores() if program.cpu else ())
    made = prompts(calls, 1, 0)
    with TemporaryDirectory() as logs:
        say = lambda text: click.echo(text, err=True)  # noqa: E731
        with Servers([served], program, Path(logs), say=say, probe=False) as running:
            running.start()
            for prompt in made[:3]:  # the first calls of a server are slow
                Server(EngineSettings(kind="server", url=served.url)).ask(prompt, max_tokens=OUTPUT)
            rows = [*parts(served.url, served.name, made), *charges(served.url, served.name, made)]
    show(rows, as_json)


if __name__ == "__main__":
    main()
