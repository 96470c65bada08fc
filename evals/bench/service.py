"""The service under load: `python -m hybrid.evals.bench.service --seconds 120`.

An engine that answers in 50 ms, a real `hybrid serve`, and clients at once, each with its own questions. First all of
them ask as fast as they are answered: no answer may be lost, none may be another's, and memory has to stay flat. Then
they ask with pauses, at a share of the rate that the machine has just shown, which is when the service's own share of
the time can be told from waiting for a core: what a client waits less what the question took inside, by the timings
that come with the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx
import numpy as np

_ENGINE_SECONDS = 0.05
_SHARE = 0.4  # of the shown rate, at which overhead is measured
_DOCUMENTS, _LINES = 40, 60


@dataclass
class Seen:
    """What the clients saw."""

    waited: list[float] = field(default_factory=list)  # seconds
    own: list[float] = field(default_factory=list)  # of them, the service's
    asked: int = 0
    wrong: list[str] = field(default_factory=list)


@click.command()
@click.option("--clients", default=100, show_default=True, help="At once.")
@click.option("--seconds", default=120.0, show_default=True, help="Of each of the two parts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def main(clients: int, seconds: float, as_json: bool) -> None:
    """Measure the service with many clients at once."""
    with tempfile.TemporaryDirectory() as folder, _engine() as engine, _service(Path(folder), engine, clients) as found:
        url, process = found
        memory: list[float] = []
        fast = asyncio.run(_load(url, clients, seconds, 0.0, process, memory))
        rate = len(fast.waited) / seconds
        calm = asyncio.run(_load(url, clients, seconds, clients / (rate * _SHARE), process, []))
    told = {
        "clients": clients,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "answers": len(fast.waited),
        "answers_per_second": round(rate, 1),
        "lost_or_wrong": fast.asked
        - len(fast.waited)
        + len(fast.wrong)
        + calm.asked
        - len(calm.waited)
        + len(calm.wrong),
        "first_wrong": (fast.wrong + calm.wrong)[:3],
        "memory_mb": {"after a tenth": _at(memory, 0.1), "at the end": _at(memory, 1.0)},
        "waited_ms": _quantiles(fast.waited),
        "paced_per_second": round(len(calm.waited) / seconds, 1),
        "paced_waited_ms": _quantiles(calm.waited),
        "overhead_ms": _quantiles(calm.own),
    }
    if as_json:
        print(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        print(f"{name.replace('_', ' ')}: {value}")


async def _load(url: str, clients: int, seconds: float, pause: float, process: int, memory: list[float]) -> Seen:
    """Clients that ask until the time is up, each question with a number that the answer has to bring back."""
    seen, ends = Seen(), time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=clients + 4, max_keepalive_connections=clients + 4)

    async def one(client: httpx.AsyncClient, number: int) -> None:
        await asyncio.sleep(pause * number / clients)
        count = 0
        while time.perf_counter() < ends:
            count += 1
            seen.asked += 1
            mark = f"{number * 1_000_000 + count}"
            body = {"model": "notes", "messages": [{"role": "user", "content": f"Which colour has the door {mark}?"}]}
            begun = time.perf_counter()
            reply = await client.post(f"{url}/v1/chat/completions", json=body)
            waited = time.perf_counter() - begun
            if reply.status_code != 200 or f"<{mark}>" not in reply.json()["choices"][0]["message"]["content"]:
                seen.wrong.append(reply.text[:200])
                continue
            seen.waited.append(waited)
            seen.own.append(waited - sum(reply.json()["hybrid"]["timings"].values()))
            await asyncio.sleep(max(0.0, begun + pause - time.perf_counter()))

    async def watch() -> None:
        while time.perf_counter() < ends:
            memory.append(_resident(process))
            await asyncio.sleep(1.0)

    async with httpx.AsyncClient(timeout=120, limits=limits) as client:
        await asyncio.gather(watch(), *(one(client, number) for number in range(1, clients + 1)))
    return seen


@contextmanager
def _service(folder: Path, engine: str, clients: int) -> Iterator[tuple[str, int]]:
    """A real service over some made notes."""
    notes = folder / "notes"
    notes.mkdir()
    for i in range(_DOCUMENTS):
        lines = [
            f"The door {i * _LINES + j} is painted in colour {j % 7} and opens to room {j}." for j in range(_LINES)
        ]
        (notes / f"{i}.txt").write_text("\n\n".join(lines), "utf-8")
    settings = {"ENGINE_CONCURRENCY": str(clients), "SERVE_AT_ONCE": str(clients), "SERVE_UPLOADS": str(folder / "up")}
    environment = {**os.environ, **{f"HYBRID_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "hybrid", "serve", str(notes), "--url", engine, "--port", "0", "--json", "--quiet"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [*command, "--policy", "rag"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**environment, "XDG_CACHE_HOME": str(folder / "cache")},
        ) as process,
    ):
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if line.startswith("}"):
                break
        if not told:
            raise click.ClickException((folder / "log").read_text()[-2000:])
        try:
            yield json.loads(told)["url"], process.pid
        finally:
            process.terminate()


@contextmanager
def _engine() -> Iterator[str]:
    """A model server in a process of its own."""
    code = "from hybrid.evals.bench.service import engine; engine()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def engine() -> None:
    """Serve a model that answers after 50 ms with the number in the question."""
    import re
    import socket

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "m", "object": "model", "max_model_len": 32_000}]})

    async def chat(request: Request) -> Response:
        text = (await request.json())["messages"][-1]["content"]
        mark = re.findall(r"door (\d+)\?", text)[-1]

        async def chunks() -> AsyncIterator[str]:
            await asyncio.sleep(_ENGINE_SECONDS)
            frame: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
            choice = {"index": 0, "delta": {"content": f"It is <{mark}> [1]."}, "finish_reason": "stop"}
            yield f"data: {json.dumps({**frame, 'choices': [choice]})}\n\n"
            usage = {"prompt_tokens": 1000, "completion_tokens": 5, "total_tokens": 1005}
            yield f"data: {json.dumps({**frame, 'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"

        return StreamingResponse(chunks(), media_type="text/event-stream")

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)
    routes = [Route("/v1/models", models), Route("/v1/chat/completions", chat, methods=["POST"])]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


def _quantiles(seconds: list[float]) -> dict[str, float]:
    found = np.quantile(np.array(seconds or [float("nan")]) * 1000, [0.5, 0.95, 0.99])
    return {name: round(float(value), 1) for name, value in zip(("p50", "p95", "p99"), found, strict=True)}


def _resident(process: int) -> float:
    """Megabytes that a process has in memory."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=False)
    return float(told.stdout or 0) / 1024


def _at(memory: list[float], share: float) -> float:
    return round(memory[min(len(memory) - 1, int(share * len(memory)))], 1) if memory else 0.0


if __name__ == "__main__":
    main()
