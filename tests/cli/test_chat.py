"""`hybrid chat`, and what `hybrid mcp` refuses before it starts."""

from __future__ import annotations

import io
import json

import pytest

from hybrid.engines.extractive import Extractive
from hybrid.errors import EngineError

LEASE = "# Lease\n\nThe lease begins on 1 March 2024. It ends on 28 February 2027.\n"


@pytest.fixture
def chat(run, tmp_path, monkeypatch):
    """Chat about a lease; the questions are piped."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")

    def call(piped: str | bytes, *arguments: str) -> tuple[int, str, str]:
        data = piped.encode() if isinstance(piped, str) else piped
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        return run("chat", *(arguments or ("lease.md",)), "-q")

    return call


def test_a_question_is_understood_from_those_before_and_shown_so(chat):
    code, out, err = chat("When does the lease end?\n\nAnd when does it begin?\nexit\nWho?\n")
    assert (code, err) == (0, "")
    assert "28 February 2027" in out
    assert "Understood as: When does the lease begin?" in out
    assert "Who?" not in out


def test_for_machines_every_answer_is_one_line(chat):
    code, out, _ = chat("When does the lease end?\nAnd when does it begin?\n", "lease.md", "--json")
    first, second = map(json.loads, out.splitlines())
    assert code == 0
    assert (first["standalone"], second["standalone"]) == (None, "When does the lease begin?")
    assert (second["question"], second["route"] in ("rag", "long")) == ("And when does it begin?", True)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_question_that_fails_is_told_and_the_conversation_goes_on(chat, monkeypatch, as_json):
    asks = Extractive.ask

    def fails(self, prompt, **options):
        if "Reqorsa" in prompt.question:
            raise EngineError("It broke off; ask again.")
        return asks(self, prompt, **options)

    monkeypatch.setattr(Extractive, "ask", fails)
    piped = "When does the lease end?\nWhat is Reqorsa?\nAnd when does it begin?\n"
    code, out, err = chat(piped, "lease.md", *(["--json"] if as_json else []))
    assert code == 2
    assert "Error: It broke off; ask again." in err
    assert "1 of 3 questions were not answered" in err
    assert "1 March 2024" in out
    if as_json:
        lines = [json.loads(line) for line in out.splitlines()]
        assert lines[1] == {"question": "What is Reqorsa?", "error": "It broke off; ask again."}
        assert lines[2]["standalone"] == "When does the lease begin?"


def test_brackets_and_broken_bytes_are_words_as_others_are(chat):
    code, out, err = chat(b"[/x] W\xfcr [red]lease[/] (end)?\nWhy [/x]?\nWhy (not)\n")
    assert (code, err) == (0, "")
    assert "Understood as: Why [/x]? ([/x] W\N{REPLACEMENT CHARACTER}r [red]lease[/] (end)?)" in out


def test_ctrl_c_ends_it_with_130(chat, monkeypatch):
    def interrupted(self, prompt, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Extractive, "ask", interrupted)
    code, _, err = chat("When does the lease end?\n")
    assert code == 130
    assert "Traceback" not in err


def test_no_question_is_no_error(chat):
    assert chat("") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere",), "There is no file or folder 'nowhere'"),
        (("-",), "name a file or a folder instead of '-'"),
        (("lease.md", "--route", "magic"), "'magic' is not one of 'rag', 'long'"),
        (("lease.md", "--rung", "corpus"), "No such option '--rung'"),
        (("lease.md", "-k", "0"), "0 is not in the range"),
        (("lease.md", "--config", "none.toml"), "none.toml"),
    ],
)
def test_a_wrong_argument_gets_a_sentence(chat, arguments, sentence):
    code, out, err = chat("Who?\n", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err


def test_help_shows_how_it_is_called(run):
    for command, shown in (("chat", "hybrid chat contracts/"), ("mcp", "hybrid mcp contracts/"), ("serve", "leases=")):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert shown in out


@pytest.mark.parametrize("place", ["nowhere", "-", "empty"])
def test_mcp_refuses_at_once_what_it_could_not_read(run, place, tmp_path):
    (tmp_path / "empty").mkdir()
    pytest.importorskip("mcp", reason="tools need hybrid-context[serve]")
    code, out, err = run("mcp", place)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
