"""The connection to a Ray cluster, or to a Ray that is started here; nothing is reported to anybody."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Mapping
from typing import Any

from hybrid.errors import InputError, MissingDependency

LOCAL = "local"  # the address of a Ray that is started for the time of the work

_CONNECT_SECONDS = 5.0
_MEMORY = 1_000_000_000  # bytes for what is on its way, in a Ray that is started here


def address_of(said: str) -> str:
    """The address of a cluster: as said, else what RAY_ADDRESS says, else a Ray that is started here.

    Raises:
        InputError: it is no address.
    """
    address = said or os.environ.get("RAY_ADDRESS", "").strip() or LOCAL
    if address not in ("auto", LOCAL):
        _host_and_port(address)
    return address


def connected(address: str, workers: int | None, what: str, passed: Mapping[str, str] | None = None) -> Any:
    """The module ray, connected.

    Args:
        workers: CPUs of a Ray that is started here; None: all.
        what: is done with it, as the sentence on a missing Ray begins.
        passed: variables of the environment that workers get too.

    Raises:
        MissingDependency: Ray is not installed.
        InputError: nobody answers at the address, or Ray does not start.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise MissingDependency("ray", "ray", what) from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if passed:
        quiet["runtime_env"] = {"env_vars": dict(passed)}
    if address == LOCAL:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        quiet |= {"num_cpus": workers or cores, "include_dashboard": False, "object_store_memory": _MEMORY}
    else:
        _knock(address)
    try:
        with warnings.catch_warnings():  # Ray's processes begin as copies of this one, and use nothing of Lance
            warnings.filterwarnings("ignore", "lance is not fork-safe")
            ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        failed = "Ray does not start" if address == LOCAL else f"Cannot use the Ray cluster {address}"
        raise InputError(f"{failed}: {one_line(error)}. Give the address of one that runs, or --ray alone.") from None
    return ray


def _knock(address: str) -> None:
    """Raise InputError where nobody listens: Ray itself would wait for minutes and then end the process."""
    if address == "auto":
        return
    host, port = _host_and_port(address)
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:  # a name that no machine can have
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(
            f"No Ray cluster answers at {address} ({reason}): start one there with `ray start --head`, or give --ray "
            "without an address for one that is started here."
        ) from None


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65_536:
        raise InputError(
            f"{address[:80]!r} is no address of a Ray cluster: give host:port, such as head.example:6379. The word "
            "after --ray is its address, so paths stand before it."
        )
    return host.strip("[]"), int(port)


def one_line(error: BaseException) -> str:
    """What an exception says, or its name, without a full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    return (said if len(said) <= 200 else said[:199] + "…").rstrip(". ")
