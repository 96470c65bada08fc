"""An index built by the workers of a Ray cluster holds what one process would put into it."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybrid.cli.main import cli, guarded
from hybrid.corpus.corpus import Corpus
from hybrid.corpus.source import Source
from hybrid.errors import CorpusError, InputError
from hybrid.index import cluster as module
from hybrid.index.chunking import Chunker
from hybrid.index.cluster import Cluster, ClusterLost
from hybrid.index.connection import address_of
from hybrid.index.embedding import Embedder
from hybrid.index.protocol import Index
from hybrid.settings import EmbedderSettings, PassageSettings
from hybrid.settings.names import STORES
from tests.index.crashing import Crashing
from tests.index.notes import text, write
from tests.index.updates import TOKENS

pytest.importorskip("ray", reason="ray runs the workers")
EXACT = EmbedderSettings(device="cpu", precision="float32")
starts_ray = pytest.mark.slow  # some seconds of a free core for Ray, and many of one that is shared


@pytest.fixture(scope="module")  # other modules start a Ray of their own
def cluster() -> Iterator[Cluster]:
    """Two workers on a Ray of this process."""
    with Cluster("local", EXACT, PassageSettings(tokens=TOKENS), 2) as workers:
        yield workers


@pytest.fixture(params=["sqlite", "lance"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "lance":
        pytest.importorskip("lance", reason="pylance keeps the index")
    return str(request.param)


@pytest.fixture
def files(corpus: Path) -> Path:
    rng = random.Random(7)
    write(corpus, {f"{i:02}.txt": text(rng, 6) for i in range(12)})
    (corpus / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (corpus / "zeros.txt").write_bytes(b"\0\1\2\3" * 100)
    return corpus


@pytest.fixture
def opened(tmp_path: Path, chunker: Chunker, kind: str) -> Iterator[Callable[[str], Index]]:
    """Opens an index by the name of its folder, and closes it afterwards."""
    stores: list[Index] = []

    def opened(name: str) -> Index:
        stores.append(STORES[kind](tmp_path / name, chunker.embedder, chunker))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def contents(store: Index) -> list[Any]:
    """Ids, texts and vectors of all passages, and the documents."""
    ids = store.ids_of([entry.name for entry in store.entries()])
    passages = store.passages(ids.tolist())
    vectors = dict(store.nearest(store.embedder.encode_query(["Who pays the landlord?"])[0], 10**6))  # type: ignore[attr-defined]
    found = store.search("Who pays the landlord?", 50)
    return [
        [(passages[i], vectors[i]) for i in ids.tolist()],
        store.entries(),
        [store.document(entry.name) for entry in store.entries()],
        sorted((p.name, p.reason) for p in store.problems()),
        sorted((c.passage.id, c.score) for c in found),
    ]


def in_sqlite(folder: Path) -> list[Any]:
    """All passages of an index, their vectors bit by bit."""
    with closing(sqlite3.connect(folder / "index.db")) as db:
        return db.execute("SELECT id, ordinal, text, heading, key, vector FROM passages ORDER BY id").fetchall()


def workers_of(process: int) -> list[int]:
    """The processes of Ray below a process; without its agents, as Ray itself ends with them."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            if folder.name.isdigit() and b"ray::Embedding" in (folder / "cmdline").read_bytes():
                above = int(folder.name)
                while above > 1 and above != process:
                    above = int((Path("/proc") / str(above) / "stat").read_text().rpartition(")")[2].split()[1])
                found += [int(folder.name)] if above == process else []
    return found


