"""Codebases: `python -m hybrid.evals.bench.code symbols|retrieval|names|speed`.

symbols    questions about names, asked of installed packages through `hybrid code ask`; the truth is computed with
           Python's own `ast`, which shares nothing with the tree-sitter index that answers
retrieval  SWE-QA: words of the reference answers found in what is retrieved, beside LlamaIndex's plain pipeline
names      questions that name a definition: whether words alone find it, with whole names indexed and without
speed      lines a second of the symbol index, and an update after one edit
"""

from __future__ import annotations

import ast
import gzip
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from hybrid.evals.bench.peers import LlamaIndexPipeline
from hybrid.evals.statistics import bootstrap

from hybrid import Hybrid, Settings
from hybrid.cli.common import console, print_json
from hybrid.corpus.readers.read import read
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.fusion import retrieve
from hybrid.index.lexical import Lexical, identifiers, query_words, words
from hybrid.reading.assemble import pieces

Row = dict[str, Any]
Line = tuple[str, int]  # file relative to the package, line
BUDGETS = (4_000, 12_000)  # characters that are read
PASSAGES = 12  # that `hybrid code ask` reads


@click.group()
def main() -> None:
    """Measure what is said about codebases."""


# --- names --------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("packages", nargs=-1, required=True)
@click.option("--questions", default=100, help="Of each kind and package, drawn with seed 0.")
@click.option("--show", default=0, help="Print so many questions that were not answered exactly.")
@click.option("--json", "as_json", is_flag=True)
def symbols(packages: tuple[str, ...], questions: int, show: int, as_json: bool) -> None:
    """Ask where names of PACKAGES are defined, who calls them and what they call.

    Exact means: the same set of places, none too many and none missing. A call counts where `ast` and the imports,
    scopes and base classes tell its target; calls through objects are compared apart, as what may be called.
    """
    rows: list[Row] = []
    for package in packages:
        root = _root(package)
        truth = Truth(root, root.name)
        chosen = random.Random(0).sample(sorted(truth.asked()), min(questions, len(truth.asked())))
        kinds: dict[str, Callable[[str], set[Line]]] = {
            "Where is {} defined?": truth.defined,
            "Who calls {}?": truth.callers,
            "What does {} call?": truth.callees,
        }
        for form, expected in kinds.items():
            given = _ask(package, [form.format(name) for name in chosen])
            names = zip(chosen, given, strict=True)
            found = {
                name: {(c["document"], c["line"]) for c in a["citations"] if c["score"] == 1.0} for name, a in names
            }
            right = {name: found[name] == expected(name) for name in chosen}
            rows.append(_share(package, form, "exact", list(right.values())))
            some = [ok for name, ok in right.items() if expected(name)]
            rows.append(_share(package, form, "exact, where there are any", some))
            single = [ok for name, ok in right.items() if len(truth.defined(name)) == 1]
            rows.append(_share(package, form, "exact, one definition of that name", single))
            if form.startswith("Who"):
                maybe = {
                    name: {(c["document"], c["line"]) for c in a["citations"] if c["score"] < 1.0}
                    for name, a in zip(chosen, given, strict=True)
                }
                same = [maybe[name] == truth.possible(name) for name in chosen]
                rows.append(_share(package, form, "exact, through objects", same))
            for name in [name for name, ok in right.items() if not ok][:show]:
                click.echo(f"{package}: {form.format(name)}", err=True)
                click.echo(f"  missing {sorted(expected(name) - found[name])[:5]}", err=True)
                click.echo(f"  too many {sorted(found[name] - expected(name))[:5]}", err=True)
    _out(rows, as_json)


def _share(package: str, form: str, metric: str, values: Sequence[bool]) -> Row:
    mean, low, high = bootstrap([float(value) for value in values]) if values else (0.0, 0.0, 0.0)
    distributions = metadata.packages_distributions().get(package, ())
    version = metadata.version(distributions[0]) if distributions else ""
    data = f"{Path(package).name} {version}".strip()
    return {"data": data, "way": form, "metric": metric, "mean": mean, "low": low, "high": high, "n": len(values)}


def _root(package: str) -> Path:
    if Path(package).is_dir():
        return Path(package).resolve()
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise click.UsageError(f"The package {package!r} is not installed, and no folder.")
    return Path(next(iter(spec.submodule_search_locations)))


