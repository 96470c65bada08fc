"""The Lance store beside the SQLite store, its versions, and what it says of what is wrong."""

from __future__ import annotations

import http.server
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("lance", reason="pylance is missing")

from hybrid import Hybrid, Settings
from hybrid.corpus.corpus import Corpus
from hybrid.engines.extractive import Extractive
from hybrid.errors import IndexStoreError, InputError, SettingsError
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.lance import update as module
from hybrid.index.lance import upkeep, view
from hybrid.index.lance.pending import Pending
from hybrid.index.lance.store import LanceStore
from hybrid.index.lance.table import properties
from hybrid.index.lance.writing import Token, commit, write_fragment
from hybrid.index.lexical import identifiers, query_words, words
from hybrid.index.libraries import bm25
from hybrid.index.store import SqliteStore
from hybrid.settings import IndexSettings
from tests.index.lances import put, use_bucket, written
from tests.index.notes import QUESTIONS


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def store(place: Path, chunker: Chunker) -> LanceStore:
    return LanceStore(place, chunker.embedder, chunker)


def test_it_finds_what_the_sqlite_store_finds(store: LanceStore, tmp_path: Path, chunker: Chunker) -> None:
    corpus = written(tmp_path / "files")
    other = SqliteStore(None, chunker.embedder, chunker)
    other.update(corpus)
    store.update(corpus)
    names = [entry.name for entry in other.entries()]
    assert store.entries() == other.entries()
    assert store.ids_of(names).tolist() == other.ids_of(names).tolist()
    assert store.passages(store.ids_of(names).tolist()) == other.passages(other.ids_of(names).tolist())
    for question in QUESTIONS:
        ours, theirs = (
            dict(index.nearest(chunker.embedder.encode_query([question])[0], 20)) for index in (store, other)
        )
        assert len(ours.keys() & theirs.keys()) >= 19  # the last may tie
        assert all(abs(ours[i] - theirs[i]) < 2e-3 for i in ours.keys() & theirs.keys())
        mine, its = ([n for n, _ in index.matching(question, 5)] for index in (store, other))
        assert len(set(mine) & set(its)) >= min(4, len(its))  # k1 is 1.2 here and 1.5 there
        (first, *_), (best, *_) = store.search(question, 5), other.search(question, 5)
        assert first.passage == best.passage
        within = store.search(question, 5, documents=names[:2])
        assert [c.passage for c in within][:1] == [c.passage for c in other.search(question, 5, documents=names[:2])][
            :1
        ]


def test_words_are_scored_as_by_bm25s_with_another_k1(store: LanceStore, tmp_path: Path) -> None:
    store.update(written(tmp_path / "files"))
    passages = store.passages(store.ids_of([entry.name for entry in store.entries()]).tolist())
    texts = {i: f"{p.document}\n{p.text}" for i, p in passages.items()}
    given = {i: [*words(said), *identifiers(said)] for i, said in texts.items()}
    numbers = {word: n for n, word in enumerate(sorted({word for said in given.values() for word in said}))}
    engine = bm25()(k1=1.2, backend="numpy")
    ids = [[numbers[word] for word in said] for said in given.values()]
    engine.scores = engine.build_index_from_ids(list(range(len(numbers))), ids, show_progress=False)
    engine.scores["num_docs"], engine.nonoccurrence_array = len(ids), None
    for question in QUESTIONS:
        asked = [numbers[word] for word in dict.fromkeys(query_words(question)) if word in numbers]
        expected = dict(zip(given, engine.get_scores_from_ids(asked).tolist(), strict=True)) if asked else {}
        found = store.matching(question, 20)
        assert found or not any(expected.values())
        assert all(score == pytest.approx(expected[i], rel=1e-5) for i, score in found)


def test_lancedb_opens_it(store: LanceStore, place: Path) -> None:
    lancedb = pytest.importorskip("lancedb", reason="lancedb is missing")
    store.update(Corpus.of({"a": "A zebra."}))
    table = lancedb.connect(place).open_table("hybrid")
    assert table.search().where("row = 2").to_list()[0]["text"] == "A zebra."


def test_a_pinned_store_stays_as_it_is(store: LanceStore, chunker: Chunker) -> None:
    store.update(Corpus.of({"a": "The lease ends in 2031.", "b": "Cats sleep."}))
    before = store.pinned()
    assert store.pinned() is before  # so that what is counted once is kept
    store.update(Corpus.of({"b": "Cats hunt.", "c": "A zebra."}))
    assert [entry.name for entry in before.entries()] == ["a", "b"]
    assert before.search("lease", 1)[0].passage.document == "a"
    assert before.document("a").text == "The lease ends in 2031."
    assert before.passages_of("b")[0].text == "Cats sleep."
    assert [entry.name for entry in store.entries()] == ["b", "c"]
    upkeep.tidy(store.place, chunker, every=True)
    assert before.document("a").text == "The lease ends in 2031."


