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
PUBLIC = [
    "Answer",
    "Citation",
    "Corpus",
    "Cost",
    "Decision",
    "Hybrid",
    "HybridError",
    "Settings",
    "Usage",
    "UserError",
    "answer",
    "load",
]
# what the lowest modules may import of this package
BOTTOM = {
    "errors": set(),
    "document": set(),
    "types": {"hybrid.document"},
    "settings": {"hybrid.errors", "hybrid.types"},
    "prompts": {"hybrid.refusals", "hybrid.types"},
}


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running `code`."""
    report = f"import json, sys; print('\\n' + json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_the_check_sees_what_is_loaded() -> None:
    assert "bm25s" in loaded_by("import bm25s")


def test_import_is_light() -> None:
    assert loaded_by("import hybrid; hybrid.__version__; dir(hybrid)") == set()


def test_public_names_are_light() -> None:
    assert loaded_by("from hybrid import *") == set()


def test_help_is_light() -> None:
    code = "import sys\nsys.argv = ['hybrid', '--help']\nfrom hybrid.cli.main import main\n"
    assert loaded_by(f"{code}try:\n    main()\nexcept SystemExit as end:\n    assert not end.code") == set()


def test_public_names() -> None:
    assert hybrid.__all__ == PUBLIC == sorted(PUBLIC)
    assert dir(hybrid) == sorted([*PUBLIC, "__version__"])
    for name in PUBLIC:
        assert getattr(hybrid, name).__name__.lower() == name.lower()
    with pytest.raises(AttributeError, match="module 'hybrid' has no attribute 'nonsense'"):
        hybrid.nonsense  # noqa: B018


def imports(file: Path) -> Iterator[tuple[str, str | None]]:
    """(module, name) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield from ((node.module or "", alias.name) for alias in node.names)


MODULES = [
    pytest.param(file, id=file.relative_to(ROOT).as_posix())
    for file in sorted(ROOT.rglob("*.py"))
    if file != ROOT / "__init__.py"
]


@pytest.mark.parametrize("file", MODULES)
def test_nothing_reaches_up(file: Path) -> None:
    for module, name in imports(file):
        assert module.split(".")[0] not in {"evals", "pipelines", "tests"}
        if module == "hybrid":
            submodule = (ROOT / f"{name}.py").is_file() or (ROOT / str(name)).is_dir()
            assert name == "__version__" or submodule, f"{file.name} imports {name!r} from the package's __init__"


@pytest.mark.parametrize(("module", "allowed"), BOTTOM.items())
def test_the_bottom_imports_nothing_above(module: str, allowed: set[str]) -> None:
    found = {name for name, _ in imports(ROOT / f"{module}.py") if name.split(".")[0] == "hybrid"}
    assert found <= allowed


LAYERS = [
    {"errors", "document", "types", "settings", "numerals", "words", "asking", "forms"},
    {
        "corpus",
        "files",
        "readers",
        "sentences",
        "rows",
        "prompts",
        "refusals",
        "thinking",
        "marks",
        "ordering",
        "models",
        "profile",
        "warm",
        "amendments",
        "blocks",
    },
    {"chunking", "embedding", "int8", "minilm", "rope", "quantization"},
    {"index", "engines", "cost", "window", "chunkwise", "cite", "assemble"},
    {"routing", "situate", "plan", "serving", "settings_file"},
    {"hybrid"},
    {"cli", "integrations"},
]


@pytest.mark.parametrize("file", MODULES)
def test_imports_go_one_way(file: Path) -> None:
    level = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    own = file.relative_to(ROOT).parts[0].removesuffix(".py")
    for module, _ in imports(file):
        parts = module.split(".")
        if parts[0] == "hybrid" and len(parts) > 1 and parts[1] in level and own in level:
            assert level[parts[1]] <= level[own], f"{own} imports {module}"
    assert own in level, f"{own} is in no layer"
