"""The documentation's site builds without a warning, leads nowhere broken, and asks nobody else for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason="mkdocs-material is missing")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(https?:[^"'\s>]+)|<link\b[^>]*rel=["']?(?:stylesheet|preconnect)[^>]*href=["']?(https?:[^"'\s>]+)"""
    )
    for page in site.rglob("*.html"):
        assert not loads.search(page.read_text("utf-8")), page.relative_to(site)


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for target in re.findall(r"""<a\b[^>]*\bhref=["']?([^"'\s>]+)""", page.read_text("utf-8")):
            parts = urlsplit(target)
            if parts.scheme or not parts.path:
                continue
            there = (page.parent / unquote(parts.path)).resolve()
            assert there.exists(), (page.relative_to(site), target)


def test_the_reference_is_whole(site: Path) -> None:
    commands = (site / "reference/cli/index.html").read_text("utf-8")
    for name in ("hybrid ask", "hybrid serve", "hybrid eval run", "hybrid legal clauses"):
        assert name in commands
    assert "max_file_mb" in (site / "reference/settings/index.html").read_text("utf-8")
    assert "/v1/chat/completions" in (site / "reference/http/index.html").read_text("utf-8")
    assert "answer_async" in (site / "reference/python/index.html").read_text("utf-8")
    assert "routing" in (site / "how/rooms/index.html").read_text("utf-8")
    told = (site / "llms.txt").read_text("utf-8")
    assert told.startswith("# hybrid")
    assert "(limits/)" in told
