"""The same with the real vLLM."""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.server import Server
from hybrid.errors import EngineError, HybridError, WindowError
from hybrid.serving.placement import place
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.tier import flags
from hybrid.serving.vllm import Vllm, command
from hybrid.settings import load
from hybrid.types import Piece
from tests.conftest import free_port
from tests.serving.conftest import LONG, NATIVE, running, until, up
from tests.vllm_server import ENVIRONMENT, YARN, configuration

PARSE = """
import json, sys
from vllm.utils.argparse_utils import FlexibleArgumentParser
from vllm.entrypoints.launchers.cli_args import make_arg_parser
parser = make_arg_parser(FlexibleArgumentParser())
print("\\n" + json.dumps([vars(parser.parse_args(line)) for line in json.load(sys.stdin)], default=str))
"""


@pytest.mark.server
def test_vllms_own_parser_takes_the_command_lines(vllm: Vllm) -> None:
    ray = ("--distributed-executor-backend", "ray", "--data-parallel-backend", "ray")
    split = Served("m", "n", 16384, YARN, tensor_parallel=4, pipeline_parallel=2, data_parallel=3, extra=ray)
    shared = place([NATIVE, LONG], ["0"])[0]
    new = Vllm(("vllm", "serve"), vllm.version, cpu=False)
    kept = replace(NATIVE, extra=flags(configuration(2048), "/kv", 10**9))
    lines = [command(served, new)[2:] for served in (NATIVE, split, *shared, kept)]
    asked = [vllm.start[0], "-c", PARSE]
    told = subprocess.run(asked, input=json.dumps(lines), capture_output=True, text=True, timeout=300, check=True)
    native, parallel, *both, disk = json.loads(told.stdout.splitlines()[-1])
    assert (native["model_tag"], native["max_model_len"], native["port"]) == ("org/model", 4096, 8000)
    assert native["served_model_name"] == ["model"]
    for flag in ("enable_prefix_caching", "enable_prompt_tokens_details", "enable_per_request_metrics"):
        assert native[flag] is True
    sizes = [parallel[f"{name}_parallel_size"] for name in ("tensor", "pipeline", "data")]
    assert sizes == [4, 2, 3]
    assert (parallel["distributed_executor_backend"], parallel["data_parallel_backend"]) == ("ray", "ray")
    assert parallel["hf_overrides"] == YARN
    tier = disk["kv_transfer_config"]  # as a dataclass of vLLM's, in words
    assert all(
        word in tier for word in ("OffloadingConnector", "TieringOffloadingSpec", "'root_dir': '/kv'", "recompute")
    )
    assert [one["gpu_memory_utilization"] for one in both] == [0.45, 0.45]


@pytest.mark.server
def test_up_with_the_real_vllm(vllm: Vllm, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    flags = ("--load-format", "dummy", "--dtype", "bfloat16", "--enforce-eager", "--max-num-seqs", "8")
    program = Path(vllm.start[0])
    process = up(program, tmp_path, tiny_model, "--context", "16384", "--port", str(free_port()), "--", *flags)
    try:
        until(lambda: (tmp_path / "hybrid.toml").exists() or process.poll() is not None, 500)
        assert process.poll() is None, process.communicate()[1]
        settings = load(tmp_path / "hybrid.toml", environ={})
        assert settings.long_engine is not None
        native, extended = Server(settings.engine), Server(settings.long_engine)
        assert (native.window, extended.window) == (4096, 16384)
        text = ((Path(__file__).parents[2] / "hybrid" / "types.py").read_text("utf-8") * 5)[:40_000]
        asked = Prompt("What is a passage?", (Piece("types.py", text, 0),))
        assert 4096 < native.measure(asked) < 16000
        with pytest.raises(WindowError, match=r"The prompt of \d+ tokens and 8 for the answer do not fit"):
            native.ask(asked, max_tokens=8)
        first, second = (extended.ask(asked, max_tokens=8).usage for _ in range(2))
        assert first.prompt_tokens == native.measure(asked)
        assert second.cached_tokens > first.prompt_tokens * 0.9
        group = [int(pid) for pid in children(process.pid)]
        assert len(group) > 2
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "extended" in out
    assert "Traceback" not in err
    assert not [pid for pid in group if running(pid)]


@pytest.mark.server
@pytest.mark.parametrize(
    ("window", "flags", "sentence"),
    [
        (16384, (), r"User-specified max_model_len \(16384\) is greater than the derived max_model_len"),
        (4096, ("--no-such-flag",), "unrecognized arguments: --no-such-flag"),
        (4096, ("--load-format", "auto"), "Cannot find any model weights"),
    ],
)
def test_the_real_vllms_reasons(
    vllm: Vllm, tiny_model: Path, tmp_path: Path, window: int, flags: tuple[str, ...], sentence: str
) -> None:
    served = Served(str(tiny_model), "tiny", window, port=free_port(), extra=("--enforce-eager", *flags))
    with Servers([served], vllm, tmp_path) as servers, pytest.raises(HybridError, match=sentence):
        servers.start()


@pytest.mark.server
def test_positions_that_the_real_vllm_does_not_compute(
    vllm: Vllm, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half the factor: vLLM starts, answers, and computes NaN behind the end of its table."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("hybrid.serving.served._positions", lambda overrides: None)
    half = {**YARN, "rope_parameters": {**YARN["rope_parameters"], "factor": 2.0}}  # type: ignore[dict-item]
    flags = ("--load-format", "dummy", "--dtype", "bfloat16", "--enforce-eager", "--max-num-seqs", "8")
    served = Served(str(tiny_model), "tiny", 16384, half, port=free_port(), extra=flags)
    with Servers([served], vllm, tmp_path) as servers, pytest.raises(EngineError, match="computes nothing at the end"):
        servers.start()


def children(pid: int) -> list[str]:
    """Processes below one, however deep."""
    found: list[str] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [child, *children(int(child))]
    return found
