"""Indexes that earlier versions made: what their users read, and that nothing of theirs is lost."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hybrid import Hybrid, Settings
from hybrid.cli.main import cli, guarded
from hybrid.index.database import FORMAT

BEFORE_CONTENT_IDS = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, live INTEGER NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, path TEXT, kind TEXT NOT NULL, language TEXT,
    text TEXT NOT NULL, outline TEXT NOT NULL, tokens INTEGER NOT NULL, passages INTEGER NOT NULL,
    UNIQUE (name, live)
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, source_start INTEGER NOT NULL, source_end INTEGER NOT NULL,
    line INTEGER NOT NULL, end_line INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL, tokens INTEGER NOT NULL,
    text TEXT NOT NULL, key TEXT NOT NULL, words BLOB NOT NULL, vector BLOB
);
CREATE INDEX passages_of ON passages (document, ordinal);
CREATE INDEX passages_like ON passages (key);
CREATE INDEX unembedded ON passages (tokens) WHERE vector IS NULL;
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE problems (name TEXT PRIMARY KEY, reason TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
"""


def made_before(index: Path) -> bytes:
    """Turn an index into one of format 1, whose passages were counted; returns the database."""
    old = index / "old.db"
    with closing(sqlite3.connect(old)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(BEFORE_CONTENT_IDS)
        db.execute("ATTACH ? AS new", (str(index / "index.db"),))
        db.execute("INSERT INTO meta SELECT * FROM new.meta")
        db.execute("UPDATE meta SET value = '1' WHERE key = 'format'")
        columns = {
            "documents": "id, name, live, hash, size, mtime_ns, path, kind, language, text, outline, tokens, passages",
            "passages": "document, ordinal, start, end, source_start, source_end, line, end_line, page, heading, "
            "tokens, text, key, words, vector",
            "words": "id, word",
        }
        for table, names in columns.items():
            db.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM new.{table}")
    for file in index.glob("index.db*"):
        file.unlink()
    return old.rename(index / "index.db").read_bytes()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "lease.md").write_text("The lease of the harbour ends in 2031.")
    return folder


def test_an_index_in_the_users_own_folder_is_told_in_a_sentence_and_left_as_it_is(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    build = ["index", "build", str(files), "--index", str(index), "-q", "--json"]
    assert guarded(cli, build) == 0
    before = made_before(index)
    capsys.readouterr()
    ask = ["ask", "When does the lease end?", str(files), "--index", str(index), "-q"]
    for command in (build, ask, ["index", "show", str(files), "--index", str(index)]):
        assert guarded(cli, command) == 2
        assert capsys.readouterr().err == (
            f"Error: The index at {index} is of an older format (1, this version makes {FORMAT}). Make it anew with "
            "`hybrid index build --rebuild`.\n"
        )
        assert (index / "index.db").read_bytes() == before
    assert guarded(cli, [*build, "--rebuild"]) == 0
    assert json.loads(capsys.readouterr().out)["passages"] == 1
    assert guarded(cli, ask) == 0
    assert "2031" in capsys.readouterr().out


def test_an_index_in_the_cache_is_made_anew_and_that_is_said(files: Path) -> None:
    with Hybrid(Settings()) as hybrid:
        place = Path(str(hybrid.open(files).path))
        ids = [passage.id for passage in hybrid.open(files).passages_of("lease.md")]
    made_before(place)
    with Hybrid(Settings()) as hybrid:
        store = hybrid.open(files)
        assert store.mended == "The index was of an older format and was made anew."
        assert [passage.id for passage in store.passages_of("lease.md")] == ids
        assert "2031" in hybrid.answer("When does the lease end?", store).text
