"""A source that ends the process that loads it, as a broken native library would."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from hybrid.document import Document


@dataclass(frozen=True)
class Crashing:
    """An origin that only the process with `spared` as its id survives."""

    spared: int

    def load(self) -> bytes:
        if os.getpid() != self.spared:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"text"

    def parse(self, name: str, data: bytes) -> Document:
        return Document(name, data.decode())
