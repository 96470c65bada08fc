"""What the README and the site show can be run: commands, Python, settings; and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hybrid.cli.main import cli, guarded
from hybrid.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = [page for page in PAGES if page.parent.name != "decisions"]
BLOCK = re.compile(r"^([ ]*)```(\w*)[^\n]*\n(.*?)^\1```", re.M | re.S)
LINK = re.compile(r"\]\(((?!https?://|mailto:)[^)\s]*)\)")
SERVED = re.compile(
    r"localhost|127\.0\.0\.1|llama_index|vector_store|\bllm\b"
)  # tests/serve and tests/integrations run these
OFFLINE = ("ask", "index", "doctor", "legal", "code", "plan", "route")  # run, where nothing has to be served or fetched


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The blocks of a page in some languages, without what indents them."""
    for indent, language, text in BLOCK.findall(page.read_text("utf-8")):
        if language in languages:
            yield re.sub(rf"^{indent}", "", text, flags=re.M)


def commands(page: Path) -> list[list[str]]:
    """The words of every `hybrid ...` line of a page."""
    lines = (line for block in blocks(page, "") for line in block.replace("\\\n", " ").splitlines())
    found = [shlex.split(line, comments=True) for line in lines if re.match(r"(?:\$ )?hybrid ", line)]
    return [words[words.index("hybrid") + 1 :] for words in found]


COMMANDS = [(page, words) for page in GUIDES for words in commands(page)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the pages have it: contracts, filings, source code, questions."""
    shutil.copytree(ROOT / "examples" / "contracts", tmp_path / "contracts")
    shutil.copytree(ROOT / "examples" / "filing", tmp_path / "filings")
    (tmp_path / "leases").mkdir()
    (tmp_path / "leases" / "harbour.md").write_text("---\nyear: 2022\n---\nThe tenant is Ada Quay.\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "cli.py").write_text(
        "def parse_args(words):\n    return words\n\n\ndef main():\n    parse_args([])\n"
    )
    (tmp_path / "questions.txt").write_text("What was the net loss?\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda value: getattr(value, "name", None) or " ".join(value))
def test_a_command_of_the_documentation_has_these_options(page: Path, words: list[str], folder: Path) -> None:
    command: click.Command = cli
    context = click.Context(cli, info_name="hybrid")
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        found = command.get_command(context, rest.pop(0))
        assert found is not None, words
        command = found
        context = click.Context(command, parent=context)
    rest = rest[: rest.index("&&")] if "&&" in rest else rest
    command.make_parser(context).parse_args(rest)  # raises where an option is unknown


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_the_commands_of_a_page_run_offline(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands(page):
        text = " ".join(words)
        served = re.search(r"--url|http|s3:|--ray|\.parquet|\.\./|\./|&&|\bmy-|--questions -", text)
        if words[0] not in OFFLINE or served or not _is_here(words, folder):
            continue
        assert guarded(cli, words) == 0, (page.name, text, capsys.readouterr())


def _is_here(words: list[str], folder: Path) -> bool:
    """Whether the paths of a command are in the folder."""
    return all((folder / word).exists() for word in words if word.endswith("/") or word.endswith(".txt"))


@pytest.mark.parametrize("page", [p for p in GUIDES if any(blocks(p, "python"))], ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, folder: Path) -> None:
    for block in blocks(page, "python"):
        if not SERVED.search(block):
            exec(compile(block, page.name, "exec"), {"__name__": "page"})


@pytest.mark.parametrize("page", [p for p in GUIDES if any(blocks(p, "toml"))], ids=lambda page: page.name)
def test_the_settings_of_a_page_hold(page: Path) -> None:
    for block in blocks(page, "toml"):
        given = tomllib.loads(block)
        if not {"tasks", "arms"} & set(given) and "model" not in given.get("serve", {}):  # those are suites
            Settings.model_validate(given)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if "reference/" in path or "how/" in path:  # made when the site is built
            continue
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    return {
        re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip())
        for title in re.findall(r"^#+ (.+)$", text, re.M)
    }
