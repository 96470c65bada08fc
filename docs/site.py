"""What the site shows that stands elsewhere: commands, settings, records, the HTTP API, the rooms. A hook of MkDocs."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from html import escape
from importlib import import_module
from os.path import normpath
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
UP = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)((?:#[^)\s]*)?)\)")  # a link that may leave docs/
RAW = re.compile(r"\]\(measured(/[^)#]*)?\)")  # raw figures, which the site has not
PART = re.compile(r"\]\((?:\.\./)+([\w/]+\.py)#(\w+)\)")  # a link to something in a file of code
BESIDE = ("pipelines", "evals")
PICTURES = ("examples/page.png",)
RECORDS = ("Answer", "Citation", "Decision", "Prediction", "Attempt", "Usage", "Cost", "Table", "Column", "Row", "Cell")
ABOUT: dict[str, tuple[str, str]] = {}  # title and description of each page, for llms.txt


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pictures that lie elsewhere."""
    for picture in PICTURES:
        files.append(File.generated(config, picture, content=(ROOT / picture).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Add what is made, and point links out of docs/ to the reference, to the repository, or to a picture's copy."""
    uri = page.file.src_uri
    if uri in MADE:
        markdown += "\n" + MADE[uri]()
    room = next((room for room in rooms() if page_of(room) == uri), None)
    if room is not None:
        markdown += "\n" + _files(room)
    page.meta.setdefault("description", _first_sentence(markdown))
    ABOUT[page.file.url] = (str(page.title), str(page.meta["description"]))
    up = "../" * uri.count("/")

    def moved(match: re.Match[str]) -> str:
        target, anchor = normpath(f"docs/{uri}/../{match[1]}"), match[2]
        if target.startswith("docs/"):
            return match[0]
        if target in PICTURES:
            return f"]({up}{target})"
        if target.endswith(".py") and anchor:
            return f"]({up}reference/parts.md#{_part(target, anchor[1:])})"
        return f"]({config.extra['repository']}/blob/main/{target}{anchor})"

    raw = f"]({config.extra['repository']}/tree/main/docs/measured\\1)"
    return _unbroken(RAW.sub(raw, UP.sub(moved, markdown)))


def _unbroken(markdown: str) -> str:
    """The same with numbers such as 7 500 and 55.6 % kept on one line; code is left as it is."""
    parts = re.split(r"(^[ ]*```.*?^[ ]*```|`[^`\n]+`|\]\([^)\s]+\))", markdown, flags=re.M | re.S)
    parts[::2] = [re.sub(r"(?<=\d) (?=\d{3}\b|%)", "\u00a0", part) for part in parts[::2]]
    return "".join(parts)


def _first_sentence(markdown: str) -> str:
    """The first sentence below the title, without marks."""
    told = re.search(
        r"^(?:\*\*Decision\.\*\* )?(\w[^\n]*(?:\n\w[^\n]*)*)", markdown.partition("\n# ")[2] or markdown, re.M
    )
    text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", " ".join(told[1].split()) if told else "")
    return text.partition(". ")[0].rstrip(".") + "."


def on_post_build(config: MkDocsConfig) -> None:
    """Write llms.txt: the pages, one a line, for programs that read documentation."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    lines += [f"- [{title}]({url}){': ' if about else ''}{about}" for url, (title, about) in sorted(ABOUT.items())]
    (Path(config.site_dir) / "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")


# -- commands --------------------------------------------------------------------------------------------------------


def _commands() -> str:
    from hybrid.cli.main import cli

    parts: list[str] = []
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

    parts: list[str] = []
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
    return f"<code>{escape(text, quote=False).replace('|', '&#124;<wbr>')}</code>"


# -- Python, records, HTTP -------------------------------------------------------------------------------------------


def _python() -> str:
    import hybrid

    homes = {name: import_module(getattr(hybrid, name).__module__).__name__ for name in hybrid.__all__}
    return "\n".join(f"\n::: {homes[name]}.{name}" for name in hybrid.__all__)


def _records() -> str:
    from hybrid import types as known

    parts: list[str] = []
    for name in RECORDS:
        model = getattr(known, name)
        parts += [f"## {name}", "", model.__doc__ or "", "", *_fields(model), ""]
    schema = json.dumps(known.Answer.model_json_schema(), indent=1)
    return "\n".join([*parts, "## The schema", "", "```json", schema, "```"])


def _http() -> str:
    from hybrid.serve.app import addresses
    from hybrid.serve.openapi import document

    found = document(addresses())
    parts = ["| method | address | |", "|---|---|---|"]
    for path, methods in found["paths"].items():
        for method, told in methods.items():
            parts.append(
                f"| {method.upper()} | `{path}` | {_cell(told.get('summary') or told.get('description') or '')} |"
            )
    return "\n".join(parts)


# -- rooms -----------------------------------------------------------------------------------------------------------


def _way() -> str:
    """The way of a question as ARCHITECTURE.md draws it, and the rooms with their pages."""
    told = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## The rooms")[0].partition("\n\n")[2]
    rows = [f"| [{room}]({Path(page_of(room)).name}) | {_about(room)} |" for room in rooms()]
    above = "Each imports from those above it, never from below; a test holds that."
    return "\n".join([told, "## The rooms", "", above, "", "| room | |", "|---|---|", *rows])


def rooms() -> list[str]:
    """The rooms that have a page, from the ground up: those of ARCHITECTURE.md."""
    told = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## The rooms")[2]
    inside = told.partition(f"    {BESIDE[0]}/")[0]
    return ["foundations", *re.findall(r"^      (\w+)/ ", inside, re.M), *BESIDE]


def page_of(room: str) -> str:
    """The page of a room; that of the room `index` is not the first page of the folder."""
    return f"how/{'indexes' if room == 'index' else room}.md"


def _about(room: str) -> str:
    """What the page of a room says in its first lines."""
    told = re.search(r'^description: "?(.+?)"?$', (ROOT / "docs" / page_of(room)).read_text("utf-8"), re.M)
    return told[1] if told else ""


def _parts() -> str:
    """The types and functions that the pages of the rooms link to."""
    parts: list[str] = []
    seen: set[str] = set()
    for room in rooms():
        told = (ROOT / "docs" / page_of(room)).read_text("utf-8")
        named = dict.fromkeys(_part(*found) for found in PART.findall(told))
        parts += [
            "",
            f"## {room}",
            *(f"\n::: {name}\n    options: {{heading_level: 3}}" for name in named if name not in seen),
        ]
        seen |= set(named)
    return "\n".join(parts)


def _part(file: str, name: str) -> str:
    """The dotted name, as the tree has it, of what a link to a file of code means: `hybrid/types.py`, `Answer`."""
    return ".".join((*Path(file).with_suffix("").parts, name))


def _files(room: str) -> str:
    """What each file of a room says of itself."""
    folder = ROOT / ("" if room in BESIDE else "hybrid") / room
    found = sorted(folder.rglob("*.py"))
    if room == "foundations":
        folder = ROOT / "hybrid"
        found = [*sorted(folder.glob("*.py")), *sorted(folder.glob("settings/*.py"))]
    parts = ["## The files", "", "| file | |", "|---|---|"]
    for file in found:
        told = re.match(r'(?s)"""(.*?)(?:\n\n|""")', file.read_text("utf-8"))
        if told is not None and "short" not in file.parts:
            parts.append(f"| `{file.relative_to(folder)}` | {_cell(told[1])} |")
    return "\n".join(parts)


MADE = {
    "reference/cli.md": _commands,
    "reference/settings.md": _settings,
    "reference/python.md": _python,
    "reference/records.md": _records,
    "reference/http.md": _http,
    "reference/parts.md": _parts,
    "how/index.md": _way,
}
