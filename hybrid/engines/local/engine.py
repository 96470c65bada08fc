"""A model in this process, on PyTorch and Transformers: for small models, without a server and also without a GPU.

It answers one question at a time. The keys and values of the latest prompts are kept, so that a second question on the
same document costs little; a window beyond the trained one is extended by YaRN, and only for prompts that need it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from hybrid.chat.prompts import Prompt, sendable, sendable_messages
from hybrid.chat.refusals import abstains
from hybrid.cost.sent import sent
from hybrid.engines.base import Completion, OnText
from hybrid.engines.faults import nothing_said, too_long
from hybrid.engines.local.computing import Computing, Run
from hybrid.engines.local.faults import gibibytes
from hybrid.engines.local.saying import Saying
from hybrid.engines.local.weights import device_of, weights_of
from hybrid.engines.remembered import Remembered
from hybrid.errors import SettingsError
from hybrid.settings import EngineSettings
from hybrid.types import Usage

COUNTED = 4096  # texts whose number of tokens is remembered
MEASURED = 16  # prompts whose tokens are remembered
_PLAIN_STOPS = ("\n<text ", "\nQuestion:", "\n\n\n")  # where a model without a chat template goes on by itself


class LocalEngine:
    """A model in this process; it is loaded when it is first needed. Many threads may use one instance.

    Args:
        settings: model, adapter, window, device, precision and the memory for prompts that are kept.

    Raises:
        SettingsError: no model is named.
    """

    says_when = True
    counts_exactly = True
    concurrency = 1

    def __init__(self, settings: EngineSettings) -> None:
        if settings.model is None:
            raise SettingsError(
                "The engine 'local' needs a model; set engine.model to a folder, a GGUF file or a hub name."
            )
        self.model = settings.model
        self._settings = settings
        self._making = Lock()
        self._notes: dict[str, None] = {}
        self._counts = Remembered(self._counted, COUNTED)
        self._prompts = Remembered(lambda prompts: map(self._rendered, map(json.loads, prompts)), MEASURED)

    @property
    def name(self) -> str:
        """The model and its adapter, in this process."""
        path, adapter = Path(self.model), self._settings.adapter
        added = "" if adapter is None else f" + {Path(adapter).name}"
        return f"{path.stem if path.suffix.lower() == '.gguf' else path.name}{added} (local)"

    @property
    def on_gpu(self) -> bool:
        """Whether it computes on a GPU."""
        return device_of(self._settings) != "cpu"

    @property
    def local(self) -> bool:
        """Whether it computes on a GPU whose energy can be measured here."""
        return device_of(self._settings).startswith("cuda")

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, such as how a longer window is read."""
        return tuple(self._notes)

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together: those in the settings, otherwise what the model was trained for."""
        return self._computing.positions.window

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, no special tokens added."""
        return self._counts(texts)

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the whole prompt, chat template included."""
        return len(self._tokens(prompt))

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Complete `prompt` when it is its turn; `on_text` receives the text as it is generated.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
            EngineError: the model cannot be loaded, lacks memory, or says nothing.
        """
        tokens, computing = self._fitting(prompt, max_tokens), self._computing
        own = prompt.sampling
        temperature = self._settings.temperature if own is None or own.temperature is None else own.temperature
        stops = (*(own.stop if own else ()), *(() if self._templated else _PLAIN_STOPS))
        saying = Saying(self._decoded, stops, on_text)
        begun = time.perf_counter()
        with computing.weights.turn:
            sent()
            run = Run(begun, time.perf_counter(), time.process_time())
            computing.generate(tokens, max_tokens, temperature, saying, run)
            text = saying.finish()
            usage = self._usage(run, tokens, saying)
            self._tell_left_out()
        finish = "stop" if saying.stopped or run.ended else "length"
        if not text.strip():
            error = nothing_said(self.name, finish)
            error.usage = usage
            raise error
        return Completion(text, usage, abstained=abstains(text), truncated=finish == "length", finish=finish)

    def chances(self, prompt: Prompt, words: Sequence[str]) -> tuple[list[float], Usage]:
        """How likely the reply begins with each of some words: the chance of the word's first token.

        Returns:
            The chances, 0 to 1, in the order of the words, and the usage.

        Raises:
            WindowError, EngineError: as for `ask`.
        """
        tokens, computing = self._fitting(prompt, 1), self._computing
        firsts = [{self._encoded(form)[0] for form in (word, f" {word}")} for word in words]
        begun = time.perf_counter()
        with computing.weights.turn:
            sent()
            run = Run(begun, time.perf_counter(), time.process_time())
            shares = computing.chances(tokens, run)
            found = [sum(float(shares[token]) for token in first) for first in firsts]
            return found, self._usage(run, tokens, None)

    def spelled(self, prompt: Prompt, reply: str) -> tuple[list[int], list[int]]:
        """The tokens of a prompt, and those of a reply with the end of its turn: what an adapter is trained on."""
        return self._tokens(prompt), [*self._encoded(reply), int(self._computing.weights.tokenizer.eos_token_id)]

    def close(self) -> None:
        """Free the memory; the next call loads the model again."""
        with self._making:
            self.__dict__.pop("_made", None)

    # -- what is loaded ------------------------------------------------------------------------------------------

    @property
    def _computing(self) -> Computing:
        with self._making:
            return self._made

    @cached_property
    def _made(self) -> Computing:
        settings = self._settings
        made = Computing(self.name, weights_of(settings), settings.window, settings.prefix_gb * 2**30)
        self._notes |= dict.fromkeys(made.positions.notes)
        if not made.weights.tokenizer.chat_template:
            self._notes[f"{self.name} has no chat template: it is asked in plain text, which it may go on with"] = None
        return made

    @property
    def _templated(self) -> bool:
        """Whether the model has a chat template."""
        return bool(self._computing.weights.tokenizer.chat_template)

    def _tell_left_out(self) -> None:
        left_out = self._computing.prefixes.left_out
        if left_out:
            self._notes[
                f"the keys and values of a prompt took {gibibytes(left_out)}, more than engine.prefix_gb = "
                f"{self._settings.prefix_gb:g}: the next question on it reads it anew"
            ] = None

    # -- text and tokens -----------------------------------------------------------------------------------------

    def _tokens(self, prompt: Prompt) -> list[int]:
        """The tokens of a prompt, which is measured before it is asked, and then often once more."""
        return self._prompts([json.dumps(sendable_messages(prompt))])[0]

    def _rendered(self, messages: list[dict[str, str]]) -> list[int]:
        """The tokens of messages; the rules join the user's where a template takes no system message."""
        weights = self._computing.weights
        with weights.counting:
            if not self._templated:
                plain = "\n\n".join(message["content"] for message in messages) + "\n\nAnswer:"
                return list(weights.tokenizer.encode(plain))
            try:
                return _templated(weights.tokenizer, messages)
            except Exception as error:
                if type(error).__module__.partition(".")[0] != "jinja2":
                    raise
                joined = {"role": "user", "content": "\n\n".join(message["content"] for message in messages)}
                return _templated(weights.tokenizer, [joined])

    def _fitting(self, prompt: Prompt, max_tokens: int) -> list[int]:
        tokens = self._tokens(prompt)
        if len(tokens) + max_tokens > self.window:
            raise too_long(self, len(tokens), max_tokens)
        return tokens

    def _counted(self, texts: list[str]) -> list[int]:
        return [len(self._encoded(text)) for text in texts]

    def _encoded(self, text: str) -> list[int]:
        weights = self._computing.weights
        with weights.counting:
            return list(weights.tokenizer.encode(sendable(text), add_special_tokens=False))

    def _decoded(self, tokens: Sequence[int]) -> str:
        weights = self._computing.weights
        with weights.counting:
            text: str = weights.tokenizer.decode(
                list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        return text

    def _usage(self, run: Run, tokens: list[int], saying: Saying | None) -> Usage:
        """What a call took, from its turn on."""
        ended, on_cpu = time.perf_counter(), self._computing.weights.device == "cpu"
        first = run.first or ended
        return Usage(
            calls=1,
            prompt_tokens=len(tokens),
            cached_tokens=run.cached,
            output_tokens=0 if saying is None else len(saying.tokens) + run.ended,
            seconds=ended - run.turn,
            first_token_seconds=None if run.shown is None else run.shown - run.begun,
            queue_seconds=run.turn - run.begun,
            prefill_seconds=first - run.turn,
            decode_seconds=ended - first,
            cpu_seconds=time.process_time() - run.cpu if on_cpu else None,
        )


def _templated(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """The tokens of messages in the model's chat template, up to where its answer begins."""
    tokens = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True)
    return list(tokens["input_ids"] if hasattr(tokens, "keys") else tokens)
