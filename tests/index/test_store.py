"""The index on disk: only what changed is done again, nothing is mixed up, and neither kills nor faults lose it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.source import Source
from hybrid.errors import CorpusError, IndexLocked, IndexStoreError
from hybrid.index import dense as dense_module
from hybrid.index.chunking import Chunker
from hybrid.index.database import FORMAT
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import retrieve
from hybrid.index.generations import Generations
from hybrid.index.store import Store
from hybrid.index.update import Update
from hybrid.settings import EmbedderSettings, PassageSettings
from tests.index.updates import AT_ONCE, POINTS, TOKENS

NOUNS = (
    "tenant landlord baker pilot violin parser lake board moon contract engine roof garden letter river clock".split()
)
VERBS = "pays inspects rejects describes sells reflects outlives repairs signs paints moves forgets".split()
QUESTIONS = [
    "Who pays the landlord?",
    "What does the parser reject?",
    "the garden by the river",
]

Found = dict[tuple[str, int, str], tuple[float, float]]


@pytest.fixture(scope="module")
def chunker(embedder: Embedder) -> Chunker:
    return Chunker(embedder, PassageSettings(tokens=TOKENS))


@pytest.fixture(scope="module")
def asked(embedder: Embedder) -> list[tuple[str, Vectors]]:
    return list(zip(QUESTIONS, embedder.encode_query(QUESTIONS), strict=True))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


@pytest.fixture
def embedded(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects every text that the embedder is given for the index."""
    texts: list[str] = []
    encode = embedder.encode_documents

    def spy(given: list[str], *rest: Any, **how: Any) -> Vectors:
        texts.extend(given)
        return encode(given, *rest, **how)

    monkeypatch.setattr(embedder, "encode_documents", spy)
    return texts


def paragraph(rng: random.Random) -> str:
    """About 22 tokens: one passage."""
    words = [f"the {rng.choice(NOUNS)} {rng.choice(VERBS)} the {rng.choice(NOUNS)}" for _ in range(3)]
    return f"Note {rng.randrange(10**4)}: {', '.join(words)}."


def text(rng: random.Random, paragraphs: int) -> str:
    return "\n\n".join(paragraph(rng) for _ in range(paragraphs)) + "\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def found(store: Store, asked: list[tuple[str, Vectors]]) -> list[Found]:
    """For every question all passages with their cosine and BM25 score; searching has to be in order."""
    results = []
    for question, vector in asked:
        near, match = store.nearest(vector, 10**6), store.matching(question, 10**6)
        for ranking in (near, match):
            assert ranking == sorted(ranking, key=lambda pair: (-pair[1], pair[0]))
        cosines, scores = dict(near), dict(match)
        passages = store.passages(list(cosines))
        assert len(passages) == len(cosines) == len(near) == len(store)
        assert set(scores) <= set(cosines)
        results.append({(p.document, p.ordinal, p.text): (cosines[i], scores.get(i, 0.0)) for i, p in passages.items()})
    return results


def same(one: list[Found], other: list[Found]) -> bool:
    """Whether two indexes find the same texts with the same scores."""
    return len(one) == len(other) and all(
        a.keys() == b.keys() and all(abs(x - y) < 1e-3 for key in a for x, y in zip(a[key], b[key], strict=True))
        for a, b in zip(one, other, strict=True)
    )


def scratch(what: Any, chunker: Chunker, asked: list[tuple[str, Vectors]]) -> list[Found]:
    """What an index made anew in memory finds."""
    store = Store(None, chunker.embedder, chunker)
    store.update(Corpus.of(what))
    return found(store, asked)


def check_texts(store: Store, corpus: Path) -> None:
    """Documents and passages say what the files say."""
    names = [entry.name for entry in store.entries()]
    for name in names:
        content = (corpus / name).read_text("utf-8")
        assert store.document(name).text == content
        passages = store.passages_of(name)
        assert [p.ordinal for p in passages] == list(range(len(passages)))
        assert all(p.text == content[p.start : p.end] for p in passages)
        assert "".join("".join(p.text for p in passages).split()) == "".join(content.split())
    assert sorted(store.passages(store.ids_of(names).tolist())) == store.ids_of(names).tolist()
    assert len(store) == len(store.ids_of(names)) == sum(entry.passages for entry in store.entries())


