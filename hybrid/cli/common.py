"""What the commands share: settings from options, JSON, tables."""

from __future__ import annotations

import glob
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hybrid.cli.dash import Place, elsewhere, texts
from hybrid.cli.effect import check_effects
from hybrid.errors import InputError
from hybrid.settings import Settings, load

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--config", type=Place(), help="Settings file; default: hybrid.toml here, if there is one."),
    click.option("--index", "index_dir", type=Place(), help="Folder of the index; default: your cache folder."),
    click.option("--embedder", help="Embedding model: 'minilm' (packaged), a folder or a hub name."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON for machines."),
    click.option("--quiet", "-q", is_flag=True, help="No progress bars."),
)
_ENGINE = (
    click.option("--url", help="An OpenAI-compatible server, such as http://localhost:8000/v1."),
    click.option("--window", type=click.IntRange(64), help="Tokens that it reads, where it does not tell them."),
    click.option("--model", help="The model's name on that server."),
    click.option(
        "--policy",
        type=click.Choice(["rag", "long", "fits", "self_route", "question_type", "calibrated"]),
        help="How routes are chosen.",
    ),
    click.option(
        "--prefer", type=click.Choice(["accuracy", "balance", "cost"]), help="What the policy calibrated goes for."
    ),
    click.option("-k", "k", type=click.IntRange(1), help="Passages read on the route rag."),
)


def corpus_options(function: F) -> F:
    """Options of every command that opens a corpus."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def engine_options(function: F) -> F:
    """Options of every command that answers."""
    for option in reversed(_ENGINE):
        function = option(function)
    return function


def settings_from(options: Mapping[str, Any], *, weighed: bool = False) -> Settings:
    """Settings with a command's options on top.

    Args:
        weighed: whether a model is decided for that the settings do not name.

    Raises:
        UserError: an option does not fit, or has no effect.
    """
    from hybrid.cost.gpus import with_known_gpu

    url = options.get("url")
    settings = load(
        options.get("config"),
        {
            "index": {"dir": options.get("index_dir")},
            "embedder": {"model": options.get("embedder")},
            "engine": {
                "url": url,
                "model": options.get("model"),
                "kind": None if url is None else "server",
                "window": options.get("window"),
            },
            "routing": {"policy": options.get("policy"), "prefer": options.get("prefer")},
            "retrieval": {"k": options.get("k")},
        },
    )
    check_effects(options, settings, weighed=weighed)
    return settings.model_copy(update={"cost": with_known_gpu(settings.cost)})


def in_order(words: Sequence[str], *, is_place: Callable[[str], bool] | None = None) -> tuple[list[str], list[str]]:
    """Questions and places among the words of a command: QUESTION first, then paths.

    The order of older versions, a path first, is understood where it is unambiguous: the first word is a place and the
    last one is none.

    Args:
        is_place: whether a word names a place; by default, whether a file, a folder or a match of the pattern is there.

    Raises:
        InputError: the first word is a file or a folder, and so are the others.
    """
    known: Callable[[str], bool] = is_place or is_path
    first, *rest = words
    if rest and known(first) and not known(rest[-1]):
        return rest, [first]
    if first.strip("- ") and Path(first).exists():  # also where the question is `-`, which may be a text as well
        raise InputError(f'Give a question and then the path: hybrid ask "..." {shlex.quote(first)}')
    return [first], rest


def questions_and_place(
    words: Sequence[str], *, is_place: Callable[[str], bool] | None = None
) -> tuple[list[str], str]:
    """The same for a command that takes several questions and one place, which is the last word."""
    known: Callable[[str], bool] = is_place or is_path
    first, last = words[0], words[-1]
    asks = re.compile(r"[\s?]")  # what a question has, and a path that is not there seldom
    if len(words) > 1 and not known(last) and (known(first) or (asks.search(last) and not asks.search(first))):
        return list(words[1:]), first
    return list(words[:-1]), last


def is_path(word: str) -> bool:
    """Whether a word names a file or a folder that is there, or a pattern that matches some; `-` is standard input."""
    if word == "-" or not word.strip():
        return word == "-"
    return Path(word).expanduser().exists() or any(glob.iglob(word))  # noqa: PTH207 - a pattern may be absolute


def places_of(paths: Sequence[str], settings: Settings) -> list[str]:
    """What is indexed: these paths, else those of `corpus.paths`.

    Raises:
        InputError: neither names any.
    """
    if "-" in paths:
        raise InputError(elsewhere("a file or a folder"))
    found = list(paths or settings.corpus.paths)
    if not found:
        raise InputError("Nothing tells what to index: give PATHS, or set corpus.paths in hybrid.toml.")
    return found


def questions_and_places(
    words: Sequence[str], configured: Sequence[str], *, is_place: Callable[[str], bool] | None = None
) -> tuple[list[str], list[str]]:
    """The same, where `corpus.paths` is what is asked if no word names a place; a misspelt path is no question."""
    known: Callable[[str], bool] = is_place or is_path
    asks = re.compile(r"[\s?]")
    nowhere = not any(known(word) for word in (*words[:1], *words[-1:]) if word != "-" or len(words) > 1)
    if nowhere and all(asks.search(word) or word == "-" for word in words[-1:]):
        if configured:
            return list(words), list(configured)
        if len(words) < 2:
            raise InputError(
                "Nothing tells which files are asked: give their path too, or set corpus.paths in hybrid.toml."
            )
    questions, place = questions_and_place(words, is_place=is_place)
    return questions, [place]


def corpus_of(paths: Sequence[str], settings: Settings) -> list[Any]:
    """What is asked about: these paths, else those of `corpus.paths`, else the current folder.

    As a path, `-` is the text on standard input.
    """
    return texts(paths) if paths else list(settings.corpus.paths) or ["."]


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output or standard error."""
    from rich.console import Console

    out = Console(stderr=stderr, highlight=False)
    out.soft_wrap = not out.is_terminal  # what is piped keeps its lines; a terminal would cut them in mid-word
    return out


def print_json(data: Any) -> None:
    """Print one JSON document, in ASCII where standard output is not in UTF-8."""
    utf8 = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(data, ensure_ascii=not utf8, indent=2))


def labelled(out: Console, label: str, text: str) -> None:
    """A line that begins with a label in rich's markup; in a terminal what does not fit stands below its own text."""
    if out.soft_wrap:
        out.print(label, end="")
        out.print(text, markup=False)
        return
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=0)
    row.add_column(no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(label, Text(text))
    out.print(row)


def columns(*heads: str, left: Sequence[int] = (0,)) -> Table:
    """An empty table without lines between its columns, so that 80 characters go far; figures stand to the right.

    Args:
        left: the columns that stand to the left; they wrap at words where there is no room, the others never do.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i in left else "right", no_wrap=i not in left, overflow="fold")
    return table


def grouped(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table that fits 80 columns where it can: rows that share their first cell stand together and say it once."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i < 2 else "right", no_wrap=i > 1)
    groups: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    for group in groups.values():
        for i, (name, *others) in enumerate(group):
            table.add_row("" if i else name, *others, end_section=len(group) > 1 and i == len(group) - 1)
    return table
