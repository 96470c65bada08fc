"""Updates: only what changed is read and embedded again."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.source import Source
from hybrid.errors import CorpusError
from hybrid.index.chunking import Chunker
from hybrid.index.fusion import retrieve
from hybrid.index.generations import Generations
from hybrid.index.store import SqliteStore as Store
from hybrid.index.update import Update
from tests.index.notes import check_texts, text, write


@pytest.mark.usefixtures("old")
def test_only_what_changed_is_read_and_embedded(
    corpus: Path, store: Store, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(1)
    write(corpus, {f"{i}.txt": text(rng, 4) for i in range(5)})
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


def test_removed_and_renamed(corpus: Path, store: Store) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "The baker sells bread."})
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


def test_ids_of_what_is_gone_are_not_given_again(corpus: Path, store: Store) -> None:
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
    corpus: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes."})
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
def test_a_file_that_breaks_is_named_and_comes_back(corpus: Path, store: Store) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "The baker sells bread."})
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
    corpus: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Giving back the permission leaves size and time of change as they were."""
    write(corpus, {"a.txt": "The zebra counts its stripes.", "b.txt": "The baker sells bread."})

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


def test_nothing_readable_empties_the_index_and_says_so(
    tmp_path: Path, corpus: Path, store: Store, chunker: Chunker
) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes."})
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
def test_a_touched_file_is_not_embedded_again(corpus: Path, store: Store) -> None:
    write(corpus, {"a.txt": "The zebra counts its stripes."})
    store.update(Corpus.of(corpus))
    os.utime(corpus / "a.txt", (1.6e9, 1.6e9))
    changes = store.update(Corpus.of(corpus))
    assert (changes.any, changes.unchanged, store.generation) == (False, 1, 1)
    assert store.fresh(Corpus.of(corpus))


def test_a_change_within_the_same_instant_is_seen(corpus: Path, store: Store) -> None:
    write(corpus, {"a.txt": "zebra one"})
    now = time.time_ns()
    os.utime(corpus / "a.txt", ns=(now, now))
    store.update(Corpus.of(corpus))
    write(corpus, {"a.txt": "tiger two"})  # as long as before
    os.utime(corpus / "a.txt", ns=(now, now))
    assert not store.fresh(Corpus.of(corpus))
    assert store.update(Corpus.of(corpus)).changed == 1
    assert store.document("a.txt").text == "tiger two"


@pytest.mark.usefixtures("old")
def test_another_content_under_the_same_size_and_time_is_seen(corpus: Path, store: Store) -> None:
    for said in ("zebra one", "tiger two"):
        write(corpus, {"a.txt": said})
        os.utime(corpus / "a.txt", (1.6e9, 1.6e9))  # as a tool does that copies times
        time.sleep(0.02)
        store.update(Corpus.of(corpus))
        assert store.document("a.txt").text == said


@pytest.mark.usefixtures("old")
def test_given_texts_are_compared_by_what_they_say(corpus: Path, store: Store) -> None:
    write(corpus, {"a.txt": "The baker sells bread."})
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


def test_what_stands_twice_is_embedded_once(corpus: Path, store: Store, embedded: list[str]) -> None:
    rng = random.Random(8)
    same_text = text(rng, 6)
    write(corpus, {"a.txt": same_text, "b.txt": same_text, "c.txt": text(rng, 2)})
    changes = store.update(Corpus.of(corpus))
    assert changes.embedded == len(embedded) == len(set(embedded)) == 8
    assert changes.passages == 14
    for name in ("a.txt", "b.txt"):
        assert {p.document for p in store.passages_of(name)} == {name}
    both = store.nearest(store.embedder.encode_query([store.passages_of("a.txt")[0].text])[0], 2)
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