@starts_ray
def test_the_same_content_as_from_one_process(
    files: Path, opened: Callable[[str], Index], cluster: Cluster, kind: str, tmp_path: Path
) -> None:
    one, many = opened("one"), opened("many")
    expected = one.update(Corpus.of(files))
    before, steps = cluster.cpu_seconds, list[tuple[str, int, int]]()
    changes = many.update(Corpus.of(files), lambda *step: steps.append(step), cluster)
    assert replace(changes, seconds=0) == replace(expected, seconds=0)
    assert [problem.name for problem in changes.problems] == ["broken.pdf", "zeros.txt"]
    assert contents(many) == contents(one)
    if kind == "sqlite":
        assert in_sqlite(tmp_path / "many") == in_sqlite(tmp_path / "one")
    assert {stage for stage, *_ in steps} == {"reading", "embedding", "indexing"}
    assert steps[-1] == ("indexing", 2, 2)
    assert cluster.cpu_seconds > before


@starts_ray
def test_only_what_changed_is_embedded_again(files: Path, opened: Callable[[str], Index], cluster: Cluster) -> None:
    one, many = opened("one"), opened("many")
    many.update(Corpus.of(files), None, cluster)
    one.update(Corpus.of(files))
    (files / "00.txt").unlink()
    write(files, {"01.txt": (files / "01.txt").read_text() + "\nOne more sentence stands here.\n", "new.txt": "New."})
    expected, changes = one.update(Corpus.of(files)), many.update(Corpus.of(files), None, cluster)
    assert replace(changes, seconds=0) == replace(expected, seconds=0)
    assert (changes.added, changes.changed, changes.removed, changes.unchanged) == (1, 1, 1, 10)
    assert changes.embedded < 12
    assert contents(many) == contents(one)


@starts_ray
def test_workers_killed_in_the_middle_lose_nothing(
    files: Path, opened: Callable[[str], Index], cluster: Cluster
) -> None:
    one, many = opened("one"), opened("many")
    one.update(Corpus.of(files))
    killed: list[int] = []

    def kill(stage: str, done: int, total: int) -> None:
        if stage == "embedding" and done and not killed:
            for worker in workers_of(os.getpid()):
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)

    changes = many.update(Corpus.of(files), kill, cluster)
    assert killed
    assert changes.added == 12
    assert contents(many) == contents(one)


