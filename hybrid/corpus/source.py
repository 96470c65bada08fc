"""A source: one file, object or given text of a corpus, found and named but not yet read."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from hybrid.document import Document, Field

ATTEMPTS = 3  # at reading a file that changes meanwhile


class Origin(Protocol):
    """Where a source lies that is no file of its own: an object in a bucket, a row of a table."""

    def load(self) -> bytes:
        """All its bytes. Raises Unreadable."""

    def parse(self, name: str, data: bytes) -> Document:
        """The document in its bytes. Raises Unreadable."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, object, row or given text of a corpus. Processes may send it to each other."""

    name: str  # unique in the corpus; for files a POSIX path relative to its base
    path: Path | None  # None for given texts and what has an origin
    size: int  # bytes when it was found; of a row those of its table
    mtime_ns: int  # 0 for given texts; an object's version, and other fields, count as another time of change
    document: Document | None = None  # the given text
    origin: Origin | None = None
    metadata: Mapping[str, Field] = field(default_factory=dict, hash=False)  # that somebody gave it

    def fingerprint(self, data: bytes) -> str:
        """The identity of the content: a hex BLAKE2b-128 of the bytes, and of the fields where there are some."""
        fields = self.metadata if self.document is None else {**self.document.metadata, **self.metadata}
        made = hashlib.blake2b(data, digest_size=16)
        if fields:
            made.update(b"\0" + json.dumps(fields, sort_keys=True).encode("utf-8"))
        return made.hexdigest()

    def load(self) -> bytes:
        """All bytes, of one state of the file; a given text as UTF-8.

        Raises:
            Unreadable: with the operating system's reason, or because the file keeps changing.
        """
        if self.origin is not None:
            return self.origin.load()
        if self.path is None:
            return self.document.text.encode("utf-8") if self.document is not None else b""
        try:
            for _ in range(ATTEMPTS):
                before = self.path.stat()
                if not stat.S_ISREG(before.st_mode):  # opening a pipe would wait for ever
                    raise Unreadable("is a directory" if stat.S_ISDIR(before.st_mode) else "not a regular file")
                data = self.path.read_bytes()
                after = self.path.stat()
                if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                    return data
        except OSError as error:
            raise Unreadable(reason_of(error)) from None
        raise Unreadable("changed while it was read")

    def parse(self, data: bytes) -> Document:
        """The document in the bytes that `load` gave. Raises Unreadable."""
        if self.document is not None:
            document = self.document
        elif self.origin is not None:
            document = self.origin.parse(self.name, data)
        else:
            document = read(self.name, data, str(self.path))
        return replace(document, metadata={**document.metadata, **self.metadata}) if self.metadata else document


def storable(name: str) -> str:
    """A name as databases can store it: without NUL and halves of characters, which are written out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


def reason_of(error: OSError) -> str:
    """The operating system's reason in words."""
    words = error.strerror or type(error).__name__
    return words[0].lower() + words[1:]
