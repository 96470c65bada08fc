"""SWE-QA: words of the reference answers found in what is retrieved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from hybrid.evals.bench.peers import LlamaIndexPipeline
from hybrid.evals.bench.tables import Row, less, row, show
from hybrid.evals.cli.common import DATA

from hybrid import Hybrid, Settings
from hybrid.files import read_lines
from hybrid.index.lexical import query_words, words
from hybrid.reading.assemble import pieces

BUDGETS = (4_000, 12_000)  # characters that are read
PASSAGES = 12  # that `hybrid code ask` reads


@click.command()
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
