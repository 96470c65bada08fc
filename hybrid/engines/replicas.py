"""Several servers of one model as one engine: a document stays with one, and another answers where that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TypeVar

from hybrid.chat.prompts import Prompt
from hybrid.engines.affinity import bounded, prefix_key, ranked
from hybrid.engines.base import Completion, OnText
from hybrid.engines.faults import Lost
from hybrid.engines.server import FIRST_WAIT, Server
from hybrid.errors import EngineError, SettingsError
from hybrid.settings import EngineSettings
from hybrid.settings.address import shown

HEALTH = 2.0  # seconds that a server gets to say that it is well
MEETING = 10.0  # seconds that it gets at first to list its models, so that one that hangs does not hold up the others
PAUSE, LONGEST = 10.0, 160.0  # seconds that a lost server is left alone: at first, and after many tries
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Replica:
    """One of the servers."""

    settings: EngineSettings
    server: Server
    load: int = 0  # calls under way
    until: float = 0.0  # it is left alone until then, by `time.monotonic`; 0: it answers
    pause: float = PAUSE
    fault: str = ""  # why it is left alone
    calls: int = 0  # that it was asked


class Replicas:
    """A model behind several OpenAI-compatible servers. Many threads may use one instance at once.

    A call goes to the server that its document stays with. A server that is lost is asked for its health: if it is well
    the call is tried there once more, else the next server in the document's order takes it, and the lost one is asked
    again after a pause. An answer of which a reader has seen a part is not begun anew elsewhere.

    Args:
        settings: with `urls`; they are contacted later.

    Raises:
        SettingsError: an address or the key cannot be used.
    """

    on_gpu = True
    says_when = True

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        each = [settings.model_copy(update={"urls": (), "url": url, "retries": 0}) for url in settings.urls]
        self._replicas = [Replica(one, Server(one)) for one in each]
        self._names = [one.server.where for one in self._replicas]
        self._lock, self._meeting = Lock(), Lock()
        self._notes: dict[str, None] = {}
        self.local = all(one.server.local for one in self._replicas)  # so that their energy can be measured here

    @property
    def name(self) -> str:
        """The model and where it is served."""
        hosts = [one.server.host for one in self._replicas]
        shown = ", ".join(hosts) if len(hosts) < 4 else f"{hosts[0]}, {hosts[1]} and {len(hosts) - 2} more"
        return f"{self.model} at {shown}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about these servers."""
        away = [one.fault for one in self._replicas if one.until]
        left = len(self._replicas) - len(away)
        own = [f"{fault} Until it is back, the other {left} of engine.urls are used." for fault in away if left]
        return tuple(dict.fromkeys((*self._notes, *own, *(n for one in self._replicas for n in one.server.notes))))

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once, at all servers together."""
        return self._settings.concurrency * len(self._replicas)

    @property
    def counts_exactly(self) -> bool:
        """False where the server that is asked has no tokenizer endpoint."""
        return self._on("", lambda server: server.counts_exactly)

    @cached_property
    def model(self) -> str:
        """The model's name on all servers: the one in the settings, otherwise the first that they list."""
        return self._met[0]

    @cached_property
    def window(self) -> int:
        """Tokens of the longest prompt plus answer: the smallest window of the servers that answer."""
        return self._met[1]

    @property
    def calls(self) -> dict[str, int]:
        """Calls that each server was asked, by its address."""
        return {name: one.calls for name, one in zip(self._names, self._replicas, strict=True)}

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, no special tokens added; all servers count alike."""
        return self._on("", lambda server: server.count(texts))

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the whole prompt as it will be sent, chat template included."""
        return self._on(prefix_key(prompt), lambda server: server.measure(prompt))

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Complete `prompt`; `on_text` receives the text as it is generated.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
            EngineError: no server answers, or one refuses, or breaks off when a part of its answer was shown.
        """
        key = prefix_key(prompt)
        return self._on(key, lambda server: server.ask(prompt, max_tokens=max_tokens, on_text=on_text), weighs=True)

    def home(self, prompt: Prompt) -> str:
        """The address, without a password, of the server that is asked this now, unless too much is under way there."""
        assert self._met
        order = ranked(prefix_key(prompt), self._names)
        place = next((place for place in order if not self._replicas[place].until), order[0])
        return shown(self._settings.urls[place])

    def close(self) -> None:
        """End the connections to the servers."""
        for one in self._replicas:
            one.server.close()

    # -- which servers answer --------------------------------------------------------------------------------------

    @cached_property
    def _met(self) -> tuple[str, int]:
        """Model and window, after every server was asked for its models.

        Raises:
            EngineError: no server answers.
            SettingsError: they serve different models.
        """
        with self._meeting:
            if "_met" in self.__dict__:  # another thread was first
                return self.__dict__["_met"]  # type: ignore[no-any-return]
            listed = self._listed(MEETING)
            if not any(isinstance(names, list) for names in listed):  # all may be busy
                listed = self._listed(self._settings.timeout)
            told = {name: names for name, names in zip(self._names, listed, strict=True) if isinstance(names, list)}
            for one, names in zip(self._replicas, listed, strict=True):
                one.until = 0.0
                if isinstance(names, EngineError):
                    self._leave(one, names)
            if not told:
                raise EngineError(self._nobody(next(one.fault for one in self._replicas)))
            model = self._common(told)
            for one in self._replicas:
                one.settings = one.settings.model_copy(update={"model": model})
                one.server.model = model  # not the first that each lists, which may differ
            windows = self._windows()
            if len(windows) > 1:
                sizes = ", ".join(f"{size:,}" for size in sorted(windows))
                self._note(f"the servers of engine.urls read {sizes} tokens: the smallest window is used")
            return model, min(windows)

    def _listed(self, seconds: float) -> list[list[str] | EngineError]:
        """The models that each server lists within some seconds, or why it lists none; all are asked at once."""
        bounded = {"timeout": min(seconds, self._settings.timeout)}

        def ask(one: Replica) -> list[str] | EngineError:
            try:
                return Server(one.settings.model_copy(update=bounded)).listed
            except EngineError as error:
                return error

        with ThreadPoolExecutor(len(self._replicas)) as pool:
            return list(pool.map(ask, self._replicas))

    def _windows(self) -> set[int]:
        """The windows of the servers that answer. Raises EngineError where none does any more."""
        found: set[int] = set()
        for one in self._replicas:
            try:
                found |= set() if one.until else {one.server.window}
            except EngineError as error:
                self._leave(one, error)
        if not found:
            raise EngineError(self._nobody(next(one.fault for one in self._replicas)))
        return found

    def _common(self, told: dict[str, list[str]]) -> str:
        """The model that all servers have.

        Raises:
            SettingsError: they have different ones.
        """
        (first, names), *others = told.items()
        model = self._settings.model
        for where, theirs in others if model is None else told.items():
            if model is not None and model not in theirs:
                raise SettingsError(
                    f"{where} has no model {model!r}: every server of engine.urls has to have it; it has: "
                    f"{', '.join(theirs[:10])}."
                )
            if model is None and set(theirs) != set(names):
                raise SettingsError(
                    f"The servers of engine.urls serve different models: {first} has {', '.join(names[:5])}, {where} "
                    f"has {', '.join(theirs[:5])}; name servers of one model, or set engine.model to one that all have."
                )
        return model or names[0]

    def _back(self, one: Replica) -> bool:
        """Whether a server that was lost answers again as before; a new `Server` knows nothing of the old one."""
        if not Server(one.settings).alive(HEALTH):
            return False
        server = Server(one.settings)
        try:
            if self.model not in server.listed:
                one.fault = f"{server.where} came back without the model {self.model!r}."
                return False
            if server.window < self.window:
                one.fault = f"{server.where} came back with a window of {server.window} tokens, not {self.window}."
                return False
        except EngineError as error:
            one.fault = str(error)
            return False
        one.server, one.until, one.pause = server, 0.0, PAUSE
        return True

    def _leave(self, one: Replica, error: EngineError) -> None:
        """Leave a server alone for a while, the longer the more often it did not answer."""
        one.fault = str(error)
        if one.until:
            one.pause = min(2 * one.pause, LONGEST)
        one.until = time.monotonic() + one.pause

    # -- one call --------------------------------------------------------------------------------------------------

    def _on(self, key: str, work: Callable[[Server], T], *, weighs: bool = False) -> T:
        """Work on the first server in the order of a key that does not fail.

        Args:
            weighs: the work is a load that is spread.
        """
        assert self._met
        order = ranked(key, self._names)
        last = ""
        for attempt in range(self._settings.retries + 1):
            if attempt:
                time.sleep(min(FIRST_WAIT * 2 ** (attempt - 1), 8.0))
            left = list(order)
            again = True  # the first server that is well gets the call twice
            while (one := self._take(left, weighs=weighs, anyway=attempt > 0)) is not None:
                try:
                    return self._work(one, work, weighs)
                except Lost as error:
                    last, well = str(error), one.server.alive(HEALTH)
                if well and again:
                    again = False
                    continue
                left.remove(self._replicas.index(one))
                if not well:
                    with self._lock:
                        self._leave(one, EngineError(last))
        raise EngineError(self._nobody(last or next(one.fault for one in self._replicas if one.fault)))

    def _take(self, order: list[int], *, weighs: bool, anyway: bool) -> Replica | None:
        """The server to ask: the first that answers and has room; those whose pause is over are asked for their health.

        A load that is spread is counted to the server.

        Args:
            order: places that were not tried yet; those that do not answer are taken out.
            anyway: ask those too whose pause is not over, where no other is left.
        """
        now = time.monotonic()
        for hurry in (False, True) if anyway else (False,):
            for place in list(order):
                one = self._replicas[place]
                if not one.until or (not hurry and one.until > now):
                    continue
                with self._lock:  # other threads need not ask as well
                    one.until = max(one.until, now + one.pause)
                if not self._back(one):
                    with self._lock:
                        self._leave(one, EngineError(one.fault))
            answering = [place for place in order if not self._replicas[place].until]
            if answering:
                break
        if not answering:
            return None
        with self._lock:
            loads = [one.load for one in self._replicas]
            place = bounded(answering, loads, floor=self._settings.concurrency) if weighs else answering[0]
            self._replicas[place].load += weighs
            return self._replicas[place]

    def _work(self, one: Replica, work: Callable[[Server], T], weighs: bool) -> T:
        """Work on a server that was taken, which is a load until it ends."""
        try:
            return work(one.server)
        finally:
            with self._lock:
                one.load -= weighs
                one.calls += weighs

    def _nobody(self, why: str) -> str:
        return f"None of the {len(self._replicas)} servers of engine.urls answers; one of them: {why}"

    def _note(self, text: str) -> None:
        self._notes[text] = None
