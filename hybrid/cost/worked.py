"""The time in which an engine worked, split between the calls under way."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class _Piece:
    """A stretch of time in which the same calls were under way."""

    start: float
    end: float
    calls: int
    worked: bool = False  # a call that has ended says that the engine worked on it then
    left: float = 0.0  # seconds of the shares of ended calls that the engine, as far as known, did not work on then

    @property
    def share(self) -> float:
        return (self.end - self.start) / self.calls

    def split(self, at: float) -> _Piece:
        """Cut off and return what comes after `at`."""
        left = self.left * (self.end - at) / (self.end - self.start)
        after = _Piece(at, self.end, self.calls, self.worked, left)
        self.end, self.left = at, self.left - left
        return after


class Worked:
    """Splits the seconds with calls under way evenly between them, less those in which the engine worked on none.

    A call that waits in the engine's queue while the engine works on another keeps its share of that time, or, if it
    ended first, leaves it to the other: the charges add up to the time the engine worked on any of them. An engine
    works on a call until it ends. Not safe to use from several threads.
    """

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._begun: list[float] = []  # when the calls under way began
        self._pieces: list[_Piece] = []  # since the oldest of them began
        self.busy = 0.0  # seconds with a call under way, less those in which the engine worked on none that has ended

    def begin(self) -> float:
        """A call begins; give what this returns to `end`."""
        now = self.advance()
        self._begun.append(now)
        return now

    def advance(self) -> float:
        """Count the time until now, which is returned."""
        now = time.perf_counter()
        if self._begun and now > self._last:
            self._pieces.append(_Piece(self._last, now, len(self._begun)))
            self.busy += now - self._last
        self._last = now
        return now

    def end(self, begun: float, told: float | None = None) -> float:
        """A call ends: its share of the time. `told`: the seconds that the engine says it worked on it."""
        now = self.advance()
        self._begun.remove(begun)
        work = begun if told is None else max(begun, now - told)
        share = 0.0
        for piece in self._since(begun, work):
            if piece.start >= work and not piece.worked:  # calls that ended took this time for one without work
                piece.worked = True
                self.busy += piece.left
                share += piece.left
            if piece.worked:
                share += piece.share
            else:
                piece.left += piece.share
                self.busy -= piece.share
        oldest = min(self._begun, default=now)
        self._pieces = [piece for piece in self._pieces if piece.end > oldest]
        return share

    def _since(self, begun: float, at: float) -> list[_Piece]:
        """The pieces since a call began, one of them beginning at the given moment."""
        for index, piece in enumerate(self._pieces):
            if piece.start < at < piece.end:
                self._pieces.insert(index + 1, piece.split(at))
                break
        return [piece for piece in self._pieces if piece.start >= begun]
