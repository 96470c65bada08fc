"""What the README and the site show can be run: commands, Python, settings, requests. Their links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml

from hybrid.cli.main import cli, guarded
from hybrid.settings import Settings

ROOT = Path(__file__).parents[1]
BESIDE = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"]
SITE = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*(ROOT / name for name in BESIDE), *SITE]
GUIDES = [ROOT / "README.md", *(page for page in SITE if page.parent.name != "decisions")]
ROOMS = sorted((ROOT / "docs" / "how").glob("*.md"))
BLOCK = re.compile(r"^([ ]*)```(\w*)[^\n]*\n(.*?)^\1```", re.M | re.S)
LINK = re.compile(r"""(?:\]\(|<img src=")((?!https?://|mailto:)[^)"\s]*)[)"]""")
SERVED = re.compile(r"localhost|127\.0\.0\.1|vector_store|\bllm\b")  # tests/serve and tests/integrations run these
OFFLINE = ("ask", "index", "doctor", "legal", "code", "plan", "route")  # run, where nothing has to be served or fetched
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
SECTIONS = re.compile(rf"(?:{'|'.join(Settings.model_fields)})\.[a-z_]+(?: = .*)?")


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The blocks of a page in some languages, without what indents them."""
    for indent, language, text in BLOCK.findall(text_of(page)):
        if language in languages:
            yield re.sub(rf"^{indent}", "", text, flags=re.M)


def lines(page: Path) -> list[list[str]]:
    """The words of every line of the blocks without a language: they are commands."""
    text = "\n".join(blocks(page, "")).replace("\\\n", " ")
    words = [shlex.split(line, comments=True) for line in text.splitlines()]
    found = [one[1:] if one[0] == "$" else one for one in words if one]
    return [["hybrid", *one[1:]] if one[0] == ".venv/bin/hybrid" else one for one in found]


def commands(page: Path) -> list[list[str]]:
    """The words after `hybrid` of its commands."""
    return [words[1:] for words in lines(page) if words[0] == "hybrid"]


def said(page: Path) -> list[str]:
    """The code in the running text of a page and in its tables."""
    running = BLOCK.sub("", text_of(page)).replace("\\|", "|")
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", running)]


COMMANDS = [(page, words) for page in GUIDES for words in commands(page)]
OTHERS = [(page, words) for page in GUIDES for words in lines(page) if words[0] != "hybrid"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the pages have it: contracts, filings, source code, questions."""
    shutil.copytree(ROOT / "examples" / "contracts", tmp_path / "contracts")
    shutil.copytree(ROOT / "examples" / "contracts", tmp_path / "examples" / "contracts")
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
    command, rest, context = found_in(words)
    command.make_parser(context).parse_args(rest)  # raises where an option is unknown


def found_in(words: list[str]) -> tuple[click.Command, list[str], click.Context]:
    """The command of some words, what is left of them, and its context."""
    command: click.Command = cli
    context = click.Context(cli, info_name="hybrid")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest.pop(0))
        assert found is not None, words
        command = found
        context = click.Context(command, parent=context)
    return command, rest[: rest.index("&&")] if "&&" in rest else rest, context


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_commands_in_the_running_text_have_these_options(page: Path) -> None:
    for code in said(page):
        words = code.split()
        words = words[next((i for i, word in enumerate(words) if "=" not in word), 0) :]  # variables stand before
        if words[:1] == ["hybrid"] and len(words) > 1:
            command, rest, context = found_in(shlex.split(code[code.index("hybrid ") :])[1:])
            known = {option for param in command.get_params(context) for option in (*param.opts, *param.secondary_opts)}
            own = rest[: rest.index("--")] if "--" in rest else rest
            assert {word for word in own if re.match(r"--\w|-\w$", word)} <= known, code
        elif words[:2] == ["python", "-m"] or words[:1] == ["pytest"] or (words[:1] == ["make"] and len(words) == 2):
            check_other(page, words)


@pytest.mark.parametrize(("page", "words"), OTHERS, ids=lambda value: getattr(value, "name", None) or " ".join(value))
def test_another_command_of_the_documentation_means_something(page: Path, words: list[str]) -> None:
    check_other(page, words)


def check_other(page: Path, words: list[str]) -> None:
    """Check a command that is not `hybrid`'s: what it names has to be here."""
    while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    program, rest = words[0].rpartition("/")[2], words[1:]
    for extra in re.findall(r"hybrid-context\[([\w,-]+)\]", " ".join(rest)):
        assert set(extra.split(",")) <= set(EXTRAS), words
    if program == "python" and rest[0] == "-m" and rest[1].startswith(("hybrid.", "tests.")):
        check_module(rest[1], rest[2:])
    elif program == "python" and rest[0].endswith(".py"):
        assert (ROOT / rest[0]).exists(), words
    elif program == "python" and rest[:2] == ["-m", "pytest"]:
        check_other(page, rest[1:])
    elif program == "pytest":
        assert all((ROOT / word).exists() for word in rest if word.endswith(".py")), words
    elif program == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text("utf-8"), re.M), words
    elif program == "curl":
        check_request(rest)
    elif program in ("uvx", "pipx"):
        at = rest.index("hybrid")
        command, left, context = found_in(rest[at + 1 :])
        command.make_parser(context).parse_args(left)
    elif program == "docker":
        assert (ROOT / "Dockerfile").exists()
    else:
        assert program in ("pip", "python", "git", "cd"), words


