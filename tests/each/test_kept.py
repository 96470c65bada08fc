"""What was extracted is kept: over changes, a rebuild, a kill, Ctrl-C, and for two that ask at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hybrid.each.kept import FILE
from tests.each.conftest import LEASES, QUESTION, Scripted
from tests.engines.double import CHAT


def test_a_changed_document_alone_is_asked_again(double, asking, tmp_path):
    scripted = Scripted(double)
    for name, text in LEASES.items():
        (tmp_path / name).write_text(text)
    hybrid = asking(index={"dir": str(tmp_path / "index")})
    hybrid.answer(QUESTION, tmp_path / "*.txt")
    double.seen.clear()
    (tmp_path / "ash.txt").rename(tmp_path / "zelkova.txt")
    (tmp_path / "birch.txt").write_text(LEASES["birch.txt"].replace("24,000", "30,000"))
    found = hybrid.answer(QUESTION, tmp_path / "*.txt")
    assert scripted.asked == ["birch.txt"]
    assert found.table is not None
    assert found.table.figures["GBP/year"] == 42_000.0
    assert found.table.rows[-1].cells[0].citation is not None
    assert found.table.rows[-1].cells[0].citation.path == str(tmp_path / "zelkova.txt")


def test_an_index_made_anew_keeps_what_still_holds_and_nothing_of_what_is_gone(double, asking, tmp_path):
    scripted = Scripted(double)
    folder, index = tmp_path / "leases", tmp_path / "index"
    folder.mkdir()
    for name, text in LEASES.items():
        (folder / name).write_text(text)
    asking(index={"dir": str(index)}).answer(QUESTION, folder)
    (folder / "ash.txt").unlink()
    (folder / "birch.txt").write_text(LEASES["birch.txt"].replace("24,000", "30,000"))
    double.seen.clear()
    hybrid = asking(index={"dir": str(index)})
    hybrid.index(folder, rebuild=True)
    kept = (index / FILE).read_bytes()
    assert b"500 a month" in kept  # of cedar
    assert b"1,000 a month" not in kept
    assert b"24,000" not in kept
    found = hybrid.answer(QUESTION, folder)
    assert scripted.asked == ["birch.txt"]
    assert not scripted.plans
    assert found.table is not None
    assert found.table.figures == {"GBP/year": 30_000.0, "USD/year": 6_000.0}


def test_a_document_that_is_taken_out_takes_what_was_extracted_with_it(double, asking, tmp_path):
    Scripted(double)
    for name, text in LEASES.items():
        (tmp_path / name).write_text(text)
    hybrid = asking(index={"dir": str(tmp_path / "index")})
    hybrid.answer(QUESTION, tmp_path / "*.txt")
    (tmp_path / "ash.txt").unlink()
    hybrid.index(tmp_path / "*.txt")
    kept = (tmp_path / "index" / FILE).read_bytes()
    assert b"500 a month" in kept
    assert b"1,000 a month" not in kept


def test_a_filter_to_one_document_takes_nothing_from_the_others(double, asking, tmp_path):
    """One document alone is asked by its sections; what is known of whole documents stays, and the reverse."""
    scripted = Scripted(double)
    (tmp_path / "two.md").write_text("# Ash\n\nThe rent is £1,000 a month.\n\n# Birch\n\nThe rent is £2,000 a month.\n")
    (tmp_path / "one.md").write_text("# Cedar\n\nThe rent is £3,000 a month.\n")
    hybrid = asking(index={"dir": str(tmp_path / "index")})
    ways = ({}, {"documents": ["two.md"]})
    for way in ways:
        hybrid.answer(QUESTION, tmp_path / "*.md", rung="each", **way)
    hybrid.index(tmp_path / "*.md", rebuild=True)
    double.seen.clear()
    figures = []
    for way in ways:
        found = hybrid.answer(QUESTION, tmp_path / "*.md", rung="each", **way)
        assert found.table is not None
        figures.append(found.table.figures["GBP/year"])
    assert figures == [48_000.0, 36_000.0]
    assert scripted.asked == []


def stalling(double, scripted, after):
    """The double leaves what comes after so many replies unanswered: set when the first comes, and to let it end."""
    reached, over = threading.Event(), threading.Event()
    answers = scripted.answer

    def stalls(handler, body):
        if len(scripted.asked) == after and not over.is_set():
            reached.set()
            over.wait(60)
            return
        answers(handler, body)

    double.on(CHAT, stalls)
    return reached, over


def command(folder, double, *more):
    """`hybrid ask` over a folder in a process of its own."""
    own = {"HYBRID_ENGINE_CONCURRENCY": "1", "HYBRID_EMBEDDER_PRECISION": "float32"}
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("HYBRID_")}, **own}
    arguments = [sys.executable, "-m", "hybrid", "ask", QUESTION, str(folder), "--url", double.url, "-q", *more]
    return subprocess.Popen(
        [*arguments, "--index", str(folder.parent / "index"), "--table", "out.csv"],
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_ends_it_at_once_and_keeps_what_was_asked(double, asking, tmp_path):
    """Also while the model is at a document, and without a terminal, where questions are answered in threads."""
    folder = tmp_path / "leases"
    folder.mkdir()
    for i in range(1, 6):
        (folder / f"{i}.txt").write_text(f"LEASE {i}. The rent is £{i},000 a year.")
    scripted = Scripted(double)
    third, over = stalling(double, scripted, after=3)
    process = command(folder, double)
    try:
        assert third.wait(120), process.communicate(timeout=5)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    finally:
        over.set()
        process.kill()
    assert process.returncode == 130
    assert "Interrupted" in error
    assert "Traceback" not in error
    assert not (tmp_path / "out.csv").exists()
    assert len(scripted.asked) == 3
    found = asking(index={"dir": str(tmp_path / "index")}).answer(QUESTION, folder, rung="each")
    assert any("2 were asked before" in note for note in found.notes)


def test_two_at_once_share_the_work(double, asking, tmp_path):
    """Two questions in threads over one index: no document is asked by both but the one that the other is at."""
    scripted = Scripted(double)
    answers = scripted.answer

    def slowly(handler, body):
        time.sleep(0.05)
        answers(handler, body)

    double.on(CHAT, slowly)
    folder = tmp_path / "leases"
    folder.mkdir()
    for i in range(1, 13):
        (folder / f"{i:02}.txt").write_text(f"LEASE {i}. The rent is £{i},000 a year.")
    both = [asking(index={"dir": str(tmp_path / "index")}) for _ in range(2)]
    both[0].index(folder)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda hybrid: hybrid.answer(QUESTION, folder, rung="each"), both))
    assert [one.table.figures for one in found] == [{"GBP/year": 78_000.0}] * 2
    assert len(scripted.asked) <= 14


def test_after_a_kill_nothing_is_asked_twice(double, asking, tmp_path):
    """The process is killed while the fourth of eight documents is asked."""
    folder = tmp_path / "leases"
    folder.mkdir()
    for i in range(1, 9):
        (folder / f"{i}.txt").write_text(f"LEASE {i} between A Ltd and B. The rent is £{i},000 a year.")
    scripted = Scripted(double)
    fourth, over = stalling(double, scripted, after=4)
    process = command(folder, double)
    assert fourth.wait(120), process.communicate(timeout=5)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    over.set()
    assert not (tmp_path / "out.csv").exists()
    first = scripted.asked
    found = asking(index={"dir": str(tmp_path / "index")}).answer(QUESTION, folder)
    assert scripted.asked == [*first, "5.txt", "6.txt", "7.txt", "8.txt", *first[-1:]]  # the fourth was never answered
    assert len(scripted.plans) == 1
    assert found.table is not None
    assert found.table.figures == {"GBP/year": 36_000.0}
    assert any("3 were asked before" in note for note in found.notes)
    assert found.citations[0].where == f"{folder / '1.txt'}:1"
