"""What the site shows that stands elsewhere: commands, settings, records, the HTTP API, the rooms. A hook of MkDocs."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterable, Iterator
from html import escape
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any, Union, get_args, get_origin

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[1]
OUTSIDE = re.compile(r"(\]\()(?:\.\./)+((?!\.\./)[^)#\s]+)((?:#[^)\s]*)?\))")  # a link that leaves docs/
RAW = re.compile(r"\]\(measured(/[^)#]*)?\)")  # raw figures, which the site has not
PICTURES = ("examples/page.png",)
RECORDS = ("Answer", "Citation", "Decision", "Prediction", "Attempt", "Usage", "Cost")
ABOUT: dict[str, tuple[str, str]] = {}  # title and description of each page, for llms.txt


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {
        "reference/cli.md": _commands(),
        "reference/settings.md": _settings(),
        "reference/python.md": _python(),
        "reference/records.md": _records(),
        "reference/http.md": _http(),
        "how/index.md": (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## The rooms")[0],
        "how/rooms.md": _rooms(),
    }
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    for picture in PICTURES:
        files.append(File.generated(config, picture, content=(ROOT / picture).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links out of docs/ to the repository, or to the picture's copy in the site."""
    ABOUT[page.file.url] = (str(page.title), str(page.meta.get("description", "")))
    up = "../" * page.file.src_uri.count("/")

    def moved(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        inside = target if target in PICTURES else ""
        return before + (up + inside if inside else f"{config.extra['repository']}/blob/main/{target}") + after

    raw = f"]({config.extra['repository']}/tree/main/docs/measured\\1)"
    return RAW.sub(raw, OUTSIDE.sub(moved, markdown))


def on_post_build(config: MkDocsConfig) -> None:
    """Write llms.txt: the pages, one a line, for programs that read documentation."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    lines += [f"- [{title}]({url}){': ' if about else ''}{about}" for url, (title, about) in sorted(ABOUT.items())]
    (Path(config.site_dir) / "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")


# -- commands --------------------------------------------------------------------------------------------------------


def _commands() -> str:
    from hybrid.cli.main import cli

    parts = ["# Commands", "", "Every command has `--help`; what prints data has `--json`."]
    for path, command in _walk(cli, ("hybrid",)):
        if isinstance(command, click.Group):
            continue
        context = click.Context(command, info_name=" ".join(path))
        usage = " ".join(command.collect_usage_pieces(context))
        parts += ["", f"## {' '.join(path)}", "", "```text", f"{' '.join(path)} {usage}", "```", ""]
        parts += [_prose(command.help or ""), ""]
        rows = [_option(option, context) for option in command.params if isinstance(option, click.Option)]
        if rows:
            parts += ["| option | |", "|---|---|", *filter(None, rows)]
    return "\n".join(parts)


def _walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _walk(found, (*path, name))


def _prose(text: str) -> str:
    """A command's help with the lines that click leaves as they are in a block."""
    parts = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
    shown = [f"```text\n{dedent(part.replace(chr(8), '')).strip()}\n```" if chr(8) in part else part for part in parts]
    return "\n\n".join(shown)


def _option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    return "" if record is None else f"| {_code(record[0])} | {_cell(record[1])} |"


# -- settings --------------------------------------------------------------------------------------------------------


def _settings() -> str:
    from hybrid.settings import Settings

    parts = ["# Settings", "", "The tables and keys of `hybrid.toml`. A key is also an environment variable:"]
    parts += ["`engine.url` is `HYBRID_ENGINE_URL`.", ""]
    for name, field in Settings.model_fields.items():
        section = _section(field)
        parts += [f"## {name}", "", section.__doc__ or "", "", field.description or "", ""]
        parts += [*_fields(section), ""]
    return "\n".join(parts)


def _section(field: FieldInfo) -> type[BaseModel]:
    kinds = [field.annotation, *get_args(field.annotation)]
    return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def _fields(model: type[BaseModel]) -> Iterator[str]:
    yield from ("| key | type | default | |", "|---|---|---|---|")
    for name, field in model.model_fields.items():
        default = "" if field.is_required() else json.dumps(field.get_default(call_default_factory=True), default=str)
        yield f"| `{name}` | {_cell(_kind(field.annotation))} | {_code(default)} | {_cell(field.description or '')} |"


def _kind(annotation: Any) -> str:
    """A type as people write it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in inner if one is not type(None))
    if str(origin) == "typing.Literal":
        return ", ".join(map(str, inner))
    if origin is not None and inner:
        return f"{getattr(origin, '__name__', origin)} of {_kind(inner[-1] if inner[-1] is not ... else inner[0])}"
    return str(getattr(annotation, "__name__", annotation))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _code(text: str) -> str:
    """Code in a table, where Markdown's own marks would show the escape of a bar."""
    return f"<code>{escape(text, quote=False).replace('|', '&#124;')}</code>"


# -- Python, records, HTTP -------------------------------------------------------------------------------------------


def _python() -> str:
    import hybrid

    homes = {name: import_module(getattr(hybrid, name).__module__).__name__ for name in hybrid.__all__}
    parts = ["# Python", "", "What `hybrid` names is public; everything else may change between versions."]
    return "\n".join([*parts, *(f"\n::: {homes[name]}.{name}" for name in hybrid.__all__)])


def _records() -> str:
    from hybrid import types as known

    parts = [
        "# Records",
        "",
        "What `answer` returns, and `--json` prints. As JSON Schema: `Answer.model_json_schema()`.",
        "",
    ]
    for name in RECORDS:
        model = getattr(known, name)
        parts += [f"## {name}", "", model.__doc__ or "", "", *_fields(model), ""]
    schema = json.dumps(known.Answer.model_json_schema(), indent=1)
    return "\n".join([*parts, "## The schema", "", "```json", schema, "```"])


def _http() -> str:
    from hybrid.serve.app import addresses
    from hybrid.serve.openapi import document

    found = document(addresses())
    parts = ["# HTTP", "", "Of `hybrid serve`. The running service has this as `/openapi.json`.", ""]
    parts += ["| | | |", "|---|---|---|"]
    for path, methods in found["paths"].items():
        for method, told in methods.items():
            parts.append(
                f"| {method.upper()} | `{path}` | {_cell(told.get('summary') or told.get('description') or '')} |"
            )
    return "\n".join(parts)


# -- rooms -----------------------------------------------------------------------------------------------------------


def _rooms() -> str:
    """A section a room: what it is for, and what each of its files says of itself."""
    told = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## The rooms")[2]
    parts = ["# The rooms", "", "Each room imports from those above it, never from below. A test holds that.", ""]
    for name, about in re.findall(r"^      (\w+)/ +(.+)$", told, re.M):
        folder = ROOT / "hybrid" / name
        if folder.is_dir():
            parts += [f"## {name}", "", about, "", "| file | |", "|---|---|", *_files(folder), ""]
    return "\n".join(parts)


def _files(folder: Path) -> Iterable[str]:
    for file in sorted(folder.rglob("*.py")):
        told = re.match(r'(?s)"""(.*?)(?:\n\n|""")', file.read_text("utf-8"))
        if told is not None:
            yield f"| `{file.relative_to(folder)}` | {_cell(told[1])} |"
