"""Figures of `hybrid` on a real GPU beside the engine's own counters: `python -m hybrid.evals.bench.gpu qwen3-4b`.

A carried shape is served with random weights by `hybrid up`: times are real, answers are noise. One document, repeated
to several lengths, is asked about by passages, whole and cold, and whole and cached. Charged seconds and estimates
stand beside the seconds that vLLM's own counters moved by. Then `hybrid calibrate cost` fits the rates, and a few
questions are asked at once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from hybrid.evals.bench.tables import HYBRID

from hybrid.cli.common import console
from hybrid.cost.prometheus import Counters
from hybrid.model.carried import carried
from hybrid.session.hybrid import Hybrid
from hybrid.settings import Settings
from hybrid.types import Answer, Route, Usage

FILING = Path(__file__).parents[2] / "examples" / "filing" / "genprex-10-q-2024-q1.txt"
TEMPLATE = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}<|assistant|>"
QUESTIONS = (
    "How much cash did the company have at the end of March 2024?",
    "Who is the chief executive officer?",
    "What were the research and development expenses in the quarter?",
)
INNER = {"qwen3-4b": 9728, "qwen3-8b": 12288, "qwen3-14b": 17408}  # width of the feed-forward layers


def write_shape(name: str, folder: Path) -> None:
    """A folder that vLLM loads with random weights: the carried shape, and a tokenizer padded to its vocabulary."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from tokenizers.decoders import ByteLevel

    config = {key: value for key, value in carried()[name].config.items() if key not in ("hub", "parameters")}
    config |= {"architectures": ["Qwen3ForCausalLM"], "intermediate_size": INNER[name], "dtype": "bfloat16"}
    config |= {"hidden_act": "silu", "rms_norm_eps": 1e-6, "bos_token_id": 0, "eos_token_id": 1}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=20_000,
        special_tokens=["<|bos|>", "<|eos|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([FILING.read_text("utf-8")], trainer)
    tokenizer.add_tokens([f"<{i}>" for i in range(tokenizer.get_vocab_size(), config["vocab_size"])])
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|bos|>", "eos_token": "<|eos|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told | {"chat_template": TEMPLATE}), "utf-8")


def busy(counted: Any) -> float | None:
    """Seconds of prefill and decoding by vLLM's counters, added up over requests."""
    both = counted.prefill, counted.decode
    return None if None in both else sum(one.seconds for one in both)


def row(answer: Answer, counted: Any, copies: int, kind: str) -> dict[str, Any]:
    """A question's figures: the engine's own, what was charged, and what was expected before."""
    usage: Usage = answer.usage
    expected = next(p.cost for p in answer.decision.predictions if p.rung == answer.decision.rung)
    worked = busy(counted)
    return {
        "kind": kind,
        "copies": copies,
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "engine_seconds": worked,
        "told_seconds": usage.told_seconds,
        "wall_seconds": usage.seconds,
        "first_token_seconds": usage.first_token_seconds,
        "charged_gpu_seconds": answer.cost.gpu_seconds,
        "charged_over_engine": answer.cost.gpu_seconds / worked if answer.cost.gpu_seconds and worked else None,
        "expected_gpu_seconds": expected.gpu_seconds,
        "expected_for": expected.note,
        "expected_over_engine": expected.gpu_seconds / worked if expected.gpu_seconds and worked else None,
        "joules": usage.joules,
        "basis": answer.cost.note,
        "notes": answer.notes,
    }


def ask_all(settings: Settings, url: str, copies: list[int], name: str) -> list[dict[str, Any]]:
    """Every document by passages, whole and cold, whole and cached; one question at a time."""
    rows = []
    with Hybrid(settings) as hybrid:
        for count in copies:
            text = {f"{name} {count}": f"Copy set {name} {count}.\n\n" + FILING.read_text("utf-8") * count}
            ways: tuple[tuple[str, str, Route], ...] = (
                ("passages", QUESTIONS[0], "rag"),
                ("whole, cold", QUESTIONS[1], "long"),
                ("whole, cached", QUESTIONS[2], "long"),
            )
            for kind, question, route in ways:
                before = Counters.read(url)
                answer = hybrid.answer(question, text, route=route, rung="passages" if route == "rag" else "documents")
                time.sleep(1.0)  # vLLM moves its counters after the answer has gone out
                rows.append(row(answer, Counters.read(url) - before, count, kind))
                console().print_json(json.dumps(rows[-1], default=str))
    return rows


