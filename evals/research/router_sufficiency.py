"""Sufficiency by one token's probability: what a small model that reads the passages would tell the router.

Run `python -m hybrid.evals.research.router_sufficiency --data ../shared/data/lara --out FILE`. The same call goes on
where an earlier one was stopped; questions are asked in a drawn order, so what a stopped call leaves is even.

The model reads the three best passages of a question of the first half of LaRA's documents, and gives two figures, each
by the model as it is and with an adapter:

yes        the logarithm of the odds of yes against no, asked whether the texts contain the answer
answers    the logarithm of the odds that the reply to the product's own prompt does not begin as a refusal does

Printed is the area under the curve of each, and what it adds to the router as `router_trials` has it: cross-validated
on whole groups of documents, at an equal share of the long route's tokens. Intervals (95 %) draw groups. The second
half of the documents is not even searched, and no question is asked on a document that the adapter was trained on. It
was trained on the same kinds of questions on others, so that it may also know how LaRA words what has no answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
from hybrid.evals.bench.tables import table
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.metrics.words import content_words
from hybrid.evals.research.reader.sources import kept_out
from hybrid.evals.research.router_data import Floats, rows, searched
from hybrid.evals.research.router_trials import SHARE, Fit, Marks, Places, Trials, interval

from hybrid.chat.prompts import Prompt, block, defuse
from hybrid.chat.refusals import ABSTAIN
from hybrid.engines.local.engine import LocalEngine
from hybrid.files import read_lines
from hybrid.routing.weights import NEEDS
from hybrid.settings import EngineSettings
from hybrid.types import Piece

READ = 3  # passages: what a model of this size reads in a few seconds without a GPU
CARRIED = Path(__file__).parent / "reader"
_LEAST = 1e-6  # of a chance, so that its logarithm is no less than -14
_RIGHT = 0.5  # of the right answer's content words
_YES, _NO = ("Yes", "yes"), ("No", "no")


@dataclass(frozen=True, slots=True)
class Suffices(Prompt):
    """Asks whether the pieces contain the answer, and for no more than a yes or no."""

    def body(self) -> str:
        """The user's message, which begins as that of a `Prompt` for the same pieces."""
        asked = "Do the texts above contain the answer to the question below? Reply with one word, yes or no."
        texts = [block(piece, number) for number, piece in enumerate(self.pieces, 1)]
        return "\n\n".join([*texts, f"{asked}\n\nQuestion: {defuse(self.question.strip())}"])


def read(engine: LocalEngine, question: str, pieces: tuple[Piece, ...]) -> dict[str, float]:
    """Both figures of a model, the tokens that it read for them and its CPU seconds."""
    found, first = engine.chances(Suffices(question, pieces), [*_YES, *_NO])
    (refuses,), second = engine.chances(Prompt(question, pieces), [ABSTAIN])
    usage = first + second
    return {
        "yes": log(sum(found[:2]) + _LEAST) - log(sum(found[2:]) + _LEAST),
        "answers": log(1 - refuses + _LEAST) - log(refuses + _LEAST),
        "tokens": usage.prompt_tokens - usage.cached_tokens,
        "CPU seconds": usage.cpu_seconds or 0.0,
    }


def asked(data: Path, index: Path) -> Iterator[tuple[dict[str, Any], tuple[Piece, ...]]]:
    """The questions of the first half in a drawn order, each with its line of the table and its passages."""
    found = []
    for one in searched(data, index, half=0):
        if not kept_out(one.line["document"]):
            continue
        passages = [candidate.passage for candidate in one.candidates[:READ]]
        held = content_words(" ".join(p.text for p in passages), [one.answer]) if one.line["task"] != "hallu" else 0.0
        pieces = tuple(Piece(p.document, p.text, p.start, p.heading) for p in passages)
        found.append((one.line | {"held": round(held, 4)}, pieces))
    yield from Random(0).sample(found, len(found))


def ask(engines: Mapping[str, LocalEngine], data: Path, index: Path, out: Path, minutes: float) -> None:
    """Have every model read every question's passages, a line of `out` a question, until the time is over."""
    done = {_key(line) for line in read_lines(out)} if out.exists() else set()
    until = time.monotonic() + 60 * minutes
    with out.open("a", encoding="utf-8") as stream:
        for line, pieces in asked(data, index):
            if _key(line) in done:
                continue
            if time.monotonic() > until:
                return
            readings = {name: read(engine, line["question"], pieces) for name, engine in engines.items()}
            stream.write(json.dumps(line | {"readings": readings}, ensure_ascii=False) + "\n")
            stream.flush()