@starts_ray
def test_a_file_that_kills_its_reader_is_a_problem_of_its_own(
    files: Path, opened: Callable[[str], Index], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ATTEMPTS", 1)
    corpus = Corpus.of(files)
    deadly = Source("deadly.bin", None, 4, 1, None, Crashing(os.getpid()))
    store = opened("many")
    changes = store.update(replace(corpus, sources=(*corpus.sources, deadly)), None, cluster)
    assert changes.added == 12
    assert ("deadly.bin", "its reader ended the process 1 times") in [(p.name, p.reason) for p in changes.problems]
    monkeypatch.setattr(module, "_BLAMED", 0)
    before, other = store.generation, replace(deadly, name="other.bin")
    with pytest.raises(
        ClusterLost, match=r"died again and again, with 1 files \(other\.bin, …\)\. Nothing was changed"
    ):
        store.update(replace(corpus, sources=(other,)), None, cluster)
    assert store.generation == before


@starts_ray
def test_files_that_only_this_process_sees_are_told(opened: Callable[[str], Index], cluster: Cluster) -> None:
    memory = pytest.importorskip("fsspec", reason="fsspec opens addresses").filesystem("memory")
    memory.pipe("/b/a.txt", b"text")
    store = opened("many")
    with pytest.raises(CorpusError, match=r"The workers of local cannot read a\.txt \(it is gone\), which can be read"):
        store.update(Corpus.of("memory://b"), None, cluster)
    assert len(store) == 0


@starts_ray
def test_rows_of_tables(tmp_path: Path, opened: Callable[[str], Index], cluster: Cluster) -> None:
    rng = random.Random(8)
    rows = [{"id": f"r{i}", "text": text(rng, 2), "year": 2000 + i} for i in range(30)]
    (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    one, many = opened("one"), opened("many")
    one.update(Corpus.of(tmp_path / "t.jsonl"))
    many.update(Corpus.of(tmp_path / "t.jsonl"), None, cluster)
    assert contents(many) == contents(one)
    assert many.document("r7").metadata == {"year": 2007}


@starts_ray
def test_a_build_whose_driver_is_killed_goes_on(tmp_path: Path, corpus: Path, kind: str) -> None:
    rng = random.Random(9)
    write(corpus, {f"{i:02}.txt": text(rng, 20) for i in range(12)})
    (tmp_path / "hybrid.toml").write_text(
        f'[embedder]\nprecision = "float32"\n[passages]\ntokens = 32\n[index]\nstore = "{kind}"\n'
    )
    index = tmp_path / "index"
    command = [sys.executable, "-m", "hybrid", "index", "build", str(corpus), "--index", str(index), "-q", "--json"]
    driver = subprocess.Popen([*command, "--ray"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not embedded(index) and time.monotonic() < until:
        time.sleep(0.02)
    workers = workers_of(driver.pid)
    driver.kill()
    driver.wait()
    done = embedded(index)
    assert 0 < done < 240
    until = time.monotonic() + 60
    while any(map(lives, workers)) and time.monotonic() < until:
        time.sleep(0.1)
    assert workers
    assert not any(map(lives, workers))
    again = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout)
    assert (again["passages"], again["embedded"]) == (240, 240 - done)
    exact = Chunker(Embedder(EXACT), PassageSettings(tokens=32))
    with (
        closing(STORES[kind](index, exact.embedder, exact, create=False)) as store,
        closing(STORES[kind](tmp_path / "calm", exact.embedder, exact)) as calm,
    ):
        calm.update(Corpus.of(corpus))
        assert contents(store) == contents(calm)
    assert not list(index.glob("pending/*"))


def lives(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody waits for does not."""
    with suppress(OSError):
        return "Z" not in (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0]
    return False


def embedded(index: Path) -> int:
    """Passages that are embedded, as another process sees it."""
    try:
        with closing(sqlite3.connect(f"file:{index}/index.db?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(vector) FROM passages").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet, or another store's
        return sum(json.loads(file.read_text())["passages"] for file in index.glob("pending/*.json"))


def test_an_address_nobody_listens_at_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to nobody
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(InputError, match=f"No Ray cluster answers at {address}") as refused:
            Cluster(address, EXACT, PassageSettings())
    assert (time.monotonic() - begun < 10, refused.value.exit_code) == (True, 2)


@pytest.mark.parametrize(
    "address", ["docs/", "head.example", "head.example:port", "head:0", "head:65536", "head:" + "9" * 5000]
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(InputError, match="is no address of a Ray cluster: give host:port"):
        Cluster(address, EXACT, PassageSettings())


def test_a_name_that_no_machine_can_have_is_told() -> None:
    with pytest.raises(InputError, match=r"No Ray cluster answers at a\.\.b:6379"):
        Cluster("a..b:6379", EXACT, PassageSettings())


def test_where_no_cluster_runs_auto_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def init(**_: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nStart one.")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(InputError, match="Cannot use the Ray cluster auto: Could not find any running Ray instance"):
        Cluster("auto", EXACT, PassageSettings())


def test_the_address_is_said_or_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert (address_of(""), address_of("head:6379")) == ("local", "head:6379")
    monkeypatch.setenv("RAY_ADDRESS", "other:6379")
    assert (address_of(""), address_of("head:6379")) == ("other:6379", "head:6379")


def test_a_path_after_ray_is_told(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["index", "build", "--ray", str(corpus)]) == 2
    assert "is no address of a Ray cluster: give host:port" in capsys.readouterr().err


def test_workers_without_ray_have_no_effect(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (corpus / "a.txt").write_text("a")
    assert guarded(cli, ["index", "build", str(corpus), "--workers", "2"]) == 2
    assert "--workers has no effect without --ray: add it." in capsys.readouterr().err
