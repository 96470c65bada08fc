"""A model inside this process, on vLLM's Python API: for batches on a machine's own GPU, without a server.

vLLM gets the prompts that threads ask at the same time together, and batches them. It starts processes of its own, so
a script that uses this engine needs `if __name__ == "__main__":`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hybrid.chat.prompts import Prompt, sendable, sendable_messages
from hybrid.chat.refusals import abstains
from hybrid.cost.sent import WHEN_SENT
from hybrid.engines.base import Completion, OnText
from hybrid.engines.faults import nothing_said, too_long
from hybrid.errors import EngineError, MissingDependency, SettingsError
from hybrid.settings import EngineSettings
from hybrid.types import Usage

GATHER = 0.01  # seconds that the first of several threads waits for the others
TOGETHER = 64  # calls under way at once, unless set; vLLM decides how many of them it computes at once


class VllmEngine:
    """A vLLM in this process; the model is loaded when it is first needed. Many threads may use one instance."""

    on_gpu = True
    local = True
    says_when = True
    counts_exactly = True

    def __init__(self, settings: EngineSettings) -> None:
        """Take model, window and arguments from `settings`.

        Raises:
            SettingsError: no model is named.
        """
        if settings.model is None:
            raise SettingsError("The engine 'vllm' needs a model; set engine.model to a folder or a hub name.")
        self.model = settings.model
        self._settings = settings
        self._arrived = threading.Lock()  # guards _waiting
        self._turn = threading.Lock()  # held by the one thread that is inside vLLM
        self._waiting: list[_Job] = []
        self._loading = threading.Lock()

    @property
    def name(self) -> str:
        """The model, in this process."""
        return f"{Path(self.model).name} in process"

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once; many, because they are batched."""
        return self._settings.concurrency if "concurrency" in self._settings.model_fields_set else TOGETHER

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together: those in the settings, otherwise what vLLM gives the model."""
        return self._settings.window or int(self.llm.model_config.max_model_len)

    @property
    def llm(self) -> Any:
        """vLLM's `LLM`, loaded at the first call."""
        with self._loading:
            return self._llm

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, no special tokens added."""
        with self._loading:
            return [len(self._tokenizer.encode(sendable(text), add_special_tokens=False)) for text in texts]

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the whole prompt, chat template included."""
        with self._loading:
            tokens = self._tokenizer.apply_chat_template(
                sendable_messages(prompt), add_generation_prompt=True, tokenize=True
            )
        return len(tokens["input_ids"] if hasattr(tokens, "keys") else tokens)

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Complete `prompt`, together with what other threads ask; `on_text` receives the text as a whole.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
            EngineError: vLLM failed.
        """
        self._check(prompt, max_tokens)
        job = _Job(prompt, max_tokens, sent=WHEN_SENT.get())
        with self._arrived:
            self._waiting.append(job)
            first = len(self._waiting) == 1
        if first:
            time.sleep(GATHER)
        with self._turn:  # whoever gets in first answers for all that wait behind
            if not job.done:
                with self._arrived:
                    jobs, self._waiting = self._waiting, []
                self._run(jobs)
        completion = self._completed(job)
        if not completion.text.strip():
            error = nothing_said(self.name, "length" if completion.truncated else "stop")
            error.usage = completion.usage
            raise error
        if on_text is not None:
            on_text(completion.text)
        return completion

    def ask_many(self, prompts: Sequence[Prompt], *, max_tokens: int) -> list[Completion]:
        """Complete many prompts as one batch, in their order. Raises as `ask` does, before any is read."""
        for prompt in prompts:
            self._check(prompt, max_tokens)
        jobs = [_Job(prompt, max_tokens) for prompt in prompts]
        with self._turn:
            self._run(jobs)
        return [self._completed(job) for job in jobs]

    def _completed(self, job: _Job) -> Completion:
        if job.completion is None:
            raise EngineError(f"{self.name} failed: {_words(job.error)}.") from job.error
        return job.completion

    def close(self) -> None:
        """End vLLM's processes and free the memory; the next call loads the model again."""
        with self._turn, self._loading:
            llm = self.__dict__.pop("_llm", None)
            self.__dict__.pop("_tokenizer", None)
            if llm is not None:
                llm.llm_engine.engine_core.shutdown()

    # Inside vLLM: `_loading` guards the two below, `_turn` everything that computes.

    @cached_property
    def _llm(self) -> Any:
        try:
            from vllm import LLM
        except ImportError as error:
            if error.name is not None and error.name.split(".")[0] != "vllm":
                raise EngineError(f"vLLM is installed but cannot be imported: {_words(error)}.") from error
            raise MissingDependency("vllm", "vllm", "The engine 'vllm'") from None
        given: dict[str, Any] = {"disable_log_stats": False}  # without them there are no timings
        if self._settings.window is not None:
            given["max_model_len"] = self._settings.window
        if self._settings.overrides:
            given["hf_overrides"] = dict(self._settings.overrides)
        try:
            return LLM(model=self.model, **{**given, **self._settings.vllm_args})
        except Exception as error:
            words = _words(error)
            if "See root cause above" in words:
                words += ' in the lines printed; a script must start its work under `if __name__ == "__main__":`'
            raise EngineError(f"vLLM cannot load {self.model}: {words}.") from error

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = deepcopy(self._llm.get_tokenizer())  # vLLM's own may be in use by the thread that is inside it
        tokenizer.model_max_length = 10**9  # a longer text is counted too, without a warning
        return tokenizer

    def _check(self, prompt: Prompt, max_tokens: int) -> None:
        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            raise too_long(self, tokens, max_tokens)

    def _run(self, jobs: list[_Job]) -> None:
        """Answer a batch. Every job ends done, with a completion or an error, whatever vLLM raises."""
        error: BaseException | None = None
        try:
            from vllm import SamplingParams

            begun = time.perf_counter()
            for job in jobs:
                if job.sent is not None:
                    job.sent("")
            conversations = [sendable_messages(job.prompt) for job in jobs]

            def chat(*, formed: bool) -> Any:
                sampling = [_sampling(job, self._settings.temperature, formed=formed) for job in jobs]
                return self.llm.chat(conversations, [SamplingParams(**one) for one in sampling], use_tqdm=False)

            try:
                outputs = chat(formed=True)
            except (ValueError, ImportError):  # it cannot hold replies to this form; without one it is read leniently
                if all(job.prompt.form is None for job in jobs):
                    raise
                outputs = chat(formed=False)
            seconds = time.perf_counter() - begun
            for job, output in zip(jobs, outputs, strict=True):
                job.completion = _completion(output, seconds)
        except BaseException as caught:
            error = caught
            if not isinstance(caught, Exception):  # Ctrl-C is for the caller
                raise
        finally:
            for job in jobs:
                job.done = True
                job.error = error


