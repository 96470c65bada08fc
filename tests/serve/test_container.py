"""The container is not built here; what it would start is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hybrid.settings import Settings, load
from tests.serve.conftest import LEASE, running

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8")


def _listed(instruction: str) -> list[str]:
    found = re.search(rf"^{instruction} (\[.*\])$", TEXT, re.MULTILINE)
    assert found is not None
    words: list[str] = json.loads(found[1])
    return words


def test_the_start_command_of_the_container_starts_the_service(tmp_path: Path) -> None:
    assert _listed("ENTRYPOINT") == ["hybrid", "serve"]
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "lease.md").write_text(LEASE, "utf-8")
    arguments = [word.replace("/corpora", str(tmp_path / "corpora")) for word in _listed("CMD")]
    key = "a key of some length"
    with running(tmp_path, *arguments, HYBRID_SERVE_KEY=key) as service:
        reply = service.get("/v1/models", headers={"authorization": f"Bearer {key}"})
        assert [model["id"] for model in reply.json()["data"]] == ["documents", "documents:rag", "documents:long"]


def test_compose_names_settings_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["hybrid"]
    environment = {**dict.fromkeys(service["environment"], ""), "HYBRID_SERVE_KEY": "k" * 16}
    environment["HYBRID_ENGINE_URL"] = "http://vllm:8000/v1"
    assert isinstance(load(environ=environment), Settings)


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    program = str(linter) if linter.exists() else shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([program, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
