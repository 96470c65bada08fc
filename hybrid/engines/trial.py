"""One question to an engine, to see that it answers: a list of models tells nothing of that."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hybrid.embedding import Embedder
from hybrid.engines.make import make_engine
from hybrid.engines.server import Server
from hybrid.errors import EngineError
from hybrid.prompts import Prompt
from hybrid.settings import EngineSettings
from hybrid.types import Piece

QUESTION = "On which floor is the meeting room?"
TEXT = "The kitchen is on the first floor. The meeting room is on the third floor. The garden is behind the house."
_TIMEOUT = 60.0  # seconds without a sign of life: a model may have to be loaded first
_RETRIES = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """What an engine made of the question."""

    name: str
    window: int  # tokens
    reply: str
    right: bool  # whether it says what the text says
    seconds: float

    @property
    def told(self) -> str:
        """In a line."""
        seen = "" if self.right else ", which is not what the text says: expect little of it"
        short = self.reply if len(self.reply) <= 60 else f"{self.reply[:57]}..."
        return f"{self.name}, window {self.window:,} tokens; asked a question, it replied {short!r} in " + (
            f"{self.seconds:.1f} s{seen}"
        )


def tried(settings: EngineSettings, embedder: Embedder) -> Trial:
    """Ask an engine one question about three sentences.

    Raises:
        EngineError: it does not answer, or with nothing.
        SettingsError: it cannot be made, or its window is not known.
    """
    bounded = settings.model_copy(
        update={"timeout": min(settings.timeout, _TIMEOUT), "retries": min(settings.retries, _RETRIES)}
    )
    engine = make_engine(bounded, embedder)
    try:
        window, begun = engine.window, time.perf_counter()
        reply = engine.ask(Prompt(QUESTION, (Piece("rooms.txt", TEXT, 0),)), max_tokens=settings.max_tokens)
        seconds = time.perf_counter() - begun
    finally:
        if isinstance(engine, Server):
            engine.close()
    text = " ".join(reply.text.split())
    if not text:
        raise EngineError(
            f"{engine.name} answers with an empty text. Look into its log, and whether its chat template fits the "
            "model."
        )
    return Trial(engine.name, window, text, "third" in text.lower() or "3" in text, seconds)
