"""A service that answers questions itself, such as `hybrid serve`, asked as any client of OpenAI's API would ask it."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.evals.sample import Sample

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion, OnText
from hybrid.engines.server import Server
from hybrid.settings import EngineSettings
from hybrid.types import Turn

_ANY = 10**9  # tokens of a window where the service tells none: it knows itself what it can read


class ServiceArm:
    """One model of a service; `hybrid serve` has CORPUS, CORPUS:rag and CORPUS:long.

    Args:
        url: its base address.
        model: None for the first that it lists.

    Raises:
        SettingsError: the address or the key cannot be used.
    """

    def __init__(self, url: str, model: str | None = None) -> None:
        settings = EngineSettings(kind="server", url=url, model=model, window=_ANY, retries=0)
        self._server = Server(settings)

    @property
    def name(self) -> str:
        """The model, as the service calls it."""
        return self._server.model

    def ask(self, sample: Sample, on_text: OnText | None = None) -> Completion:
        """The reply to a question, or to the prompt that a benchmark has for it, after what was said before.

        Raises:
            EngineError: there is none; `Overrun` where the service is there and refuses.
        """
        turns = (*sample.history, Turn(role="user", text=sample.prompt + sample.prefix or sample.question))
        prompt = Said(sample.question, (), turns=turns)
        return self._server.ask(prompt, max_tokens=sample.max_tokens, on_text=on_text)

    def close(self) -> None:
        """End the connections."""
        self._server.close()


@dataclass(frozen=True, slots=True)
class Said(Prompt):
    """A prompt that is a conversation."""

    turns: tuple[Turn, ...] = ()

    def messages(self) -> list[dict[str, str]]:
        """The turns as messages."""
        return [{"role": turn.role, "content": turn.text} for turn in self.turns]
