"""Starting is light, the public names are these, and imports go one way."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hybrid

ROOT = Path(hybrid.__file__).parent
HEAVY = ["torch", "vllm", "faiss", "llama_index", "sentence_transformers", "transformers", "openai", "rich", "bm25s"]
HEAVY += ["lance", "pyarrow"]


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running `code`."""
    report = f"import json, sys; print('\\n' + json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_the_check_sees_what_is_loaded() -> None:
    assert "bm25s" in loaded_by("import bm25s")


def test_import_and_public_names_are_light() -> None:
    assert loaded_by("import hybrid; hybrid.__version__; dir(hybrid); from hybrid import *") == set()


def test_help_is_light() -> None:
    code = "import sys\nsys.argv = ['hybrid', '--help']\nfrom hybrid.cli.main import main\n"
    assert loaded_by(f"{code}try:\n    main()\nexcept SystemExit as end:\n    assert not end.code") == set()


def test_public_names() -> None:
    """tests/surface.txt has their signatures."""
    assert hybrid.__all__ == sorted(hybrid.__all__)
    assert dir(hybrid) == sorted([*hybrid.__all__, "__version__"])
    with pytest.raises(AttributeError, match="module 'hybrid' has no attribute 'nonsense'"):
        hybrid.nonsense  # noqa: B018


# the rooms from the ground up: each imports from those before it, and from itself
ORDER = [
    "foundations",
    "text",
    "chat",
    "corpus",
    "model",
    "index",
    "cost",
    "engines",
    "reading",
    "each",
    "routing",
    "serving",
    "session",
    "integrations",
    "serve",
    "cli",
    "pipelines",
    "evals",
]
FOUNDATIONS = {"document", "errors", "files", "registry", "settings", "types"}
TREE = ROOT.parent
FILES = {
    ".".join(("hybrid", *file.relative_to(above).with_suffix("").parts)).removesuffix(".__init__"): file
    for above, folder in ((ROOT, ROOT), (TREE, TREE / "pipelines"), (TREE, TREE / "evals"))
    for file in sorted(folder.rglob("*.py"))
    if "short" not in file.parts and file != ROOT / "__init__.py"
}


def imports(file: Path) -> Iterator[str]:
    """Every module of this project that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if node.module == "hybrid" and inner not in FILES:
                    inside = file.is_relative_to(ROOT) and alias.name != "__version__"
                    assert not inside, f"{file.name} imports {alias.name!r} from the package's __init__"
                elif inner in FILES or node.module in FILES:
                    yield inner if inner in FILES else str(node.module)


IMPORTS = {module: set(imports(file)) - {module} for module, file in FILES.items()}


def room(module: str) -> str:
    name = module.split(".")[1]
    return "foundations" if name in FOUNDATIONS else "cli" if name == "__main__" else name


def test_every_file_is_in_a_room() -> None:
    assert {room(module) for module in FILES} == set(ORDER)


@pytest.mark.parametrize("module", FILES)
def test_imports_go_one_way(module: str) -> None:
    for other in IMPORTS[module]:
        assert ORDER.index(room(other)) <= ORDER.index(room(module)), f"{module} imports {other}"
    if room(module) == "evals" and not module.startswith("hybrid.evals.bench"):
        assert "pipelines" not in {room(other) for other in IMPORTS[module]}


def test_no_modules_import_each_other() -> None:
    assert circles(IMPORTS) == []


def test_the_check_sees_circles() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set[str]()}
    assert [set(circle) for circle in circles(graph)] == [{"a", "b", "c"}]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The modules that reach themselves again, by circle."""
    reach = {module: set(others) for module, others in graph.items()}
    for middle in graph:
        for others in reach.values():
            if middle in others:
                others |= reach[middle]
    found: dict[frozenset[str], list[str]] = {}
    for module in graph:
        if module in reach[module]:
            circle = [other for other in graph if other in reach[module] and module in reach[other]]
            found[frozenset(circle)] = circle
    return list(found.values())
