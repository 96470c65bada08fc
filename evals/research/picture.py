"""The picture of a real run in the README: `python -m hybrid.evals.research.picture`."""

from __future__ import annotations

import os
import re
from io import StringIO
from pathlib import Path

from rich.console import Console

from hybrid import Hybrid, Settings
from hybrid.cli.ask import show

ROOT = Path(__file__).parents[2]
QUESTION = "What was the net loss for the three months ended March 31, 2024?"


def main() -> None:
    """Ask, and draw what the terminal shows."""
    folder = "examples/filing/"
    out = Console(record=True, width=110, highlight=False, file=StringIO())
    out.print(f'[bold green]$[/] hybrid ask "{QUESTION}" {folder} --explain')
    os.chdir(ROOT)
    with Hybrid(Settings()) as hybrid:
        show(out, hybrid.answer(QUESTION, ROOT / folder), explain=True)
    drawn = out.export_svg(title="hybrid")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # fonts from elsewhere are not fetched
    (ROOT / "examples" / "ask.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
