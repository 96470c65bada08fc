"""Shards of a run put together: the records of an undisturbed run, in its order, whatever happened to the shards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from hybrid.evals.content import place
from hybrid.evals.folder import RUN, RunInfo, Session, changes, locked, make_folder, read_run, replaced
from hybrid.evals.record import RECORDS, Key, whole_lines
from hybrid.evals.shards import parse
from hybrid.evals.suite import Cell

from hybrid.errors import InputError
from hybrid.model.profile import model_of
from hybrid.settings.engine import ADDRESSES


class Part(NamedTuple):
    """A shard's folder and what it says of itself."""

    folder: Path
    info: RunInfo


class Line(NamedTuple):
    """Where a record is, in the order in which an undisturbed run has it."""

    arm: int
    cell: int
    place: int
    part: int
    start: int  # in bytes
    length: int


def merge(out: Path, folders: Sequence[Path], *, partial: bool = False) -> tuple[RunInfo, list[str]]:
    """Put the records of shards together in a folder; the shards stay as they are.

    Args:
        out: new, or a merge that this one replaces.
        partial: shards may be missing or unfinished; what they lack counts as missing in the report.

    Returns:
        The run, and notes for the user.

    Raises:
        InputError: a folder holds no shard; two are of other suites, settings, data or divisions, or the same; shards
            are missing or unfinished; the folder holds another run.
        RunFailed: it cannot be written.
    """
    parts = [Part(folder, read_run(folder)) for folder in folders]
    if any(folder.resolve() == out.resolve() for folder in folders):
        raise InputError(f"{out} cannot be a shard and the merge of them: name a new folder first, then the shards.")
    _check_together(parts)
    if not partial:
        _check_all(parts)
    make_folder(out)
    with ExitStack() as held:
        for folder in (out, *folders):
            held.enter_context(locked(folder))
        check_free(out)
        lines, have, failed = _lines(parts)
        unfinished = [
            (p.folder, lacking) for p, own in zip(parts, have, strict=True) if (lacking := p.info.missing(own))
        ]
        if unfinished and not partial:
            folder, lacking = unfinished[0]
            raise InputError(
                f"The shard at {folder} is not finished: up to {lacking:,} of its records are missing. Continue it "
                "with its command, or merge what there is with --partial."
            )
        info = _together(parts)
        info.save(out)
        _write(out / RECORDS, parts, lines)
    return info, _notes(info, parts, unfinished) + _beyond_limits(info, have, failed)


def _check_together(parts: Sequence[Part]) -> None:
    """Raise InputError where these are not different shards of one run."""
    first = parts[0]
    named: dict[str, Path] = {}
    for folder, info in parts:
        if not info.shard:
            raise InputError(f"{folder} holds a whole run and no shard of one: leave it out.")
        if info.shard in named:
            raise InputError(
                f"{named[info.shard]} and {folder} overlap: both are shard {info.shard}. Name one of them."
            )
        named[info.shard] = folder
        if parse(info.shard).of != parse(first.info.shard).of:
            raise InputError(
                f"{first.folder} is shard {first.info.shard} and {folder} is shard {info.shard}: shards of different "
                "divisions overlap. Merge those of one."
            )
        whole = first.info.model_copy(update={"arms": _without_addresses(first.info.arms)})
        if changed := changes(whole, info.suite, _without_addresses(info.arms)):
            raise InputError(
                f"The shard at {folder} has other settings than that at {first.folder} ({changed}): merge shards of "
                "one run."
            )
        for cell in first.info.drawn.keys() & info.drawn.keys():
            ours, theirs = first.info.drawn[cell], info.drawn[cell]
            if ours != theirs:
                counts = f"{theirs.n:,} and {ours.n:,}" if theirs.n != ours.n else f"both {ours.n:,}, of other content"
                raise InputError(
                    f"The shard at {folder} is of other samples of {cell.partition('|')[0]!r} than that at "
                    f"{first.folder} ({counts}): run both on the same data and version."
                )


