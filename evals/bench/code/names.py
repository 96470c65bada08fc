"""Questions that name a definition: whether words alone find it."""

from __future__ import annotations

import random
from collections.abc import Callable

import click
import numpy as np
from hybrid.evals.bench.code.truth import Truth, root_of
from hybrid.evals.bench.tables import less, row, show

from hybrid.corpus.readers.read import read
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.lexical import Lexical, identifiers, query_words, words


@click.command()
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
