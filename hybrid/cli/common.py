"""How the commands print: a console, JSON, tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output or standard error."""
    from rich.console import Console

    out = Console(stderr=stderr, highlight=False)
    out.soft_wrap = not out.is_terminal  # piped lines stay whole; rich would cut them in mid-word
    return out


def print_json(data: Any, *, lines: bool = False) -> None:
    """Print one JSON document, in ASCII if standard output is not in UTF-8; with `lines`, on one line, at once."""
    utf8 = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(data, ensure_ascii=not utf8, indent=None if lines else 2))


def labelled(out: Console, label: str, text: str) -> None:
    """Print a label in rich's markup and a text, which a terminal wraps in a column of its own."""
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
    """An empty table without lines between its columns, to save width; figures are aligned right.

    Args:
        left: the columns aligned left; they wrap at words if there is no room, the others never do.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i in left else "right", no_wrap=i not in left, overflow="fold")
    return table


def grouped(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A narrow table: rows with the same first cell stand together, and only the first shows it."""
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
