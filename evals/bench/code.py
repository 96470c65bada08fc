"""Codebases: `python -m hybrid.evals.bench.code symbols|retrieval|names|speed`.

symbols    questions about names, asked of installed packages through `hybrid code ask`; the truth is computed with
           Python's own `ast`, which shares nothing with the tree-sitter index that answers
retrieval  SWE-QA: words of the reference answers found in what is retrieved, beside LlamaIndex's plain pipeline
names      questions that name a definition: whether words alone find it, with whole names indexed and without
speed      lines a second of the symbol index, and an update after one edit
"""

from __future__ import annotations

import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import numpy as np
from hybrid.evals.bench.peers import LlamaIndexPipeline
from hybrid.evals.bench.tables import Row, hybrid, less, row, show, written
from hybrid.evals.bench.truth import Line, Truth, root_of
from hybrid.evals.cli.common import DATA

from hybrid import Hybrid, Settings
from hybrid.corpus.readers.read import read
from hybrid.files import read_lines
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.lexical import Lexical, identifiers, query_words, words
from hybrid.reading.window import pieces


@click.group()
def main() -> None:
    """Measure what is said about codebases."""


@main.command()
@click.argument("packages", nargs=-1, required=True)
@click.option("--questions", default=100, help="Of each kind and package, drawn with seed 0.")
@click.option("--json", "as_json", is_flag=True)
def symbols(packages: tuple[str, ...], questions: int, as_json: bool) -> None:
    """Ask where names of PACKAGES are defined, who calls them and what they call.

    Exact means: the same set of places, none too many and none missing. A call counts where `ast` and the imports,
    scopes and base classes tell its target; calls through objects are compared apart, as what may be called.
    """
    rows: list[Row] = []
    for package in packages:
        root = root_of(package)
        truth = Truth(root, root.name)
        chosen = random.Random(0).sample(sorted(truth.asked()), min(questions, len(truth.asked())))
        kinds: dict[str, Callable[[str], set[Line]]] = {
            "Where is {} defined?": truth.defined,
            "Who calls {}?": truth.callers,
            "What does {} call?": truth.callees,
        }
        for form, expected in kinds.items():
            asked = [form.format(name) for name in chosen]
            given = dict(zip(chosen, hybrid("code", "ask", package, *asked, "--with-tests")["answers"], strict=True))
            found = {name: _places(answer, sure=True) for name, answer in given.items()}
            right = {name: found[name] == expected(name) for name in chosen}
            rows.append(_share(package, form, "exact", list(right.values())))
            some = [ok for name, ok in right.items() if expected(name)]
            rows.append(_share(package, form, "exact, where there are any", some))
            single = [ok for name, ok in right.items() if len(truth.defined(name)) == 1]
            rows.append(_share(package, form, "exact, one definition of that name", single))
            if form.startswith("Who"):
                same = [_places(answer, sure=False) == truth.possible(name) for name, answer in given.items()]
                rows.append(_share(package, form, "exact, through objects", same))
    show(rows, as_json)


def _places(answer: Row, *, sure: bool) -> set[Line]:
    return {(c["document"], c["line"]) for c in answer["citations"] if (c["score"] == 1.0) == sure}


def _share(package: str, form: str, metric: str, values: Sequence[bool]) -> Row:
    distributions = metadata.packages_distributions().get(package, ())
    version = metadata.version(distributions[0]) if distributions else ""
    return row(f"{Path(package).name} {version}".strip(), form, metric, [float(value) for value in values])


BUDGETS = (4_000, 12_000)  # characters that are read
PASSAGES = 12  # that `hybrid code ask` reads