# --- what an update does ------------------------------------------------------------------------------------------


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as long unchanged: nobody can set back when a file was last written."""
    monkeypatch.setattr("hybrid.index.update._RACY_NS", -(10**12))


@pytest.mark.usefixtures("old")
def test_only_what_changed_is_read_and_embedded(
    tmp_path: Path, corpus: Path, chunker: Chunker, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(1)
    write(corpus, {f"{i}.txt": text(rng, 4) for i in range(5)})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    first = store.update(Corpus.of(corpus))
    assert (first.added, first.changed, first.removed, first.unchanged, first.problems) == (5, 0, 0, 0, [])
    assert first.embedded == first.passages == len(store) == len(embedded) > 15
    assert store.generation == 1
    before = {p.text: p.id for p in store.passages_of("2.txt")}
    vectors = dict(store.db.rows("SELECT text, vector FROM passages"))

    read: list[str] = []
    load = Source.load
    monkeypatch.setattr(Source, "load", lambda source: (read.append(source.name), load(source))[1])
    embedded.clear()
    again = store.update(Corpus.of(corpus))
    assert (again.any, again.unchanged, again.embedded, read, embedded) == (False, 5, 0, [], [])
    assert store.generation == 1
    assert store.fresh(Corpus.of(corpus))

    new = "Note 77: the zebra counts its stripes, the zebra counts its stripes, the zebra counts its stripes."
    write(corpus, {"2.txt": (corpus / "2.txt").read_text() + "\n" + new + "\n"})
    assert not store.fresh(Corpus.of(corpus))
    changes = store.update(Corpus.of(corpus))
    assert (changes.added, changes.changed, changes.removed, changes.unchanged) == (0, 1, 0, 4)
    assert read == ["2.txt"]
    assert changes.embedded == 1
    assert embedded == [new]
    after = {p.text: p.id for p in store.passages_of("2.txt")}
    assert set(after) == {*before, new}
    assert not set(after.values()) & set(before.values())  # other ids, the same vectors
    kept = dict(store.db.rows("SELECT text, vector FROM passages"))
    assert all(kept[said] == vectors[said] for said in vectors)
    check_texts(store, corpus)


def test_removed_and_renamed(tmp_path: Path, corpus: Path, chunker: Chunker, embedder: Embedder) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "The baker sells bread."})
    store = Store(tmp_path / "index", embedder, chunker)
    store.update(Corpus.of(corpus))
    (corpus / "a.txt").rename(corpus / "c.txt")
    changes = store.update(Corpus.of(corpus))
    assert (changes.added, changes.removed, changes.unchanged) == (1, 1, 1)
    assert changes.embedded == 0  # a renamed file keeps its vectors
    assert [e.name for e in store.entries()] == ["b.txt", "c.txt"]
    assert [c.passage.document for c in retrieve(store, "zebra stripes", 1)] == ["c.txt"]
    (corpus / "c.txt").unlink()
    changes = store.update(Corpus.of(corpus))
    assert (changes.removed, changes.passages) == (1, 1)
    assert store.matching("zebra", 5) == []
    assert [c.passage.document for c in retrieve(store, "zebra stripes", 5)] == ["b.txt"]
    with pytest.raises(KeyError):
        store.document("c.txt")


def test_ids_of_what_is_gone_are_not_given_again(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    used: list[int] = []
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    for name in ("b.txt", "c.txt", "d.txt"):
        write(corpus, {name: "The baker sells bread."})
        store.update(Corpus.of(corpus))
        used += store.ids_of([name]).tolist()
        (corpus / name).unlink()
        store.update(Corpus.of(corpus))
    assert len(set(used)) == 3
    assert store.passages(used) == {}


def test_an_update_that_fails_half_way_leaves_nothing_open(
    tmp_path: Path, corpus: Path, chunker: Chunker, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    write(corpus, {"b.txt": "The baker sells bread."})
    for of, method in (
        (Update, "_number"),
        (Update, "_embed"),
        (Update, "_note_problems"),
        (Generations, "save"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(of, method, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                store.update(Corpus.of(corpus))
        assert [entry.name for entry in store.entries()] == ["a.txt"]
        assert (store.generation, len(store.matching("zebra", 3)), store.matching("baker", 3)) == (1, 1, [])
    assert store.update(Corpus.of(corpus)).added == 1
    assert len(store.matching("baker", 3)) == 1


@pytest.mark.usefixtures("old")
def test_a_file_that_breaks_is_named_and_comes_back(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "The baker sells bread."})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    (corpus / "a.txt").write_bytes(b"\0\1\2\3" * 100)
    (corpus / "c.pdf").write_bytes(b"%PDF-1.4\nbroken")
    for round_ in range(2):  # the second time both are known to be broken
        changes = store.update(Corpus.of(corpus))
        assert changes.removed == (1 if round_ == 0 else 0)
        assert [p.name for p in changes.problems] == [p.name for p in store.problems()] == ["a.txt", "c.pdf"]
        assert "broken PDF" in changes.problems[1].reason
        assert store.matching("zebra", 5) == []
        assert store.fresh(Corpus.of(corpus))
    write(corpus, {"a.txt": "The zebra counts its stripes again."})
    changes = store.update(Corpus.of(corpus))
    assert (changes.added, [p.name for p in store.problems()]) == (1, ["c.pdf"])
    assert len(store.matching("zebra", 5)) == 1
    (corpus / "c.pdf").unlink()
    changes = store.update(Corpus.of(corpus))
    assert (changes.any, changes.problems, store.problems()) == (False, [], [])


@pytest.mark.usefixtures("old")
def test_a_file_that_may_not_be_opened_is_tried_again(
    tmp_path: Path, corpus: Path, chunker: Chunker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Giving back the permission leaves size and time of change as they were."""
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "The baker sells bread."})
    store = Store(tmp_path / "index", chunker.embedder, chunker)

    def denied(source: Source) -> bytes:
        if source.name == "a.txt":
            raise Unreadable("permission denied")
        return load(source)

    load = Source.load
    with monkeypatch.context() as patch:
        patch.setattr(Source, "load", denied)
        assert [p.reason for p in store.update(Corpus.of(corpus)).problems] == ["permission denied"]
    assert not store.fresh(Corpus.of(corpus))
    assert store.update(Corpus.of(corpus)).added == 1
    assert store.problems() == []