def test_an_old_version_stays_for_a_while_after_a_newer_one_came(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "KEPT", timedelta(seconds=0.5))
    monkeypatch.setattr(upkeep, "_SLACK", timedelta(seconds=0.2))
    store.update(Corpus.of({"a": "A zebra.", "b": "Cats sleep."}))
    time.sleep(1)
    before = store.pinned()
    store.update(Corpus.of({"a": "A horse."}))
    assert before.document("b").text == "Cats sleep."
    assert before.search("zebra", 1)[0].passage.document == "a"
    first = store.pinned().table.versions()[0]["version"]
    time.sleep(1)
    store.update(Corpus.of({"a": "A donkey."}))
    assert store.pinned().table.versions()[0]["version"] > first  # and then they go


def test_another_process_sees_a_change_at_once(store: LanceStore, place: Path, chunker: Chunker) -> None:
    reader = LanceStore(place, chunker.embedder, chunker, create=False)
    assert len(reader) == 0
    token = write_fragment(place, chunker, put(chunker, {"a": "A zebra."}))
    assert len(reader) == 0
    commit(place, chunker, [Token.from_json(token.to_json())])
    assert [c.passage.text for c in reader.search("zebra", 1)] == ["A zebra."]


def test_a_document_stands_in_one_fragment(place: Path, store: LanceStore, chunker: Chunker) -> None:
    token = write_fragment(place, chunker, put(chunker, {"a": "A zebra."}))
    with pytest.raises(InputError, match="Two fragments hold the document 'a'"):
        commit(place, chunker, [token, token])
    commit(place, chunker, [token])
    commit(place, chunker, [write_fragment(place, chunker, put(chunker, {"a": "A horse."}))], removed=["none"])
    assert store.document("a").text == "A horse."
    assert len(store) == 1


