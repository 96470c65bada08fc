"""Copies of a model behind the real vllm-router; the servers are doubles of vLLM's program."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from hybrid.cli.main import cli, guarded
from hybrid.errors import InputError
from hybrid.serving.placement import place
from hybrid.serving.probe import chat, healthy
from hybrid.serving.router import SESSION, Router, behind_routers, check_router, find_router, router_command
from hybrid.serving.served import Served
from hybrid.serving.vllm import find
from tests.conftest import free_port
from tests.serving.conftest import LONG, NATIVE, left, until, up

HERE = Path(__file__).parents[2] / "build" / "router" / "bin" / "vllm-router"


@pytest.fixture
def program() -> str:
    """The installed vllm-router; what needs it is skipped where there is none."""
    path = os.environ.get("HYBRID_TEST_ROUTER", "") or (str(HERE) if HERE.is_file() else "")
    if not path:
        pytest.skip("no vllm-router: install it in an environment of its own, and name it in HYBRID_TEST_ROUTER")
    return path


def test_every_kind_gets_its_servers_and_its_router() -> None:
    served, routers = behind_routers([NATIVE, LONG], 3, "vllm-router", host="0.0.0.0", port=8000)
    assert [(one.kind, one.tag, one.port, one.host) for one in served] == [
        *(("native", f"native {n}", 8001 + n, "127.0.0.1") for n in (1, 2, 3)),
        *(("extended", f"extended {n}", 8004 + n, "127.0.0.1") for n in (1, 2, 3)),
    ]
    assert [(router.kind, router.url, router.window) for router in routers] == [
        ("native", "http://127.0.0.1:8000/v1", 4096),
        ("extended", "http://127.0.0.1:8001/v1", 16384),
    ]
    line = router_command(routers[1])
    assert line[line.index("--worker-urls") + 1 :][:3] == [f"http://127.0.0.1:{port}" for port in (8005, 8006, 8007)]
    assert line[line.index("--policy") + 1] == "consistent_hash"


def test_a_router_without_a_choice_or_a_port_is_refused() -> None:
    with pytest.raises(InputError, match="give --data-parallel 2 or more"):
        behind_routers([NATIVE], 1, "vllm-router", host="", port=8000)
    with pytest.raises(InputError, match="the ports 65533 to 65536, and 65535 is the last"):
        behind_routers([NATIVE], 3, "vllm-router", host="", port=65533)


def test_copies_share_what_there_is() -> None:
    served, _ = behind_routers([NATIVE], 3, "vllm-router", host="", port=8000)
    placed, note = place(served, [], [0, 1])
    assert [one.cores for one in placed] == ["0", "1", "0"]
    assert note == "3 servers share 2 CPU cores, one for each"
    placed, _ = place(served, ["0", "1", "2", "3"])
    assert [one.devices for one in placed] == ["0", "1", "2"]
    placed, _ = place(served, ["0"])
    assert {one.extra for one in placed} == {("--gpu-memory-utilization", "0.3")}


def test_a_router_for_one_server_is_refused_before_its_program_is_looked_for(
    fake: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(cli, ["up", str(model), "--vllm", str(fake), "--router", "--router-program", "nix"]) == 2
    assert "A router needs servers to choose from" in capsys.readouterr().err


def test_a_program_that_is_not_there_is_named(fake: Path) -> None:
    with pytest.raises(InputError, match=r"There is no program /none/vllm-router: pip install vllm-router"):
        find_router("/none/vllm-router", find(fake))
    beside = fake.with_name("vllm-router")
    beside.write_text("#!/bin/sh\n")
    beside.chmod(0o755)
    assert find_router(str(beside), find(fake)) == str(beside)


def test_options_without_an_effect_are_refused(fake: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["up", str(model), "--vllm", str(fake)]
    for more, why in (
        (["--router-program", "x"], "--router-program has no effect without --router"),
        (["--router", "--router-program", str(fake)], "give --data-parallel 2 or more"),
    ):
        assert guarded(cli, [*line, *more]) == 2
        assert why in capsys.readouterr().err


def test_copies_start_behind_the_router_and_one_that_dies_is_told(
    fake: Path, model: Path, tmp_path: Path, program: str
) -> None:
    port = free_port()
    options = ["--data-parallel", "3", "--router", "--router-program", program, "--port", str(port), "--json"]
    process = up(fake, tmp_path, model, *options, "--", "--pids", str(fake.parent / "pids"))
    try:
        told = json.loads("".join(iter(lambda: process.stdout.readline(), "}\n")) + "}")
        (router,), servers = told["routers"], told["servers"]
        assert [one["url"] for one in servers] == [f"http://127.0.0.1:{port + n}/v1" for n in (1, 2, 3)]
        assert router["url"] == f"http://127.0.0.1:{port}/v1"
        assert f'url = "{router["url"]}"' in (tmp_path / "hybrid.toml").read_text()
        group = tuple(Served("m", router["name"], router["window"], port=port + n) for n in (1, 2, 3))
        made = Router(program, group, "127.0.0.1", port)
        assert healthy(made)
        check_router(made)
        answered = {chat(made, "?", {SESSION: str(key)})[0] for key in range(10)}
        assert answered == {200}
        first = int((fake.parent / "pids").read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        until(lambda: not healthy(made))
        assert process.poll() is None
        until(lambda: {chat(made, "?", {SESSION: str(key)})[0] for key in range(10)} == {200})
    finally:
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=60)
    assert "native server 1 ended with code -9" in words
    assert "the router gives its documents to the other 2" in words
    assert words.rstrip().endswith("stopped")
    assert process.returncode == 0
    assert left(fake) == []
    assert not healthy(made)


def test_a_router_that_spreads_a_document_is_refused(fake: Path, model: Path, tmp_path: Path, program: str) -> None:
    blind = tmp_path / "blind-router"
    blind.write_text(f'#!/bin/sh\nargs=$(echo "$@" | sed "s/consistent_hash/round_robin/")\nexec {program} $args\n')
    blind.chmod(0o755)
    port = free_port()
    options = ["--data-parallel", "2", "--router", "--router-program", str(blind), "--port", str(port)]
    process = up(fake, tmp_path, model, *options, "--", "--pids", str(fake.parent / "pids"))
    _, words = process.communicate(timeout=60)
    assert "sends questions on one document to several servers (2, 2)" in words
    assert (process.returncode, left(fake)) == (2, [])