@dataclass(slots=True)
class _Job:
    """A prompt on its way through vLLM."""

    prompt: Prompt
    max_tokens: int
    sent: Callable[[str], None] | None = None  # told when it is given to vLLM, which another thread may do
    completion: Completion | None = None
    error: BaseException | None = None
    done: bool = False


def _sampling(job: _Job, temperature: float, *, formed: bool) -> dict[str, Any]:
    """How an answer is generated, as vLLM's `SamplingParams` takes it.

    Args:
        formed: a reply with a form is held to it.
    """
    own = job.prompt.sampling
    given: dict[str, Any] = {"max_tokens": job.max_tokens, "temperature": temperature}
    if own is not None and own.temperature is not None:
        given["temperature"] = own.temperature
    if own is not None and own.stop:
        given["stop"] = list(own.stop)
    if job.prompt.form is not None and formed:
        from vllm.sampling_params import StructuredOutputsParams

        given["structured_outputs"] = StructuredOutputsParams(json=dict(job.prompt.form))
    return given


def _completion(output: Any, seconds: float) -> Completion:
    """What vLLM returned; its seconds go from being scheduled to the last token, without the time in a queue."""
    answer, times = output.outputs[0], output.metrics
    inside = _between(times, "scheduled_ts", "last_token_ts")
    usage = Usage(
        calls=1,
        prompt_tokens=len(output.prompt_token_ids or ()),
        cached_tokens=output.num_cached_tokens or 0,
        output_tokens=len(answer.token_ids),
        seconds=seconds if inside is None else inside,
        first_token_seconds=getattr(times, "first_token_latency", None) or None,  # from vLLM's taking in of the prompt
        queue_seconds=_between(times, "queued_ts", "scheduled_ts"),
        prefill_seconds=_between(times, "scheduled_ts", "first_token_ts"),
        decode_seconds=_between(times, "first_token_ts", "last_token_ts"),
    )
    return Completion(answer.text, usage, abstained=abstains(answer.text), truncated=answer.finish_reason == "length")


def _between(times: Any, start: str, end: str) -> float | None:
    """Seconds between two of vLLM's moments; None where it did not note them and they are 0."""
    begun, ended = getattr(times, start, 0.0), getattr(times, end, 0.0)
    return ended - begun if begun and ended else None


def _words(error: BaseException | None) -> str:
    """The first line of an exception, for the end of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and "validation error" in lines[0]:  # pydantic puts the message on the next line
        lines = [lines[1].removeprefix("Value error, ").partition(" [type=")[0]]
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(". ")
