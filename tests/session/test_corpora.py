"""Corpora that change, lie beside each other, cannot be read, or whose index is damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hybrid import Hybrid, Settings, load
from hybrid.errors import CorpusError, IndexDamaged
from hybrid.index.embedding import Embedder
from tests.session.doubles import changed


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory):
    settings = load(overrides={"index": {"dir": str(tmp_path_factory.mktemp("index"))}}, environ={})
    with Hybrid(settings) as opened:
        yield opened


def test_texts_and_a_changed_file_are_taken_up(hybrid, tmp_path):
    texts = changed(hybrid)
    assert "Oslo" in texts.answer("Where is the office?", {"a": "The office is in Oslo."}).text
    assert "Rome" in texts.answer("Where is the office?", {"a": "The office is in Rome."}).text
    file = tmp_path / "note.md"
    own = changed(hybrid, index={"dir": str(tmp_path / "index")})
    file.write_text("# Office\n\nThe office is in Lima.")
    assert "Lima" in own.answer("Where is the office?", file).text
    file.write_text("# Office\n\nThe office is in Cairo, since May.")
    assert "Cairo" in own.answer("Where is the office?", file).text


def test_texts_given_one_after_the_other_keep_their_own_index(hybrid):
    texts = changed(hybrid)
    first = texts.open({"a": "The first text is about whales."})
    second = texts.open({"a": "The second text is about trains."})
    assert first is not second
    assert "whales" in first.document("a").text
    assert "trains" in second.document("a").text


def test_a_file_that_cannot_be_read_is_named_in_the_answer(hybrid, tmp_path):
    (tmp_path / "good.txt").write_text("The office is in Lima.")
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 this is no PDF")
    own = changed(hybrid, index={"dir": str(tmp_path / ".index")})
    found = own.answer("Where is the office?", tmp_path)
    assert "Lima" in found.text
    assert any("bad.pdf" in note for note in found.notes)
    again = own.answer("Where is the office?", tmp_path)
    assert again.notes == found.notes


def test_a_corpus_of_broken_files_is_an_error_that_names_them(hybrid, tmp_path):
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 this is no PDF")
    own = changed(hybrid, index={"dir": str(tmp_path / ".index")})
    with pytest.raises(CorpusError, match=r"bad\.pdf"):
        own.answer("q?", tmp_path)


def test_what_indexing_took_is_kept_and_shared(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.txt").write_text("The lease ends in May. " * 40)
    settings = Settings.model_validate({"index": {"dir": str(tmp_path / "index")}})
    with Hybrid(settings) as hybrid:
        first = hybrid.answer("When does the lease end?", folder).preparation
        made = hybrid.open(folder).cpu_seconds
    assert first is not None
    assert first.cpu_seconds is not None
    assert made > 0
    assert first.cpu_seconds >= made / settings.cost.questions
    with Hybrid(settings) as hybrid:
        assert hybrid.open(folder).cpu_seconds == made  # nothing was done again
        (folder / "b.txt").write_text("The rent is due monthly. " * 40)
        assert hybrid.open(folder).cpu_seconds > made


def test_what_was_not_read_is_told_in_every_answer(embedder: Embedder, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "readme.txt").write_text("The office is in Lima.")
    (folder / "budget.numbers").write_bytes(b"\0\1")
    (folder / "empty.txt").touch()
    (folder / "gone.txt").symlink_to("nowhere")
    (folder / "big.txt").write_text("x" * 20_000)
    settings = load(overrides={"corpus": {"max_file_mb": 0.01}}, environ={})
    for _ in range(2):  # after the first build, and from an index that is opened
        with Hybrid(settings) as hybrid:
            hybrid.embedder = embedder
            (note,) = [note for note in hybrid.answer("Where is the office?", folder).notes if "Not read" in note]
        for name in ("budget.numbers", "empty.txt", "gone.txt", "big.txt"):
            assert name in note


@pytest.mark.parametrize("what", ["index.db", "index.db in the middle", "dense-1.faiss", "lexical-1"])
def test_a_damaged_cache_is_made_anew_and_that_is_said(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The keeper of the lighthouse is Ida Marsh.")
    with Hybrid() as hybrid:
        store, _ = hybrid.index(tmp_path / "docs")
    assert store.path is not None
    file = store.path / what.removesuffix(" in the middle")
    if file.is_dir():
        shutil.rmtree(file)
    elif file.name != what:
        whole = file.read_bytes()
        file.write_bytes(whole[:16384] + b"\xff" * 20_000 + whole[36384:])
    else:
        file.write_bytes(b"rubbish " * 700)
    with Hybrid() as hybrid:
        first = hybrid.answer("Who is the keeper of the lighthouse?", tmp_path / "docs")
    with Hybrid() as hybrid:
        second = hybrid.answer("Who is the keeper of the lighthouse?", tmp_path / "docs")
    assert "Ida Marsh" in first.text
    assert any("made anew" in note for note in first.notes)
    assert "Ida Marsh" in second.text
    assert not any("made anew" in note for note in second.notes)


def test_a_damaged_index_in_a_folder_that_was_chosen_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The keeper of the lighthouse is Ida Marsh.")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "index.db").write_bytes(b"rubbish " * 700)
    with (
        Hybrid(load(overrides={"index": {"dir": str(tmp_path / "index")}}, environ={})) as hybrid,
        pytest.raises(IndexDamaged, match="--rebuild"),
    ):
        hybrid.open(tmp_path / "a.txt")
    assert (tmp_path / "index" / "index.db").read_bytes() == b"rubbish " * 700


def test_an_answer_says_what_was_left_out_of_its_documents(tmp_path: Path) -> None:
    path = tmp_path / "lease.html"
    path.write_text("<p>The security deposit is <s>500</s> 800 EUR.</p>", encoding="utf-8")
    with Hybrid(load(overrides={}, environ={})) as hybrid:
        answer = hybrid.answer("How much is the security deposit?", path)
    assert answer.text == "The security deposit is 800 EUR. [1]"
    assert answer.notes == ("lease.html: 1 struck-out passage left out.",)