def _key(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return line["size"], line["document"], line["question"]


def area(score: Floats, label: Marks, weights: Floats) -> Floats:
    """The area under the curve of a score for a label, for each draw of weights, of shape (draws, questions)."""
    above, below = score[label][:, None], score[~label][None]
    ahead = (above > below) + 0.5 * (above == below)
    up, down = weights[:, label], weights[:, ~label]
    return np.asarray(((up @ ahead) * down).sum(1) / np.maximum(up.sum(1) * down.sum(1), 1e-9))


def areas(trial: Trials, held: Floats, signals: Mapping[str, Floats]) -> Iterator[list[str]]:
    """A line for each signal: how well it alone tells what is to be told."""
    answered, weights = trial.need != NEEDS.index("unanswerable"), trial.measured.weights
    right, models = trial.rag >= _RIGHT, range(trial.rag.shape[1])
    for name, score in signals.items():
        found = [
            np.mean([area(score, right[:, m], weights) for m in models], axis=0),
            np.mean([area(score[answered], right[answered, m], weights[:, answered]) for m in models], axis=0),
            area(score[answered], held[answered] >= _RIGHT, weights[:, answered]),
            area(score, answered, weights),
        ]
        yield [name, *("{:.2f} ({:.2f} to {:.2f})".format(f[0], *np.percentile(f[1:], [2.5, 97.5])) for f in found)]


def remembered(fit: Fit) -> Fit:
    """A fit whose results are kept: all corrections begin with the same."""
    known: dict[tuple[bytes, bytes], dict[str, Floats]] = {}

    def found(inside: Places, told: Places) -> dict[str, Floats]:
        key = inside.tobytes(), told.tobytes()
        if key not in known:
            known[key] = fit(inside, told)
        return dict(known[key])

    return found


def added(trial: Trials, signals: Mapping[str, Floats], share: float) -> Iterator[list[str]]:
    """A line for each signal, and one for all of them: points more than with the features, told in three ways."""
    own = trial.features
    base = remembered(trial.needs_fitted(own))
    plain, corrected = trial.figure(base, share), trial.figure(trial.corrected(base, own, 400.0), share)
    yield ["the 26 features", interval(plain), "", interval(corrected)]
    for name, columns in {**signals, "all of them": np.column_stack(list(signals.values()))}.items():
        part = columns.reshape(len(own), -1)
        both = np.column_stack([own, part])
        fits = (trial.needs_fitted(both), trial.corrected(base, part, 200.0), trial.corrected(base, both, 400.0))
        found = [trial.figure(fit, share) for fit in fits]
        less = (plain, plain, corrected)
        yield [name, *(interval(one - other) for one, other in zip(found, less, strict=True))]


def show(data: Path, out: Path, share: float) -> None:
    """Print what was found."""
    lines = list(read_lines(out))
    trial = Trials(rows(data, out))
    held = np.array([line["held"] for line in lines])
    names = [(model, figure) for model in lines[0]["readings"] for figure in ("yes", "answers")]
    signals = {f"{f}, {m}": np.array([line["readings"][m][f] for line in lines]) for m, f in names}
    told = trial.crossed(trial.needs_fitted(trial.features))
    features = {"expected by the 26 features": np.mean([of["rag"] for of in told], axis=0)[:, 0]}
    print(f"{len(lines)} questions, {len(set(trial.group))} groups of documents")
    for model in lines[0]["readings"]:
        spent = {key: np.median([line["readings"][model][key] for line in lines]) for key in ("tokens", "CPU seconds")}
        print(f"{model}: {spent['tokens']:.0f} tokens and {spent['CPU seconds']:.1f} CPU seconds a question, median")
    heads = ["area under the curve", "passages answer right", "the same, where there is an answer", "they hold it"]
    table([*heads, "there is an answer"], list(areas(trial, held, {**signals, **features})))
    ways = ["told to the classifier of needs", "correcting the gain", "correcting it, with the features"]
    table([f"points, at {share:.0%} of the tokens", *ways], list(added(trial, signals, share)))


@click.command()
@click.option("--data", type=FOLDER, required=True, help="folder lara/")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--index", type=click.Path(path_type=Path), default="lara-index", help="folder where indexes are kept")
@click.option("--model", default="build/smollm2", show_default=True, help="A folder, GGUF file or hub name.")
@click.option("--adapter", type=FOLDER, default=CARRIED, help="Default: the carried one.")
@click.option("--minutes", default=600.0, show_default=True, help="After which no other question is asked.")
@click.option("--share", default=SHARE, show_default=True, help="of the long route's tokens")
def main(data: Path, out: Path, index: Path, model: str, adapter: Path, minutes: float, share: float) -> None:
    """Ask a small model whether passages suffice, and try what it tells."""
    plain: Mapping[str, Any] = {"kind": "local", "model": model}
    ways = {"without adapter": plain, "reader": {**plain, "adapter": str(adapter)}}
    ask({name: LocalEngine(EngineSettings(**way)) for name, way in ways.items()}, data, index, out, minutes)
    show(data, out, share)


if __name__ == "__main__":
    main()