def check_module(name: str, options: list[str]) -> None:
    """A module that can be run, with these options."""
    assert find_spec(name) is not None, name
    if not any(option.startswith("--") for option in options):
        return
    if hasattr(import_module(name), "__path__"):  # of a package its __main__ is run
        name = f"{name}.__main__"
    found = [one for one in vars(import_module(name)).values() if isinstance(one, click.Command)]
    known = {option for one in found for param in one.params for option in param.opts}
    if not found:
        known = set(re.findall(r"--[a-z-]+", Path(import_module(name).__file__ or "").read_text("utf-8")))
    assert {option for option in options if option.startswith("--")} <= known, (name, options)


def check_request(words: list[str]) -> None:
    """A request of curl: the service has its address, and its body is what that takes."""
    pytest.importorskip("starlette", reason="the extra serve is missing")
    from hybrid.serve.app import addresses
    from hybrid.serve.chat import ChatRequest

    path = next(word for word in words if word.startswith("http")).partition(":8410")[2]
    assert path in {getattr(route, "path", "") for route in addresses()}, path
    if "-d" in words:
        ChatRequest.model_validate(json.loads(words[words.index("-d") + 1]))


def test_no_block_escapes() -> None:
    """Every block has a language that a test reads; commands stand in blocks, not in indented lines."""
    for page in GUIDES:
        for _, language, _ in BLOCK.findall(text_of(page)):
            assert language in ("", "text", "python", "toml", "json"), (page.name, language)
        assert not re.search(r"^    (?:\$ )?(?:hybrid|python|pip|make) ", BLOCK.sub("", text_of(page)), re.M), page.name


@pytest.mark.parametrize("page", [p for p in GUIDES if any(blocks(p, "json"))], ids=lambda page: page.name)
def test_the_json_of_a_page_is_read(page: Path) -> None:
    for block in blocks(page, "json"):
        for line in block.splitlines():
            json.loads(line)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_settings_that_a_page_names_are_there(page: Path) -> None:
    for code in said(page):
        if not SECTIONS.fullmatch(code) or code.endswith((".py", ".md", ".toml")):
            continue
        section, _, key = code.partition(" = ")[0].partition(".")
        assert key in section_of(section), (page.name, code)


def section_of(name: str) -> set[str]:
    """The keys of a section of the settings."""
    settings = Settings()
    found = getattr(settings, "engine" if name == "long_engine" else name)
    return set(type(found).model_fields)


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_the_commands_of_a_page_run_offline(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands(page):
        text = " ".join(words)
        served = re.search(r"--url|http|s3:|--ray|\.parquet|texts:|\.\./|\./|&&|\bmy-|--questions -", text)
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
        assert there.exists(), target
        if anchor and there.suffix == ".md" and there.parent.name != "reference":  # whose rest is made with the site
            assert anchor in anchors(there), target


def test_pictures_say_what_they_show() -> None:
    for page in PAGES:
        pictures = re.findall(r'!\[([^]]*)\]\(|<img [^>]*alt="([^"]*)"', text_of(page))
        assert len(pictures) == len(re.findall(r"!\[|<img ", BLOCK.sub("", text_of(page)))), page.name
        for alt in map("".join, pictures):
            assert len(alt) >= 20, (page.name, alt)


@pytest.mark.parametrize("page", [p for p in SITE if p in GUIDES], ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_a_title_and_a_description(page: Path) -> None:
    told = re.match(r"---\n(.+)\n---\n# (.+)\n", text_of(page))
    assert told is not None, "it begins with a description and a title"
    assert 20 <= len(yaml.safe_load(told[1])["description"]) <= 160
    assert len(re.findall(r"^# ", BLOCK.sub("", text_of(page)), re.M)) == 1


def test_every_room_has_a_page() -> None:
    told = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## The rooms")[2]
    rooms = re.findall(r"^      (\w+)/ ", told.partition("    pipelines/")[0], re.M)
    assert len(rooms) == 15
    nav = (ROOT / "mkdocs.yml").read_text("utf-8")
    for room in ["foundations", *rooms, "pipelines", "evals"]:
        name = "indexes" if room == "index" else room  # how/index.md is the first page
        page = ROOT / "docs" / "how" / f"{name}.md"
        assert page.exists(), f"the room {room} has no page docs/how/{name}.md"
        assert f"how/{name}.md" in nav
        for title in ("The way through it", "The main types", "Why it is so", "To extend it"):
            assert f"## {title}\n" in text_of(page), (room, title)


@pytest.mark.parametrize("page", ROOMS, ids=lambda page: page.stem)
def test_the_types_that_a_room_names_are_there(page: Path) -> None:
    """A link to `file.py#Name` is one to the reference, on the site."""
    for file, name in re.findall(r"\]\(\.\./\.\./([\w/]+\.py)#(\w+)\)", text_of(page)):
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        assert name in {getattr(node, "name", "") for node in tree.body}, (file, name)


def test_every_measurement_has_its_command() -> None:
    """On the page of measurements a section begins with the command that repeats it, or its parts do."""
    text = text_of(ROOT / "docs" / "measured.md")
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        for part in re.split(r"^### ", section, flags=re.M):
            if "\n| " in part:
                assert re.search(r"\n```\n|`hybrid |No script prints", part), part.splitlines()[0]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    return {
        re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip())
        for title in re.findall(r"^#+ (.+)$", text, re.M)
    }
