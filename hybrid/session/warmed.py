"""What `hybrid warm` has read into engines' caches, kept in the user's cache folder for the processes that ask later.

A prefix is known by the bytes that were sent: a document that has changed since, or other instructions, make another.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_cache_path

from hybrid.chat.prompts import Prompt, block
from hybrid.files import write
from hybrid.types import Piece

FORMAT = 1
MOST = 4096  # prefixes of an engine that are remembered


@dataclass(frozen=True, slots=True)
class Part:
    """A document of a prefix: its name, its tokens with its frame, and a digest of its bytes in its place."""

    name: str
    tokens: int
    digest: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """Documents that were read one after the other, from the first on, by one run of a server."""

    parts: tuple[Part, ...]
    run: str  # when the server was started, as it says; empty if it does not
    date: str
    server: str = ""  # its address; empty where that was not noted

    def left_on(self, server: str, runs: Collection[str]) -> bool:
        """Whether an earlier run of a server read it, which may have left it on disk.

        Args:
            runs: all present runs of an engine's servers.
        """
        return self.run not in runs and self.server in ("", server)

    @property
    def key(self) -> tuple[str, ...]:
        """What was sent."""
        return tuple(part.digest for part in self.parts)


@dataclass(frozen=True, slots=True)
class Warmed:
    """All prefixes that an engine was given ahead of time, the oldest first.

    Args:
        engine: its name.
        speed: tokens a second at which it loads what an earlier run left on disk; None: never seen to.
    """

    engine: str
    prefixes: tuple[Prefix, ...] = ()
    speed: float | None = None

    @classmethod
    def of(cls, engine: str) -> Warmed:
        """What is known of an engine; nothing where its file is missing or of another version."""
        try:
            data = json.loads(file_of(engine).read_text("utf-8"))
            if data["format"] != FORMAT:
                return cls(engine)
            prefixes = tuple(
                Prefix(tuple(Part(**part) for part in one["parts"]), one["run"], one["date"], one.get("server", ""))
                for one in data["prefixes"]
            )
            return cls(engine, prefixes, data["speed"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(engine)

    def found(self, key: Sequence[str]) -> Prefix | None:
        """The prefix of these bytes, if it was read."""
        return next((prefix for prefix in self.prefixes if prefix.key == tuple(key)), None)

    def having(self, prefix: Prefix, speed: float | None = None) -> Warmed:
        """The same with one more prefix, in the place of an earlier reading of it, and perhaps a speed."""
        others = [other for other in self.prefixes if other.key != prefix.key]
        return replace(self, prefixes=(*others, prefix)[-MOST:], speed=speed or self.speed)

    def save(self) -> None:
        """Write it, as a whole.

        Raises:
            SettingsError: it cannot be written.
        """
        file = file_of(self.engine)
        with suppress(OSError):  # told below
            file.parent.mkdir(parents=True, exist_ok=True)
        data = {"format": FORMAT, "engine": self.engine, "speed": self.speed}
        write(file, json.dumps({**data, "prefixes": [asdict(prefix) for prefix in self.prefixes]}))


def file_of(engine: str) -> Path:
    """The file of an engine's prefixes."""
    digest = blake2b(engine.encode(), digest_size=10).hexdigest()
    return user_cache_path("hybrid-context") / "warm" / f"{digest}.json"


def changed(engine: str) -> int:
    """When the file of an engine's prefixes was last written, in nanoseconds; 0 where there is none."""
    try:
        return file_of(engine).stat().st_mtime_ns
    except OSError:
        return 0


def digests(pieces: Sequence[Piece]) -> list[str]:
    """A digest of each piece as a prompt holds it in its place, rules included."""
    rules = Prompt("", ()).messages()[0]["content"]
    sent = (f"{rules}\n{block(piece, number)}" for number, piece in enumerate(pieces, 1))
    return [blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest() for text in sent]
