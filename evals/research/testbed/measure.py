"""Accuracy of the served testbed model by length and depth.

Run `python -m hybrid.evals.research.testbed.measure --url URL`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import click
from hybrid.evals.testbed import FOLDER, KINDS, REPLY, Kind, Prose, Sample, render, samples, words
from openai import OpenAI, OpenAIError
from tokenizers import Tokenizer

from hybrid.cli.main import guarded
from hybrid.errors import EngineError


@click.command()
@click.option("--url", required=True, help="A vLLM server that serves the model.")
@click.option("--length", "lengths", multiple=True, type=int, default=(256, 512, 1000))
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), default=("keys",))
@click.option("--count", default=20, show_default=True, help="samples in a cell")
def main(url: str, lengths: tuple[int, ...], kinds: tuple[Kind, ...], count: int) -> None:
    """Accuracy by length and depth, and on questions without an answer, on held-out prose."""
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    prose = Prose.of([(FOLDER / "prose.txt").read_text("utf-8")], words())
    reply = _served(url)

    def score(found: Iterator[Sample]) -> tuple[float, float]:
        chosen = list(islice(found, count))
        pairs = list(zip(chosen, reply([render(sample.prompt) for sample in chosen]), strict=True))
        right, cited = (sum(check) for check in zip(*((s.right(r), s.cites(r)) for s, r in pairs), strict=True))
        return right / count, cited / count

    depths = (0.0, 0.25, 0.5, 0.75, 1.0)
    click.echo(f"| kind | tokens | {' | '.join(f'{depth:.0%}' for depth in depths)} | cited | no answer |")
    click.echo("|" + "---|" * (len(depths) + 4))
    for kind in kinds:
        for length in lengths:
            cells = [score(samples(kind, length, depth, 1, tokenizer, prose)) for depth in depths]
            refused, _ = score(samples(kind, length, None, 1, tokenizer, prose, answerable=False))
            shown = " | ".join(f"{right:.2f}" for right, _ in cells)
            mean = sum(cited for _, cited in cells) / len(cells)
            click.echo(f"| {kind} | {length} | {shown} | {mean:.2f} | {refused:.2f} |")


def _served(url: str) -> Callable[[list[str]], list[str]]:
    """Replies of the model on a vLLM server.

    Raises:
        EngineError: none answers there.
    """
    client = OpenAI(base_url=url, api_key="none", timeout=600)

    def told(ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (OpenAIError, AttributeError, LookupError, TypeError, ValueError) as error:  # or no model server
            said = " ".join(str(error).split())[:200].rstrip(".")
            raise EngineError(f"No server of the model answers at {url} ({said}): start one with hybrid up.") from None

    name = told(lambda: client.models.list().data[0].id)

    def reply(prompts: list[str]) -> list[str]:
        asked: dict[str, Any] = {"model": name, "prompt": prompts, "max_tokens": REPLY, "temperature": 0}
        choices = told(lambda: client.completions.create(**asked).choices)
        return [choice.text for choice in sorted(choices, key=lambda choice: choice.index)]

    return reply


if __name__ == "__main__":
    sys.exit(guarded(main))
