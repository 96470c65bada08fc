"""`hybrid init`: three questions, and a settings file that was tried before it is written."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from hybrid.cli.common import print_json
from hybrid.cli.dash import Place
from hybrid.cli.effect import refuse, written
from hybrid.cli.options import Number, prefer_option, url_option
from hybrid.cli.words import is_path
from hybrid.engines.listening import PORTS, Listening, answers, listening, told_window
from hybrid.errors import InputError, SettingsError
from hybrid.files import write
from hybrid.settings import FILE, EngineSettings, Settings, validated
from hybrid.settings.address import shown, shown_in

_UNTOLD = 4096  # tokens, while the window is not known yet


@dataclass(slots=True)
class _Choice:
    """What the file will say."""

    corpus: list[str] = field(default_factory=list)
    url: str | None = None  # None: the engine that quotes
    model: str | None = None
    window: int | None = None
    gpu: str | None = None
    dollars: float | None = None


@click.command()
@click.option("--corpus", multiple=True, help="Documents: a file, a folder or a pattern; may be given several times.")
@url_option
@click.option("--model", help="The model's name on that server, or on one of those found.")
@click.option("--built-in", is_flag=True, help="The engine that quotes sentences, whichever servers are found.")
@click.option("--window", type=click.IntRange(64), help="Tokens that the model reads, if its server does not say.")
@click.option("--max-tokens", type=click.IntRange(1), help="Room for an answer; models that think need more. [512]")
@click.option("--api-key-env", metavar="NAME", help="Environment variable that holds the server's key.")
@click.option("--gpu", help="What the model runs on, such as h100, or cpu.")
@prefer_option
@click.option("--dollars-per-hour", type=Number(0), help="Of one GPU. [default: a carried list price]")
@click.option(
    "--port", "ports", multiple=True, type=click.IntRange(1, 65535), help="Look on these ports of this machine only."
)
@click.option("--try/--no-try", "ask", default=True, help="Ask the engine a question before the file is written.")
@click.option("--timeout", default=60.0, show_default=True, type=Number(1), help="Seconds for its answer.")
@click.option(
    "--write", "--output", "-o", "file", default=FILE, show_default=True, type=Place(), help="Settings file to write."
)
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take flags, found servers and defaults.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines; implies --yes.")
def init(**options: Any) -> None:
    """Write hybrid.toml: which documents, which engine, which GPU.

    It looks for servers of Ollama, vLLM, llama.cpp, LM Studio and SGLang on their usual ports of this machine, and
    contacts nothing else unless you name it. It asks the engine a question before it writes the file.

    \b
    Try:  hybrid init
          hybrid init --yes --corpus contracts/ --url http://localhost:8000/v1 --gpu h100
    """
    file = Path(options["file"])
    _check_free(file, force=options["force"])
    _check_together(options)
    talk = _talks(options)
    found: list[Listening] = []
    if options["url"] is None and not options["built_in"]:
        found = listening(options["ports"] or tuple(PORTS))
    try:
        choice, tried = _chosen(options, found, talk=talk)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise InputError(
            "There is no terminal to ask on: use --yes, and flags such as --corpus, --url and --gpu."
        ) from None
    text = _text(choice, options, file)
    settings = validated(tomllib.loads(text))
    write(file, text)
    if options["as_json"]:
        known = [_record(server) for server in found]
        said = shown_in(settings.model_dump(mode="json", exclude_unset=True))
        print_json({"file": str(file), "found": known, "tried": tried, "settings": said})
    else:
        _show(file, tried)


def _record(server: Listening) -> dict[str, Any]:
    """A server that was found, as JSON."""
    models = [{"name": m.name, "window": m.window} for m in server.models]
    return {"kind": server.kind, "url": server.url, "models": models, "passed_over": _passed_over(server) or None}


def _show(file: Path, tried: dict[str, Any] | None) -> None:
    if tried is not None:
        odd = "" if tried["right"] else ", which is not what the text says: expect little of it"
        click.echo(f"{tried['engine']} was asked a question and replied {tried['reply']!r}{odd}.")
    else:
        click.echo("The engine was not tried; `hybrid doctor` tries it.")
    click.echo(f'{file} written. Now ask:  hybrid ask "..."' + ("" if file == Path(FILE) else f" --config {file}"))


def _check_free(file: Path, *, force: bool) -> None:
    if file.exists() and not force:
        raise InputError(f"{file} is there already: replace it with --force, or name another file with --write.")
    if not file.resolve().parent.is_dir():
        raise InputError(f"There is no folder {file.parent} to write {file.name} into: name another with --write.")


def _talks(options: dict[str, Any]) -> bool:
    return not (options["yes"] or options["as_json"])


def _check_together(options: dict[str, Any]) -> None:
    for key in ("url", "model", "window", "max_tokens", "api_key_env"):
        if options["built_in"] and options[key] is not None:
            refuse(f"--{key.replace('_', '-')}", "with --built-in")
    if options["ports"] and (options["url"] or options["built_in"]):
        refuse("--port", "where --url or --built-in says what answers", "leave it out")
    if options["dollars_per_hour"] is not None and (options["gpu"] or "").strip().lower() == "cpu":
        raise InputError("--dollars-per-hour is the price of a GPU, and --gpu says cpu: leave one of them out.")
    if options["gpu"] is not None and not options["gpu"].strip():
        raise InputError("--gpu is empty: name what the model runs on, such as h100 or cpu, or leave it out.")
    if written("timeout") and not options["ask"]:
        refuse("--timeout", "with --no-try, which asks the engine nothing")
    if options["dollars_per_hour"] is not None and options["gpu"] is None and not _talks(options):
        raise InputError("--dollars-per-hour is the price of a GPU: name it with --gpu too.")


def _chosen(
    options: dict[str, Any], found: Sequence[Listening], *, talk: bool
) -> tuple[_Choice, dict[str, Any] | None]:
    """The choice by flags, answers and defaults, and the trial of the engine."""
    choice = _Choice([*options["corpus"]], options["url"], options["model"], options["window"])
    choice.gpu, choice.dollars = options["gpu"], options["dollars_per_hour"]
    for place in choice.corpus:
        _place(place)
    if not choice.corpus:
        asked = "1. Which documents? Files, folders or patterns, separated by blanks"
        choice.corpus = _prompt(asked, ".", _places) if talk else ["."]
    if choice.url is None and not options["built_in"]:
        _choose_found(choice, found, talk=talk)
        if choice.url is None:
            _check_built_in(options, found)
    tried = _try(choice, options, talk=talk)
    if choice.gpu is not None:
        choice.gpu, dollars = _gpu(choice.gpu)
        if dollars is not None and choice.dollars is not None:
            raise InputError("The price of an hour stands in --gpu and in --dollars-per-hour: leave one of them out.")
        choice.dollars = choice.dollars if dollars is None else dollars
    elif talk and choice.url is not None:
        asked = "3. Which GPU does it run on, and what does an hour of one cost in dollars (h100 2.5; cpu; or nothing)"
        choice.gpu, dollars = _prompt(asked, _gpu_here(choice.url) or "not known", _gpu)
        choice.dollars = choice.dollars if dollars is None else dollars
    return choice, tried


def _passed_over(server: Listening) -> str:
    """Why a server that was found is not offered; empty if it is."""
    if server.locked:
        return f"{server.url} asks for a key: use --url, --model and --api-key-env"
    return f"{server.url} {server.fault}: see what its log says" if server.fault else ""


def _check_built_in(options: dict[str, Any], found: Sequence[Listening]) -> None:
    """Raise InputError for options of a server beside the built-in engine."""
    for key in ("window", "max_tokens", "api_key_env"):
        if options[key] is not None:
            there = "; ".join(filter(None, map(_passed_over, found)))
            raise InputError(
                f"--{key.replace('_', '-')} has no effect with the engine that quotes: name a server with --url"
                + (f" ({there})." if there else ", or leave it out.")
            )


def _choose_found(choice: _Choice, found: Sequence[Listening], *, talk: bool) -> None:
    offers = [(server, model) for server in found for model in server.models]
    if choice.model is not None:
        offers = [(server, model) for server, model in offers if model.name == choice.model]
        if not offers:
            models = ", ".join(model.name for server in found for model in server.models)
            have = "; ".join(filter(None, [models or "none", *map(_passed_over, found)]))
            raise InputError(
                f"No server on this machine has the model {choice.model!r} (found: {have}): start one, or give --url."
            )
    for reason in filter(None, map(_passed_over, found)):
        click.echo(f"   ({reason})", err=True)
    number = min(len(offers), 1)  # the first that was found, else the built-in engine
    if talk and choice.model is None:
        click.echo("2. Which engine answers?", err=True)
        for line in (_offered(i, *offers) for i in range(len(offers) + 1)):
            click.echo(f"   {line}", err=True)
        chosen = _prompt("   Its number, or the address of a server", str(number), _number_or_url(len(offers)))
        if isinstance(chosen, str):
            choice.url = chosen
            return
        number = chosen
    if number:
        server, model = offers[number - 1]
        choice.url, choice.model = server.url, model.name


def _offered(number: int, *offers: tuple[Listening, Any]) -> str:
    if number == 0:
        return "0  built in: quotes sentences, needs no model and no GPU"
    server, model = offers[number - 1]
    window = "window not told" if model.window is None else f"window {model.window:,}"
    return f"{number}  {model.name} ({server.kind}, port {server.url.rpartition(':')[2].split('/')[0]}, {window})"


def _number_or_url(largest: int) -> Callable[[str], int | str]:
    def read(said: str) -> int | str:
        if said.startswith(("http://", "https://")):
            return said
        if said.isdigit() and int(said) <= largest:
            return int(said)
        raise click.UsageError(f"{said!r} is neither a number up to {largest} nor an address such as http://host/v1.")

    return read


def _try(choice: _Choice, options: dict[str, Any], *, talk: bool) -> dict[str, Any] | None:
    """Ask the engine a question and find out its model and window; None with --no-try."""
    from hybrid.cli.plan import tokens
    from hybrid.engines.trial import tried
    from hybrid.index.embedding import Embedder

    if not options["ask"]:
        return None
    settings = _engine(choice, options) if choice.url is None else _told(choice, options)
    trial = tried(settings, Embedder(Settings().embedder), options["timeout"])
    if choice.url is not None and choice.window is None and settings.window is not None:
        choice.window = told_window(choice.url, choice.model or "")  # once the model is loaded, its program knows
        if choice.window is None and talk:
            choice.window = _prompt("   Its server does not tell how many tokens it reads; how many?", "", tokens)
        if choice.window is None:
            raise InputError(
                f"The server at {shown(choice.url)} answers, and does not tell its window: give --window with the "
                "tokens that it was started with."
            )
    return {"engine": trial.name, "reply": trial.reply, "right": trial.right, "seconds": round(trial.seconds, 3)}


def _told(choice: _Choice, options: dict[str, Any]) -> EngineSettings:
    """The settings to try a server with: a model that it lists, and a provisional window if it tells none."""
    from hybrid.engines.server import Server

    seconds = {"timeout": options["timeout"], "retries": 0}
    server = Server(_engine(choice, options).model_copy(update=seconds))
    try:
        if choice.model is None:
            choice.model = next(filter(answers, server.listed), server.model)
            server.close()
            server = Server(_engine(choice, options).model_copy(update=seconds))
        if choice.window is None:
            _ = server.window
    except SettingsError:
        return _engine(choice, options, window=_UNTOLD)
    finally:
        server.close()
    return _engine(choice, options)


def _engine(choice: _Choice, options: dict[str, Any], *, window: int | None = None) -> EngineSettings:
    said = {"url": choice.url, "model": choice.model, "window": choice.window or window}
    said |= {"max_tokens": options["max_tokens"], "api_key_env": options["api_key_env"]}
    return validated({"engine": {key: value for key, value in said.items() if value is not None}}).engine


def _prompt(text: str, default: str, read: Callable[[str], Any]) -> Any:
    """Ask on standard error until the answer can be read."""

    def checked(said: str) -> Any:
        try:
            return read(said)
        except (InputError, ValueError) as error:
            raise click.UsageError(str(error)) from None

    return click.prompt(text, default=default, value_proc=checked, err=True)


def _place(said: str) -> str:
    if said == "-" or not is_path(said):
        raise InputError(f"There is no file, folder or match of the pattern {said!r}: give documents that are there.")
    return said


def _places(said: str) -> list[str]:
    return [said] if is_path(said) else [_place(word) for word in shlex.split(said)] or ["."]


def _gpu_here(url: str) -> str:
    from urllib.parse import urlsplit

    from hybrid.cost.gpus import gpu_here, gpus, named_like

    here = named_like(gpu_here(), gpus()) if urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1") else ""
    return here if here in gpus() else ""


_PRICE = re.compile(
    r"(?P<name>.*?)[\s,;:]+(?:(?:at|for|@|=)\s*)?(?P<sign>us\$|\$|usd)?\s*(?P<price>\d+,\d{1,2}|\d+(?:\.\d+)?|\.\d+)"
    r"\s*(?P<unit>us\$|\$|usd|dollars?)?\s*(?:(?:/|per|an?)\s*(?:gpu[\s-]*)?(?:h|hr|hour)s?)?(?:\s+each)?\.?",
    re.IGNORECASE,
)


def _gpu(said: str) -> tuple[str | None, float | None]:
    """A GPU's name, and the price of an hour if it follows."""
    from hybrid.cost.gpus import gpus, named_like, unknown_gpu

    said = said.strip()
    if said.lower() in ("", "not known", "none", "no", "nothing", "unknown", "-"):
        return None, None
    if said.lower() == "cpu":
        return "cpu", None
    if re.match(r"\d+\s*x?\s+\D", said):
        raise click.UsageError(
            f"{said!r} is not one GPU: name one, and set cost.gpus in the file to how many there are."
        )
    words, price = said, None
    found = _PRICE.fullmatch(said)
    number = re.fullmatch(r"\d{3,}", found["price"]) and not found["sign"] and not found["unit"] if found else True
    if named_like(words, gpus()) not in gpus() and found and not number:  # "RTX 4090" ends with no price
        words, price = found["name"], float(found["price"].replace(",", "."))
    name = named_like(words, gpus())
    if words.lower() == "cpu":
        raise click.UsageError("A price is of a GPU's hour: write cpu alone.")
    if name not in gpus():
        raise click.UsageError(unknown_gpu(words, [*gpus(), "cpu"]))
    return name, price


def _text(choice: _Choice, options: dict[str, Any], file: Path) -> str:
    """The file. JSON's strings, numbers and lists of strings are TOML's."""
    corpus: dict[str, Any] = {"paths": choice.corpus}
    if any(file.resolve().is_relative_to(Path(p).expanduser().resolve()) for p in choice.corpus):
        corpus["exclude"] = [file.name]  # not a document
    engine = _engine(choice, options).model_dump(exclude_unset=True, mode="json")
    cost = {"gpu": choice.gpu, "dollars_per_gpu_hour": choice.dollars}
    tables = {"corpus": corpus, "engine": engine or {"kind": "extractive"}, "cost": cost}
    tables["routing"] = {"prefer": options["prefer"]}
    lines = ["# Written by `hybrid init`; `hybrid doctor` tries it, `hybrid ask` uses it.\n"]
    for name, table in tables.items():
        said = {key: value for key, value in table.items() if value is not None}
        if said:
            rows = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in said.items()]
            lines.append("\n".join([f"[{name}]", *rows]) + "\n")
    return "\n".join(lines)
