"""How much of the prompts several servers find in their caches, by who chooses the server.

    python -m hybrid.evals.bench.affinity --vllm .vllm/bin/vllm --router env/bin/vllm-router

It starts real vLLM servers with the carried small model, extended, and vllm-router in front of them. Documents are
asked about several times, in a mixed order, some at once. Every way of choosing gets the same questions and has a cache
salt of its own, and so begins with nothing cached. A share of cached tokens is of all prompt tokens, as vLLM counts
them for each request.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from hybrid.evals.bench.tables import Row, written
from hybrid.evals.testbed import FOLDER

from hybrid.chat.prompts import Prompt
from hybrid.engines.affinity import prefix_key
from hybrid.engines.base import Engine
from hybrid.engines.make import server
from hybrid.engines.replicas import Replicas
from hybrid.engines.server import Server
from hybrid.model.read import read_model
from hybrid.serving.pair import plan
from hybrid.serving.placement import cores, place
from hybrid.serving.router import behind_routers, find_router
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import find
from hybrid.settings import EngineSettings
from hybrid.types import Piece, Usage

CONTEXT = 4096  # tokens of the extended window
LETTERS = 5_000  # of a document
OUTPUT = 8  # tokens of an answer
FLAGS = ("--dtype", "bfloat16", "--enforce-eager", "--max-num-seqs", "8")
Ask = Callable[[Prompt], Usage]


def prompts(documents: int, questions: int, seed: int, hot: int = 0) -> list[Prompt]:
    """Questions on stretches of the carried prose, in a mixed order.

    Args:
        hot: times that the first document is asked about more.
    """
    prose = (FOLDER / "prose.txt").read_text(encoding="utf-8")
    step = max(1, (len(prose) - LETTERS) // documents)
    texts = [prose[at * step : at * step + LETTERS] for at in range(documents)]
    made = [
        Prompt(f"What is said of number {number}?", (Piece(f"part {at}", text, 0),))
        for at, text in enumerate(texts)
        for number in range(questions + (hot if at == 0 else 0))
    ]
    random.Random(seed).shuffle(made)
    return made


def asked(way: str, ask: Ask, made: Sequence[Prompt], at_once: int, calls: Callable[[], Sequence[int]]) -> Row:
    """Ask everything, and tell how much was cached and how evenly the servers were asked."""
    before, begun = calls(), time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        usages = list(pool.map(ask, made))
    seconds = time.perf_counter() - begun
    total = sum(usage.prompt_tokens for usage in usages)
    spread = [now - was for now, was in zip(calls(), before, strict=True)]
    first = sorted(usage.first_token_seconds or usage.seconds for usage in usages)
    return {
        "way": way,
        "n": len(made),
        "prompt_tokens": total,
        "cached": sum(usage.cached_tokens for usage in usages) / total,
        "computed": total - sum(usage.cached_tokens for usage in usages),
        "busiest": max(spread) / max(1, sum(spread)),
        "seconds": seconds,
        "first_token": first[len(first) // 2],
    }


def ways(servers: Sequence[Served], router: str, made: Sequence[Prompt], at_once: int, seed: int) -> list[Row]:
    """The same questions, with each way of choosing a server."""

    def settings(salt: str, **where: Any) -> EngineSettings:
        return EngineSettings(kind="server", model=servers[0].name, cache_salt=f"{salt} {seed}", **where)

    def counts() -> list[int]:
        from hybrid.cost.prometheus import Counters

        time.sleep(0.5)  # counters move after a reply has gone out
        read = [Counters.read(one.url, one.name) for one in servers]
        return [round(one.values.get("vllm:request_success_total", 0)) for one in read]

    def of(engine: Engine) -> Ask:
        return lambda prompt: engine.ask(prompt, max_tokens=OUTPUT).usage

    def by(salt: str, choose: Callable[[Prompt], int]) -> Ask:
        engines = [Server(settings(salt, url=one.url)) for one in servers]
        return lambda prompt: engines[choose(prompt)].ask(prompt, max_tokens=OUTPUT).usage

    luck = random.Random(seed)
    urls = tuple(one.url for one in servers)
    affinity = Replicas(settings("affinity", urls=urls))
    tried: list[tuple[str, Ask]] = [
        ("random", by("random", lambda prompt: luck.randrange(len(servers)))),
        ("our affinity", of(affinity)),
        ("vllm-router, by document", of(server(settings("router", url=router), None))),  # type: ignore[arg-type]
        ("one server", by("one", lambda prompt: 0)),
    ]
    return [asked(way, ask, made, at_once, counts) for way, ask in tried]


@click.command()
@click.option("--vllm", help="vLLM's program; default: on PATH.")
@click.option("--router", "router_program", help="vllm-router's program; default: on PATH.")
@click.option("--servers", default=3, show_default=True, type=click.IntRange(2))
@click.option("--documents", default=24, show_default=True, type=click.IntRange(1))
@click.option("--questions", default=4, show_default=True, type=click.IntRange(1), help="On each document.")
@click.option("--hot", default=0, show_default=True, help="More questions on the first document.")
@click.option("--at-once", default=4, show_default=True, type=click.IntRange(1))
@click.option("--port", default=8300, show_default=True, type=click.IntRange(1, 60000))
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(servers: int, documents: int, questions: int, hot: int, at_once: int, as_json: bool, **options: Any) -> None:
    """Start the servers, ask, and stop them."""
    vllm = find(options["vllm"])
    program = find_router(options["router_program"], vllm)
    (native,), _ = plan(read_model(str(FOLDER)), str(FOLDER), CONTEXT, only="extended", name="testbed", extra=FLAGS)
    planned, routers = behind_routers([native], servers, program, host="127.0.0.1", port=options["port"])
    served, _ = place(planned, [], cores() if vllm.cpu else ())
    made = prompts(documents, questions, options["seed"], hot)
    with TemporaryDirectory() as logs:
        say = lambda text: click.echo(text, err=True)  # noqa: E731
        with Servers(served, vllm, Path(logs), say=say, probe=False, routers=routers) as running:
            running.start()
            for one in served:  # the first calls of a server are slow
                Server(EngineSettings(kind="server", url=one.url)).ask(Prompt("?", ()), max_tokens=OUTPUT)
            rows = ways(served, routers[0].url, made, at_once, options["seed"])
    keys = len({prefix_key(prompt) for prompt in made})
    columns: dict[str, Callable[[Row], str]] = {
        "way": lambda row: row["way"],
        "n": lambda row: f"{row['n']}",
        "cached": lambda row: f"{row['cached']:.3f}",
        "tokens computed": lambda row: f"{row['computed']:,}",
        "busiest server": lambda row: f"{row['busiest']:.0%}",
        "s": lambda row: f"{row['seconds']:.1f}",
        "first token s": lambda row: f"{row['first_token']:.3f}",
    }
    click.echo(f"{servers} servers, {keys} documents, {len(made)} questions, {at_once} at once", err=True)
    written(rows, columns, as_json)


if __name__ == "__main__":
    main()
