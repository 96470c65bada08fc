"""The text of an answer as its tokens come: shown as soon as it is sure, ended by texts that end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hybrid.engines.base import OnText

_HALF = "\ufffd"  # what a tokenizer gives for the first bytes of a character


class Saying:
    """Collects tokens into text.

    Args:
        decode: tokens to text.
        stops: texts that end the answer and are no part of it.
        on_text: receives the text piece by piece; what could be the beginning of a stop is held back.
    """

    def __init__(
        self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = (), on_text: OnText | None = None
    ) -> None:
        self._decode, self._on_text = decode, on_text
        self._stops = [stop for stop in stops if stop]
        self.tokens: list[int] = []
        self.text = ""  # what is sure
        self.stopped = False  # by one of the stops

    def take(self, token: int) -> bool:
        """Take in one token; returns whether the answer is over."""
        if self.stopped:
            return True
        self.tokens.append(token)
        text = self._decode(self.tokens)
        ends = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if ends:
            self.stopped = True
            self._show(text[: min(ends)])
        else:
            self._show(text[: len(text) - self._unsure(text)])
        return self.stopped

    def finish(self) -> str:
        """All of the text, once no more tokens come."""
        if not self.stopped:
            self._show(self._decode(self.tokens))
        return self.text

    def _unsure(self, text: str) -> int:
        """Characters at the end that may still change, or turn out to begin a stop."""
        half = len(text) - len(text.rstrip(_HALF))
        sure = text[: len(text) - half]
        longest = max(map(len, self._stops), default=1) - 1
        begun = next(
            (n for n in range(min(longest, len(sure)), 0, -1) if any(s.startswith(sure[-n:]) for s in self._stops)), 0
        )
        return half + begun

    def _show(self, text: str) -> None:
        new = text[len(self.text) :] if text.startswith(self.text) else ""
        if new:
            self.text += new
            if self._on_text is not None:
                self._on_text(new)
