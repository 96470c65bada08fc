"""The documentation's site builds without a warning, leads nowhere broken, and asks nobody else for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
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
    """Pages, pictures, and the places in pages that links name."""
    pages = {page.resolve(): page.read_text("utf-8") for page in site.rglob("*.html") if page.name != "404.html"}
    places = {page: set(re.findall(r"""\bid=["']?([^"'\s>]+)""", text)) for page, text in pages.items()}
    broken = []
    for page, text in pages.items():
        for target in re.findall(r"""<(?:a|img)\b[^>]*\b(?:href|src)=["']?([^"'\s>]+)""", text):
            parts = urlsplit(unescape(target))
            if parts.scheme or parts.netloc:
                continue
            there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            there = there / "index.html" if there.is_dir() else there
            if not there.exists() or (parts.fragment and unquote(parts.fragment) not in places.get(there, set())):
                broken.append((str(page.relative_to(site)), target))
    assert not broken


def test_every_page_has_a_title_of_its_own_and_a_description(site: Path) -> None:
    titles: dict[str, Path] = {}
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        text = page.read_text("utf-8")
        told = re.search(r"""<meta name=["']?description["']? content="([^"]+)""", text)
        assert told is not None, page
        assert len(told[1]) >= 20, (page, told[1])
        title = re.search(r"<title>([^<]+)</title>", text)
        assert title is not None, page
        assert title[1] not in titles, (page, titles.get(title[1]))
        titles[title[1]] = page


def test_the_reference_is_whole(site: Path) -> None:
    commands = (site / "reference/cli/index.html").read_text("utf-8")
    for name in ("hybrid ask", "hybrid serve", "hybrid eval run", "hybrid legal clauses"):
        assert name in commands
    assert "max_file_mb" in (site / "reference/settings/index.html").read_text("utf-8")
    assert "/v1/chat/completions" in (site / "reference/http/index.html").read_text("utf-8")
    assert "answer_async" in (site / "reference/python/index.html").read_text("utf-8")
    assert "hybrid.routing.policy.Policy" in (site / "reference/parts/index.html").read_text("utf-8")
    assert "way.py" in (site / "how/session/index.html").read_text("utf-8")
    told = (site / "llms.txt").read_text("utf-8")
    assert told.startswith("# hybrid")
    assert "(limits/)" in told
