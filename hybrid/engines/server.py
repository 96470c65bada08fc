"""Any server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, OpenAI and others.

A `Server` may be made before its server runs: it sends nothing until something is asked of it. It reads what the
protocol leaves out, the window and exact token counts, from the endpoints that vLLM, llama.cpp and llama-cpp-python,
the server written in Python around llama.cpp, have of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from hybrid.chat.prompts import Prompt, sendable_messages
from hybrid.chat.refusals import abstains
from hybrid.cost.counted import ByCounters
from hybrid.cost.crowd import Crowd, Seen
from hybrid.cost.prometheus import Counters
from hybrid.cost.sent import sent
from hybrid.engines.abort import Aborted
from hybrid.engines.affinity import prefix_key
from hybrid.engines.base import Completion, OnText
from hybrid.engines.connections import reusable
from hybrid.engines.faults import Dropped, Lost, is_html, nothing_said, too_long, transport_errors
from hybrid.engines.reply import Reply
from hybrid.engines.tokenizer import Tokenizer
from hybrid.engines.wire import Wire
from hybrid.errors import CalledOff, EngineError, SettingsError
from hybrid.settings import EngineSettings
from hybrid.types import Usage

if TYPE_CHECKING:
    from openai import APIError

MARGIN = 1024  # tokens a chat template adds at most, for telling without counting that a prompt is short enough
METRICS = 1.0  # seconds that a server gets to tell its counters
ROUTER = "X-Session-ID"  # the header by which vllm-router keeps what belongs together on one server
SHARED = 5.0  # the same where others use it: a busy server is slow to tell
FIRST_WAIT = 0.5  # seconds before a broken stream is asked for again, doubled each time


class Server:
    """A model behind an OpenAI-compatible server. Many threads may use one instance at once.

    Args:
        settings: address, model and limits; the server is contacted later.

    Raises:
        SettingsError: the address or the key cannot be used.
    """

    on_gpu = True
    says_when = True

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._wire = Wire(settings)
        self._faults = self._wire.faults
        self.local = self._wire.local  # so that its energy can be measured here
        self._one = Lock()
        self._notes: dict[str, None] = {}
        self._unsupported: frozenset[str] = frozenset()
        self._tokenizer = Tokenizer(self._wire, lambda: self.model, settings.concurrency, self._note)
        self._counters = ByCounters(self._read)
        self._crowd = Crowd(lambda: Counters.read(self._wire.url, self.model, timeout=SHARED))

    @property
    def name(self) -> str:
        """The model and where it is served."""
        return f"{self.model} at {self._wire.host}"

    @property
    def host(self) -> str:
        """Its host and port."""
        return self._wire.host

    @property
    def where(self) -> str:
        """Its address, without a password."""
        return self._faults.where

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about this server, such as a window cut down or tokens that are estimates."""
        return tuple(self._notes)

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once."""
        return self._settings.concurrency

    @cached_property
    def model(self) -> str:
        """The model's name on the server: the one in the settings, otherwise the first that it lists."""
        return self._settings.model or str(self._models[0]["id"])

    @property
    def listed(self) -> list[str]:
        """The models that the server lists, by name."""
        return [str(model["id"]) for model in self._models]

    @cached_property
    def window(self) -> int:
        """Tokens of the longest prompt plus answer: those in the settings, but no more than the server tells."""
        wanted, told = self._settings.window, self._told_window()
        if wanted is not None and told is not None and wanted > told:
            self._note(
                f"engine.window is {wanted}, but {self._wire.host} reads no more than {told} tokens: {told} is used"
            )
        known = [tokens for tokens in (wanted, told) if tokens is not None]
        if not known:
            raise SettingsError(
                f"The server at {self._faults.where} does not tell its window; set engine.window to the tokens it was "
                "started with."
            )
        return min(known)

    @property
    def counts_exactly(self) -> bool:
        """False where the server has no tokenizer endpoint and tokens are estimated from the text's length."""
        return self._tokenizer.kind != "none"

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, no special tokens added; each distinct text is counted once."""
        return self._tokenizer.count(texts)

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the whole prompt as it will be sent, chat template included."""
        return self._tokenizer.measure(sendable_messages(prompt))

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Complete `prompt`; `on_text` receives the text as it is generated.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
            EngineError: the server cannot be reached, refuses, breaks off, or replies without an answer.
            CalledOff: the question's `ABORT` ended the request.
        """
        try:
            return self._asked(prompt, max_tokens, on_text)
        except Aborted:
            raise CalledOff("The request was ended, as nobody waits for the answer any more.") from None

    def _asked(self, prompt: Prompt, max_tokens: int, on_text: OnText | None) -> Completion:
        """The completion of a prompt; what the server was asked about it counts to the call."""
        self._check_fits(prompt, max_tokens)
        self._counters.off |= self._tokenizer.kind != "vllm" or len(self.behind) > 1
        with self._turn(), self._among_others() as call:
            self._counters.begin()
            sent(self._wire.host)
            started = time.perf_counter()
            try:
                reply = self._reply(prompt, max_tokens, on_text, call)
            except BaseException:
                self._counters.fail()
                raise
            seconds, call.told = time.perf_counter() - started, reply.told
        first = None if reply.first is None else reply.first - started
        truncated = reply.finish == "length"
        usage = self._usage(reply, prompt, seconds, first)
        if truncated and not reply.text.strip():
            spent = EngineError(
                f"{self.name} used all {max_tokens} tokens without writing an answer, as a thinking model does; raise "
                "engine.max_tokens or serve it with thinking turned off."
            )
            spent.usage = usage
            raise spent
        if not reply.text.strip() or reply.finish == "content_filter":  # a text that a filter cut is no answer either
            error = nothing_said(self.name, reply.finish, thought=reply.thought)
            error.usage = usage
            raise error
        completion = Completion(reply.text, usage, abstained=abstains(reply.text), truncated=truncated)
        return replace(completion, finish=reply.finish, part=call.part)

    def alive(self, seconds: float) -> bool:
        """Whether the server says within some seconds that it is well."""
        return self._wire.alive(seconds)

    def close(self) -> None:
        """End the connections to the server."""
        self._wire.client.close()

    def __del__(self) -> None:
        with suppress(Exception):  # it may not have been made, and the interpreter may be ending
            self.close()

    @cached_property
    def _models(self) -> list[Mapping[str, Any]]:
        """What the server lists; it is asked again once at most, so that a server that is down is reported soon."""
        data = self._wire.call("/models", retries=min(self._settings.retries, 1))
        listed = data.get("data") if isinstance(data, Mapping) else None
        models = [m for m in listed if isinstance(m, Mapping) and m.get("id")] if isinstance(listed, list) else []
        if not models:
            raise self._faults.garbage("an HTML page" if is_html(data) else "no list of models")
        return models

    @cached_property
    def behind(self) -> tuple[str, ...]:
        """The addresses of the servers that vllm-router has behind this one; none where no such router answers."""
        if self._tokenizer.kind != "vllm":
            return ()
        urls = self._wire.probe("/list_workers").get("urls")
        found = tuple(map(str, urls)) if isinstance(urls, list) else ()
        if len(found) > 1:
            self._crowd.unknown = "a router stands before its servers"
            self._note(
                f"{self._wire.host} is a router with {len(found)} servers: seconds are those in which any of them "
                "worked on a call of this process; name them in engine.urls to have each counted"
            )
        return found

    def _told_window(self) -> int | None:
        try:
            ours = [model for model in self._models if model["id"] == self.model]
            told = [model.get("max_model_len") for model in [*ours, *self._models]]
        except EngineError:
            if self._settings.window is None:
                raise
            return None
        properties = self._wire.probe("/props") if not any(told) else {}
        generation = properties.get("default_generation_settings")
        told += [generation.get("n_ctx")] if isinstance(generation, Mapping) else []
        return next((tokens for tokens in told if isinstance(tokens, int) and tokens > 0), None)

    def _check_fits(self, prompt: Prompt, max_tokens: int) -> None:
        # No tokenizer makes more tokens than there are bytes, so most short prompts need not be counted.
        size = sum(len(message["content"].encode()) for message in sendable_messages(prompt))
        if size + MARGIN + max_tokens <= self.window:
            return
        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            raise too_long(self, tokens, max_tokens)

    def _usage(self, reply: Reply, prompt: Prompt, seconds: float, first: float | None) -> Usage:
        read, written = (getattr(reply.usage, key, None) for key in ("prompt_tokens", "completion_tokens"))
        if not isinstance(read, int) or not isinstance(written, int):
            self._note(
                f"{self._wire.host} reports no usage: prompt and answer were counted afterwards, cached tokens not"
            )
            read, written = self.measure(prompt), self._tokenizer.tokens(reply.text)
        self._counters.off |= reply.metrics is not None
        told = self._counters.end(seconds, read)
        details = getattr(reply.usage, "prompt_tokens_details", None)
        cached = getattr(details, "cached_tokens", None) or 0
        return Usage(
            calls=1,
            prompt_tokens=read,
            cached_tokens=cached,
            output_tokens=written,
            seconds=seconds,
            first_token_seconds=first,
            queue_seconds=reply.seconds(told.queue, "queue_time_ms"),
            # begins at being scheduled
            prefill_seconds=reply.seconds(told.prefill, "time_to_first_token_ms", "prompt_ms"),
            decode_seconds=reply.seconds(told.decode, "generation_time_ms", "predicted_ms"),
            host_seconds=None if reply.metrics is not None else told.host,
        )

    def _reply(self, prompt: Prompt, max_tokens: int, on_text: OnText | None, call: Seen) -> Reply:
        """One whole answer. A stream that breaks is asked for again while nobody has seen any of it."""
        attempt = 0
        while True:
            reply = Reply()
            try:
                self._stream(reply, prompt, max_tokens, on_text, call)
                return reply
            except Lost as error:
                if on_text is not None and reply.pieces:  # nobody may begin it anew
                    raise EngineError(str(error)) from None
                if not isinstance(error, Dropped) or attempt == self._settings.retries:
                    raise
            time.sleep(min(FIRST_WAIT * 2**attempt, 8.0))
            attempt += 1

    def _stream(self, reply: Reply, prompt: Prompt, max_tokens: int, on_text: OnText | None, call: Seen) -> None:
        with self._open(prompt, max_tokens) as stream:
            reusable(stream.response)
            for text in self._texts(stream, reply):
                reply.first = call.first = reply.first or time.perf_counter()
                reply.pieces.append(text)
                if on_text is not None:
                    on_text(text)
        if not reply.heard:
            self._unstreamed(reply, prompt, max_tokens, on_text)
        if reply.finish is None:
            raise self._faults.dropped(len(reply.text))

    def _unstreamed(self, reply: Reply, prompt: Prompt, max_tokens: int, on_text: OnText | None) -> None:
        """Ask for the answer in one piece: an empty stream does not tell why, the error of this does."""
        told = self._open(prompt, max_tokens, stream=False)
        try:
            text = reply.take_whole(told)
        except (AttributeError, LookupError, TypeError):
            raise self._faults.garbage("no chat completion") from None
        reply.pieces.append(text)
        if text and on_text is not None:
            on_text(text)

    def _open(self, prompt: Prompt, max_tokens: int, *, stream: bool = True) -> Any:
        """The stream of chunks, once the server has begun to answer; without `stream` the answer in one piece."""
        import openai

        budget = "max_completion_tokens" if "max_tokens" in self._unsupported else "max_tokens"
        options: dict[str, Any] = {budget: max_tokens}
        sampling = prompt.sampling
        if stream:
            options |= {"stream": True, "stream_options": {"include_usage": True}}
        if "temperature" not in self._unsupported:
            options["temperature"] = self._settings.temperature
            if sampling is not None and sampling.temperature is not None:
                options["temperature"] = sampling.temperature
        if sampling is not None and sampling.stop:
            options["stop"] = list(sampling.stop)
        if self._settings.cache_salt and self._tokenizer.kind == "vllm":
            options["extra_body"] = {"cache_salt": self._settings.cache_salt}
        form = f"the form of {prompt.task}"  # a server may refuse one schema and take another
        formed = prompt.form is not None and form not in self._unsupported
        if formed:
            named = {"name": prompt.task, "schema": prompt.form, "strict": True}
            options["response_format"] = {"type": "json_schema", "json_schema": named}
        create: Any = self._wire.client.chat.completions.create
        try:
            with_key = {ROUTER: prefix_key(prompt)}
            return create(model=self.model, messages=sendable_messages(prompt), extra_headers=with_key, **options)
        except openai.NotFoundError as error:
            raise self._not_found(error) from None
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            unsupported = {error.param or ""} & ({"max_tokens", "temperature"} - self._unsupported)
            if unsupported and str(error.code).startswith("unsupported"):
                self._unsupported |= unsupported
            elif formed:  # each server says in its own way that it knows no schema; without one it is read leniently
                found = self._open(replace(prompt, form=None), max_tokens, stream=stream)
                self._unsupported |= {form}
                return found
            else:
                raise self._faults.failure(error) from None
        except openai.APIError as error:
            raise self._faults.failure(error) from None
        return self._open(prompt, max_tokens, stream=stream)

    def _texts(self, stream: Any, reply: Reply) -> Iterator[str]:
        """The pieces of text in `stream`; the rest of the chunks goes into `reply`."""
        import openai

        try:
            yield from filter(None, map(reply.take, stream))
        except transport_errors() as error:
            if reply.finish is not None:  # only the usage is missing
                return
            if "Timeout" in type(error).__name__:
                raise self._faults.silent(len(reply.text)) from None
            raise self._faults.dropped(len(reply.text)) from None
        except openai.APIError as error:
            raise self._faults.failure(error) from None
        except (ValueError, TypeError, AttributeError) as error:
            raise self._faults.garbage("chunks that are not chat completions") from error

    def _not_found(self, error: APIError) -> EngineError:
        try:
            names = [str(model["id"]) for model in self._models]
        except EngineError:
            names = []
        if not names or self.model in names:
            return self._faults.failure(error)
        return self._faults.no_model(self.model, names)

    @contextmanager
    def _among_others(self) -> Iterator[Seen]:
        """What is yielded tells afterwards what part of the server's work was for this process, where it is shared."""
        if not self._settings.shared:
            yield Seen()
            return
        call = self._crowd.begin()
        try:
            yield call
        finally:
            self._crowd.end(call)
        if self._crowd.unread and not self._crowd.unknown:
            self._note(
                f"{self._wire.host} did not always tell in time how long it works for others: such a call is charged "
                "the part of the call before it"
            )
        if self._crowd.unknown:
            self._note(
                f"{self._wire.host} does not tell how long it works for others ({self._crowd.unknown}): with other "
                "clients at work, what its calls cost is an upper bound"
            )

    def _read(self) -> Counters:
        return Counters.read(self._wire.url, self.model, timeout=METRICS)

    def _turn(self) -> AbstractContextManager[object]:
        """Ask llama-cpp-python one question at a time: it breaks an answer off when the next question comes in."""
        return self._one if self._tokenizer.kind == "llama-cpp-python" else nullcontext()

    def _note(self, text: str) -> None:
        self._notes[text] = None
