"""`hybrid init`."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hybrid.cli.common import console, print_json
from hybrid.errors import EngineError, InputError, SettingsError
from hybrid.settings import FILE, EngineSettings, Settings, load

# The ports on which servers of models listen unless they are told otherwise.
PORTS = {8000: "vLLM", 11434: "Ollama", 8080: "llama.cpp", 1234: "LM Studio", 30000: "SGLang"}
_LOOK_SECONDS = 1.0
_PREFER = ("accuracy", "balance", "cost")
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """A server that listens on this machine."""

    name: str
    url: str
    models: tuple[str, ...]


@click.command()
@click.option("--url", help="An OpenAI-compatible server, such as http://localhost:8000/v1.")
@click.option("--model", help="The model's name on that server; default: the first it lists.")
@click.option("--window", type=click.IntRange(64), help="Its window in tokens, where the server does not tell it.")
@click.option("--gpu", help="The GPU it runs on, such as h100, or cpu, or unknown.")
@click.option("--prefer", type=click.Choice(_PREFER), help="What the router goes for; default: balance.")
@click.option("--output", "-o", default=FILE, type=click.Path(path_type=Path), help=f"File to write; default: {FILE}.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take what is given here, and the default of the rest.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, and ask nothing.")
def init(
    url: str | None,
    model: str | None,
    window: int | None,
    gpu: str | None,
    prefer: str | None,
    output: Path,
    force: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Write a settings file after three questions: which engine answers, on which GPU, and what matters most.

    Servers of models are looked for on this machine, on the ports that vLLM, Ollama, llama.cpp, LM Studio and SGLang
    usually have; nothing else is contacted. The engine is asked a question before the file is written.

    \b
    Try:  hybrid init
          hybrid init --yes --url http://localhost:8000/v1 --gpu h100
    """
    if output.exists() and not force:
        raise InputError(f"There is a file {output} already; replace it with --force, or name another with --output.")
    asks = not (yes or as_json)
    if url is None and asks:
        url, model = _which_engine(model)
    given: dict[str, dict[str, Any]] = {}
    engine = {"url": url, "model": model, "window": window}
    if url is not None:
        given["engine"] = {key: value for key, value in engine.items() if value is not None}
        gpu = _known_gpu(gpu) if gpu is not None else _which_gpu() if asks else _UNKNOWN
        given |= {} if gpu == _UNKNOWN else {"cost": {"gpu": gpu}}
    elif model is not None or window is not None or gpu is not None:
        raise InputError("--model, --window and --gpu are of a server: name it with --url.")
    given["routing"] = {"prefer": prefer or (_which_matters() if asks else "balance")}
    settings, tried = _tried(given, asks=asks)
    write(output, _toml(given, settings))
    if as_json:
        print_json({"file": str(output), "settings": given, "engine": tried})
        return
    console().print(f"{tried}\n\nwrote {output}; ask with: hybrid ask QUESTION FOLDER", markup=False)


def servers() -> list[Found]:
    """The servers of models on this machine, in the order of PORTS."""
    with ThreadPoolExecutor(len(PORTS)) as pool:
        return [found for found in pool.map(_look, PORTS) if found is not None]


def _look(port: int) -> Found | None:
    url = f"http://127.0.0.1:{port}/v1"
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=_LOOK_SECONDS) as reply:
            listed = json.load(reply)["data"]
        models = tuple(str(model["id"]) for model in listed)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return Found(PORTS[port], url, models) if models else None


def _which_engine(model: str | None) -> tuple[str | None, str | None]:
    """The first question: a server's address and its model; None where none is to be used."""
    found = servers()
    ways = [(f"{server.name} at {server.url}: {name}", server.url, name) for server in found for name in server.models]
    choices = [*(told for told, _, _ in ways), "no model: sentences of the documents are quoted", "another server"]
    picked = _pick("Which engine answers?", choices)
    if picked < len(ways):
        return ways[picked][1], model or ways[picked][2]
    if picked == len(ways):
        return None, None
    return click.prompt("Its address, such as http://host:8000/v1"), model


def _which_gpu() -> str:
    """The second question."""
    from hybrid.cost.gpus import gpus

    names = ", ".join(gpus())
    while True:
        told = str(click.prompt(f"On which GPU does it run? ({names}, cpu, or {_UNKNOWN})", default=_UNKNOWN))
        try:
            return _known_gpu(told)
        except InputError as error:
            click.echo(str(error), err=True)


def _known_gpu(name: str) -> str:
    from difflib import get_close_matches

    from hybrid.cost.gpus import gpus

    known = [*gpus(), "cpu", _UNKNOWN]
    if name.lower() not in known:
        near = get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
        raise InputError(f"There is no GPU {name!r}; {hint}")
    return name.lower()


def _which_matters() -> str:
    """The third question."""
    told = ("accuracy: the better way, whatever it costs", "balance", "cost: the cheaper way unless much is lost")
    return _PREFER[_pick("What matters most?", told, default=2)]


def _pick(question: str, choices: Sequence[str], default: int = 1) -> int:
    click.echo(question)
    for number, choice in enumerate(choices, 1):
        click.echo(f"  {number}  {choice}")
    picked: int = click.prompt("Number", type=click.IntRange(1, len(choices)), default=default)
    return picked - 1


def _tried(given: dict[str, dict[str, Any]], *, asks: bool) -> tuple[Settings, str]:
    """The settings as they will be read, and what the engine replied; a window that nobody tells is asked for."""
    from hybrid.embedding import Embedder
    from hybrid.engines.trial import tried

    while True:
        settings = _checked(given)
        try:
            return settings, tried(settings.engine, Embedder(settings.embedder)).told
        except SettingsError as error:
            if "engine.window" not in str(error) or not asks:
                raise
            click.echo(str(error), err=True)
            given["engine"]["window"] = click.prompt("Its window in tokens", type=click.IntRange(64))
        except EngineError as error:
            raise EngineError(f"{error} Nothing was written.") from None


def _checked(given: dict[str, dict[str, Any]]) -> Settings:
    """The settings of a file that says this, read as every command reads them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        file.write_text(_toml(given, None), encoding="utf-8")
        return load(file, environ={})


def _toml(given: dict[str, dict[str, Any]], settings: Settings | None) -> str:
    """The file's text; every key says what it is."""
    lines = ["# Settings of hybrid: arguments and HYBRID_... variables win over them. `hybrid doctor` checks them."]
    for section, values in given.items():
        model: Any = EngineSettings if section == "engine" else Settings.model_fields[section].annotation
        lines += ["", f"[{section}]"]
        for key, value in values.items():
            about = model.model_fields[key].description
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}" + (f"  # {about}" if about else ""))
    if settings is not None and "cost" not in given:
        lines += ["", "# [cost]", '# gpu = "h100"  # the engine\'s, for costs: one known to the project, or cpu']
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        InputError: the place cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)  # noqa: PTH105
    except OSError as error:
        new.unlink(missing_ok=True)
        raise InputError(f"Cannot write {path}: {error.strerror or error}.") from None
