"""`hybrid serve`: what it serves, and what it refuses before it listens."""

from __future__ import annotations

import json
import socket

import pytest

pytest.importorskip("starlette", reason="the service needs hybrid-context[serve]")

SECRET = "hunter2-hunter2-hunter2"


@pytest.fixture
def serve(run, tmp_path, monkeypatch):
    """Run it up to where it would serve; returns exit code, output, errors, and the settings it would serve with."""
    for folder in ("docs", "other/docs", "my papers"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "lease.md").write_text("The lease ends in 2027.\n", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HYBRID_SERVE_UPLOADS", str(tmp_path / "uploads"))
    served = []
    monkeypatch.setattr("hybrid.serve.start.serve", lambda service, socket_, log: served.append(service.settings))

    def call(*arguments: str, toml: str = ""):
        (tmp_path / "hybrid.toml").write_text(toml, "utf-8")
        code, out, err = run("serve", *arguments, "--port", "0", "--json", "-q")
        return code, out, err, served[-1] if served else None

    return call


@pytest.mark.parametrize(
    ("arguments", "toml", "names"),
    [
        (("docs",), "", ["docs"]),
        (("docs", "second=other/docs"), "", ["docs", "second"]),
        (("my papers",), "", ["my-papers"]),
        (("docs/*.md",), "", ["md"]),
        ((), "[serve.corpora]\na = 'docs'\nb = ['docs', 'other/docs']\n", ["a", "b"]),
        (("docs",), "[serve.corpora]\na = 'other'\n", ["docs"]),
        ((), "[corpus]\npaths = ['docs']\n", ["documents"]),
        ((), "", []),
    ],
)
def test_corpora_come_from_arguments_or_the_settings(serve, arguments, toml, names):
    code, out, err, settings = serve(*arguments, toml=toml)
    assert (code, err) == (0, "")
    assert json.loads(out)["corpora"] == names
    assert json.loads(out)["url"].startswith("http://127.0.0.1:")
    assert list(settings.corpora) == names


@pytest.mark.parametrize(
    ("arguments", "toml", "sentence"),
    [
        (("docs", "other/docs"), "", "Two corpora are named 'docs': name them yourself, as in docs-2=other/docs."),
        (("a=docs", "a=other"), "", "Two corpora are named 'a'"),
        (("nowhere",), "", "There is no file or folder 'nowhere'"),
        (("=docs",), "", "The name '' cannot name a corpus"),
        (("a b=docs",), "", "The name 'a b' cannot name a corpus"),
        (("a=",), "", "There is no file or folder 'a='"),
        (("docs", "--index", "x"), "", "--index has no effect"),
        (("docs", "--host", ""), "", "The address to listen on is empty"),
        (("docs", "--host", "0.0.0.0"), "", "HYBRID_SERVE_KEY"),
        (("docs", "--host", "no.such..host"), f"[serve]\nkey = '{SECRET}'\n", "Choose another with --host"),
        ((), "[serve.corpora]\na = 3\n", "'serve.corpora.a' cannot be 3"),
        ((), "[serve.corpora]\n'a b' = 'docs'\n", "The name 'a b' cannot name a corpus"),
        ((), "[serve.corpora]\na = 'nowhere'\n", "There is no file or folder 'nowhere'"),
        (
            (),
            f"[serve.keys.ada]\nkey = '{SECRET}'\nbudget = 3\n",
            "Unknown setting 'serve.keys.ada.budget'; known here",
        ),
        ((), "[serve.keys.ada]\nat_once = 3\n", "The setting 'serve.keys.ada.key' is missing."),
        ((), "[serve.keys.ada]\nkey = 'hunter2'\n", "it has to have at least 16 characters"),
        ((), "[serve.keys.ada]\nkey = ['hunter2']\n", "'serve.keys.ada.key' cannot be what is given"),
        ((), "[serve.keys]\nada = 'hunter2'\n", "'serve.keys.ada' cannot be what is given: it has to be a table"),
        ((), "[serve]\nkeys = 'hunter2'\n", "'serve.keys' cannot be what is given"),
        (
            (),
            "[serve]\nkey = 'hunter2'\n",
            "'serve.key' cannot be what is given: it has to have at least 16 characters",
        ),
    ],
)
def test_what_cannot_be_served_gets_one_sentence_without_a_secret(serve, arguments, toml, sentence):
    code, out, err, settings = serve(*arguments, toml=toml)
    assert (code, out, settings) == (2, "", None)
    assert err.startswith("Error: ")
    assert sentence in err
    assert "hunter2" not in err
    assert err.count("\n") == 1


def test_a_key_in_the_environment_that_is_too_short_is_not_repeated(serve, monkeypatch):
    monkeypatch.setenv("HYBRID_SERVE_KEY", "hunter2")
    code, _, err, _ = serve("docs")
    assert code == 2
    assert "at least 16 characters" in err
    assert "hunter2" not in err


def test_settings_do_not_show_their_secrets(serve):
    _, _, _, settings = serve("docs", toml=f"[serve]\nkey = '{SECRET}'\n[serve.keys.ada]\nkey = '{SECRET}'\n")
    assert "hunter2" not in repr(settings)


def test_a_port_that_another_program_has_is_named(run, tmp_path):
    (tmp_path / "lease.md").write_text("The lease ends in 2027.\n", "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("serve", "lease.md", "--port", port)
    assert (code, out) == (2, "")
    assert f"Cannot listen on 127.0.0.1, port {port}: Address already in use. Choose another with --port." in err
