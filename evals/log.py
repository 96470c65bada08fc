"""The records of a run as they are written: the next start cuts a torn line off."""

from __future__ import annotations

import json
import os
import threading
from array import array
from bisect import bisect_left
from collections import defaultdict
from hashlib import blake2b
from pathlib import Path

import numpy as np
from hybrid.evals.content import place
from hybrid.evals.folder import RunFailed
from hybrid.evals.record import Key, Record, ended, whole_lines
from hybrid.evals.suite import Limits
from pydantic_core import PydanticSerializationError


class Log:
    """The records of a run, appended one line at a time by many threads."""

    def __init__(self, path: Path) -> None:
        """Open the file, cut off a torn last line, and learn which records there are.

        Raises:
            InputError: a line is no record of this format.
        """
        self._path = path
        self._lock = threading.Lock()
        self._counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])  # of each arm: records, failures
        self._done, self._end = self._scan()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.ftruncate(self._file, self._end)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._file)

    def has(self, key: Key) -> bool:
        """Whether the file had this record when it was opened; a run takes each sample only once."""
        if not self._done:
            return False
        digest = _digest(key)
        place = bisect_left(self._done, digest)
        return place < len(self._done) and self._done[place] == digest

    def append(self, record: Record, limits: Limits) -> None:
        """Write a record: the file holds all of it or none.

        Raises:
            RunFailed: it cannot be written, or too many samples of the arm failed.
        """
        line = _line(record)
        with self._lock:
            self._write(line)
            total, failed = self._counted(record.arm, record.status)
            if record.status == "failed" and failed > max(limits.failed, limits.failed_share * total):
                raise RunFailed(
                    f"{failed} of {total} samples of the arm {record.arm!r} failed, the last with: "
                    f"{ended(record.reason)} Mend that and run the same command with --retry-failed."
                )

    def _write(self, line: bytes) -> None:
        rest = line
        try:
            while rest:
                rest = rest[os.pwrite(self._file, rest, self._end + len(line) - len(rest)) :]
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise RunFailed(
                f"A record could not be written to {self._path} ({error.strerror or error}); what is there is valid. "
                "Make room and run the same command again."
            ) from None
        self._end += len(line)

    def _scan(self) -> tuple[array[int], int]:
        """Digests of the records there are, sorted, and where the last whole line ends: 8 bytes a record."""
        digests, end = array("Q"), 0
        for line, record in whole_lines(self._path) if self._path.exists() else ():
            self._counted(record["arm"], record["status"])
            digests.append(_digest((record["arm"], *place(record))))
            end += len(line)
        return array("Q", np.sort(np.frombuffer(digests, dtype=np.uint64)).tobytes()), end

    def _counted(self, arm: str, status: str) -> list[int]:
        """The records and the failures of an arm, with one more."""
        counts = self._counts[arm]
        counts[0] += 1
        counts[1] += status == "failed"
        return counts


def _line(record: Record) -> bytes:
    try:
        return record.__pydantic_serializer__.to_json(record) + b"\n"
    except PydanticSerializationError:  # half a character from a broken file or model, which no JSON can hold
        return json.dumps(record.model_dump(), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _digest(key: Key) -> int:
    return int.from_bytes(blake2b(json.dumps(key).encode(), digest_size=8).digest(), "little")
