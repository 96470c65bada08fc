"""Two questions on one long document, asked of a model in this process.

Run `python -m hybrid.evals.bench.local --model FOLDER --data DIR --tokens 6000 --tokens 9000 --window 32768`.

The document is the beginning of SQuALITY's stories, with a sentence put at a third of it; the first question asks for
that sentence, the second for something else. CPU seconds are the process's, and the memory is the most that it had
until then.
"""

from __future__ import annotations

import resource
from pathlib import Path

import click
from hybrid.evals.bench.tables import table
from hybrid.evals.cli.common import FOLDER

from hybrid.chat.prompts import Prompt
from hybrid.cli.common import print_json
from hybrid.engines.local.engine import LocalEngine
from hybrid.files import read_lines
from hybrid.settings import EngineSettings
from hybrid.types import Piece

FACT = "The old bridge over the Maronne was built in 1932."
QUESTIONS = ("In which year was the old bridge over the Maronne built?", "Who speaks first in the story?")


@click.command()
@click.option("--model", required=True, help="A folder, a GGUF file or a hub name.")
@click.option("--adapter", type=FOLDER, help="Of the model.")
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the data sets.")
@click.option("--tokens", multiple=True, type=int, default=(6000,), show_default=True, help="Of the document.")
@click.option("--window", type=int, help="Of the engine; default: the model's own.")
@click.option("--most", default=24, show_default=True, help="Tokens of an answer.")
@click.option("--json", "as_json", is_flag=True)
def main(
    model: str, adapter: Path | None, data: Path, tokens: tuple[int, ...], window: int | None, most: int, as_json: bool
) -> None:
    """Ask both questions at every length."""
    stories = [story["document"] for story in read_lines(data / "squality" / "squality_v1-3.dev.jsonl.gz")]
    rows = []
    for length in tokens:
        added = None if adapter is None else str(adapter)
        engine = LocalEngine(EngineSettings(kind="local", model=model, adapter=added, window=window))
        piece = Piece("stories", _with_fact(engine, "\n\n".join(stories), length), 0)
        for question in QUESTIONS:
            found = engine.ask(Prompt(question, (piece,)), max_tokens=most)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # of KiB
            row = {"length": length, "question": question, "text": found.text, "peak GiB": peak}
            rows.append(row | found.usage.model_dump())
    if as_json:
        print_json(rows)
        return
    keys = ("prompt_tokens", "cached_tokens", "prefill_seconds", "cpu_seconds", "peak GiB", "text")
    table([*keys], [[_shown(one[key]) for key in keys] for one in rows])


def _with_fact(engine: LocalEngine, text: str, tokens: int) -> str:
    """The beginning of a text, about so many tokens, with the fact at a third of it."""
    each = engine.count([text[:20_000]])[0] / 20_000
    text = text[: round(tokens / each)]
    place = text.index(". ", len(text) // 3) + 2
    return f"{text[:place]}{FACT} {text[place:]}"


def _shown(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
