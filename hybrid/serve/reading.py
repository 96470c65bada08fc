"""Reading an uploaded file in a process of its own, so that a file made to exhaust a machine ends that process alone.

python -m hybrid.serve.reading FILE SECONDS MEGABYTES
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from hybrid.settings import ServeSettings

_MB = 1 << 20


def fault_of(path: Path, settings: ServeSettings) -> str:
    """Why a file cannot be read, as a sentence; empty where it can. Blocks until it is read or its limits are met."""
    seconds, megabytes = settings.reading_seconds, settings.reading_mb
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hybrid.serve.reading", str(path), str(seconds), str(megabytes)],
            capture_output=True,
            text=True,
            timeout=2 * seconds + 10,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"Reading it took longer than {seconds:g} seconds."
    try:
        told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return told["fault"]
    except (IndexError, ValueError, KeyError):
        return f"Reading it took more than {seconds:g} seconds of CPU time or {megabytes:g} MB of memory."


def _limit(seconds: float, megabytes: float) -> None:
    try:
        import resource
    except ImportError:  # no such limits on this system: the time of the parent process is all there is
        return
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (int(megabytes * _MB), int(megabytes * _MB)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main(file: str, seconds: str, megabytes: str) -> None:
    _limit(float(seconds), float(megabytes))
    from hybrid.corpus.readers.extract import Unreadable
    from hybrid.corpus.readers.read import read

    try:
        path = Path(file)
        text = read(path.name, path.read_bytes(), str(path)).text
        fault = "" if text.strip() else "There is no text in it."
    except Unreadable as error:
        fault = f"It cannot be read: {error}."
    except MemoryError:
        fault = f"Reading it took more than {megabytes} MB of memory."
    except Exception as error:  # noqa: BLE001 - a reader's own fault must not look like a fault of the service
        fault = f"It cannot be read ({type(error).__name__})."
    print(json.dumps({"fault": fault}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
