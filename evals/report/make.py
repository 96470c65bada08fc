"""The report of a run, and two runs compared.

Every mean stands with its 95 % interval and the number of samples it rests on; intervals and comparisons are clustered
by document. Measured and estimated costs never share a figure. A run that is not finished says how much is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hybrid.evals.folder import RunInfo, differences
from hybrid.evals.report.data import Comparison, Data, Report, ScoreRow
from hybrid.evals.report.evidence import citations, cited, followups
from hybrid.evals.report.page import questions
from hybrid.evals.report.profile import by_length, needles, places, retrieval, speeds
from hybrid.evals.report.rows import Row, by, load, mean, missing_records, scored
from hybrid.evals.report.worth import costs, examples, paired, pairs, regrets, routes, scores, verdict


def make(folder: Path) -> Report:
    """The report of the run in a folder.

    Raises:
        InputError: there is no run, or its records cannot be read.
    """
    info, rows = load(folder)
    data, answered = _basis(info, rows), [row for row in rows if row.status == "answered"]
    sections = [scores(data), pairs(data, answered), costs(data, answered), routes(data, answered)]
    sections += [by_length(data, answered), places(data, answered), needles(answered), regrets(data, answered)]
    sections += [
        speeds(data, answered),
        retrieval(data, answered),
        followups(data, answered),
        citations(data, answered),
    ]
    sections += [examples(folder, answered), questions(folder, rows)]
    return Report(data, [section for section in sections if section])


def summary(folder: Path) -> Data:
    """Only the scores of the run in a folder."""
    return _basis(*load(folder))


def compare(one: Path, other: Path) -> Comparison:
    """Two runs: the differences of their settings, and paired differences of arms of the same name.

    Raises:
        InputError: one of the folders holds no run.
    """
    (info, rows), (info2, rows2) = load(one), load(other)
    found = {"suite": (info.suite.model_dump(mode="json"), info2.suite.model_dump(mode="json"))}
    found["arms"] = (info.arms, info2.arms)
    for what in ("versions", "hardware"):
        found[what] = (getattr(info.sessions[-1], what), getattr(info2.sessions[-1], what))
    settings = {
        place: values for what, pair in found.items() for place, values in differences(*pair, place=what).items()
    }
    notes = [
        f"{folder}: {missing:,} records are still missing."
        for folder, i, r in ((one, info, rows), (other, info2, rows2))
        if (missing := missing_records(i, r))
    ]
    pairs = []
    for arm in info.arms:
        if arm not in info2.arms:
            notes.append(f"The arm {arm!r} is only in {one}.")
            continue
        ours, theirs = (
            {(*row.sample, row.question): row for row in r if row.arm == arm and row.status == "answered"}
            for r in (rows, rows2)
        )
        same = {key: row for key, row in ours.items() if key in theirs and not _differ(row, theirs[key])}
        if left := sum(key in theirs for key in ours) - len(same):
            notes.append(
                f"{left:,} samples of the arm {arm!r} have another content in the other run; they are left out."
            )
        pairs += paired(arm, arm, same, theirs)
    if not pairs:
        notes.append("The two runs have no sample that an arm of the same name answered in both: nothing is compared.")
    notes += [f"The arm {arm!r} is only in {other}." for arm in info2.arms if arm not in info.arms]
    return Comparison(settings=settings, rows=pairs, notes=notes)


def _differ(one: Row, other: Row) -> bool:
    """Whether two rows are of different data; rows of earlier versions do not say."""
    return bool(one.content and other.content) and one.content != other.content


def _basis(info: RunInfo, rows: Sequence[Row]) -> Data:
    """Scores by task and arm, and the notes that come before any number."""
    scores = []
    for (task, arm), own in by(rows, lambda row: (row.task, row.arm)).items():
        answered = [row for row in own if row.status == "answered"]
        scores.append(
            ScoreRow(
                task=task,
                arm=arm,
                metric=own[0].metric,
                n=len(answered),
                failed=sum(row.status == "failed" for row in own),
                skipped=sum(row.status == "skipped" for row in own),
                score=scored(answered) if answered else None,
                abstained=mean(row.abstained for row in answered),
                prompt_tokens=mean(row.prompt for row in answered),
                cached_tokens=mean(row.cached for row in answered),
                output_tokens=mean(row.output for row in answered),
                seconds=mean(row.engine_seconds for row in answered),
            )
        )
    missing, notes = missing_records(info, rows), []
    if missing:
        whole = missing + len(rows)
        notes.append(
            f"This run is not finished: {missing:,} of {whole:,} records ({missing / whole:.0%}) are missing. "
            "Run the same command again to continue."
        )
    failed, skipped = (sum(row.status == status for row in rows) for status in ("failed", "skipped"))
    if failed:
        notes.append(f"{failed:,} of {len(rows):,} samples failed; they are in no score.")
    if skipped:
        notes.append(f"{skipped:,} of {len(rows):,} samples were skipped, because an arm cannot answer them whole.")
    alone = [task for task, own in by(rows, lambda row: row.task).items() if len({row.group for row in own}) == 1]
    if alone:
        notes.append(f"{', '.join(alone)}: all samples are of one document, so intervals say nothing about others.")
    if len(info.sessions) > 1:
        notes.append(f"The run was worked on with {len(info.sessions)} different sets of versions or machines.")
    data = Data(run=info, missing=missing, notes=notes, scores=scores, citations=cited(rows))
    data.verdict = verdict(data, [row for row in rows if row.status == "answered"])
    return data