@main.command()
@DATA
@click.option(
    "--repositories", type=click.Path(exists=True, path_type=Path), required=True, help="Holds a folder each."
)
@click.option("--json", "as_json", is_flag=True)
def retrieval(data: Path, repositories: Path, as_json: bool) -> None:
    """Words of SWE-QA's reference answers, those of the question aside, found in the first characters that are read.

    REPOSITORIES/flask, /requests and /pytest hold a version of each; the Python files of `src` where there is one. All
    of what an attempt reads is told too: the passages of a first one, and the definitions that they stand in.
    """
    asked: dict[str, list[Row]] = {}
    for line in read_lines(data / "codeqa" / "swe_qa_flask_requests_pytest.jsonl.gz"):
        asked.setdefault(line["repo"].rpartition("/")[2], []).append(line)
    scores: dict[tuple[str, str], list[float]] = {}
    with Hybrid(Settings()) as hybrid:
        for name, questions in asked.items():
            folder = repositories / name
            folder = folder / "src" if (folder / "src").is_dir() else folder
            for way, read in _ways(hybrid, folder).items():
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
    pairs += [(way, "LlamaIndex fused") for way in ("hybrid fused", "hybrid definitions")]
    for one, other in pairs:
        for metric in [metric for way, metric in list(scores) if way == one]:
            scores[f"{one} less {other}", metric] = less(scores[one, metric], scores[other, metric])
    show([row("SWE-QA", way, metric, values) for (way, metric), values in scores.items()], as_json)


def _ways(hybrid: Hybrid, folder: Path) -> dict[str, Callable[[str], str]]:
    """The text that each way reads for a question, in the order of its ranking."""
    store = hybrid.open(str(folder / "**" / "*.py"))

    def passages(mode: Any, k: int = 60) -> Callable[[str], str]:
        return lambda question: "\n".join(c.passage.text for c in store.search(question, k, mode))

    def definitions(k: int) -> Callable[[str], str]:
        return lambda question: "\n".join(p.text for p in pieces(store, "sections", store.search(question, k)))

    ways = {
        "hybrid dense": passages("dense"),
        "hybrid fused": passages("fused"),
        "hybrid definitions": definitions(20),
        f"all of {PASSAGES} passages": passages("fused", PASSAGES),
        "all of their definitions": definitions(PASSAGES),
    }
    files = sorted(folder.rglob("*.py"))
    texts = {f.relative_to(folder).as_posix(): f.read_text("utf-8") for f in files if f.stat().st_size}
    pipeline = LlamaIndexPipeline(texts)
    ways["LlamaIndex dense"] = lambda question: "\n".join(n.text for n in pipeline.dense(question, 50))
    ways["LlamaIndex fused"] = lambda question: "\n".join(n.text for n in pipeline.fused(question, 50))
    return ways


def _content(answer: str) -> set[str]:
    """The words of an answer that carry it: no stop words, no numbers, none shorter than three letters."""
    return {word for word in query_words(answer) if len(word) > 2 and not word.isdigit()}


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
        root = root_of(package)
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
        scores["the difference", k] = less(scores[second, k], scores[first, k])
    data = ", ".join(packages)
    show([row(data, way, f"found in {k}", values) for (way, k), values in scores.items()], as_json)


@main.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def speed(folders: tuple[Path, ...], as_json: bool) -> None:
    """Index the symbols of the Python files of FOLDERS, copied into one tree; then of one file that is edited.

    CPU seconds hold on a busy machine too. `hybrid code map` tells those of the index; those of its whole process
    also cover starting, finding the files, and drawing and printing the map.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        for folder in folders:
            for file in sorted(folder.rglob("*.py")):
                copy = tree / folder.name / file.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        time.sleep(2.5)  # a file written just now may change within the same tick, so the index would read it twice
        index = ["--index", str(Path(place) / "index")]
        rows = [_map("first", tree, index), _map("nothing changed", tree, index)]
        edited = max(tree.rglob("*.py"), key=lambda file: file.stat().st_size if file.stat().st_size < 100_000 else 0)
        edited.write_text(edited.read_text("utf-8") + "\n\ndef added_by_the_benchmark() -> None: ...\n", "utf-8")
        rows.append(_map("one file edited", tree, index))
    written(rows, {head: partial(_cell, head) for head in rows[0]}, as_json)


def _map(run: str, tree: Path, options: Sequence[str]) -> Row:
    begun = _spent()
    found = hybrid("code", "map", str(tree), *options, "--with-tests")
    symbols, spent = found["symbols"], _spent() - begun
    return {
        "run": run,
        "files": len(found["files"]),
        "parsed": symbols["parsed"],
        "lines": symbols["lines"],
        "index, CPU seconds": symbols["cpu_seconds"],
        "lines a CPU second": round(symbols["lines"] / max(0.001, symbols["cpu_seconds"])),
        "whole command, CPU seconds": round(spent, 1),
    }


def _cell(head: str, row: Row) -> str:
    return f"{row[head]:,}" if isinstance(row[head], int) else str(row[head])


def _spent() -> float:
    """CPU seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
