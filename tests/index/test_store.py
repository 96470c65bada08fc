"""The index as a whole: passages are never mixed up, whatever the texts are."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.index import dense as dense_module
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import retrieve
from hybrid.index.store import SqliteStore as Store
from tests.index.notes import check_texts, found, paragraph, same, scratch, text, write


@pytest.mark.parametrize(("seed", "on_disk"), [(1, True), (2, True), (3, False)])
def test_passages_are_never_mixed_up(
    tmp_path: Path, corpus: Path, chunker: Chunker, asked: list[tuple[str, Vectors]], seed: int, on_disk: bool
) -> None:
    """After any sequence of adding, changing and removing, the index is what building it anew would give."""
    rng = random.Random(seed)
    store = Store(tmp_path / "index" if on_disk else None, chunker.embedder, chunker)
    used: dict[int, tuple[str, str]] = {}  # every id ever seen and what it stood for
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
        used |= now
        assert same(found(store, asked), scratch(corpus, chunker, asked))
    if on_disk:
        generation = store.generation
        assert {file.name for file in (tmp_path / "index").iterdir()} - {"index.db-wal", "index.db-shm"} == {
            "index.db", "write.lock", f"dense-{generation}.faiss", f"lexical-{generation}"
        }  # fmt: skip


def test_the_inverted_file_is_used_above_its_limit(
    tmp_path: Path,
    corpus: Path,
    store: Store,
    chunker: Chunker,
    asked: list[tuple[str, Vectors]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dense_module, "EXACT", 60)
    rng = random.Random(4)
    write(corpus, {f"{i}.txt": text(rng, 4) for i in range(10)})
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


def test_an_empty_file_next_to_good_ones(corpus: Path, store: Store) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "", "c.txt": "\n \n"})
    changes = store.update(Corpus.of(corpus))
    assert (changes.added, [p.name for p in changes.problems]) == (1, ["b.txt", "c.txt"])
