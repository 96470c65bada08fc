"""How fast the symbol index is made, and brought up to date after one edit."""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
from hybrid.evals.bench.code.program import code
from hybrid.evals.bench.tables import Row, table

from hybrid.cli.common import print_json


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def speed(folders: tuple[Path, ...], as_json: bool) -> None:
    """Index the symbols of the Python files of FOLDERS, copied into one tree; then of one file that is edited.

    CPU seconds hold on a busy machine too: of the index as `hybrid code map` tells them, and of its whole process,
    which starts, finds the files, and draws and prints the map of all of them too.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        for folder in folders:
            for file in sorted(folder.rglob("*.py")):
                copy = tree / folder.name / file.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        time.sleep(2.5)  # what has just been written may change again at the same time, and would be read twice
        index = ["--index", str(Path(place) / "index")]
        first = _map(tree, index)
        again = _map(tree, index)
        edited = max(tree.rglob("*.py"), key=lambda file: file.stat().st_size if file.stat().st_size < 100_000 else 0)
        edited.write_text(edited.read_text("utf-8") + "\n\ndef added_by_the_benchmark() -> None: ...\n", "utf-8")
        after = _map(tree, index)
    rows = []
    for name, told in (("first", first), ("nothing changed", again), ("one file edited", after)):
        took = told["symbols"]["cpu_seconds"]
        rows.append(
            {
                "run": name,
                "files": len(told["files"]),
                "parsed": told["symbols"]["parsed"],
                "lines": told["symbols"]["lines"],
                "index, CPU seconds": took,
                "lines a CPU second": round(told["symbols"]["lines"] / max(0.001, took)),
                "whole command, CPU seconds": round(told["cpu"], 1),
            }
        )
    if as_json:
        print_json(rows)
        return
    table(list(rows[0]), [[f"{v:,}" if isinstance(v, int) else str(v) for v in one.values()] for one in rows])


def _map(tree: Path, options: Sequence[str]) -> Row:
    begun = _spent()
    told = code("map", str(tree), *options)
    return {**told, "cpu": _spent() - begun}


def _spent() -> float:
    """CPU seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
