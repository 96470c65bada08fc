"""All calls of engines: each is measured and priced, and a model's thoughts are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.chat.thinking import Spoken, breaks_off, opens_unseen, spoken
from hybrid.cost.energy import Energy
from hybrid.cost.meter import Meter, Power, Spent
from hybrid.cost.price import price
from hybrid.engines.abort import over
from hybrid.engines.base import Completion, Engine, OnText
from hybrid.engines.faults import nothing_said
from hybrid.errors import CalledOff, EngineError, HybridError
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage

_CLEAR = 120  # characters: a longer streamed reply is no abstention


class Calls:
    """Calls of engines. Safe to use from several threads.

    Args:
        settings: prices, and whether to measure energy.
        engines: all engines that may be called.

    Attributes:
        power: measures this machine's GPUs; None where nothing does.
        unmeasured: a note where energy should be measured and cannot be.
    """

    def __init__(self, settings: CostSettings, engines: Sequence[Engine]) -> None:
        self._settings = settings
        self._meters: dict[str, Meter] = {}
        self._thinking: set[str] = set()  # engines that think without an opening tag
        self.power, self.unmeasured = _find_power(settings, engines)

    def ask(
        self, engine: Engine, prompt: Prompt, max_tokens: int, usages: list[Usage], on_text: OnText | None = None
    ) -> Completion:
        """Ask an engine.

        Args:
            usages: receives the usage of the call, also of one that fails.

        Raises:
            CalledOff: nobody waits for it any more, by `hybrid.engines.abort`.
        """
        if over():
            raise CalledOff("Nobody waits for the answer any more, so no engine is asked.")
        said = None if on_text is None else Spoken(on_text, thinks=engine.name in self._thinking)
        meter = self._meters.setdefault(engine.name, Meter(self.power if _local(engine) else None))
        try:
            with meter.call(says_when=getattr(engine, "says_when", False)) as call:
                completion = engine.ask(prompt, max_tokens=max_tokens, on_text=said)
                call.told_seconds, call.part = completion.usage.told_seconds, completion.part
        except HybridError as error:
            usages.append(error.usage)
            raise
        usage = completion.usage
        shares: dict[str, float | None] = {
            "shared_seconds": call.shared_seconds,
            # the engine's own figure includes other calls of this process
            "cpu_seconds": None if usage.cpu_seconds is None else call.cpu_seconds,
            "joules": usage.joules if call.joules is None else call.joules,
        }
        usage = usage.model_copy(update=shares)
        usages.append(usage)
        completion = self._without_thoughts(replace(completion, usage=usage), engine, max_tokens)
        if said is not None:
            said.finish(completion.text)
        return completion

    def _without_thoughts(self, completion: Completion, engine: Engine, max_tokens: int) -> Completion:
        """The completion without the model's thoughts, which may look like a refusal or an answer."""
        if completion.quotes:
            return completion
        said, text = spoken(completion.text), completion.text
        if opens_unseen(text):
            self._thinking.add(engine.name)  # from now on it is streamed only after its thoughts
        if completion.truncated and (not said or breaks_off(text, thinks=engine.name in self._thinking)):
            raise EngineError(
                f"{engine.name} used all {max_tokens} tokens for thinking, without an answer; raise engine.max_tokens "
                "or serve it with thinking turned off."
            )
        if said == text:
            return completion
        if not said:
            raise nothing_said(engine.name, completion.finish, thought=True)
        return replace(completion, text=said, abstained=abstains(said))

    def price(self, usage: Usage, engine: Engine) -> Cost:
        """The cost of an engine's calls."""
        return price(self._settings, usage, on_gpu=engine.on_gpu, local=_local(engine))

    def spent(self) -> dict[str, Spent]:
        """Tokens, seconds and joules of all calls until now, by the engine's name; engines of one name count as one."""
        return {name: meter.spent() for name, meter in list(self._meters.items())}


def _local(engine: Engine) -> bool:
    """Whether the engine's model runs on this machine's GPUs."""
    return getattr(engine, "local", False)


def _find_power(settings: CostSettings, engines: Sequence[Engine]) -> tuple[Power | None, str]:
    if settings.energy is False:
        return None, ""
    why = "no engine runs on this machine's GPUs"
    if any(map(_local, engines)):
        energy = Energy()
        if not energy.why:
            return Power(energy, settings.idle_watts), ""
        why = energy.why
    return None, f"Energy is not measured: {why}." if settings.energy else ""


class Held:
    """Holds a stream back until it can no longer be an abstention."""

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
        """Pass on the text that was held back, and all that follows."""
        if not self._open:
            self._open = True
            self._on_text(self._text)