def _ask(codebase: str, questions: Sequence[str]) -> list[Row]:
    """The answers of the command line, the way people ask."""
    command = [sys.executable, "-c", "from hybrid.cli.main import main; main()", "code", "ask", codebase, *questions]
    ran = subprocess.run([*command, "--json", "--quiet", "--with-tests"], capture_output=True, text=True)
    if ran.returncode:
        raise click.ClickException(ran.stderr.strip())
    return list(json.loads(ran.stdout)["answers"])


class Scope(NamedTuple):
    """A function or class in a module."""

    path: str  # Class.method
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Site(NamedTuple):
    """A call, or a decorator without one, which is called with what it decorates."""

    module: str
    line: int
    inside: tuple[str, ...]  # paths of the scopes around it, outermost first
    function: ast.expr
    mark: bool = False


class Truth:
    """Definitions and calls of a Python package, by `ast` alone.

    Args:
        root: the package's folder.
        package: its dotted name.
    """

    def __init__(self, root: Path, package: str) -> None:
        self.files: dict[str, str] = {}  # module -> file
        self.scopes: dict[str, list[Scope]] = {}
        self.values: dict[str, list[tuple[str, int]]] = {}  # variables outside of functions: path, line
        self.bound: dict[str, dict[str, tuple[str, str]]] = {}  # module -> name -> module, name in it
        self.stars: dict[str, list[str]] = {}
        self.sites: list[Site] = []
        for file in sorted(root.rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            module = ".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])
            try:
                tree = ast.parse(file.read_bytes())
            except (SyntaxError, ValueError):
                continue
            self.files[module] = file.relative_to(root).as_posix()
            self.scopes[module], self.values[module] = [], []
            self.bound[module], self.stars[module] = {}, []
            self._visit(module, tree, (), in_function=False)
            self._imports(module, tree, is_package=parts[-1] == "__init__")
        self.meant = [(site, self._meaning(site)) for site in self.sites]

    def _visit(self, module: str, node: ast.AST, inside: tuple[str, ...], *, in_function: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                path = f"{inside[-1]}.{child.name}" if inside else child.name
                self.scopes[module].append(Scope(path, child))
                for decorator in child.decorator_list:  # they stand outside of what they decorate
                    if not isinstance(decorator, ast.Call):
                        self.sites.append(Site(module, decorator.lineno, inside, decorator, mark=True))
                    self._visit(module, ast.Expression(decorator), inside, in_function=in_function)
                body = [part for part in ast.iter_child_nodes(child) if part not in child.decorator_list]
                is_function = not isinstance(child, ast.ClassDef)
                inner = ast.Module([part for part in body if isinstance(part, ast.stmt)], [])
                for part in body:
                    if not isinstance(part, ast.stmt):
                        self._visit(module, ast.Expression(part), (*inside, path), in_function=is_function)  # type: ignore[arg-type]
                self._visit(module, inner, (*inside, path), in_function=is_function)
                continue
            if isinstance(child, ast.Call):
                end = child.func.end_lineno or child.lineno
                self.sites.append(Site(module, end, inside, child.func))
            targets = (
                child.targets
                if isinstance(child, ast.Assign)
                else [child.target]
                if isinstance(child, ast.AnnAssign)
                else []
            )
            for target in [] if in_function or isinstance(node, ast.Lambda) else targets:
                for name in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                    if isinstance(name, ast.Name):
                        path = f"{inside[-1]}.{name.id}" if inside else name.id
                        self.values[module].append((path, child.lineno))  # type: ignore[attr-defined]
            self._visit(module, child, inside, in_function=in_function)

    def _imports(self, module: str, tree: ast.AST, *, is_package: bool) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.split(".")[0]
                    self.bound[module].setdefault(alias.asname or name, (name, ""))
            elif isinstance(node, ast.ImportFrom):
                base = module.split(".")
                base = base[: len(base) - node.level + is_package] if node.level else []
                source = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    if alias.name == "*":
                        self.stars[module].append(source)
                    else:
                        self.bound[module].setdefault(alias.asname or alias.name, (source, alias.name))

    # -- what names mean: sets of (module, path); empty: elsewhere; None: not told -------------------------------------

    def _meaning(self, site: Site) -> set[tuple[str, str]] | None:
        function, module = site.function, site.module
        if isinstance(function, ast.Name):
            return self._name(module, function.id, site.inside)
        if not isinstance(function, ast.Attribute):
            return set()
        value = function.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super":
            owner = self._class(module, site.inside)
            return self._inherited(module, owner, function.attr) or None if owner else None
        parts: list[str] = []
        while isinstance(value, ast.Attribute):
            parts.insert(0, value.attr)
            value = value.value
        if not isinstance(value, ast.Name):
            return None
        if value.id in ("self", "cls") and not parts:
            owner = self._class(module, site.inside)
            return self._member(module, owner, function.attr) or None if owner else None
        if self._local(module, value.id, site.inside):
            return None
        at = self._resolved(module, value.id)
        if at is None:
            if not any(scope.path == value.id for scope in self.scopes[module]) or parts:
                return None
            return self._member(module, value.id, function.attr) or None
        for part in [*parts, ""]:
            if at[1] and at[0] in self.files:  # a class, or a variable
                classes = {s.path for s in self.scopes[at[0]] if isinstance(s.node, ast.ClassDef)}
                if at[1] not in classes:
                    return None
                return (self._member(at[0], at[1], function.attr) or None) if not part else None
            if part:
                at = self._exported(at[0], part) if at[0] in self.files else (f"{at[0]}.{part}", "")
        return self._defined_as(*(self._exported(at[0], function.attr))) if at[0] in self.files else set()

    def _name(self, module: str, name: str, inside: tuple[str, ...]) -> set[tuple[str, str]] | None:
        classes = {scope.path for scope in self.scopes[module] if isinstance(scope.node, ast.ClassDef)}
        paths = {scope.path for scope in self.scopes[module]} | {path for path, _ in self.values[module]}
        for i, around in enumerate(reversed(inside)):
            if (around not in classes or i == 0) and f"{around}.{name}" in paths:
                return {(module, f"{around}.{name}")}
        if self._local(module, name, inside):
            return None
        if name in paths:
            return {(module, name)}
        at = self._resolved(module, name)
        return self._defined_as(*at) if at is not None else set()

    def _local(self, module: str, name: str, inside: tuple[str, ...]) -> bool:
        """Whether a function around has a parameter or variable of this name."""
        for scope in self.scopes[module]:
            if scope.path in inside and not isinstance(scope.node, ast.ClassDef):
                a = scope.node.args
                named = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(x for x in (a.vararg, a.kwarg) if x)]
                if any(arg.arg == name for arg in named):
                    return True
                if any(
                    isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
                    for n in ast.walk(scope.node)
                ):
                    return True
        return False

    def _resolved(self, module: str, name: str) -> tuple[str, str] | None:
        """Where an imported name comes from: a module and what of it, "" the module itself."""
        bound = self.bound[module].get(name)
        if bound is not None:
            return self._exported(*bound) if bound[1] else bound
        for star in self.stars[module]:
            if star in self.files and (found := self._exported(star, name))[1] and self._defined_as(*found):
                return found
        return None

    def _exported(self, module: str, name: str, depth: int = 0) -> tuple[str, str]:
        """Where what a module has under a name is defined, through as many modules as pass it on."""
        if module in self.files and depth < 8:
            if any(s.path == name for s in self.scopes[module]) or any(path == name for path, _ in self.values[module]):
                return module, name
            if name in self.bound[module]:
                source, inner = self.bound[module][name]
                return self._exported(source, inner, depth + 1) if inner else (source, "")
            for star in self.stars[module]:
                found = self._exported(star, name, depth + 1)
                if self._defined_as(*found):
                    return found
        return (f"{module}.{name}", "") if f"{module}.{name}" in self.files else (module, name)

    def _defined_as(self, module: str, path: str) -> set[tuple[str, str]]:
        known = module in self.files and (
            any(scope.path == path for scope in self.scopes[module]) or any(p == path for p, _ in self.values[module])
        )
        return {(module, path)} if known else set()

    def _class(self, module: str, inside: tuple[str, ...]) -> str | None:
        classes = {scope.path for scope in self.scopes[module] if isinstance(scope.node, ast.ClassDef)}
        return next((path for path in reversed(inside) if path in classes), None)

    def _member(self, module: str, owner: str, name: str, depth: int = 0) -> set[tuple[str, str]]:
        return self._defined_as(module, f"{owner}.{name}") or self._inherited(module, owner, name, depth)

    def _inherited(self, module: str, owner: str, name: str, depth: int = 0) -> set[tuple[str, str]]:
        for scope in self.scopes[module] if depth < 8 else ():
            for base in scope.node.bases if scope.path == owner and isinstance(scope.node, ast.ClassDef) else ():
                base = base.value if isinstance(base, ast.Subscript) else base
                around = tuple(owner.split(".")[:-1])
                site = Site(module, 0, tuple(".".join(around[: i + 1]) for i in range(len(around))), base)
                for at, path in self._meaning(site) or ():
                    if (at, path) != (module, owner) and (found := self._member(at, path, name, depth + 1)):
                        return found
        return set()

    # -- questions and what is right -----------------------------------------------------------------------------------

    def asked(self) -> set[str]:
        """The paths of all functions, classes and methods outside of functions, without their module."""
        return {
            scope.path
            for scopes in self.scopes.values()
            for scope in scopes
            if not any(
                o.path != scope.path and scope.path.startswith(f"{o.path}.") and not isinstance(o.node, ast.ClassDef)
                for o in scopes
            )
        }

    def _named(self, path: str) -> set[tuple[str, str]]:
        """What a path means: whatever ends with it."""
        return {
            (module, found)
            for module in self.files
            for found in {s.path for s in self.scopes[module]} | {p for p, _ in self.values[module]}
            if f".{found}".endswith(f".{path}")
        }

    def defined(self, path: str) -> set[Line]:
        """The lines of all definitions that end with a path."""
        return {line for found in self._named(path) for line in self._lines(*found)}

    def _lines(self, module: str, path: str) -> set[Line]:
        lines = {scope.node.lineno for scope in self.scopes[module] if scope.path == path}
        return {(self.files[module], line) for line in lines | {n for p, n in self.values[module] if p == path}}

    def callers(self, path: str) -> set[Line]:
        """The lines of the calls that are sure to mean one of the definitions; an instance calls `__init__`."""
        wanted = self._named(path)
        wanted |= {(m, p.rpartition(".")[0]) for m, p in wanted if p.rpartition(".")[2] in ("__init__", "__new__")}
        return {(self.files[s.module], s.line) for s, meant in self.meant if meant and meant & wanted}

    def possible(self, path: str) -> set[Line]:
        """The lines of the calls by this name whose target the text does not tell, where a method may be meant."""
        last = path.rpartition(".")[2]
        method = any("." in found for _, found in self._named(path))
        return {
            (self.files[site.module], site.line)
            for site, meant in self.meant
            if meant is None and _last(site.function) == last and (method or isinstance(site.function, ast.Name))
        }

    def callees(self, path: str) -> set[Line]:
        """The lines of the definitions that are called inside, for one target of each call the first."""
        found: set[Line] = set()
        for module, named in self._named(path):
            for site, meant in self.meant:
                if site.module == module and named in site.inside and meant and not site.mark:
                    found |= {min(line for target in meant for line in self._lines(*target))}
        return found


def _last(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


# --- retrieval ----------------------------------------------------------------------------------------------------


@main.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the data sets.")
@click.option(
    "--repositories", type=click.Path(exists=True, path_type=Path), required=True, help="Holds a folder each."
)
@click.option("--only", multiple=True, help="Of flask, requests, pytest.")
@click.option("--peer/--no-peer", default=True, help="Measure LlamaIndex too.")
@click.option("--json", "as_json", is_flag=True)
def retrieval(data: Path, repositories: Path, only: tuple[str, ...], peer: bool, as_json: bool) -> None:
    """Words of SWE-QA's reference answers, those of the question aside, found in the first characters that are read.

    REPOSITORIES/flask, /requests and /pytest hold a version of each; the Python files of `src` where there is one. All
    of what an attempt reads is told too: the passages of a first one, and the definitions that they stand in.
    """
    asked: dict[str, list[Row]] = {}
    with gzip.open(data / "codeqa" / "swe_qa_flask_requests_pytest.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            asked.setdefault(row["repo"].rpartition("/")[2], []).append(row)
    scores: dict[tuple[str, str], list[float]] = {}
    with Hybrid(Settings()) as hybrid:
        for name, questions in asked.items():
            if only and name not in only:
                continue
            folder = repositories / name
            folder = folder / "src" if (folder / "src").is_dir() else folder
            for way, read in _ways(hybrid, folder, peer).items():
                for question in questions:
                    gold = _content(question["answer"]) - set(words(question["question"]))
                    text = read(question["question"])
                    if way.startswith("all of"):
                        scores.setdefault((way, "characters read"), []).append(len(text))
                    for budget in (None,) if way.startswith("all of") else BUDGETS:
                        metric = "words found" if budget is None else f"words found in {budget:,} characters"
                        found = len(gold & set(words(text[:budget]))) / max(1, len(gold))
                        scores.setdefault((way, metric), []).append(found)
    pairs = [("hybrid definitions", "hybrid fused")]
    pairs += [(way, "LlamaIndex fused") for way in ("hybrid fused", "hybrid definitions")] if peer else []
    for one, other in pairs:
        for metric in [metric for way, metric in list(scores) if way == one]:
            both = zip(scores[one, metric], scores[other, metric], strict=True)
            scores[f"{one} less {other}", metric] = [a - b for a, b in both]
    rows = []
    for (way, metric), values in scores.items():
        mean, low, high = bootstrap(values)
        rows.append(
            {"data": "SWE-QA", "way": way, "metric": metric, "mean": mean, "low": low, "high": high, "n": len(values)}
        )
    _out(rows, as_json)


def _ways(hybrid: Hybrid, folder: Path, peer: bool) -> dict[str, Callable[[str], str]]:
    """What each way reads for a question, in the order of its ranking."""
    store = hybrid.open(str(folder / "**" / "*.py"))

    def passages(mode: Any, k: int = 60) -> Callable[[str], str]:
        return lambda question: "\n".join(c.passage.text for c in retrieve(store, question, k, mode))

    def definitions(k: int) -> Callable[[str], str]:
        return lambda question: "\n".join(p.text for p in pieces(store, "sections", retrieve(store, question, k)))

    ways = {
        "hybrid dense": passages("dense"),
        "hybrid fused": passages("fused"),
        "hybrid definitions": definitions(20),
        f"all of {PASSAGES} passages": passages("fused", PASSAGES),
        "all of their definitions": definitions(PASSAGES),
    }
    if peer:
        files = sorted(folder.rglob("*.py"))
        texts = {f.relative_to(folder).as_posix(): f.read_text("utf-8") for f in files if f.stat().st_size}
        pipeline = LlamaIndexPipeline(texts)
        ways["LlamaIndex dense"] = lambda question: "\n".join(n.text for n in pipeline.dense(question, 50))
        ways["LlamaIndex fused"] = lambda question: "\n".join(n.text for n in pipeline.fused(question, 50))
    return ways


def _content(answer: str) -> set[str]:
    """The words of an answer that carry it: no stop words, no numbers, none shorter than three letters."""
    return {word for word in query_words(answer) if len(word) > 2 and not word.isdigit()}


# --- names of several words ---------------------------------------------------------------------------------------


@main.command()
@click.argument("packages", nargs=-1, required=True)
@click.option("--questions", default=100, help="Of each package, drawn with seed 0.")
@click.option("--json", "as_json", is_flag=True)
def names(packages: tuple[str, ...], questions: int, as_json: bool) -> None:
    """Ask "What does NAME do?" of definitions of PACKAGES whose name stands for one only, by BM25 alone.

    Found: its line, as `ast` tells it, is in one of the first passages.
    """
    chunker = Chunker(Embedder())
    ways: dict[str, tuple[Callable[[str], list[str]], Callable[[str], list[str]]]] = {
        "parts of names": (words, query_words),
        "and whole names": (lambda t: [*words(t), *identifiers(t)], lambda q: [*query_words(q), *identifiers(q)]),
    }
    scores: dict[tuple[str, int], list[float]] = {}
    for package in packages:
        root = _root(package)
        truth = Truth(root, root.name)
        single = [name for name in sorted(truth.asked()) if len(truth.defined(name)) == 1]
        files = [file for file in sorted(root.rglob("*.py")) if file.stat().st_size]
        documents = [read(file.relative_to(root).as_posix(), file.read_bytes()) for file in files]
        cuts = [(document.name, cut) for document in documents for cut in chunker.split(document)]
        for way, (of_text, of_question) in ways.items():
            known: dict[str, int] = {}
            texts = [of_text(cut.context(name)) for name, cut in cuts]
            ids = [np.array([known.setdefault(word, len(known)) for word in text], np.int32) for text in texts]
            index = Lexical.build(np.arange(len(cuts)), ids, len(known))
            for name in random.Random(0).sample(single, min(questions, len(single))):
                asked = [known[w] for w in dict.fromkeys(of_question(f"What does {name} do?")) if w in known]
                ((file, line),) = truth.defined(name)
                ranked = [cuts[i] for i in index.search(asked, 20)[0]]
                holds = [of == file and cut.location.line <= line <= cut.location.end_line for of, cut in ranked]
                for k in (1, 5, 20):
                    scores.setdefault((way, k), []).append(float(any(holds[:k])))
    first, second = ways
    for k in (1, 5, 20):
        both = zip(scores[second, k], scores[first, k], strict=True)
        scores["the difference", k] = [after - before for after, before in both]
    rows = []
    for (way, k), values in scores.items():
        mean, low, high = bootstrap(values)
        found = {"metric": f"found in {k}", "mean": mean, "low": low, "high": high, "n": len(values)}
        rows.append({"data": ", ".join(packages), "way": way, **found})
    _out(rows, as_json)


# --- speed --------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def speed(folders: tuple[Path, ...], as_json: bool) -> None:
    """Index the symbols of the Python files of FOLDERS, copied into one tree; then of one file that is edited.

    CPU seconds hold on a busy machine too: of the index as `hybrid code map` tells them, and of its whole process,
    which starts, finds the files, and draws and prints the map of all of them too.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        for folder in folders:
            for file in sorted(folder.rglob("*.py")):
                copy = tree / folder.name / file.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        time.sleep(2.5)  # what has just been written may change again at the same time, and would be read twice
        index = ["--index", str(Path(place) / "index")]
        first = _map(tree, index)
        again = _map(tree, index)
        edited = max(tree.rglob("*.py"), key=lambda file: file.stat().st_size if file.stat().st_size < 100_000 else 0)
        edited.write_text(edited.read_text("utf-8") + "\n\ndef added_by_the_benchmark() -> None: ...\n", "utf-8")
        after = _map(tree, index)
    rows = []
    for name, told in (("first", first), ("nothing changed", again), ("one file edited", after)):
        took = told["symbols"]["cpu_seconds"]
        rows.append(
            {
                "run": name,
                "files": len(told["files"]),
                "parsed": told["symbols"]["parsed"],
                "lines": told["symbols"]["lines"],
                "index, CPU seconds": took,
                "lines a CPU second": round(told["symbols"]["lines"] / max(0.001, took)),
                "whole command, CPU seconds": round(told["cpu"], 1),
            }
        )
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    console().print(table)


def _map(tree: Path, options: Sequence[str]) -> Row:
    begun = _spent()
    command = [sys.executable, "-c", "from hybrid.cli.main import main; main()", "code", "map", str(tree), *options]
    ran = subprocess.run([*command, "--json", "--quiet", "--with-tests"], capture_output=True, text=True)
    if ran.returncode:
        raise click.ClickException(ran.stderr.strip())
    return {**json.loads(ran.stdout), "cpu": _spent() - begun}


def _spent() -> float:
    """CPU seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# --- output -------------------------------------------------------------------------------------------------------


def _out(rows: Sequence[Row], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    for data in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == data]
        metrics = list(dict.fromkeys(row["metric"] for row in own))
        table = Table("", *metrics, title=f"{data}, 95 % intervals", title_justify="left")
        for way in dict.fromkeys(row["way"] for row in own):
            cells = {
                r["metric"]: f"{r['mean']:.3f} [{r['low']:.3f}, {r['high']:.3f}] n={r['n']}"
                for r in own
                if r["way"] == way
            }
            table.add_row(re.sub(r"\{\}", "X", way), *(cells.get(m, "").replace("[", "\\[") for m in metrics))
        console().print(table)


if __name__ == "__main__":
    main()
