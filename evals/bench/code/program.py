"""`hybrid code`, the way people run it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import click


def code(command: str, *arguments: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    program = [sys.executable, "-c", "from hybrid.cli.main import main; main()", "code", command, *arguments]
    ran = subprocess.run([*program, "--json", "--quiet", "--with-tests"], capture_output=True, text=True)
    if ran.returncode:
        raise click.ClickException(ran.stderr.strip())
    return dict(json.loads(ran.stdout))
