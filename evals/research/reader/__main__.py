"""Makes, trains and measures the reader: `python -m hybrid.evals.research.reader make|train|measure --help`.

    make     the samples, as tokens of a model's own chat template, out of public data
    train    an adapter, in peft's files; the same call goes on where an earlier one was stopped
    measure  answers of the quoting engine, the reader and the model without an adapter, by the product's own way

The model is any that `engine.kind = "local"` loads; `make smollm2` brings the one that the carried adapter is for.
"""

from __future__ import annotations

from pathlib import Path

import click
from hybrid.evals.bench.tables import table
from hybrid.evals.cli.common import DATA, FOLDER

from hybrid.cli.common import print_json
from hybrid.cli.dash import Place

MODEL = click.option("--model", default="build/smollm2", show_default=True, help="A folder, GGUF file or hub name.")
WORK = click.option("--work", type=Place(path_type=Path), default="build/reader", show_default=True, help="Folder.")
CARRIED = Path(__file__).parent


@click.group()
def main() -> None:
    """A LoRA adapter that makes a small model answer from numbered passages."""


@main.command()
@DATA
@MODEL
@WORK
@click.option("--share", default=1.0, show_default=True, help="Of the samples that can be made; less for a trial.")
@click.option("--seed", default=0, show_default=True)
def make(data: Path, model: str, work: Path, share: float, seed: int) -> None:
    """Make the samples."""
    from hybrid.evals.research.reader.samples import Maker, encode
    from hybrid.evals.research.reader.sources import SHARED

    maker = Maker(data, share, seed)
    encode(maker.all(), model, work, click.echo)
    click.echo(
        f"{maker.out.left_out:,} passages were left out, as they share {SHARED} words in a row with what is kept out"
    )


@main.command()
@MODEL
@WORK
@click.option("--out", type=Place(path_type=Path), required=True, help="Folder of the adapter.")
@click.option("--start", type=FOLDER, help="Go on from an adapter that was trained before.")
@click.option("--steps", default=900, show_default=True, help="In all; the rate falls to the last.")
@click.option("--tokens", default=4096, show_default=True, help="Of a step: 32768 on a GPU with 80 GB.")
@click.option("--rate", default=1.5e-3, show_default=True, help="Of learning, at its highest.")
@click.option("--every", default=50, show_default=True, help="Steps after which it is saved.")
@click.option("--device", default="auto", show_default=True)
@click.option("--seed", default=0, show_default=True)
def train(work: Path, out: Path, start: Path | None, model: str, device: str, **plan: float) -> None:
    """Train an adapter."""
    from hybrid.evals.research.reader.training import Plan, train

    train(work, model, out, Plan(**plan), start=start, device=device, say=click.echo)  # type: ignore[arg-type]


@main.command()
@DATA
@MODEL
@click.option("--adapter", type=FOLDER, default=CARRIED, help="Default: the carried one.")
@click.option("--n", default=60, show_default=True, help="Questions of each set.")
@click.option("--base", default=25, show_default=True, help="Questions of each set for the model without an adapter.")
@click.option("--set", "only", multiple=True, help="Default: all of them.")
@click.option("--answers", type=Place(path_type=Path), default="build/reader/answers.jsonl", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def measure(
    data: Path, model: str, adapter: Path, n: int, base: int, only: tuple[str, ...], answers: Path, as_json: bool
) -> None:
    """Measure answers; the same call goes on where an earlier one was stopped."""
    from hybrid.evals.research.reader.measuring import MEASURES, ROOM, Way, ask, rows, shown

    local = {"kind": "local", "model": model, "max_tokens": ROOM}
    ways = [
        Way("quoting", {}, n),
        Way("reader", {**local, "adapter": str(adapter)}, n),
        Way("without adapter", local, base),
    ]
    ask(ways, data, answers, lambda text: click.echo(text, err=True), only)
    found = rows(answers)
    if as_json:
        print_json(found)
    else:
        table(["set", "arm", "n / documents", *MEASURES, "F1 over quoting"], shown(found))


if __name__ == "__main__":
    main()
