"""Score and engine seconds of every arm beside one of them, from the records of a run on vLLM, such as of suite `long`.

Engine seconds are vLLM's own prefill and decoding of all calls of a question, failed attempts included. Intervals
(95 %) draw texts. Tasks are put together by what their labels have before the comma: "cold, keys" and "cold, records".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from hybrid.evals.statistics import estimate, ratio

from hybrid.files import read_lines


def seconds(record: dict[str, Any]) -> float:
    """Seconds of prefill and decoding of one record."""
    usage = record["usage"]
    return float((usage["prefill_seconds"] or 0) + (usage["decode_seconds"] or 0))


@click.command()
@click.argument("records", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--against", default="long", show_default=True, help="The arm that others are measured by.")
def main(records: Path, against: str) -> None:
    """Compare the arms of RECORDS, a run's records.jsonl."""
    arms: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for record in read_lines(records):
        if record["status"] == "answered":
            arms.setdefault(record["arm"], {})[record["task"], record["id"]] = record
    if against not in arms:
        raise click.UsageError(f"There is no arm {against!r} in {records}; there are: {', '.join(sorted(arms))}.")
    base = arms[against]
    for part in sorted({_part(key) for key in base}):
        for arm, found in arms.items():
            keys = [key for key in base if key in found and _part(key) == part]
            if not keys:
                continue
            keys.sort(key=lambda key: f"{key[0]} {base[key]['group']}")
            groups = [f"{key[0]} {base[key]['group']}" for key in keys]
            spent, theirs = ([seconds(side[key]) for key in keys] for side in (found, base))
            of = ratio(spent, theirs, groups)
            gain = estimate([found[key]["score"] - base[key]["score"] for key in keys], groups)
            score = np.mean([found[key]["score"] for key in keys])
            click.echo(
                f"{part:6} {arm:11} n {len(keys)}/{gain.groups}  score {score:.3f}, less {against}'s {gain.mean:+.3f} "
                f"[{gain.low:+.3f}, {gain.high:+.3f}]  {np.mean(spent):.3f} s, "
                f"share {of.mean:.2f} [{of.low:.2f}, {of.high:.2f}]"
            )


def _part(key: tuple[str, str]) -> str:
    return key[0].partition(",")[0]


if __name__ == "__main__":
    main()
