"""A double of vLLM's program, and a model for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.serve import configuration
from tests.serving.doubles import installed

FAKE = Path(__file__).with_name("fake_vllm.py")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program of a double of vLLM."""
    installed(tmp_path / "packages")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{FAKE.read_text('utf-8')}")
    program.chmod(0o755)
    return program


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a configuration."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(configuration(2048)))
    return folder
