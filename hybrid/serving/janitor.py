"""The bound on a folder of vLLM's cache files: vLLM never deletes one, so a process beside its server does.

    python -m hybrid.serving.janitor FOLDER BYTES MARGIN PID

It ends when the process PID has ended, and not with `hybrid up`: a server that outlives a kill still writes. Nothing is
deleted but files that are named and placed as vLLM's file-system tier does it. A deletion is one system call, so a kill
at any moment leaves whole files or none. vLLM computes anew what it does not find (from 0.28 on).

A file was last used when it was last written or read. Most disks keep the time of reading only if it is not after that
of writing (relatime), so every use that is seen is made the time of writing too, and the next one shows again.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PLACE = (  # <model>-<fingerprint>/<vLLM's model>_<digest>_r<rank>/<3 digits of the hash>/<2 more>_g<group>/<hash>.bin
    re.compile(r".+-[0-9a-f]{12}"),
    re.compile(r".+_[0-9a-f]{12}_r\d+"),
    re.compile(r"[0-9a-f]{3}"),
    re.compile(r"[0-9a-f]{2}_g\d+"),
)
_BLOCK = re.compile(r"[0-9a-f]{16,128}\.bin")
_HALF = re.compile(r"[0-9a-f]{16,128}\.bin_\d+\.tmp")  # being written; left behind by a kill

SHARE = 0.05  # of the bound, that is kept free for what is written between two looks
STALE = 3600.0  # seconds after which a half-written file or an empty folder is taken for left behind
TOGETHER = 60_000_000_000  # ns: files used within a minute belong together
LOG = "janitor.log"
PAUSE = 1.0  # seconds between two looks, at least


@dataclass(frozen=True, slots=True)
class File:
    """A block on disk: what it takes there, and when it was last used (nanoseconds)."""

    path: Path
    size: int
    used: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What a look at the folder found and did, in bytes."""

    held: int  # before
    freed: int = 0
    files: int = 0  # deleted
    failed: str = ""  # why a file that had to go could not


def blocks(folder: Path) -> Iterator[File]:
    """The blocks in a folder, and half-written ones that were left behind, which count as never used."""
    now = time.time()
    for inside in _folders(folder):
        with suppress(OSError), os.scandir(inside) as entries:
            for entry in entries:
                half = _HALF.fullmatch(entry.name)
                if half is None and _BLOCK.fullmatch(entry.name) is None:
                    continue
                with suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    if not stat.S_ISREG(found.st_mode) or (half and now - found.st_mtime < STALE):
                        continue
                    used = max(found.st_mtime_ns, found.st_atime_ns)
                    if half is None and found.st_atime_ns > found.st_mtime_ns:
                        with suppress(OSError):  # another user's file counts all the same
                            os.utime(entry.path, ns=(used, used), follow_symlinks=False)
                    yield File(Path(entry.path), found.st_blocks * 512, 0 if half else used)


def sweep(folder: Path, limit: int, margin: int) -> Swept:
    """Delete the blocks used least recently if the folder nears its bound, or its disk the margin.

    Of a document's blocks, used in one minute, the last written or read go first: vLLM finds a prompt from its
    beginning on, and blocks behind a missing one are of no use.

    Args:
        limit: bytes of all blocks.
        margin: bytes of the disk that stay free, whoever fills it.
    """
    found = list(blocks(folder))
    held = sum(file.size for file in found)
    free = shutil.disk_usage(folder).free
    room = int(limit * SHARE)
    excess = max(held - limit + 2 * room if held > limit - room else 0, margin - free)
    freed = files = 0
    failed = ""
    for file in sorted(found, key=lambda file: (file.used // TOGETHER, -file.used)):
        if freed >= excess and file.used:
            break
        try:
            file.path.unlink()
        except FileNotFoundError:  # another janitor was faster, or vLLM, which removes what it cannot read
            pass
        except OSError as error:
            failed = f"{file.path}: {error.strerror}"
            continue
        freed, files = freed + file.size, files + 1
    return Swept(held, freed, files, failed if freed < excess else "")


def tidy(folder: Path) -> None:
    """Remove folders that have been empty for an hour; while servers write, one could miss the folder it just made."""
    for name, _, _ in os.walk(folder, topdown=False):
        path = Path(name)
        parts = path.relative_to(folder).parts
        ours = len(parts) > 1 and all(mark.fullmatch(part) for mark, part in zip(_PLACE, parts, strict=False))
        with suppress(OSError):
            if ours and time.time() - path.lstat().st_mtime > STALE:
                path.rmdir()


def start(folder: Path, limit: int, margin: int, pid: int) -> subprocess.Popen[bytes]:
    """A janitor as a process of its own, which no Ctrl-C reaches, for as long as the process `pid` runs.

    It holds no stream of its caller open, and writes what it has to say into the folder's `janitor.log`.
    """
    line = [sys.executable, "-P", "-m", "hybrid.serving.janitor", str(folder), str(limit), str(margin), str(pid)]
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
        )


def keep(folder: Path, limit: int, margin: int, pid: int) -> None:
    """Hold the bound until a process ends, and look once more then."""
    begun, told = _begun(pid), ""
    running = True
    while running:
        running = begun is not None and _begun(pid) == begun
        looked = time.monotonic()
        try:
            failed = sweep(folder, limit, margin).failed
        except OSError as error:
            failed = f"{folder}: {error.strerror}"
        if failed and failed != told:
            with suppress(OSError):  # the disk may be full
                print(
                    f"The cache may outgrow its bound, a file cannot be deleted: {failed}", file=sys.stderr, flush=True
                )
        told = failed
        if running:
            time.sleep(max(PAUSE, time.monotonic() - looked))


def _folders(folder: Path) -> list[str]:
    """The folders that vLLM puts blocks into."""
    found = [str(folder)]
    for mark in _PLACE:
        inner: list[str] = []
        for above in found:
            with suppress(OSError), os.scandir(above) as entries:
                inner += [e.path for e in entries if mark.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
        found = inner
    return found


def _begun(pid: int) -> str | None:
    """When a process began, in the system's ticks; None if it has ended. A later process of that number differs."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in "ZX" else words[19]


if __name__ == "__main__":
    keep(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