def _without_addresses(arms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The descriptions of arms without where their models are served: each shard may have a server of its own."""
    found: dict[str, dict[str, Any]] = json.loads(json.dumps(arms))
    for arm in found.values():
        for section in ("engine", "long_engine"):
            settings = arm.get("settings", {}).get(section) or {}
            for key in ADDRESSES:
                settings.pop(key, None)
        for engine in arm.get("engines", ()):
            engine["name"] = model_of(engine["name"])
    return found


def _check_all(parts: Sequence[Part]) -> None:
    """Raise InputError where shards are missing."""
    of = parse(parts[0].info.shard).of
    missing = sorted(set(range(1, of + 1)) - {parse(part.info.shard).number for part in parts})
    if missing:
        shown = ", ".join(f"{number}/{of}" for number in missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise InputError(
            f"{len(missing)} of {of} shards are missing ({shown}): name their folders too, or merge what there is with "
            "--partial."
        )


def check_free(out: Path) -> None:
    """Raise InputError where the folder holds something else than a merge."""
    if (out / RUN).exists() and not read_run(out).merged:
        raise InputError(f"{out} holds a run already, which is no merge: name another folder.")
    if (out / RECORDS).exists() and not (out / RUN).exists():
        raise InputError(f"{out} has records but no {RUN} that says what they are of; name another folder.")


def _lines(parts: Sequence[Part]) -> tuple[list[Line], list[Counter[tuple[str, str]]], Counter[str]]:
    """All records in an undisturbed run's order, how many each shard has by arm and cell, and failures by arm."""
    suite = parts[0].info.suite
    arms = {arm.name: number for number, arm in enumerate(suite.arms)}
    cells = {cell.key: number for number, cell in enumerate(c for task in suite.tasks for c in suite.cells(task))}
    seen: dict[Key, int] = {}
    found: list[Line] = []
    have: list[Counter[tuple[str, str]]] = [Counter() for _ in parts]
    failed: Counter[str] = Counter()
    for number, (folder, _) in enumerate(parts):
        for start, length, record in _read(folder / RECORDS):
            key: Key = (record["arm"], *place(record))
            cell = Cell(key[1], key[2], key[3], 0).key
            if key in seen:
                raise InputError(
                    f"{parts[seen[key]].folder} and {folder} overlap: both have the sample {key[4]!r} of {key[1]!r} "
                    f"by the arm {key[0]!r}."
                )
            if key[0] not in arms or cell not in cells:
                raise InputError(f"{folder} has records of {key[1]!r} by the arm {key[0]!r}, which its suite has not.")
            seen[key] = number
            have[number][key[0], cell] += 1
            failed[key[0]] += record["status"] == "failed"
            at = record.get("place")
            found.append(Line(arms[key[0]], cells[cell], -1 if at is None else at, number, start, length))
    return sorted(found), have, failed


def _read(file: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Where each whole line begins, its bytes, and what it says."""
    start = 0
    for line, record in whole_lines(file) if file.exists() else ():
        yield start, len(line), record
        start += len(line)


def _together(parts: Sequence[Part]) -> RunInfo:
    """What the merged run is of."""
    first = parts[0].info
    sessions: list[Session] = []
    for session in sorted((s for part in parts for s in part.info.sessions), key=lambda s: s.begun):
        if not any((s.versions, s.hardware) == (session.versions, session.hardware) for s in sessions):
            sessions.append(session)
    return RunInfo(
        suite=first.suite,
        arms=first.arms,
        counted_with=first.counted_with,
        sessions=sessions,
        sizes={cell: drawn.n for part in parts for cell, drawn in part.info.drawn.items()},
        merged=tuple(sorted((part.info.shard for part in parts), key=lambda shard: parse(shard).number)),
    )


def _write(file: Path, parts: Sequence[Part], lines: Sequence[Line]) -> None:
    """Copy the records in their order; the file is replaced as a whole."""
    with replaced(file) as to, ExitStack() as held:
        sources = [
            held.enter_context((folder / RECORDS).open("rb")) if (folder / RECORDS).exists() else None
            for folder, _ in parts
        ]
        for line in lines:
            source = sources[line.part]
            assert source is not None
            source.seek(line.start)
            to.write(source.read(line.length))


def _notes(info: RunInfo, parts: Sequence[Part], unfinished: Sequence[tuple[Path, int]]) -> list[str]:
    """What the user should know of a merge."""
    notes = [
        f"{folder} is not finished: up to {lacking:,} of its records are missing." for folder, lacking in unfinished
    ]
    of = parse(parts[0].info.shard).of
    if len(parts) < of:
        notes.append(f"{of - len(parts)} of {of} shards are not merged; their samples count as missing.")
    versions = {tuple(sorted(session.versions.items())) for session in info.sessions}
    if len(versions) > 1:
        notes.append(f"The shards were made with {len(versions)} sets of package versions; run.json lists them.")
    return notes


def _beyond_limits(info: RunInfo, have: Sequence[Counter[tuple[str, str]]], failed: Counter[str]) -> list[str]:
    """Notes on arms of which more samples failed, over all shards, than the suite allows in one run."""
    limits, totals = info.suite.limits, Counter[str]()
    for own in have:
        for (arm, _), number in own.items():
            totals[arm] += number
    return [
        f"{number:,} of {totals[arm]:,} samples of the arm {arm!r} failed, more than the suite allows of one run: mend "
        "that, and run the shards again with --retry-failed."
        for arm, number in failed.items()
        if number > max(limits.failed, limits.failed_share * totals[arm])
    ]
