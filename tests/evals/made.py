"""A made-up run whose records follow simple rules, so that what is said of them is known."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hybrid.evals.folder import RUN, RunInfo, Session
from hybrid.evals.log import Log
from hybrid.evals.record import RECORDS, Record
from hybrid.evals.suite import ArmSpec, Suite, TaskSpec

from hybrid.cost.shape import Attention
from hybrid.types import Cost, Usage

ARMS = ("rag", "long", "self_route", "raw")
NASTY = '<script>alert("x")</script> a|b & "c" https://example.com/x \u2603'


def suite(arms: tuple[str, ...] = ARMS) -> Suite:
    tasks = (
        TaskSpec(name="ruler/vt", n=24, lengths=(4096, 8192, 16384)),
        TaskSpec(name="needle", n=60, lengths=(4096, 16384, 65536)),
        TaskSpec(name="middle/kv", n=100),
    )
    return Suite(name="made up", about="Not a measurement.", tasks=tasks, arms=tuple(ArmSpec(name=a) for a in arms))


def made(folder: Path, arms: tuple[str, ...] = ARMS, *, until: int | None = None, shift: float = 0.0) -> Path:
    """A run whose records follow simple rules, so that what a report says of them is known."""
    folder.mkdir(parents=True)
    chosen = suite(arms)
    about: dict[str, dict[str, Any]] = {
        name: {"kind": "hybrid", "engines": [{"name": "made up", "window": 131072}]} for name in arms
    }
    for name in arms:
        attention = [{**asdict(Attention(layers=2, heads=4, width=64, kept=256)), "segments": []}]
        kept = {"active": 1.0, "total": 1.0, "hidden": 128, "attention": attention, "weight_bits": 16, "kv_bits": 16}
        about[name]["kept"] = {"model": "made-up", **kept} if name != "raw" else None
    session = Session(begun="2026-01-01T00:00:00+00:00", versions={"hybrid": "0"}, hardware={"cores": 2, "gpus": []})
    info = RunInfo(suite=chosen, arms=about, counted_with=arms[0], sessions=[session])
    (folder / RUN).write_text(info.model_dump_json())
    written = 0
    with Log(folder / RECORDS) as log:
        for arm in arms:
            for cell in chosen.planned(arm):
                for i in range(cell.n):
                    if until is not None and written == until:
                        return folder
                    log.append(record(arm, cell.task, cell.length, i, shift), chosen.limits)
                    written += 1
    return folder


def record(arm: str, task: str, length: int | None, i: int, shift: float) -> Record:
    luck = random.Random(f"{task} {length} {i}")
    hard, long_prompt = luck.random(), length or 6_000
    depth = i % 5 / 4 if task != "middle/kv" else None
    position = [0, 34, 69, 104, 139][i % 5] if task == "middle/kv" else None
    weak = 0.35 if position == 69 or (depth == 0.5 and long_prompt > 20_000) else 0.0
    skill = {"rag": 0.75, "long": 0.92 - 0.1 * (long_prompt > 10_000) - weak, "raw": 0.9 - weak}
    escalates = arm == "self_route" and hard > 0.75
    way = ["rag", "long"] if escalates else [arm if arm in skill and arm != "self_route" else "rag"]
    score = float(hard < skill[way[-1]] - shift)
    prompt = sum(1_500 if one == "rag" else long_prompt for one in way)
    usage = Usage(
        calls=len(way),
        prompt_tokens=prompt,
        output_tokens=20,
        seconds=prompt / 10_000,
        first_token_seconds=prompt / 12_000,
        shared_seconds=prompt / 20_000,
        decode_seconds=0.5,
    )
    failed = arm == "raw" and i == 7
    return Record(
        arm=arm,
        task=task,
        length=length,
        seed=0,
        id=str(i),
        group=str(i // 2),
        question=f"What is in sample {i}? {NASTY}",
        golds=("this", NASTY),
        metric="match_all",
        status="failed" if failed else "answered",
        reason="it broke" if failed else "",
        text=f"{arm} says {score:g} {NASTY}",
        score=None if failed else score,
        route=None if arm == "raw" else way[-1],
        usage=usage,
        cost=Cost(dollars=prompt / 1e6, gpu_seconds=usage.seconds, basis="measured"),
        decision=None if arm == "raw" else {"attempts": [{"route": one} for one in way], "situation": None},
        timings={"index": 2.0},
        retrieved={"recall": 1.0, "precision": 0.5, "iou": 0.5, "ndcg": 1.0}
        if task == "needle" and arm != "raw"
        else {},
        seconds=usage.seconds + 2.1,
        about={"length": length, "depth": depth, "position": position},
    )
