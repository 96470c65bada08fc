"""A stream that is held back until it cannot be an abstention any more."""

from __future__ import annotations

from hybrid.chat.refusals import abstains
from hybrid.engines.base import OnText

_CLEAR = 120  # characters after which a streamed reply is no abstention


class Held:
    """Passes text on once it is no abstention."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._text = ""
        self._open = False

    def __call__(self, text: str) -> None:
        if self._open:
            self._on_text(text)
            return
        self._text += text
        ended = len(self._text) > _CLEAR or any(mark in self._text for mark in (". ", "\n", "? ", "! "))
        if ended and not abstains(self._text):
            self.release()

    def release(self) -> None:
        """Pass on what was held back, and all that follows."""
        if not self._open:
            self._open = True
            self._on_text(self._text)
