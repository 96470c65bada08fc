"""Standard input, where a command takes a question, a text or a file of questions."""

from __future__ import annotations

import io

import pytest


def test_standard_input_is_a_text_or_the_question(run, tmp_path, monkeypatch):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"The office is in Lima.")))
    assert "Lima" in run("ask", "In which city is the office?", "-", "-q")[1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"In which city is the office?")))
    assert "Lima" in run("ask", "-", "x.txt", "-q")[1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    code, _, err = run("ask", "q?", "-", "-q")
    assert code == 2
    assert "Standard input holds no text" in err


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (("ask", "--questions", "-", "x.txt"), "# ours\nIn which city is the office?\n", "Lima"),
        (("ask", "-", "x.txt"), "In which city is the office?", "Lima"),
        (("ask", "In which city is the office?", "-"), "The office is in Quito.", "Quito"),
        (("route", "-", "x.txt"), "In which city is the office?", "by the policy"),
        (("route", "In which city is the office?", "-"), "The office is in Quito.", "by the policy"),
        (("code", "ask", "-", "src"), "Where is cross defined?", "b.py:1"),
        (("legal", "ask", "-", "x.txt"), "In which city is the office?", "Lima"),
        (("legal", "ask", "In which city is the office?", "-"), "The office is in Quito.", "Quito"),
        (("legal", "ask", "--questions", "-", "x.txt"), "In which city is the office?", "Lima"),
        (("legal", "clauses", "-", "--only", "Governing Law"), "It is governed by the law of Peru.", "Peru"),
        (("legal", "compare", "-", "--clause", "office"), "1. Office\n\nThe office is in Quito.", "Quito"),
    ],
)
def test_standard_input_is_read_by_every_command_that_takes_a_question(
    run, tmp_path, monkeypatch, arguments, typed, says
):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "b.py").write_text("def cross() -> None:\n    pass\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
    code, out, err = run(*arguments, "-q")
    assert code == 0, err
    assert says in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("code", "ask", "Where is cross?", "-"),
        ("code", "map", "-"),
        ("code", "index", "-"),
        ("index", "build", "-"),
        ("index", "update", "-"),
        ("index", "show", "-"),
        ("ask", "q?", "x.txt", "--config", "-"),
        ("ask", "q?", "x.txt", "--index", "-"),
        ("legal", "clauses", "x.txt", "-o", "-"),
        ("eval", "run", "-", "-o", "x"),
        ("eval", "run", "smoke", "-o", "-"),
        ("eval", "report", "-"),
        ("eval", "compare", "-", "x"),
        ("eval", "replay", "-"),
        ("calibrate", "router", "-"),
        ("calibrate", "cost", "-o", "-"),
        ("init", "--yes", "-o", "-"),
        ("up", "qwen3-8b", "--write", "-"),
    ],
)
def test_elsewhere_a_dash_is_refused_with_what_it_stands_for(run, tmp_path, arguments):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "'-' is standard input, which stands for a QUESTION, for a text among PATHS" in " ".join(err.split())
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (("ask", "-", "-"), b"text", "'-' is given twice"),
        (("ask", "--questions", "-", "-"), b"text", "'-' is given twice"),
        (("legal", "ask", "-", "-"), b"text", "'-' is given twice"),
        (("ask", "q?", "-"), b"\x00\x01\x02\xff" * 40, "Standard input is no text (binary file)"),
        (("ask", "--questions", "-", "x.txt"), b"\n# none\n", "There is no question in standard input"),
        (("ask", "x.txt", "-"), b"q?", 'Give a question and then the path: hybrid ask "..." x.txt'),
        (("ask", "-", "x.txt"), b" ", "The question is empty"),
    ],
)
def test_standard_input_that_cannot_be_asked(run, tmp_path, monkeypatch, arguments, given, says):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
    code, out, err = run(*arguments, "-q")
    assert (code, out) == (2, "")
    assert says in err


def test_standard_input_may_be_in_another_encoding_or_closed(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Das Büro liegt in Köln. Größe 9.".encode("cp1252"))))
    assert "Köln" in run("ask", "Wo liegt das Büro?", "-", "-q")[1]
    monkeypatch.setattr("sys.stdin", None)
    code, _, err = run("ask", "q?", "-", "-q")
    assert code == 2
    assert "Standard input holds no text" in err
