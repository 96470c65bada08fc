"""`hybrid init`: what it finds, asks, tries and writes; the servers are real and small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybrid.cli.main import cli, guarded
from hybrid.engines.listening import listening
from hybrid.settings import load
from tests.conftest import free_port
from tests.model_server import model_server

VLLM = {"id": "qwen", "owned_by": "vllm", "max_model_len": 8192}
Run = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The lease ends on 3 May 2027.")
    return tmp_path


@pytest.fixture
def run(here: Path) -> Run:
    """Run `hybrid init` with what a person types."""

    def call(*arguments: object, typed: str = "") -> Result:
        return CliRunner().invoke(cli, ["init", *map(str, arguments)], input=typed)

    return call


def test_without_a_server_the_built_in_engine_is_written_and_asked(here: Path, run: Run) -> None:
    found = run("--yes", "--corpus", "docs", "--port", free_port())
    assert found.exit_code == 0, found.output
    assert "1932" in found.output
    settings = load()
    assert (settings.engine.kind, settings.corpus.paths) == ("extractive", ("docs",))
    answer = CliRunner().invoke(cli, ["ask", "When does the lease end?"])
    assert "3 May 2027" in answer.output


def test_three_questions_find_a_server(here: Path, run: Run) -> None:
    with model_server({"id": "nomic-embed-text"}, VLLM) as server:
        found = run("--port", server.port, typed="docs\n1\nh100 2.5\n")
        assert found.exit_code == 0, found.output
        assert "qwen (vLLM" in found.output
        assert "window 8,192" in found.output
        assert len(server.asked) == 1
    settings = load()
    assert (settings.engine.kind, settings.engine.url, settings.engine.model) == ("server", server.url, "qwen")
    assert settings.engine.window is None  # the server tells it itself
    assert (settings.cost.gpu, settings.cost.dollars_per_gpu_hour) == ("h100", 2.5)
    assert settings.corpus.paths == ("docs",)


def test_a_wrong_answer_is_asked_again(here: Path, run: Run) -> None:
    with model_server(VLLM) as server:
        found = run("--port", server.port, typed="nowhere\ndocs\n7\n1\nh9000\ncpu\n")
    assert found.exit_code == 0, found.output
    assert "'nowhere'" in found.output
    assert "There is no GPU 'h9000'" in found.output
    assert load().cost.gpu == "cpu"


@pytest.mark.parametrize(
    ("model", "more", "window"),
    [
        ("llama3:8b", {"/api/ps": {"models": [{"name": "llama3:8b", "context_length": 4096}]}}, 4096),
        ("llama3:8b", {"/api/ps": {"models": []}, "/api/show": {"parameters": "stop  x\nnum_ctx   16384"}}, 16384),
        ("phi", {"/api/v0/models": {"data": [{"id": "phi", "loaded_context_length": 6000}]}}, 6000),
        ("gguf", {"/props": {"default_generation_settings": {"n_ctx": 2048}}}, 2048),
    ],
)
def test_the_window_is_read_as_each_program_tells_it(
    here: Path, run: Run, model: str, more: dict[str, object], window: int
) -> None:
    with model_server(model, more=more) as server:
        (known,) = listening([server.port])
        assert [(m.name, m.window) for m in known.models] == [(model, window)]
        assert run("--yes", "--port", server.port).exit_code == 0
        settings = load().engine
        assert settings.window == window or (settings.window is None and "/props" in more)


def test_a_window_that_nobody_tells_is_asked_for(here: Path, run: Run) -> None:
    with model_server("mystery") as server:
        refused = run("--yes", "--url", server.url)
        assert refused.exit_code != 0
        assert "--window" in str(refused.exception)
        assert not (here / "hybrid.toml").exists()
        assert run("--url", server.url, typed="docs\n16k\n\n").exit_code == 0
        assert load().engine.window == 16384
        assert run("--yes", "--force", "--url", server.url, "--window", 9000).exit_code == 0
        assert load().engine.window == 9000


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ({"status": 500}, "500: out of memory"),
        ({"reply": ""}, "replied with nothing"),
        ({"reply": "<think>Let me see.</think>"}, "nothing but thoughts"),
        ({"wait": 4.0}, "within 1 s"),
    ],
)
def test_nothing_is_written_where_the_engine_does_not_answer(
    run: Run, here: Path, capsys: pytest.CaptureFixture[str], behaviour: dict[str, object], says: str
) -> None:
    with model_server(VLLM, **behaviour) as server:
        code = guarded(cli, ["init", "--yes", "--url", server.url, "--timeout", "1" if "wait" in behaviour else "20"])
    assert code == 2
    assert says in capsys.readouterr().err
    assert not (here / "hybrid.toml").exists()


def test_a_model_that_embeds_is_not_asked(here: Path, run: Run) -> None:
    with model_server({"id": "nomic-embed-text", "max_model_len": 2048}, VLLM) as server:
        assert run("--yes", "--url", server.url).exit_code == 0
        assert [asked["model"] for asked in server.asked] == ["qwen"]
    assert load().engine.model == "qwen"


def test_without_trying_the_engine_need_not_be_there(here: Path, run: Run) -> None:
    found = run("--yes", "--no-try", "--url", "http://127.0.0.1:9/v1", "--model", "later", "--window", 4096)
    assert found.exit_code == 0, found.output
    assert "not tried" in found.output
    assert load().engine.model == "later"


def test_a_file_that_is_there_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "hybrid.toml").write_text("[retrieval]\nk = 3\n")
    assert guarded(cli, ["init", "--yes", "--built-in"]) == 2
    assert "--force" in capsys.readouterr().err
    assert load().retrieval.k == 3
    assert guarded(cli, ["init", "--yes", "--built-in", "--force"]) == 0
    assert load().retrieval.k == 8


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--corpus", "nowhere"), "'nowhere'"),
        (("--built-in", "--url", "http://127.0.0.1:9/v1"), "--url has no effect with --built-in"),
        (("--gpu", "h9000", "--built-in"), "There is no GPU 'h9000'"),
        (("--write", "no/folder/x.toml", "--built-in"), "no folder"),
        (("--model", "absent"), "no server on this machine has the model 'absent'"),
        (("--url", "http://127.0.0.1:9/v1"), "127.0.0.1:9"),
        (("--url", "not an address"), "engine.url"),
        (("--dollars-per-hour", "2"), "--gpu"),
    ],
)
def test_mistakes_are_sentences(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.setattr("hybrid.cli.init.PORTS", {free_port(): "nobody"})
    assert guarded(cli, ["init", "--yes", *arguments]) == 2
    told = capsys.readouterr().err
    assert says.lower() in told.lower()
    assert "Traceback" not in told
    assert not (here / "hybrid.toml").exists()


def test_nobody_there_to_answer(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (here / "empty").open("w+") as empty:
        monkeypatch.setattr("sys.stdin", empty)
        assert guarded(cli, ["init", "--port", str(free_port())]) == 2
    assert "--yes" in capsys.readouterr().err


def test_json_is_one_document_and_asks_nothing(here: Path, run: Run) -> None:
    with model_server(VLLM, "other") as server:
        found = run(
            "--json", "--port", server.port, "--model", "other", "--window", 5000, "--gpu", "L4", "--corpus", "."
        )
    told = json.loads(found.stdout)
    assert told["tried"]["reply"] == "1932. [1]"
    assert [m["name"] for m in told["found"][0]["models"]] == ["qwen", "other"]
    assert told["settings"]["engine"] == {"kind": "server", "url": server.url, "model": "other", "window": 5000}
    assert told["settings"]["corpus"] == {"paths": ["."], "exclude": ["hybrid.toml"]}
    assert told["settings"]["cost"] == {"gpu": "l4"}


def test_what_is_no_model_server_is_left_alone(here: Path) -> None:
    with model_server(listed=401) as locked, model_server(listed=302) as moved, model_server() as empty:
        found = listening([locked.port, moved.port, empty.port, free_port()])
    assert [(server.url, server.locked) for server in found] == [(locked.url, True)]


def test_a_wrong_reply_is_told(run: Run) -> None:
    with model_server(VLLM, reply="I like turtles.") as server:
        found = run("--yes", "--url", server.url, "--prefer", "cost")
    assert found.exit_code == 0
    assert "is not what the text says" in found.output
    assert load().routing.prefer == "cost"


@pytest.mark.parametrize(
    ("said", "gpu", "dollars"),
    [
        ("RTX 4090", "rtx-4090", None),
        ("rtx4090 0,35", "rtx-4090", 0.35),
        ("NVIDIA GeForce RTX 4090 at $0.4/hr", "rtx-4090", 0.4),
        ("H200 $3.1 per hour", "h200", 3.1),
        ("a100 80GB, 1.75 USD", "a100", 1.75),
        ("Tesla L4 .7 dollars an hour", "l4", 0.7),
    ],
)
def test_gpus_of_several_words_and_prices_in_usual_forms(
    here: Path, run: Run, said: str, gpu: str, dollars: float | None
) -> None:
    with model_server(VLLM) as server:
        assert run("--no-try", "--port", server.port, typed=f"docs\n1\n{said}\n").exit_code == 0
    assert (load().cost.gpu, load().cost.dollars_per_gpu_hour) == (gpu, dollars)
    assert run("--yes", "--force", "--built-in", "--no-try", "--gpu", said).exit_code == 0
    assert (load().cost.gpu, load().cost.dollars_per_gpu_hour) == (gpu, dollars)


@pytest.mark.parametrize(
    "said", ["l40", "gh200", "a1000", "mi300", "rtx 4090 laptop", "a100 40gb", "H100 PCIe", "h200 3 euros", "2 h200"]
)
def test_another_card_is_not_taken_for_one_that_is_known(
    here: Path, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    assert guarded(cli, ["init", "--yes", "--built-in", "--no-try", "--gpu", said]) == 2
    assert said in capsys.readouterr().err
    assert not (here / "hybrid.toml").exists()


@pytest.mark.parametrize(("listed", "says"), [(403, "asks for a key"), (503, "replies 503")])
def test_a_server_that_is_passed_over_is_said(
    here: Path, run: Run, capsys: pytest.CaptureFixture[str], listed: int, says: str
) -> None:
    with model_server(VLLM, listed=listed) as server:
        for how in ("--yes", "--json"):
            found = run(how, "--force", "--no-try", "--port", server.port)
            assert found.exit_code == 0
            assert f"{server.url} {says}" in found.stderr
        assert says in json.loads(found.stdout)["found"][0]["passed_over"]
        for flags in (("--model", "qwen"), ("--window", "900"), ("--api-key-env", "KEY"), ("--max-tokens", "9")):
            assert guarded(cli, ["init", "--yes", "--force", "--port", str(server.port), *flags]) == 2
            assert says in capsys.readouterr().err.splitlines()[-1]
