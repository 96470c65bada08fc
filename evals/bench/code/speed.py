"""How fast the symbol index is made, and brought up to date after one edit."""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from hybrid.evals.bench.program import hybrid
from hybrid.evals.bench.tables import Row, written


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def speed(folders: tuple[Path, ...], as_json: bool) -> None:
    """Index the symbols of the Python files of FOLDERS, copied into one tree; then of one file that is edited.

    CPU seconds hold on a busy machine too. `hybrid code map` tells those of the index; those of its whole process
    also cover starting, finding the files, and drawing and printing the map.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        for folder in folders:
            for file in sorted(folder.rglob("*.py")):
                copy = tree / folder.name / file.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        time.sleep(2.5)  # a file written just now may change within the same tick, so the index would read it twice
        index = ["--index", str(Path(place) / "index")]
        rows = [_map("first", tree, index), _map("nothing changed", tree, index)]
        edited = max(tree.rglob("*.py"), key=lambda file: file.stat().st_size if file.stat().st_size < 100_000 else 0)
        edited.write_text(edited.read_text("utf-8") + "\n\ndef added_by_the_benchmark() -> None: ...\n", "utf-8")
        rows.append(_map("one file edited", tree, index))
    written(rows, {head: partial(_cell, head) for head in rows[0]}, as_json)


def _map(run: str, tree: Path, options: Sequence[str]) -> Row:
    begun = _spent()
    found = hybrid("code", "map", str(tree), *options, "--with-tests")
    symbols, spent = found["symbols"], _spent() - begun
    return {
        "run": run,
        "files": len(found["files"]),
        "parsed": symbols["parsed"],
        "lines": symbols["lines"],
        "index, CPU seconds": symbols["cpu_seconds"],
        "lines a CPU second": round(symbols["lines"] / max(0.001, symbols["cpu_seconds"])),
        "whole command, CPU seconds": round(spent, 1),
    }


def _cell(head: str, row: Row) -> str:
    return f"{row[head]:,}" if isinstance(row[head], int) else str(row[head])


def _spent() -> float:
    """CPU seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