def test_an_index_that_another_process_makes_meanwhile_is_not_replaced(
    place: Path, chunker: Chunker, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lance

    real, calls = lance.LanceDataset.commit, list[object]()

    def late(*given: Any, **how: Any) -> Any:
        calls.append(given)
        if len(calls) == 1:
            LanceStore(place, chunker.embedder, chunker).update(Corpus.of({"a": "A zebra."}))
        return real(*given, **how)

    monkeypatch.setattr(lance.LanceDataset, "commit", staticmethod(late))
    store = LanceStore(place, chunker.embedder, chunker)
    assert [entry.name for entry in store.entries()] == ["a"]
    assert len(store.matching("zebra", 5)) == 1


def test_a_fragment_that_another_update_commits_meanwhile_is_passed_over(
    place: Path, store: LanceStore, chunker: Chunker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending, listed = Pending(place, properties(chunker)), Pending._named
    pending.note(token := write_fragment(place, chunker, put(chunker, {"a": "A zebra."})))
    gone = f"{place}/pending/gone.json"
    monkeypatch.setattr(Pending, "_named", staticmethod(lambda files, folder: [gone, *listed(files, folder)]))
    assert pending.tokens() == [token]


def test_an_update_that_ends_early_goes_on(
    store: LanceStore, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = written(tmp_path / "files")
    monkeypatch.setattr(module, "_FIRST", 8)
    monkeypatch.setattr(module, "_MOST", 8)
    monkeypatch.setattr(module, "commit", lambda *given, **how: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.update(corpus)
    monkeypatch.undo()
    assert len(store) == 0
    assert len(Pending(store.place, properties(store.chunker)).tokens()) > 3
    done = len(embedded)
    (tmp_path / "files" / "00.txt").write_text("Only this one is new.")
    changes = store.update(Corpus.of(tmp_path / "files"))
    assert (changes.added, changes.passages) == (12, len(store))
    assert done > 20
    assert len(embedded) - done < 12  # the part that held the changed file
    assert Pending(store.place, properties(store.chunker)).tokens() == []
    assert store.document("00.txt").text == "Only this one is new."


def test_a_renamed_file_keeps_its_vectors(store: LanceStore, tmp_path: Path, old: None) -> None:
    corpus = written(tmp_path / "files", 3)
    store.update(corpus)
    assert store.fresh(corpus)
    (tmp_path / "files" / "00.txt").rename(tmp_path / "files" / "zz.txt")
    changes = store.update(Corpus.of(tmp_path / "files"))
    assert (changes.added, changes.removed, changes.embedded) == (1, 1, 0)


def test_the_inverted_file_is_used_above_its_limit(
    store: LanceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "EXACT", 100)
    monkeypatch.setattr(view, "EXACT", 100)
    corpus = written(tmp_path / "files", 40)
    passages = store.update(corpus).passages
    assert passages > 100
    head = store.pinned().head.made
    assert head["made_for"] == passages
    assert head["recall"] >= 0.98
    found = [c.passage.document for c in store.search(QUESTIONS[0], 5)]
    assert found
    (tmp_path / "files" / "new.txt").write_text("A zebra crosses the harbour.")
    store.update(Corpus.of(tmp_path / "files"))
    assert store.search("zebra", 1, "dense")[0].passage.document == "new.txt"  # also what came after the training


def test_many_small_changes_are_joined(store: LanceStore, place: Path, chunker: Chunker) -> None:
    for i in range(12):
        store.update(Corpus.of({f"{j}": f"Text {j} is the best." for j in range(i + 1)}))
    assert len(store.pinned().table.get_fragments()) < 12
    assert len(store) == 12
    assert len(store.matching("best", 20)) == 12


# -- what is wrong -----------------------------------------------------------------------------------------------


def test_an_address_nobody_listens_at(chunker: Chunker, monkeypatch: pytest.MonkeyPatch) -> None:
    use_bucket(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(IndexStoreError, match="s3://bucket/x: nobody answers there"):
        LanceStore("s3://bucket/x", chunker.embedder, chunker)


def test_a_bucket_holds_an_index_and_what_is_pending(
    chunker: Chunker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serving = pytest.importorskip("moto.server", reason="moto serves S3")
    server = serving.ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        use_bucket(monkeypatch, endpoint)
        httpx.put(f"{endpoint}/bucket").raise_for_status()
        store = LanceStore("s3://bucket/x", chunker.embedder, chunker)
        corpus = written(tmp_path / "files", 2)
        with monkeypatch.context() as patch:
            patch.setattr(module, "commit", lambda *given, **how: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                store.update(corpus)
        assert len(Pending("s3://bucket/x", properties(chunker)).tokens()) == 1
        changes = store.update(corpus)
        assert (changes.added, changes.embedded) == (2, 0)
        again = LanceStore("s3://bucket/x", chunker.embedder, chunker, create=False)
        assert [entry.name for entry in again.entries()] == ["00.txt", "01.txt"]
        assert Pending("s3://bucket/x", properties(chunker)).tokens() == []
        LanceStore.delete("s3://bucket/x")
        assert not LanceStore.exists("s3://bucket/x")
    finally:
        server.stop()


@pytest.mark.parametrize(("code", "said"), [(403, "may not be read or written"), (404, "no bucket of that name")])
def test_a_bucket_that_may_not_be_used(code: int, said: str, chunker: Chunker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that refuses, as S3 words it."""
    named = {403: "AccessDenied", 404: "NoSuchBucket"}[code]

    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<?xml version='1.0'?><Error><Code>{named}</Code><Message>no</Message></Error>".encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_GET

        def do_HEAD(self) -> None:
            self.send_response(code)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        use_bucket(monkeypatch, f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(IndexStoreError, match=said):
            LanceStore("s3://bucket/x", chunker.embedder, chunker)
        server.shutdown()


# -- in a session ------------------------------------------------------------------------------------------------


def test_a_corpus_may_be_an_index(store: LanceStore, place: Path, embedder: Embedder, tmp_path: Path) -> None:
    with Hybrid(
        Settings(index=IndexSettings(store="lance", dir=str(place / "own"))), engine=Extractive(embedder)
    ) as hybrid:
        files = tmp_path / "files"
        files.mkdir()
        (files / "a.txt").write_text("The lease of the harbour ends in 2031.")
        made = hybrid.answer("When does the lease end?", files)
        asked = hybrid.answer("When does the lease end?", f"lance:{place / 'own'}", where="kind == 'text'")
        assert made.text == asked.text
        with pytest.raises(InputError, match="names an index, and no files"):
            hybrid.index(f"lance:{place / 'own'}")
        with pytest.raises(IndexStoreError, match="There is no index at"):
            hybrid.answer("When?", f"lance:{tmp_path / 'none'}")
    with (
        Hybrid(Settings(index=IndexSettings(dir="s3://bucket/x"))) as hybrid,
        pytest.raises(SettingsError, match="only"),
    ):
        hybrid.index(files)
