"""The stores side by side: `python -m hybrid.evals.bench.stores --data DIR`. Building, opening, asking, and recall.

Passages are made of real ones. Some thousand passages of the texts in --data, about 50 words each, are embedded by the
packaged MiniLM. Passage i of the corpus has the first half of one of them and the second half of another, drawn by i;
its vector is the mean of theirs with a little noise, at unit length. So words have the frequencies of real text, and
vectors lie where real ones do, while a million are made in minutes. Documents have 200 passages. Reading, cutting
words, storing and indexing are the stores' own; splitting and embedding are left out: both stores do the same there.

Questions are sentences of passages that were held back, embedded as questions. Recall is of the 20 nearest by comparing
all vectors, in half precision as both stores keep them. Each store is built, and then opened, in its own process.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from hybrid.evals.bench.tables import part, written

from hybrid.corpus.corpus import Corpus
from hybrid.document import Document
from hybrid.index.chunking import Chunker, Cut
from hybrid.index.embedding import Embedder, Progress, Vectors
from hybrid.index.lance.seam import lance
from hybrid.index.libraries import faiss
from hybrid.index.protocol import Index
from hybrid.settings import EmbedderSettings
from hybrid.settings.names import STORES

EACH = 200  # passages of a document
WORDS = 50  # of a real passage
REAL = 3_000  # real passages
HELD_BACK = 200  # of them, for questions
NEAREST = 20
_MARK = re.compile(r"\bp(\d+)q\b")  # the number of a passage, in its text


class Made:
    """Real passages, and those made of them.

    Args:
        folder: with `texts.json` and `vectors.npy`, as `real` writes them.
    """

    def __init__(self, folder: Path) -> None:
        self.texts = [text.split() for text in json.loads((folder / "texts.json").read_text())]
        self.vectors = np.load(folder / "vectors.npy")
        self.questions = json.loads((folder / "questions.json").read_text())
        self.asked = np.load(folder / "asked.npy")

    def parents(self, numbers: Sequence[int]) -> tuple[Any, Any]:
        """The two real passages that each passage is made of."""
        mixed = np.asarray(numbers, np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
        mixed ^= mixed >> np.uint64(29)
        count = np.uint64(len(self.texts))
        return (mixed % count).astype(np.int64), ((mixed >> np.uint64(32)) % count).astype(np.int64)

    def text(self, number: int) -> str:
        """A passage; its number stands in it, by which its vector is found."""
        (a,), (b,) = self.parents([number])
        half = WORDS // 2
        return f"p{number}q {' '.join(self.texts[a][:half])} {' '.join(self.texts[b][half:])}"

    def vectors_of(self, numbers: Sequence[int]) -> Vectors:
        """Unit vectors of shape (n, d)."""
        a, b = self.parents(numbers)
        found = self.vectors[a] + self.vectors[b]
        for row, number in zip(found, numbers, strict=True):
            row += 0.02 * np.random.default_rng(number).standard_normal(len(row), dtype=np.float32)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def corpus(self, passages: int) -> dict[str, str]:
        """Documents by name."""
        return {
            f"{first // EACH:06}.txt": "\n".join(map(self.text, range(first, min(first + EACH, passages))))
            for first in range(0, passages, EACH)
        }

    def nearest(self, passages: int) -> list[set[int]]:
        """The passages nearest to each question, by comparing all."""
        asked = self.asked.astype(np.float32)
        best = np.zeros((len(asked), 0), np.float32)
        ids = np.zeros((len(asked), 0), np.int64)
        for first in range(0, passages, 20_000):
            numbers = np.arange(first, min(first + 20_000, passages))
            kept = self.vectors_of(numbers.tolist()).astype(np.float16).astype(np.float32)
            best = np.concatenate([best, asked @ kept.T], axis=1)
            ids = np.concatenate([ids, np.broadcast_to(numbers, (len(asked), len(numbers)))], axis=1)
            top = np.argpartition(-best, NEAREST, axis=1)[:, :NEAREST]
            best, ids = np.take_along_axis(best, top, 1), np.take_along_axis(ids, top, 1)
        return [set(row.tolist()) for row in ids]


class Looked(Embedder):
    """The real embedder for questions; of passages the vectors that were made."""

    def __init__(self, made: Made) -> None:
        super().__init__(EmbedderSettings(precision="float32"))
        self._made = made

    def prepare(self, sample: Sequence[str], total: int) -> None:
        pass

    def encode_documents(
        self, texts: Sequence[str], progress: Progress | None = None, *, part: bool = False
    ) -> Vectors:
        if progress is not None:
            progress(len(texts))
        return self._made.vectors_of([int(_MARK.findall(text)[0]) for text in texts])


class Lines(Chunker):
    """Every line is a passage."""

    def split(self, document: Document) -> list[Cut]:
        cuts, start = [], 0
        for line in document.text.split("\n"):
            end = start + len(line)
            cuts.append(Cut(start, end, line, "", document.locate(start, end), len(line.split()) * 4 // 3))
            start = end + 1
        return cuts


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Folder of data sets with texts.")
@click.option("--passages", "sizes", type=int, multiple=True, default=(100_000,), help="Sizes to measure.")
@click.option("--store", "stores", multiple=True, default=("sqlite", "lance"), help="Stores to measure.")
@click.option(
    "--work", type=click.Path(path_type=Path), help="Folder for the indexes; what was embedded there serves again."
)
@click.option("--build", hidden=True)
@click.option("--open", "opens", hidden=True)
@click.option("--json", "as_json", is_flag=True)
def main(
    data: Path | None,
    sizes: tuple[int, ...],
    stores: tuple[str, ...],
    work: Path | None,
    build: str | None,
    opens: str | None,
    as_json: bool,
) -> None:
    """Measure stores of some size."""
    if build is not None or opens is not None:
        assert work is not None
        print(json.dumps(_build(work, build, sizes[0]) if build is not None else _open(work, str(opens))))
        return
    if data is None:
        raise click.UsageError("Give --data, a folder with texts.")
    with contextlib.ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not (folder / "asked.npy").is_file():
            real(data, folder)
        rows = []
        for size in sizes:
            truth = [sorted(found) for found in Made(folder).nearest(size)]
            (folder / "truth.json").write_text(json.dumps(truth))
            for store in stores:
                built = part("hybrid.evals.bench.stores", "--work", folder, "--build", store, "--passages", size)
                opened = part("hybrid.evals.bench.stores", "--work", folder, "--open", store)
                disk = sum(f.stat().st_size for f in (folder / store).rglob("*") if f.is_file()) / 1e6
                rows.append({"store": store, "disk": disk, **built, **opened})
                STORES[store].delete(folder / store)
    columns = {
        "store": lambda row: row["store"],
        "passages": lambda row: f"{row['passages']:,}",
        "built a second": lambda row: f"{row['passages'] / row['built']:,.0f}",
        "build MB": lambda row: f"{row['build_memory']:,.0f}",
        "small change s": lambda row: f"{row['changed']:,.1f}",
        "disk MB": lambda row: f"{row['disk']:,.0f}",
        "open ms": lambda row: f"{row['open']:,.0f}",
        "question ms: p50": lambda row: f"{row['p50']:,.1f}",
        "p95": lambda row: f"{row['p95']:,.1f}",
        "vectors alone": lambda row: f"{row['dense']:,.1f}",
        "words alone": lambda row: f"{row['words']:,.1f}",
        "memory MB": lambda row: f"{row['memory']:,.0f}",
        "recall@20": lambda row: f"{row['recall']:.3f}",
    }
    written(rows, columns, as_json)


def real(data: Path, folder: Path) -> None:
    """Write real passages with their vectors, and questions."""
    passages = [passage for text in _texts(data) for passage in _cut(text)]
    drawn = np.random.default_rng(0).permutation(len(passages))[: REAL + HELD_BACK]
    if len(drawn) < REAL + HELD_BACK:
        raise click.UsageError(f"{data} holds {len(passages):,} passages; {REAL + HELD_BACK:,} are needed.")
    kept = [passages[i] for i in drawn[:REAL]]
    questions = [" ".join(passages[i].split()[10:24]) for i in drawn[REAL:]]
    embedder = Embedder(EmbedderSettings(precision="float32"))
    (folder / "texts.json").write_text(json.dumps(kept))
    (folder / "questions.json").write_text(json.dumps(questions))
    np.save(folder / "vectors.npy", embedder.encode_documents(kept))
    np.save(folder / "asked.npy", embedder.encode_query(questions))


def _texts(data: Path) -> Iterator[str]:
    """The long texts in the data sets of a folder."""
    for file in sorted(data.rglob("*.jsonl.gz")):
        for line in gzip.decompress(file.read_bytes()).decode("utf-8").splitlines():
            yield from (text for text in _strings(json.loads(line)) if len(text) > 2000 and text.count(" ") > 300)


def _strings(made: Any) -> Iterator[str]:
    if isinstance(made, str):
        yield made
    elif isinstance(made, dict):
        for value in made.values():
            yield from _strings(value)
    elif isinstance(made, list):
        for value in made:
            yield from _strings(value)


def _cut(text: str) -> list[str]:
    words = re.sub(r"[^\w.,;:!?'()-]+", " ", text[:200_000]).split()  # nothing that could be read as a table
    return [" ".join(words[i : i + WORDS]) for i in range(0, len(words) - WORDS, WORDS)]


def _store(work: Path, kind: str, made: Made, *, create: bool) -> Index:
    embedder = Looked(made)
    index: Index = STORES[kind](work / kind, embedder, Lines(embedder), create=create)
    return index


def _build(work: Path, kind: str, passages: int) -> dict[str, Any]:
    made = Made(work)
    index = _store(work, kind, made, create=True)
    texts = made.corpus(passages)
    corpus = Corpus.of(texts)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    changes = index.update(corpus)
    took = time.perf_counter() - begun
    assert changes.passages == passages, changes
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    last = max(texts)
    changed = Corpus.of({**texts, last: "\n".join(made.text(passages + i) for i in range(EACH))})
    begun = time.perf_counter()
    index.update(changed)  # which reads all given texts again: a corpus of files would not be
    again = time.perf_counter() - begun
    index.update(corpus)
    index.close()
    return {"passages": passages, "built": took, "build_memory": (after - before) / 1024, "changed": again}


def _open(work: Path, kind: str) -> dict[str, Any]:
    made, truth = Made(work), json.loads((work / "truth.json").read_text())
    lance() if kind == "lance" else faiss()  # imported before the clock runs
    before = _resident()
    begun = time.perf_counter()
    index = _store(work, kind, made, create=False)
    len(index)
    opened = time.perf_counter() - begun
    times: dict[str, list[float]] = {"fused": [], "dense": [], "lexical": []}
    found = []
    for question, vector, near in zip(made.questions, made.asked, truth, strict=True):
        for mode, spent in times.items():
            begun = time.perf_counter()
            best = index.search(question, NEAREST, mode, vector=vector)  # type: ignore[arg-type]
            spent.append((time.perf_counter() - begun) * 1000)
            if mode == "dense":
                numbers = {int(mark[1]) for c in best if (mark := _MARK.search(c.passage.text))}
                found.append(len(numbers & set(near)) / NEAREST)
    return {
        "open": opened * 1000,
        "p50": statistics.median(times["fused"]),
        "p95": statistics.quantiles(times["fused"], n=20)[-1],
        "dense": statistics.median(times["dense"]),
        "words": statistics.median(times["lexical"]),
        "memory": _resident() - before,
        "recall": float(np.mean(found)),
    }


def _resident() -> float:
    """Megabytes of this process in memory, mapped files included; the most it ever had where that is not told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
