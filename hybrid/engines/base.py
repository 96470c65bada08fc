"""The one seam to a model: count tokens, and complete a prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hybrid.chat.prompts import Prompt
from hybrid.types import Usage

OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim range of a piece that an engine answered with."""

    piece: int  # index in Prompt.pieces
    start: int  # character range in that piece's text
    end: int
    score: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine returned."""

    text: str
    usage: Usage
    abstained: bool = False
    truncated: bool = False  # stopped by the token limit
    finish: str | None = None  # why it stopped, in its server's word
    quotes: tuple[Quote, ...] = ()  # only engines that answer by quoting
    part: float = 1.0  # of the requests that its server worked on then, other clients' included, this process's own


class Engine(Protocol):
    """A model with a window. Implementations translate every failure into `EngineError`.

    Four more attributes are used where there are any: `notes`, sentences that the user should read; `local`, true if
    the model runs on GPUs of this machine, whose energy is then measured; `quotes`, true if it has no model and
    answers with verbatim sentences; and `says_when`, true if it calls `hybrid.cost.sent.sent` when a request is on its
    way.
    """

    @property
    def name(self) -> str:
        """What is shown to people: model and kind."""

    @property
    def window(self) -> int:
        """The longest prompt plus answer, in the engine's own tokens."""

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once."""

    @property
    def counts_exactly(self) -> bool:
        """False where `count` estimates because the engine does not tell."""

    @property
    def on_gpu(self) -> bool:
        """Whether its time is GPU time that somebody pays for; False for an engine without a model."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in the engine's own tokenizer, no special tokens added."""

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the whole prompt as it will be sent, chat template included."""

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Complete `prompt`; `on_text` receives the text as it is generated.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
            EngineError: anything else that went wrong.
        """
