"""The bound of a cache's folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hybrid.serving.janitor import STALE, blocks, start, sweep, tidy
from hybrid.serving.tier import flags
from hybrid.serving.vllm import Vllm
from tests.serving.conftest import running, until
from tests.vllm_server import configuration

MODEL = Path("m-0123456789ab")
SIZE = 8192


def stored(folder: Path, number: int, used: float, *, model: Path = MODEL) -> Path:
    """A block as vLLM places it, last used so many seconds ago."""
    digits = f"{number:064x}"
    file = folder / model / "org_model_0123456789ab_r0" / digits[-3:] / f"{digits[-5:-3]}_g0" / f"{digits}.bin"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * SIZE)
    at = time.time() - used
    os.utime(file, (at, at))
    return file


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    files = [stored(tmp_path, i, used=1000 * (10 - i)) for i in range(10)]
    assert sweep(tmp_path, 11 * SIZE, 0).files == 0
    swept = sweep(tmp_path, 8 * SIZE, 0)
    assert (swept.held, swept.files, swept.failed) == (10 * SIZE, 3, "")
    assert [file.exists() for file in files] == [False] * 3 + [True] * 7
    assert sum(file.size for file in blocks(tmp_path)) <= 8 * SIZE


def test_a_document_loses_its_end_first(tmp_path: Path) -> None:
    within = time.time() % 60 + 90  # in one minute, seconds apart
    files = [stored(tmp_path, i, used=within - i) for i in range(10)]
    sweep(tmp_path, 8 * SIZE, 0)
    assert [file.exists() for file in files] == [True] * 7 + [False] * 3


def test_reading_keeps_a_block(tmp_path: Path) -> None:
    files = [stored(tmp_path, i, used=1000 * (10 - i)) for i in range(10)]
    list(blocks(tmp_path))
    for turn in range(2):  # also the second reading is seen, where a disk keeps the first alone
        before = files[0].stat().st_mtime
        files[0].read_bytes()
        if files[0].stat().st_atime <= before:
            pytest.skip("this disk keeps no times of reading")
        list(blocks(tmp_path))
        assert files[0].stat().st_mtime > before, turn
        time.sleep(0.02)
    sweep(tmp_path, 8 * SIZE, 0)
    assert files[0].exists()
    assert not files[1].exists()


def test_nothing_but_vllms_blocks_is_deleted(tmp_path: Path) -> None:
    block = stored(tmp_path, 1, used=9000)
    inside = block.parent
    outside = tmp_path / "outside.bin"
    outside.write_bytes(b"x" * SIZE)
    others = [outside, block.with_name("notes.bin"), block.with_name("0" * 64 + ".txt"), inside.parents[1] / "a.bin"]
    others += [block.with_name(f"{'1' * 64}.bin_12.tmp"), tmp_path / ".hybrid-cache", tmp_path / MODEL / "served.txt"]
    for file in others:
        file.write_bytes(b"x" * SIZE)
    link = block.with_name("2" * 64 + ".bin")
    link.symlink_to(outside)
    elsewhere = tmp_path / "elsewhere"
    far = stored(elsewhere, 3, used=9000)
    (tmp_path / "n-0123456789ab").symlink_to(elsewhere / MODEL)
    assert sweep(tmp_path, 1, 0).files == 1
    assert not block.exists()
    assert all(file.exists() for file in [*others, far])
    assert link.is_symlink()


def test_half_written_blocks_are_left_for_an_hour(tmp_path: Path) -> None:
    block = stored(tmp_path, 1, used=10)
    half, stale = (block.with_name(f"{block.name}_{i}.tmp") for i in (1, 2))
    for file, age in ((half, 10), (stale, STALE + 10)):
        file.write_bytes(b"x")
        os.utime(file, (time.time() - age,) * 2)
    assert sweep(tmp_path, 100 * SIZE, 0).files == 1
    assert (block.exists(), half.exists(), stale.exists()) == (True, True, False)


def test_the_disk_keeps_its_margin(tmp_path: Path) -> None:
    files = [stored(tmp_path, i, used=1000 * (10 - i)) for i in range(10)]
    swept = sweep(tmp_path, 10**12, 10**18)  # a margin that no disk has
    assert swept.files == 10
    assert not any(file.exists() for file in files)


def test_a_file_that_stays_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path, 1, used=10)

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refused)
    assert "Permission denied" in sweep(tmp_path, 1, 0).failed


def test_empty_folders_go_when_nobody_writes(tmp_path: Path) -> None:
    block, other = stored(tmp_path, 1, used=0), stored(tmp_path, 0xFFFFFF, used=0)
    other.unlink()
    empty = other.parent
    tidy(tmp_path)
    assert empty.exists()
    os.utime(empty, (time.time() - STALE - 10,) * 2)
    tidy(tmp_path)
    assert not empty.exists()
    assert block.exists()


def test_it_lives_as_long_as_the_server_and_no_longer(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    janitor = start(tmp_path, 8 * SIZE, 0, server.pid)
    try:
        for i in range(20):
            stored(tmp_path, i, used=1000 - i)
        until(lambda: sum(file.size for file in blocks(tmp_path)) <= 8 * SIZE)
        server.send_signal(signal.SIGKILL)
        server.wait()
        assert janitor.wait(timeout=20) == 0
    finally:
        server.kill()
        janitor.kill()
        janitor.wait()


def test_a_kill_at_any_moment_leaves_whole_blocks(tmp_path: Path) -> None:
    for i in range(200):
        stored(tmp_path, i, used=1000 - i)
    for turn in range(5):
        janitor = start(tmp_path, (180 - 10 * turn) * SIZE, 0, os.getpid())
        time.sleep(0.02 * turn)
        janitor.kill()
        janitor.wait()
    assert {file.size for file in blocks(tmp_path)} == {SIZE}
    assert sweep(tmp_path, 100 * SIZE, 0).failed == ""
    assert sum(file.size for file in blocks(tmp_path)) <= 100 * SIZE


@pytest.mark.server
def test_vllms_own_tier_beside_the_janitor(vllm: Vllm, tmp_path: Path) -> None:
    """Blocks vanish while vLLM reads: what it reads is what was stored, the rest it is told to be missing."""
    python = Path(vllm.start[0]).with_name("python")
    limit, inside = 40_000_000, tmp_path / MODEL
    told = flags(configuration(2048), inside, 10**9)[1]
    line = [str(python), str(Path(__file__).with_name("fs_tier.py")), told, "60"]
    server = subprocess.Popen(line, stdout=subprocess.PIPE)
    janitor = start(tmp_path, limit, 0, server.pid)
    found = json.loads(server.communicate(timeout=300)[0])
    assert janitor.wait(timeout=30) == 0
    assert found["wrong"] == 0
    assert found["read"] > 100
    assert found["missing"] > 0
    assert sum(file.size for file in blocks(tmp_path)) <= limit
    assert not running(janitor.pid)


def test_a_file_whose_time_may_not_be_set_counts_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stored(tmp_path, 1, used=1000)
    os.utime(file, (time.time(), time.time() - 1000))  # it was read since

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refused)
    assert [block.path for block in blocks(tmp_path)] == [file]
