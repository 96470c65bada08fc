"""Documents in object storage: addresses that fsspec opens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hybrid.cli.main import cli
from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import Problem
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.storage import is_url
from hybrid.errors import CorpusError, InputError, MissingDependency
from hybrid.settings import CorpusSettings
from tests.corpus.conftest import Tree, names

fsspec = pytest.importorskip("fsspec", reason="fsspec opens addresses")


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A file system in memory, empty again afterwards."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def test_words_that_are_addresses() -> None:
    assert all(map(is_url, ["s3://bucket/a b", "gs://b", "texts:s3://b/x.jsonl", "file:///tmp"]))
    assert not any(map(is_url, ["docs/", "C://x", "What does s3://bucket hold?", "s3://", "lance:s3://b", "a\ns3://b"]))


def test_a_prefix_is_a_folder(bucket: Any) -> None:
    for name, text in {"a.txt": "aa", "x/b.md": "# B", ".git/c": "c", "x/node_modules/d.js": "d"}.items():
        bucket.pipe(f"/b/docs/{name}", text.encode())
    bucket.pipe("/b/docs/p.png", b"x")
    bucket.pipe("/b/docs/e.txt", b"")
    bucket.pipe("/b/docs/old/f.txt", b"f")
    corpus = Corpus.of("memory://b/docs/", CorpusSettings(exclude=("old/",)))
    assert (names(corpus), corpus.label, corpus.base) == (["a.txt", "x/b.md"], "memory://b/docs/ (2 files)", None)
    assert Problem("e.txt", "empty file") in corpus.problems
    source = corpus.sources[1]
    document = source.parse(source.load())
    assert (document.name, document.text, document.kind) == ("x/b.md", "# B", "markdown")
    assert (document.path, source.path) == ("memory://b/docs/x/b.md", None)
    assert corpus.key == Corpus.of("memory://b/docs").key != Corpus.of("memory://b").key


def test_an_object_and_a_pattern(bucket: Any, tree: Tree) -> None:
    for name in ("a.txt", "x/b.md", "x/y/c.md"):
        bucket.pipe(f"/b/docs/{name}", name.encode())
    assert names(Corpus.of("memory://b/docs/a.txt")) == ["a.txt"]
    assert names(Corpus.of("memory://b/docs/**/*.md")) == ["x/b.md", "x/y/c.md"]
    assert names(Corpus.of("memory://b/docs/x/*.md")) == ["b.md"]
    both = Corpus.of([tree({"here.txt": "here"}), "memory://b/docs/a.txt"])
    assert names(both) == ["here.txt", "memory://b/docs/a.txt"]


def test_files_by_their_address_are_files(tree: Tree) -> None:
    root = tree({"a.txt": "a"})
    assert Corpus.of(f"file://{root}") == Corpus.of(root)


def test_changes_are_seen_by_tag_or_time(bucket: Any) -> None:
    bucket.pipe("/b/a.txt", b"one")
    before = Corpus.of("memory://b").sources[0]
    assert (before.size, before.mtime_ns) == (3, int(bucket.created("/b/a.txt").timestamp() * 1e9))
    bucket.pipe("/b/a.txt", b"two")
    assert Corpus.of("memory://b").sources[0].mtime_ns > before.mtime_ns


def test_an_object_that_is_gone_is_a_problem_of_its_own(bucket: Any) -> None:
    bucket.pipe("/b/a.txt", b"one")
    source = Corpus.of("memory://b").sources[0]
    bucket.rm("/b/a.txt")
    with pytest.raises(Unreadable, match="it is gone"):
        source.load()


def test_rows_of_tables(bucket: Any) -> None:
    bucket.pipe("/b/t.jsonl", b'{"id": "r1", "text": "one"}\n{"id": "r2", "text": "two"}\n')
    assert names(Corpus.of("memory://b/t.jsonl")) == ["t.jsonl"]  # a look into it would fetch it
    corpus = Corpus.of("texts:memory://b/")
    assert names(corpus) == ["r1", "r2"]
    assert [source.parse(source.load()).text for source in corpus.sources] == ["one", "two"]


def test_what_cannot_be_is_told(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for said, sentence in (
        ("memory://b/nothing", "There is nothing at memory://b/nothing: check the bucket's name"),
        ("nope://b/x", "nothing known reads nope:// addresses"),
        ("https://a.example/c.pdf", "a web address is no corpus"),
        ("memory://b/*.md", "There is nothing at memory://b: "),
    ):
        with pytest.raises(InputError, match=sentence):
            Corpus.of(said)
    bucket.pipe("/b/p.png", b"x")
    with pytest.raises(CorpusError, match=r"unsupported format \.png"):
        Corpus.of("memory://b/p.png")


def test_a_package_that_is_missing_is_named() -> None:
    if __import__("importlib.util").util.find_spec("adlfs"):
        pytest.skip("adlfs is installed")
    with pytest.raises(MissingDependency, match="Reading abfs:// addresses needs the package 'adlfs'"):
        Corpus.of("abfs://box/x")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    pytest.importorskip("s3fs", reason="s3fs reads s3://")
    server = pytest.importorskip("moto.server", reason="moto serves S3").ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def settings_for(endpoint: str, **more: Any) -> CorpusSettings:
    return CorpusSettings(storage={"s3": {"endpoint_url": endpoint, "key": "k", "secret": "s", **more}})


def test_documents_in_a_bucket(endpoint: str) -> None:
    settings = settings_for(endpoint)
    system = fsspec.filesystem("s3", **settings.storage["s3"])
    system.mkdir("filings")
    system.pipe("filings/2025/a.txt", b"one")
    system.pipe("filings/2025/b/c.md", b"# two")
    system.pipe("filings/2025/empty/", b"")
    corpus = Corpus.of("s3://filings/2025", settings)
    assert names(corpus) == ["a.txt", "b/c.md"]
    documents = [source.parse(source.load()) for source in corpus.sources]
    assert [(d.text, d.path) for d in documents] == [
        ("one", "s3://filings/2025/a.txt"),
        ("# two", "s3://filings/2025/b/c.md"),
    ]
    assert "secret" not in repr(corpus.sources[0])
    system.pipe("filings/2025/a.txt", b"one")  # the same again, later
    assert Corpus.of("s3://filings/2025", settings).sources[0] == corpus.sources[0]
    system.pipe("filings/2025/a.txt", b"two")
    assert Corpus.of("s3://filings/2025", settings).sources[0].mtime_ns != corpus.sources[0].mtime_ns


def test_no_bucket(endpoint: str) -> None:
    with pytest.raises(InputError, match="There is nothing at s3://nowhere/x"):
        Corpus.of("s3://nowhere/x", settings_for(endpoint))


def test_no_permission(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs = pytest.importorskip("s3fs")

    async def refused(*_: Any, **__: Any) -> Any:  # moto checks no permissions
        raise s3fs.errors.translate_boto_error(_denied())

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", refused)
    with pytest.raises(CorpusError, match=r"Cannot list s3://filings: permission denied \(.*\); check the cred"):
        Corpus.of("s3://filings", settings_for(endpoint, use_listings_cache=False))


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="s3fs reads s3://")
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to nobody
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "hybrid.toml").write_text(
            "[corpus.storage.s3]\n"
            f'endpoint_url = "{address}"\nkey = "k"\nsecret = "s"\n'
            "config_kwargs = {retries = {max_attempts = 0}}\n"
        )
        with pytest.raises(CorpusError, match="Cannot list s3://bucket/x: nobody answers there") as refused:
            CliRunner().invoke(cli, ["index", "build", "s3://bucket/x"], catch_exceptions=False)
    assert refused.value.exit_code == 2


def _denied() -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "ListObjectsV2")
