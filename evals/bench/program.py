"""Programs in a process of their own: `hybrid`, the way people run it, and a part of a benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import click

HYBRID = (sys.executable, "-c", "from hybrid.cli.main import main; main()")


def hybrid(*arguments: str) -> Any:
    """The JSON that a command of `hybrid` prints.

    Raises:
        click.ClickException: it failed, for the reason that it gave.
    """
    return json.loads(_output(*HYBRID, *arguments, "--json", "--quiet"))


def part(module: str, *arguments: object) -> Any:
    """The JSON in the last line that a module prints."""
    return json.loads(_output(sys.executable, "-m", module, *map(str, arguments)).splitlines()[-1])


def _output(*program: str) -> str:
    ran = subprocess.run(program, capture_output=True, text=True)
    if ran.returncode:
        raise click.ClickException(ran.stderr.strip())
    return ran.stdout
