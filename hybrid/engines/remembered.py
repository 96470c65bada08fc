"""What was made of the latest texts, so that the next question on them need not make it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Generic, TypeVar

from hybrid.chat.prompts import sendable

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values of texts, made once for each distinct one. Many threads may use one instance at once.

    Args:
        make: a value for each of some texts.
        most: values that are remembered, by a hash of the text.
    """

    def __init__(self, make: Callable[[list[str]], Iterable[Value]], most: int) -> None:
        self._make, self._most = make, most
        self._known: dict[bytes, Value] = {}
        self._lock = Lock()

    def __call__(self, texts: Sequence[str]) -> list[Value]:
        keys = [blake2b(sendable(text).encode(), digest_size=16).digest() for text in texts]
        with self._lock:
            known = {key: self._known[key] for key in keys if key in self._known}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            made = dict(zip(new, self._make(list(new.values())), strict=True))
            known |= made
            with self._lock:
                self._known |= made
                while len(self._known) > self._most:
                    del self._known[next(iter(self._known))]
        return [known[key] for key in keys]
