"""Parts of a run: each sample in one of them, and together what an undisturbed run is."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hybrid.evals.folder import RunFailed, read_run
from hybrid.evals.merge import merge
from hybrid.evals.record import RECORDS, records
from hybrid.evals.run import by_document, run
from hybrid.evals.shards import Division, Shard, parse
from hybrid.evals.suite import Limits

from hybrid.errors import EngineError, InputError
from tests.evals.sums import Pool, Sums, add, suite

TIMED = {"timings", "seconds", "usage"}


def plain(folder: Path) -> list[str]:
    """The records in their order, without what the clock says."""
    return [record.model_dump_json(exclude=TIMED) for record in records(folder)]


def calm(folder: Path, n: int = 20) -> Path:
    run(suite(n, arms=("one", "two")), _arms(), {"sums": Sums(8)}, folder)
    return folder


def shard(folder: Path, number: int, of: int, n: int = 20, groups: int = 8) -> Path:
    run(suite(n, arms=("one", "two")), _arms(), {"sums": Sums(groups)}, folder, shard=Shard(number, of))
    return folder


def _arms() -> list[Any]:
    return [Pool(name, concurrency=1) for name in ("one", "two")]


def test_documents_stay_together_and_parts_are_even() -> None:
    for n, groups, of in ((20, 8, 3), (200, 40, 3), (1_000, 1_000, 7), (5, 5, 8)):
        parts = []
        for number in range(1, of + 1):
            division = Division(Shard(number, of), "exact_match")
            parts.append(list(division.of(by_document(Sums(groups).samples(None, n, 0)))))
            assert division.own == len(parts[-1])
            assert division.drawn.n == n
        places = [place for part in parts for place, *_ in part]
        assert sorted(places) == list(range(n))
        homes = Counter(
            {group for _, sample, _ in part for group in [sample.group]} and group
            for part in parts
            for group in {sample.group for _, sample, _ in part}
        )
        assert set(homes.values()) == {1}
        largest = max(map(len, parts))
        assert largest <= 1.05 * n / of + n / groups + 1


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "1/0", "a/b", "1/3/5", "-1/3", "1/" + "9" * 5000])
def test_what_names_no_shard_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="names no shard: write I/N"):
        parse(text)


def test_merged_shards_are_an_undisturbed_run(tmp_path: Path) -> None:
    calm(tmp_path / "calm")
    parts = [shard(tmp_path / f"{number}", number, 3) for number in (3, 1, 2)]
    info, notes = merge(tmp_path / "merged", parts)
    assert notes == []
    assert plain(tmp_path / "merged") == plain(tmp_path / "calm")
    whole = read_run(tmp_path / "calm")
    assert (info.suite, info.arms, info.sizes, info.shard) == (whole.suite, whole.arms, whole.sizes, "")
    assert info.merged == ("1/3", "2/3", "3/3")
    again = _arms()
    run(suite(arms=("one", "two")), again, {"sums": Sums(8)}, tmp_path / "merged")  # nothing is left to ask
    assert [arm.asked for arm in again] == [[], []]


def test_a_shard_goes_on_where_it_was_and_not_as_another(tmp_path: Path) -> None:
    shard(tmp_path / "a", 1, 3)
    lines = (tmp_path / "a" / RECORDS).read_bytes().splitlines(keepends=True)
    (tmp_path / "a" / RECORDS).write_bytes(b"".join(lines[:5]) + lines[5][:20])
    arms = _arms()
    run(suite(arms=("one", "two")), arms, {"sums": Sums(8)}, tmp_path / "a", shard=Shard(1, 3))
    assert sum(len(arm.asked) for arm in arms) == len(lines) - 5
    for other, now in ((Shard(2, 3), "shard 2/3"), (Shard(1, 4), "shard 1/4"), (Shard(), "a whole run")):
        with pytest.raises(InputError, match=rf"holds shard 1/3 and not {now}; name another folder"):
            run(suite(arms=("one", "two")), _arms(), {"sums": Sums(8)}, tmp_path / "a", shard=other)


def test_what_does_not_belong_together_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    one, two, three = (shard(tmp_path / f"{number}", number, 3) for number in (1, 2, 3))
    twin, fourth = shard(tmp_path / "twin", 2, 3), shard(tmp_path / "fourth", 2, 4)
    other, data = shard(tmp_path / "other", 2, 3, n=21), shard(tmp_path / "data", 2, 3, groups=9)
    whole = calm(tmp_path / "whole")
    out = tmp_path / "out"
    for folders, why in (
        ([one, two, twin], r"/2 and .*/twin overlap: both are shard 2/3"),
        ([one, fourth], r"shard 1/3 and .*/fourth is shard 2/4: shards of different divisions overlap"),
        ([one, other, three], r"has other settings than that at .* \(suite: n was 20, is 21\)"),
        ([one, data, three], r"is of other samples of 'sums' than that at .* \(both 20, of other content\)"),
        ([one, three], r"1 of 3 shards are missing \(2/3\): name their folders too"),
        ([one, two, whole], r"/whole holds a whole run and no shard"),
        ([one, two, tmp_path / "nothing"], r"There is no run at .*/nothing"),
    ):
        with pytest.raises(InputError, match=why):
            merge(out, folders)
    assert not out.exists()
    with pytest.raises(InputError, match="holds a run already, which is no merge"):
        merge(whole, [one, two, three])
    with pytest.raises(InputError, match="cannot be a shard and the merge"):
        merge(one, [one, two, three])


def test_copied_records_overlap(tmp_path: Path) -> None:
    one, two = shard(tmp_path / "1", 1, 2), shard(tmp_path / "2", 2, 2)
    with (two / RECORDS).open("ab") as file:
        file.write((one / RECORDS).read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(InputError, match=r"overlap: both have the sample 's\d+' of 'sums' by the arm 'one'"):
        merge(tmp_path / "out", [one, two])


def test_a_part_can_be_looked_at_and_completed(tmp_path: Path) -> None:
    one, two = shard(tmp_path / "1", 1, 2), shard(tmp_path / "2", 2, 2)
    lines = (two / RECORDS).read_bytes().splitlines(keepends=True)
    (two / RECORDS).write_bytes(b"".join(lines[:-3]))
    with pytest.raises(InputError, match=r"/2 is not finished: up to 3 of its records are missing"):
        merge(tmp_path / "out", [one, two])
    _, notes = merge(tmp_path / "out", [one], partial=True)
    assert notes == ["1 of 2 shards are not merged; their samples count as missing."]
    info, notes = merge(tmp_path / "out", [one, two], partial=True)
    assert notes == [f"{two} is not finished: up to 3 of its records are missing."]
    have = Counter((r.arm, f"{r.task}||{r.seed}") for r in records(tmp_path / "out"))
    assert info.missing(have) == 3
    shard(two, 2, 2)
    assert merge(tmp_path / "out", [one, two])[1] == []
    assert len(list(records(tmp_path / "out"))) == 80


def test_limits_hold_over_all_shards(tmp_path: Path) -> None:
    """Of ten failures that a run allows, each of three shards has three."""

    def fails(question: str, documents: Any) -> str:
        raise EngineError("It broke.")

    assert Shard(2, 3).limits(Limits()) == Limits(failed=3)
    with pytest.raises(RunFailed, match=r"4 of 4 samples of the arm 'one' failed"):
        run(suite(60, failed_share=0.0), [Pool("one", fails, 1)], {"sums": Sums(30)}, tmp_path / "1", shard=Shard(1, 3))
    with pytest.raises(RunFailed, match=r"The 1e-06 minutes of the suite are over"):
        run(
            suite(60), [Pool("one", add, 1)], {"sums": Sums(30)}, tmp_path / "2", shard=Shard(2, 3),
            limits=Limits(minutes=1e-6),
        )  # fmt: skip


def test_failures_beyond_the_limits_of_one_run_are_told(tmp_path: Path) -> None:
    one, two = shard(tmp_path / "1", 1, 2), shard(tmp_path / "2", 2, 2)
    for folder in (one, two):
        lines = [json.loads(line) for line in (folder / RECORDS).read_bytes().splitlines()]
        for line in lines:
            if line["arm"] == "one":
                line.update(status="failed", score=None, reason="It broke.")
        (folder / RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, notes = merge(tmp_path / "out", [one, two])
    assert notes == [
        "40 of 40 samples of the arm 'one' failed, more than the suite allows of one run: mend that, and run the "
        "shards again with --retry-failed."
    ]


@pytest.mark.slow
def test_shards_killed_at_any_moment_end_as_an_undisturbed_run_does(tmp_path: Path) -> None:
    """SIGKILL at random moments of three shards; the merge has the keys, the order and the scores of one calm run."""
    root = Path(__file__).parents[2]
    code = (
        "from pathlib import Path\nfrom hybrid.evals.run import run\nfrom hybrid.evals.shards import Shard\n"
        "from tests.evals.sums import Pool, Sums, slowly, suite\n"
        "arms = [Pool('one', slowly, 2), Pool('two', slowly, 1)]\n"
        "run(suite(120, arms=('one', 'two')), arms, {'sums': Sums(8)}, Path('FOLDER'), shard=Shard(NUMBER, 3))"
    )

    def start(number: int) -> subprocess.Popen[bytes]:
        folder = tmp_path / f"{number}"
        return subprocess.Popen(
            [sys.executable, "-c", code.replace("FOLDER", str(folder)).replace("NUMBER", str(number))], cwd=root
        )

    calm(tmp_path / "calm", 120)
    luck, killed = random.Random(0), 0
    for number in (1, 2, 3):
        for _ in range(4):
            process, lock = start(number), tmp_path / f"{number}" / "run.lock"
            until = time.monotonic() + 30
            while not lock.exists() and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(luck.uniform(0.2, 0.9))
            process.send_signal(signal.SIGKILL)
            killed += process.wait(30) == -signal.SIGKILL
        assert start(number).wait(60) == 0
    assert killed > 5
    merge(tmp_path / "merged", [tmp_path / f"{number}" for number in (1, 2, 3)])
    assert plain(tmp_path / "merged") == plain(tmp_path / "calm")
