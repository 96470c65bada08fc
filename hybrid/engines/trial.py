"""A trial of an engine: one question over one sentence, within a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from hybrid.chat.prompts import Prompt
from hybrid.chat.thinking import spoken
from hybrid.engines.faults import nothing_said
from hybrid.engines.make import make_engine
from hybrid.engines.replicas import Replicas
from hybrid.engines.server import Server
from hybrid.errors import EngineError
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings
from hybrid.settings.address import shown
from hybrid.types import Piece

_YEAR = "1932"
_TEXT = f"The old bridge over the Maronne was built in {_YEAR}."
_PROMPT = Prompt("In which year was the old bridge built?", (Piece("bridge.txt", _TEXT, 0),))
_SHOWN = 60  # characters of a reply


@dataclass(frozen=True, slots=True)
class Trial:
    """An engine that answered.

    Args:
        window: tokens.
        reply: the beginning of its reply, on one line.
        right: whether the reply is what the sentence says.
        seconds: from the first contact to the end of the answer.
    """

    name: str
    window: int
    reply: str
    right: bool
    seconds: float

    @property
    def told(self) -> str:
        """The trial in one line."""
        seen = "" if self.right else ", which is not what the text says: expect little of it"
        asked = f"asked a question, it replied {self.reply!r} in {self.seconds:.1f} s{seen}"
        return f"{self.name}, window {self.window:,} tokens; {asked}"


def tried(settings: EngineSettings, embedder: Embedder, seconds: float) -> Trial:
    """Ask an engine one question.

    Args:
        seconds: how long a server may take; a model in this process may take longer.

    Raises:
        HybridError: the engine cannot be made, does not answer, or says nothing.
    """
    if settings.kind != "server":
        return _asked(settings, embedder)
    bounded = settings.model_copy(
        update={"timeout": min(settings.timeout, seconds + 1), "retries": min(settings.retries, 1)}
    )
    done: SimpleQueue[Trial | BaseException] = SimpleQueue()

    def work() -> None:
        try:
            done.put(_asked(bounded, embedder))
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            done.put(error)

    Thread(target=work, daemon=True).start()
    try:
        found = done.get(timeout=seconds)
    except Empty:
        where = ", ".join(map(shown, settings.urls or (settings.url or "",)))
        raise EngineError(
            f"The server at {where} did not answer a question over one sentence within {seconds:g} s: see its log, "
            "or give it longer with --timeout, as where it still loads the model."
        ) from None
    if isinstance(found, BaseException):
        raise found
    return found


def _asked(settings: EngineSettings, embedder: Embedder) -> Trial:
    begun = time.perf_counter()
    engine = make_engine(settings, embedder)
    try:
        window = engine.window
        completion = engine.ask(_PROMPT, max_tokens=min(settings.max_tokens, max(16, window // 2)))
    finally:
        if isinstance(engine, Server | Replicas):
            engine.close()
    said = " ".join(spoken(completion.text).split())
    if not said:
        raise nothing_said(engine.name, completion.finish, thought=bool(completion.text.strip()))
    short = said if len(said) <= _SHOWN else said[: _SHOWN - 3] + "..."
    return Trial(engine.name, window, short, _YEAR in said, time.perf_counter() - begun)
