"""What the package carries beside its code."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybrid.errors import InputError, SettingsError
from hybrid.files import carried, check_writable, joined, read_lines, write


def test_a_module_reads_the_file_of_its_name() -> None:
    assert carried("hybrid.text.words")["months"][0].startswith("january ")


def test_a_pattern_of_several_lines_is_one() -> None:
    pattern = r"""
      \b{{thing}}{1,2} (?:says|
      tells)\b
    """
    assert joined(pattern, thing="lease") == r"\blease{1,2} (?:says|tells)\b"


@pytest.mark.parametrize("name", ["file/x.toml", "none/x.toml", "n" * 300])
def test_what_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(SettingsError, match="Cannot write "):
        write(tmp_path / name, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_writable(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        write(pipe, "new")
        assert read.result(timeout=30) == "new"
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_line_that_is_nested_without_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text("{}\n" + "[" * 100_000 + "\n")
    with pytest.raises(InputError, match=r"Line 2 of .* is not JSON"):
        list(read_lines(tmp_path / "lines.jsonl"))