def at_once(settings: Settings, url: str) -> dict[str, Any]:
    """Eight questions at once: their charges together, and how long the engine was busy."""
    with Hybrid(settings) as hybrid:
        questions = [f"{QUESTIONS[i % 3]} ({i})" for i in range(8)]
        text = {"at once": FILING.read_text("utf-8")}
        hybrid.answer(questions[0], text, route="rag")
        before, begun = Counters.read(url), time.perf_counter()
        answers = hybrid.answer_many(questions, text, route="rag")
        took = time.perf_counter() - begun
        time.sleep(1.0)
        counted = Counters.read(url) - before
    charged = sum(a.cost.gpu_seconds or 0.0 for a in answers)
    return {"wall_seconds": took, "charged_gpu_seconds": charged, "requests_seconds_added_up": busy(counted)}


@click.command()
@click.argument("name", type=click.Choice(list(INNER)))
@click.option("--context", default="128k", show_default=True, help="Tokens to read at once.")
@click.option("--copies", default="1,2,4", show_default=True, help="Lengths, in copies of a document of 33 000 tokens.")
@click.option("--vllm", default=None, help="vLLM's program; default: the one on PATH.")
@click.option("--minutes", default=2.0, show_default=True, help="For the sweep.")
@click.option("--embedder", default="minilm", show_default=True, help="Its vectors matter to no figure here.")
@click.option("--port", default=8000, show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the figures."
)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def main(
    name: str,
    context: str,
    copies: str,
    vllm: str | None,
    minutes: float,
    embedder: str,
    port: int,
    output: Path,
    flags: tuple[str, ...],
) -> None:
    """Serve the shape NAME with random weights, ask, calibrate and ask again; FLAGS after -- are vLLM's."""
    output = output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    shape = Path(tempfile.mkdtemp()) / name
    write_shape(name, shape)
    url, begun = f"http://127.0.0.1:{port}/v1", time.monotonic()
    written = output / "hybrid.toml"
    found = ("--vllm", vllm) if vllm else ()
    served = ("up", str(shape), "--context", context, "--only", "extended", "--port", str(port), *found, "--json")
    files = ("--write", str(written), "--force", "--logs", str(output), "--timeout", "420", "--", *flags)
    up = subprocess.Popen((*HYBRID, *served, *files), text=True, stdout=subprocess.PIPE, start_new_session=True)
    figures: dict[str, Any] = {"shape": name, "context": context}
    try:
        assert up.stdout is not None
        ready = up.stdout.readline()
        if not ready:
            raise click.ClickException("hybrid up ended before it was ready; see its log in the output folder.")
        figures["ready_seconds"] = time.monotonic() - begun
        settings = Settings.model_validate(
            {
                "engine": {"kind": "server", "url": url, "max_tokens": 64},
                "embedder": {"model": embedder, "device": "cpu"},
                "index": {"dir": tempfile.mkdtemp()},
                "cost": {"shape": name},
            }
        )
        lengths = [int(part) for part in copies.split(",")]
        figures["assumed"] = ask_all(settings, url, lengths, "before")
        figures["jax"] = sorted(module for module in sys.modules if module.split(".")[0] in ("jax", "jaxlib"))[:3]
        figures["at_once"] = at_once(settings, url)
        rates = output / "rates.json"
        options = ("--url", url, "--model", str(shape), "--minutes", str(minutes), "--output", str(rates), "--quiet")
        if subprocess.run((*HYBRID, "calibrate", "cost", *options)).returncode:
            raise click.ClickException("hybrid calibrate cost failed.")
        fitted = settings.model_copy(update={"cost": settings.cost.model_copy(update={"rates": rates})})
        figures["fitted"] = ask_all(fitted, url, lengths, "after")
    finally:
        (output / "figures.json").write_text(json.dumps(figures, indent=1, default=str), "utf-8")
        os.killpg(up.pid, signal.SIGTERM)
        up.wait(60)


if __name__ == "__main__":
    main()
