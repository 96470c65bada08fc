"""One command line, run in this process."""

from __future__ import annotations

import pytest

from hybrid.cli.main import cli, guarded


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = guarded(cli, [*map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return call