def test_nothing_readable_empties_the_index_and_says_so(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    (corpus / "a.txt").write_bytes(b"\0\1\2\3" * 100)
    for _ in range(2):
        with pytest.raises(CorpusError, match=r"Nothing in corpus/ \(1 file\) can be read \(a.txt: "):
            store.update(Corpus.of(corpus))
        again = Store(tmp_path / "index", chunker.embedder, chunker)
        assert (len(again), again.matching("zebra", 3), retrieve(again, "zebra", 3)) == (0, [], [])
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    assert store.update(Corpus.of(corpus)).added == 1
    assert len(store.matching("zebra", 3)) == 1


@pytest.mark.usefixtures("old")
def test_a_touched_file_is_not_embedded_again(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    os.utime(corpus / "a.txt", (1.6e9, 1.6e9))
    changes = store.update(Corpus.of(corpus))
    assert (changes.any, changes.unchanged, store.generation) == (False, 1, 1)
    assert store.fresh(Corpus.of(corpus))


def test_a_change_within_the_same_instant_is_seen(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    write(corpus, {"a.txt": "zebra one"})
    now = time.time_ns()
    os.utime(corpus / "a.txt", ns=(now, now))
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    write(corpus, {"a.txt": "tiger two"})  # as long as before
    os.utime(corpus / "a.txt", ns=(now, now))
    assert not store.fresh(Corpus.of(corpus))
    assert store.update(Corpus.of(corpus)).changed == 1
    assert store.document("a.txt").text == "tiger two"


@pytest.mark.usefixtures("old")
def test_another_content_under_the_same_size_and_time_is_seen(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    for said in ("zebra one", "tiger two"):
        write(corpus, {"a.txt": said})
        os.utime(corpus / "a.txt", (1.6e9, 1.6e9))  # as a tool does that copies times
        time.sleep(0.02)
        store.update(Corpus.of(corpus))
        assert store.document("a.txt").text == said


@pytest.mark.usefixtures("old")
def test_given_texts_are_compared_by_what_they_say(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    write(corpus, {"a.txt": "The baker sells bread."})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of([corpus, {"note": "zebra one"}]))
    changed = Corpus.of([corpus, {"note": "tiger two"}])
    assert not store.fresh(changed)
    changes = store.update(changed)
    assert (changes.changed, changes.unchanged) == (1, 1)
    assert store.matching("zebra", 3) == []


def test_progress_is_reported(corpus: Path, chunker: Chunker) -> None:
    write(corpus, {f"{i}.txt": text(random.Random(i), 2) for i in range(3)})
    seen: dict[str, list[tuple[int, int]]] = {}
    store = Store(None, chunker.embedder, chunker)
    store.update(Corpus.of(corpus), lambda stage, done, total: seen.setdefault(stage, []).append((done, total)))
    assert seen["reading"] == [(1, 3), (2, 3), (3, 3)]
    assert seen["embedding"][-1] == (len(store), len(store))
    assert seen["indexing"][-1] == (2, 2)


@pytest.mark.parametrize(("seed", "on_disk"), [(1, True), (2, True), (3, False)])
def test_passages_are_never_mixed_up(
    tmp_path: Path, corpus: Path, chunker: Chunker, asked: list[tuple[str, Vectors]], seed: int, on_disk: bool
) -> None:
    """After any sequence of adding, changing and removing, the index is what building it anew would give."""
    rng = random.Random(seed)
    store = Store(tmp_path / "index" if on_disk else None, chunker.embedder, chunker)
    used: dict[int, tuple[str, str]] = {}  # every id ever seen and what it stood for
    alive: set[int] = set()
    for step in range(6):
        present = [file.name for file in corpus.iterdir()]
        for name in rng.sample(present, min(len(present), rng.randrange(3))):
            action = rng.choice(["remove", "change", "grow", "break"]) if len(present) > 1 else "grow"
            file = corpus / name
            if action == "remove":
                file.unlink()
            elif action == "change":
                write(corpus, {name: text(rng, rng.randrange(1, 4))})
            elif action == "grow":
                old = file.read_bytes()
                write(corpus, {name: paragraph(rng) + "\n\n" + ("" if b"\0" in old else old.decode())})
            else:
                file.write_bytes(b"\0\1\2" * rng.randrange(100, 200))
        write(corpus, {f"{rng.randrange(9)}.txt": text(rng, rng.randrange(1, 5)) for _ in range(rng.randrange(1, 3))})
        if step == 4 and on_disk:  # and a new process
            store.close()
            store = Store(tmp_path / "index", chunker.embedder, chunker)
        changes = store.update(Corpus.of(corpus))
        check_texts(store, corpus)
        broken = {file.name for file in corpus.iterdir() if b"\0" in file.read_bytes()}
        assert {p.name for p in store.problems()} == broken == {p.name for p in changes.problems}
        now = {
            i: (p.document, p.text) for i, p in store.passages(store.ids_of([e.name for e in store.entries()])).items()
        }
        assert all(used[i] == said for i, said in now.items() if i in used)
        assert not (now.keys() & used.keys()) - alive  # what is gone does not come back
        assert all(i > max(used, default=0) for i in now.keys() - used.keys())
        used |= now
        alive = set(now)
        assert same(found(store, asked), scratch(corpus, chunker, asked))
    if on_disk:
        generation = store.generation
        assert {file.name for file in (tmp_path / "index").iterdir()} - {"index.db-wal", "index.db-shm"} == {
            "index.db", "write.lock", f"dense-{generation}.faiss", f"lexical-{generation}"
        }  # fmt: skip


def test_the_inverted_file_is_used_above_its_limit(
    tmp_path: Path, corpus: Path, chunker: Chunker, asked: list[tuple[str, Vectors]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense_module, "EXACT", 60)
    rng = random.Random(4)
    write(corpus, {f"{i}.txt": text(rng, 4) for i in range(10)})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    assert store.db.meta("made_for") == "0"
    write(corpus, {f"more {i}.txt": text(rng, 4) for i in range(10)})
    grown = store.update(Corpus.of(corpus))
    assert store.db.meta("made_for") == str(grown.passages) == str(len(store))
    assert float(store.db.meta("recall") or 0) >= 0.98
    assert store.generations.current()[0].nprobe == int(store.db.meta("nprobe") or 0) > 0
    again = Store(tmp_path / "index", chunker.embedder, chunker)
    everything = store.ids_of([entry.name for entry in store.entries()])
    with monkeypatch.context() as patch:
        patch.setattr(dense_module, "EXACT", 1000)
        exact = scratch(corpus, chunker, asked)
    for (question, vector), truth in zip(asked, exact, strict=True):
        top = sorted(truth.values(), reverse=True)[:5]
        ranking = again.nearest(vector, 5)
        assert [score for _, score in ranking] == pytest.approx([score for score, _ in top], abs=2e-2)
        assert len(again.nearest(vector, 10**6, everything)) == len(store)
        assert again.matching(question, 5)
    (corpus / "more 1.txt").unlink()  # removed from and added to without training anew
    write(corpus, {"new.txt": "The zebra counts its stripes."})
    store.update(Corpus.of(corpus))
    assert store.db.meta("made_for") == str(grown.passages)
    assert len(store.nearest(asked[0][1], 10**6, store.ids_of(["new.txt"]))) == 1
    check_texts(store, corpus)
    for file in [*corpus.glob("more*"), *corpus.glob("[5-9].txt")]:
        file.unlink()
    store.update(Corpus.of(corpus))  # and small again
    assert store.db.meta("made_for") == "0"
    assert same(found(store, asked), scratch(corpus, chunker, asked))


# --- texts of all kinds -------------------------------------------------------------------------------------------


def test_strange_texts(tmp_path: Path, embedder: Embedder) -> None:
    chunker = Chunker(embedder)
    texts = {
        "nul": "before\0after zebra",
        "surrogate": "a \ud800 lone \udfff zebra",
        "emoji": "🙂🙃 zebra 👩‍👩‍👧 東京 𝕏",
        "marks": "!!! ??? ---",
        "empty": "",
        "blank": " \n\t ",
        "good": "The zebra counts its stripes.",
        "nul\0one": "a name with a nul, the first",
        "nul\0two": "a name with a nul, the second",
        f"sur{chr(0xD800)}": "a name that is no text, the first",
        f"sur{chr(0xD801)}": "a name that is no text, the second",
    }
    store = Store(tmp_path / "index", embedder, chunker)
    for _ in range(2):
        changes = store.update(Corpus.of(texts))
        assert sorted(p.name for p in changes.problems) == ["blank", "empty"]
        assert len(store.entries()) == 9
    assert changes.unchanged == 9
    assert store.document("nul").text == "before\0after zebra"
    assert store.document("surrogate").text == "a \ufffd lone \ufffd zebra"
    assert store.document("emoji").text == texts["emoji"]
    assert store.passages_of("nul")[0].text == "before\0after zebra"
    documents = {p.document for p in store.passages([i for i, _ in store.matching("zebra", 9)]).values()}
    assert documents == {"nul", "surrogate", "emoji", "good"}
    assert {c.passage.text for c in retrieve(store, "a name, the second", 4)} >= {
        "a name with a nul, the second",
        "a name that is no text, the second",
    }
    assert store.matching("東", 5)
    assert store.matching("\0 \ud800 '\";%", 5) == []
    assert store.nearest(embedder.encode_query(["\ud800\0 🙂".encode("utf-8", "replace").decode()])[0], 3)


def test_marks_alone_have_no_words(chunker: Chunker) -> None:
    store = Store(None, chunker.embedder, chunker)
    assert store.update(Corpus.of({"--": "!!! ???"})).passages == 1
    assert store.matching("zebra ???", 3) == []
    assert len(retrieve(store, "zebra", 3)) == 1


def test_a_megabyte_without_a_space(corpus: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(random.Random(5).choices("abcdefghijklmnop", k=1_000_000))
    write(corpus, {"wall.txt": text, "good.txt": "The zebra counts its stripes."})
    monkeypatch.setattr(  # hundreds of passages of nonsense: their vectors do not matter here
        embedder, "encode_documents", lambda texts, *_, **__: np.eye(len(texts), 384, dtype=np.float32)
    )
    store = Store(None, embedder, Chunker(embedder))
    begun = time.process_time()
    changes = store.update(Corpus.of(corpus))
    assert time.process_time() - begun < 20
    assert 500 < changes.passages < 1000
    assert sum(len(p.text) for p in store.passages_of("wall.txt")) == 1_000_000
    assert max(len(p.text) for p in store.passages_of("wall.txt")) <= 1600
    assert len(store.matching("zebra", 5)) == 1


def test_an_empty_file_next_to_good_ones(tmp_path: Path, corpus: Path, chunker: Chunker) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "", "c.txt": "\n \n"})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    changes = store.update(Corpus.of(corpus))
    assert (changes.added, [p.name for p in changes.problems]) == (1, ["b.txt", "c.txt"])


# --- killed at any moment -----------------------------------------------------------------------------------------


class Updates:
    """The program of tests/index/updates.py, running."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.index.updates"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._read() == "ready"

    def start(self, **request: Any) -> int:
        """Begin an update; returns the process that does it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request, default=str) + "\n")
        self._process.stdin.flush()
        child = self._read()
        assert isinstance(child, int)
        return child

    def end(self) -> tuple[int, str]:
        """Wait for it; returns how it ended and what it said."""
        reply = self._read()
        return (self._read(), reply) if isinstance(reply, str) else (reply, "")

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def updates() -> Iterator[Updates]:
    program = Updates()
    yield program
    program.stop()


class Scene:
    """An index, a corpus that has changed since, and what is to be found before and after the update."""

    def __init__(self, folder: Path, chunker: Chunker, asked: list[tuple[str, Vectors]]) -> None:
        self.corpus, self.index, self._asked = folder / "corpus", folder / "index", asked
        self.chunker = chunker
        self.corpus.mkdir()
        rng = random.Random(6)
        write(self.corpus, {f"{i}.txt": text(rng, 3) for i in range(8)})
        store = self.open()
        store.update(Corpus.of(self.corpus))
        self.before = found(store, asked)
        store.close()
        (self.corpus / "0.txt").unlink()
        (self.corpus / "4.txt").write_bytes(b"\0\1\2\3" * 100)
        for i in (1, 2):
            write(self.corpus, {f"{i}.txt": (self.corpus / f"{i}.txt").read_text() + "\n" + text(rng, 2)})
        write(self.corpus, {f"new {i}.txt": text(rng, 10) for i in range(4)})
        self.after = scratch(self.corpus, chunker, asked)
        self.new = len(contexts(self.after) - contexts(self.before))  # passages to embed

    def open(self, index: Path | None = None) -> Store:
        return Store(index or self.index, self.chunker.embedder, self.chunker)

    def found(self, store: Store) -> list[Found]:
        return found(store, self._asked)

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.index, folder / "copy"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, chunker: Chunker, asked: list[tuple[str, Vectors]]) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"), chunker, asked)


def contexts(state: list[Found]) -> set[str]:
    """What the embedder reads of all passages."""
    return {text for _, _, text in state[0]}


def already_embedded(index: Path) -> set[str]:
    """The texts of pending documents that have a vector."""
    with sqlite3.connect(index / "index.db") as db:
        rows = db.execute(
            "SELECT p.text FROM passages p JOIN documents d ON d.id = p.document"
            " WHERE d.live = 0 AND p.vector IS NOT NULL"
        ).fetchall()
    db.close()
    return {row[0] for row in rows}


def recover(scene: Scene, index: Path, embedded: list[str]) -> tuple[bool, int]:
    """Open what a kill left, check it, update it and check it again; returns what had been reached."""
    store = scene.open(index)
    state = scene.found(store)
    moved = store.generation == 2
    assert same(state, scene.after if moved else scene.before)
    assert [p.name for p in store.problems()] == (["4.txt"] if moved else [])
    done = already_embedded(index) - contexts(scene.before)  # unchanged passages took their vectors along
    embedded.clear()
    changes = store.update(Corpus.of(scene.corpus))
    assert not done & set(embedded)
    assert changes.embedded == len(embedded) == (0 if moved else scene.new - len(done))
    assert same(scene.found(store), scene.after)
    assert [p.name for p in store.problems()] == ["4.txt"]
    check_texts(store, scene.corpus)
    assert same(scene.found(scene.open(index)), scene.after)
    store.close()
    return moved, len(embedded)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point(point: str, tmp_path: Path, scene: Scene, updates: Updates, embedded: list[str]) -> None:
    index = scene.copy(tmp_path)
    updates.start(index=index, corpus=scene.corpus, die=point)
    assert updates.end() == (-signal.SIGKILL, "")
    left = {"put": scene.new, "embed": scene.new - 2 * AT_ONCE, "save": 0, "saved": 0, "commit": 0}[point]
    assert scene.new > 3 * AT_ONCE
    assert recover(scene, index, embedded) == (point == "commit", left)


@pytest.mark.slow
def test_killed_at_any_time(tmp_path: Path, scene: Scene, updates: Updates, embedded: list[str]) -> None:
    begun = time.perf_counter()
    updates.start(index=scene.copy(tmp_path / "whole"), corpus=scene.corpus)
    assert updates.end() == (0, "")
    takes = time.perf_counter() - begun
    ended = set()
    for i in range(8):
        index = scene.copy(tmp_path / str(i))
        child = updates.start(index=index, corpus=scene.corpus)
        time.sleep(takes * (i + 0.5) / 8)
        with suppress(ProcessLookupError):  # it was done before
            os.kill(child, signal.SIGKILL)
        ended.add(updates.end()[0])
        recover(scene, index, embedded)
    assert -signal.SIGKILL in ended


def test_an_update_killed_again_and_again_gets_done(tmp_path: Path, scene: Scene, updates: Updates) -> None:
    index = scene.copy(tmp_path)
    for point in ("put", "embed", "save", "saved", "saved", "commit"):
        updates.start(index=index, corpus=scene.corpus, die=point)
        assert updates.end() == (-signal.SIGKILL, "")
    assert same(scene.found(scene.open(index)), scene.after)


def test_a_first_build_killed_as_soon_as_something_is_embedded_goes_on(
    tmp_path: Path, scene: Scene, updates: Updates, embedded: list[str]
) -> None:
    index, kept = tmp_path / "index", 0
    for _ in range(4):
        child = updates.start(index=index, corpus=scene.corpus)
        until = time.monotonic() + 30
        while with_vectors(index) <= kept and time.monotonic() < until:
            time.sleep(0.002)
        with suppress(ProcessLookupError):  # it was done before
            os.kill(child, signal.SIGKILL)
        updates.end()
        assert with_vectors(index) > kept  # never less, and always some more
        kept = with_vectors(index)
        if kept >= scene.new:
            break
    done = already_embedded(index)
    store = scene.open(index)
    store.update(Corpus.of(scene.corpus))
    assert not done & set(embedded)
    assert same(scene.found(store), scene.after)


def with_vectors(index: Path) -> int:
    """Passages that are embedded, as another process sees it."""
    try:
        with closing(sqlite3.connect(f"file:{index}/index.db?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(vector) FROM passages").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


def test_what_stands_twice_is_embedded_once(tmp_path: Path, chunker: Chunker, embedded: list[str]) -> None:
    rng = random.Random(8)
    same_text = text(rng, 6)
    (tmp_path / "corpus").mkdir()
    write(tmp_path / "corpus", {"a.txt": same_text, "b.txt": same_text, "c.txt": text(rng, 2)})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    changes = store.update(Corpus.of(tmp_path / "corpus"))
    assert changes.embedded == len(embedded) == len(set(embedded)) == 8
    assert changes.passages == 14
    for name in ("a.txt", "b.txt"):
        assert {p.document for p in store.passages_of(name)} == {name}
    both = store.nearest(chunker.embedder.encode_query([store.passages_of("a.txt")[0].text])[0], 2)
    assert both[0][1] == pytest.approx(both[1][1])


def test_a_quicker_precision_is_looked_for_where_much_is_left(
    corpus: Path, chunker: Chunker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    write(corpus, {"a.txt": text(random.Random(9), 12)})
    settings = chunker.embedder.settings.model_copy(update={"precision": "auto"})
    monkeypatch.setattr(chunker.embedder, "settings", settings)
    monkeypatch.setattr(chunker.embedder, "prepare", lambda sample, total: asked.append((len(sample), total)))
    monkeypatch.setattr("hybrid.index.update._EMBED_FIRST", 4)
    monkeypatch.setattr("hybrid.index.update._EMBED_MOST", 4)
    count = Store(None, chunker.embedder, chunker).update(Corpus.of(corpus)).embedded
    assert asked == []  # soon over
    monkeypatch.setattr("hybrid.index.update._LONG_SECONDS", 0.0)
    monkeypatch.setattr("hybrid.index.update._SAMPLE", 5)
    Store(None, chunker.embedder, chunker).update(Corpus.of(corpus))
    assert len(asked) == 1
    assert asked[0][0] <= 5
    assert asked[0][1] == count - 4  # once, for what is left


# --- several at once ----------------------------------------------------------------------------------------------


def test_a_second_writer_is_told(
    tmp_path: Path, scene: Scene, updates: Updates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid.index.database._LOCK_SECONDS", 0.1)
    index = scene.copy(tmp_path)
    child = updates.start(index=index, corpus=scene.corpus, die="hang")
    store = scene.open(index)
    try:
        until = time.monotonic() + 20
        while len(already_embedded(index)) < 2 * AT_ONCE and time.monotonic() < until:
            assert same(scene.found(store), scene.before)  # a reader goes on
        with pytest.raises(IndexLocked) as refused:
            store.update(Corpus.of(scene.corpus))
        assert str(refused.value) == (
            f"Another process is updating the index at {index}. Wait for it to finish, "
            "or give another folder with --index."
        )
        assert same(scene.found(store), scene.before)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        assert updates.end()[0] == -signal.SIGKILL
    store.update(Corpus.of(scene.corpus))  # the lock went with the process
    assert same(scene.found(store), scene.after)


def test_a_reader_sees_the_new_state_of_another_process(tmp_path: Path, scene: Scene, updates: Updates) -> None:
    index = scene.copy(tmp_path)
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    assert "0.txt" in [entry.name for entry in store.entries()]
    old = store.document("1.txt").text
    updates.start(index=index, corpus=scene.corpus)
    assert updates.end() == (0, "")
    assert same(scene.found(store), scene.after)
    assert store.document("1.txt").text == (scene.corpus / "1.txt").read_text() != old
    with pytest.raises(KeyError):
        store.document("0.txt")


@pytest.mark.parametrize("shared", [True, False])
def test_threads_read_while_another_writes(
    tmp_path: Path, scene: Scene, asked: list[tuple[str, Vectors]], shared: bool
) -> None:
    index = scene.copy(tmp_path)
    writer = scene.open(index)
    reader = writer if shared else scene.open(index)
    known = {key for state in (scene.before, scene.after) for key in state[0]}
    faults: list[BaseException] = []
    reads = [0]
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                for question, vector in asked:
                    near = reader.nearest(vector, 5)
                    match = reader.matching(question, 5)
                    passages = reader.passages([i for i, _ in [*near, *match]])
                    assert {(p.document, p.ordinal, p.text) for p in passages.values()} <= known
                    assert reader.document("3.txt").text
                    reads[0] += 1
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    writer.update(Corpus.of(scene.corpus))
    before = reads[0]
    deadline = time.monotonic() + 10
    while reads[0] < before + 20 and not faults and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert before > 0
    assert same(scene.found(reader), scene.after)


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path, corpus: Path, chunker: Chunker) -> Path:
    """A small index of one document."""
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    store = Store(tmp_path / "index", chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    store.close()
    return tmp_path / "index"


def refusal(run: Callable[[], object]) -> str:
    with pytest.raises(IndexStoreError) as refused:
        run()
    said = str(refused.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def test_no_index_where_one_is_expected(tmp_path: Path, chunker: Chunker) -> None:
    said = refusal(lambda: Store(tmp_path / "none", chunker.embedder, chunker, create=False))
    assert said == f"There is no index at {tmp_path / 'none'}. Make one with: hybrid index build PATH."
    assert not (tmp_path / "none").exists()


def test_another_embedder_and_other_passages(made: Path, chunker: Chunker) -> None:
    prompted = Embedder(EmbedderSettings(query_prompt="q: "))
    said = refusal(lambda: Store(made, prompted, chunker))
    assert said.startswith(
        f"The index at {made} was made with the embedder 'minilm', now it is \"minilm ('q: ', None)\". "
    )
    longer = Chunker(chunker.embedder, PassageSettings(tokens=100))
    said = refusal(lambda: Store(made, chunker.embedder, longer))
    assert said == (
        f"The index at {made} was made with passages.tokens '32', now it is '100'. Set it back, give another folder "
        "with --index, or make the index anew with `hybrid index build --rebuild`."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "DELETE FROM meta WHERE key = 'reading'",
            "by a version that read files or words in another way. Make it anew with "
            "`hybrid index build --rebuild`, or",
        ),
        (
            f"UPDATE meta SET value = '{FORMAT + 1}' WHERE key = 'format'",
            f"by a newer version (format {FORMAT + 1}, this one reads {FORMAT}). Upgrade hybrid-context, or",
        ),
    ],
)
def test_an_index_of_another_version(made: Path, chunker: Chunker, change: str, says: str) -> None:
    with closing(sqlite3.connect(made / "index.db")) as db, db:
        db.execute(change)
    said = refusal(lambda: Store(made, chunker.embedder, chunker))
    assert said == f"The index at {made} was made {says} give another folder with --index."


def test_a_database_of_something_else(tmp_path: Path, chunker: Chunker) -> None:
    with sqlite3.connect(tmp_path / "index.db") as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    assert "it has no table of its properties" in refusal(lambda: Store(tmp_path, chunker.embedder, chunker))


@pytest.mark.parametrize("left", [100, 4096, 20_000])
def test_a_damaged_database(made: Path, corpus: Path, chunker: Chunker, left: int) -> None:
    whole = (made / "index.db").read_bytes()
    assert len(whole) > 30_000

    def use() -> None:
        store = Store(made, chunker.embedder, chunker)
        try:
            store.entries()
            store.document("a.txt")
            write(corpus, {"b.txt": "The baker sells bread."})
            store.update(Corpus.of(corpus))
        finally:
            store.close()

    for damaged in (whole[:left], whole[:left] + os.urandom(len(whole) - left), os.urandom(len(whole))):
        (made / "index.db").write_bytes(damaged)
        said = refusal(use)
        assert said.startswith(f"The index at {made} cannot be read: ")
        assert said.endswith("Make it anew with `hybrid index build --rebuild`.")
    Store.delete(made)
    store = Store(made, chunker.embedder, chunker)
    store.update(Corpus.of(corpus))
    assert len(store.matching("zebra", 3)) == 1
    store.close()


@pytest.mark.parametrize(
    ("what", "how"),
    [
        *product(
            ["dense-1.faiss", "lexical-1/data.npy", "lexical-1/indptr.npy"], ["missing", "cut", "emptied", "garbage"]
        ),
        ("lexical-1", "missing"),
    ],
)
def test_search_files_that_cannot_be_used(made: Path, corpus: Path, chunker: Chunker, what: str, how: str) -> None:
    file = made / what
    if file.is_dir():
        shutil.rmtree(file)
    elif how == "missing":
        file.unlink()
    else:
        whole = file.read_bytes()
        file.write_bytes({"cut": whole[: len(whole) // 2], "emptied": b"", "garbage": os.urandom(len(whole))}[how])
    store = Store(made, chunker.embedder, chunker)
    expected = (
        f"The index at {made} cannot be read: its search files are missing or damaged. Make it anew with "
        "`hybrid index build --rebuild`."
    )
    assert refusal(lambda: store.matching("zebra", 3)) == expected
    assert refusal(lambda: len(store)) == expected
    changes = store.update(Corpus.of(corpus))  # from the vectors, which are in the database
    assert (changes.any, changes.embedded) == (False, 0)
    assert store.mended == "The search files of the index were missing or damaged and were made anew."
    assert len(store.matching("zebra", 3)) == 1
    assert len(store.nearest(chunker.embedder.encode_query(["zebra"])[0], 1)) == 1
    store.close()


def test_a_file_where_the_folder_should_be(tmp_path: Path, chunker: Chunker) -> None:
    (tmp_path / "index").write_text("")
    said = refusal(lambda: Store(tmp_path / "index", chunker.embedder, chunker))
    assert said.startswith(f"Cannot write the index at {tmp_path / 'index'}: File exists. What was there before ")
    said = refusal(lambda: Store(tmp_path / "index" / "deeper", chunker.embedder, chunker))
    assert f"{tmp_path / 'index' / 'deeper'}: Not a directory." in said


def test_delete_takes_its_own_files_only(made: Path, chunker: Chunker) -> None:
    (made / "notes.txt").write_text("mine")
    (made / "dense-x.faiss").write_text("mine")
    Store.delete(made)
    assert {file.name for file in made.iterdir()} == {"notes.txt", "dense-x.faiss", "write.lock"}
    Store.delete(made / "none")


# --- disks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=6m", "x", folder], capture_output=True).returncode
    ):
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path, left: int) -> None:
    """Take all space of a disk but `left` bytes."""
    free = os.statvfs(file.parent)
    with file.open("wb") as handle:
        handle.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))


@pytest.mark.parametrize("left", [0, 40_000, 100_000, 200_000, 300_000])
def test_a_full_disk(disk: Path, scene: Scene, left: int) -> None:
    index = Path(shutil.copytree(scene.index, disk / "index"))
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    fill(disk / "filler", left)
    said = refusal(lambda: store.update(Corpus.of(scene.corpus)))
    assert said.startswith(f"Cannot write the index at {index}: ")
    assert "free space" in said
    assert "rollback" not in said
    assert same(scene.found(store), scene.before)
    assert same(scene.found(scene.open(index)), scene.before)
    (disk / "filler").unlink()
    store.update(Corpus.of(scene.corpus))
    assert same(scene.found(store), scene.after)


def test_opened_when_the_disk_is_full_already(disk: Path, scene: Scene) -> None:
    index = Path(shutil.copytree(scene.index, disk / "index"))
    fill(disk / "filler", 0)
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    assert refusal(lambda: store.update(Corpus.of(scene.corpus))).startswith(f"Cannot write the index at {index}: ")
    assert refusal(lambda: scene.open(disk / "other")).startswith(f"Cannot write the index at {disk / 'other'}: ")
    store.close()
    (disk / "filler").unlink()
    store = scene.open(index)
    store.update(Corpus.of(scene.corpus))
    assert same(scene.found(store), scene.after)


@pytest.mark.parametrize("limit", [20_000, 60_000, 120_000])
def test_a_limit_on_file_sizes(tmp_path: Path, scene: Scene, updates: Updates, limit: int) -> None:
    index = scene.copy(tmp_path)
    updates.start(index=index, corpus=scene.corpus, limit=limit)
    code, said = updates.end()
    assert code == 2
    assert said.startswith(f"IndexStoreError: Cannot write the index at {index}: ")
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    store.update(Corpus.of(scene.corpus))
    assert same(scene.found(store), scene.after)


def test_a_folder_that_cannot_be_written(disk: Path, scene: Scene) -> None:
    index = Path(shutil.copytree(scene.index, disk / "index"))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    store = scene.open(index)
    assert same(scene.found(store), scene.before)
    said = refusal(lambda: store.update(Corpus.of(scene.corpus)))
    assert said.startswith(f"Cannot write the index at {index}: Read-only file system. ")
    assert same(scene.found(store), scene.before)
    said = refusal(lambda: scene.open(disk / "other"))
    assert said.startswith(f"Cannot write the index at {disk / 'other'}: Read-only file system. ")
    store.close()
