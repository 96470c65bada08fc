"""`hybrid calibrate`: measure your own engine, so that predictions hold for it."""

from __future__ import annotations

import click

from hybrid.cli.commands import commands, load


class _Group(click.Group):
    """The commands of two words that begin with "calibrate", imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name.split()[1] for name in commands() if name.startswith("calibrate ")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return load(f"calibrate {cmd_name}")


@click.group(cls=_Group)
def calibrate() -> None:
    """Measure your own engine, so that predictions hold for it."""
