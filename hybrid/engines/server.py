"""Any server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, OpenAI and others.

A `Server` may be made before its server runs: nothing is sent until something is asked of it. What the protocol
leaves out, the window and exact token counts, is read from vLLM's and llama.cpp's own endpoints where they exist, and
so are the counts of llama-cpp-python, the server that is written in Python around llama.cpp.
"""

from __future__ import annotations

import os
import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import abstains
from hybrid.cost.counted import ByCounters
from hybrid.cost.prometheus import Counters
from hybrid.cost.sent import sent
from hybrid.engines.base import Completion, OnText
from hybrid.engines.faults import Dropped, Faults, is_html, nothing_said, transport_errors
from hybrid.errors import EngineError, SettingsError, WindowError
from hybrid.settings import EngineSettings
from hybrid.types import Usage

if TYPE_CHECKING:
    from openai import APIError

COUNTS_KEPT = 100_000  # token counts remembered, by hash of the text
PER_MESSAGE = 16  # tokens a chat template adds to a message, where only an estimate is possible
MARGIN = 1024  # tokens a chat template adds at most, for telling without counting that a prompt is short enough
METRICS = 1.0  # seconds that a server gets to tell its counters
FIRST_WAIT = 0.5  # seconds before a broken stream is asked for again, doubled each time
_LABEL = re.compile(r"[a-z0-9_:]([a-z0-9_:-]{0,61}[a-z0-9_:])?", re.IGNORECASE)  # of a host name; IPv6 has colons


class Server:
    """A model behind an OpenAI-compatible server. Many threads may use one instance at once."""

    on_gpu = True
    says_when = True

    def __init__(self, settings: EngineSettings) -> None:
        """Take the address, model and limits from `settings`; the server is contacted later.

        Raises:
            SettingsError: the address or the key cannot be used.
        """
        from openai import DefaultHttpxClient, OpenAI, Timeout

        self._settings = settings
        self._url = _base(settings.url)
        self._root = re.sub(r"/v\d+$", "", self._url)
        parts = urlsplit(self._url)
        self._host = parts.netloc.rpartition("@")[2]
        self.local = parts.hostname in ("localhost", "127.0.0.1", "::1")  # so that its energy can be measured here
        key = os.environ.get(settings.api_key_env, "").strip()
        if not key.isascii():
            raise SettingsError(f"The key in the environment variable {settings.api_key_env} is not plain ASCII text.")
        self._faults = Faults(f"{parts.scheme}://{self._host}{parts.path}", settings, has_key=bool(key))
        self._client = OpenAI(
            base_url=self._url,
            api_key=key or "none",
            max_retries=settings.retries,
            timeout=Timeout(settings.timeout, connect=min(settings.timeout, 10.0)),
            # a proxy of the environment is for other machines
            http_client=DefaultHttpxClient(trust_env=False) if self.local else None,
        )
        self._lock, self._one = Lock(), Lock()
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._notes: dict[str, None] = {}
        self._unsupported: frozenset[str] = frozenset()
        self._counters = ByCounters(lambda: Counters.read(self._url, self.model, timeout=METRICS))

    @property
    def name(self) -> str:
        """The model and where it is served."""
        return f"{self.model} at {self._host}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about this server: a window cut down, tokens that are estimates."""
        return tuple(self._notes)

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once."""
        return self._settings.concurrency

    @cached_property
    def model(self) -> str:
        """The model's name on the server: the one that was set, otherwise the first it lists."""
        return self._settings.model or str(self._models[0]["id"])

    @property
    def listed(self) -> list[str]:
        """The models that the server lists, by name."""
        return [str(model["id"]) for model in self._models]

    @cached_property
    def window(self) -> int:
        """The longest prompt plus answer: what was set, but never more than the server tells."""
        wanted, told = self._settings.window, self._told_window()
        if wanted is not None and told is not None and wanted > told:
            self._note(f"engine.window is {wanted}, but {self._host} reads no more than {told} tokens: {told} is used")
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
        return self._tokenizer != "none"

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, no special tokens added; each distinct text is counted once."""
        keys = [_key(text) for text in texts]
        known = {key: tokens for key in keys if (tokens := self._recall(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        for key, tokens in zip(missing, self._counted(list(missing.values())), strict=True):
            known[key] = self._remember(key, tokens)
        return [known[key] for key in keys]

    def measure(self, prompt: Prompt) -> int:
        """Tokens of the whole prompt as it will be sent, chat template included."""
        messages = _messages(prompt)
        key = _key(*(part for message in messages for part in message.values()))
        known = self._recall(key)
        return known if known is not None else self._remember(key, self._measured(messages))

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        """Complete `prompt`; `on_text` receives the text as it is generated.

        Raises:
            WindowError: the prompt and `max_tokens` do not fit the window.
            EngineError: the server cannot be reached, refuses, breaks off, or replies without an answer.
        """
        self._check_fits(prompt, max_tokens)
        with self._turn():
            self._counters.off |= self._tokenizer != "vllm"
            self._counters.begin()
            sent()
            started = time.perf_counter()
            try:
                reply = self._reply(prompt, max_tokens, on_text)
            except BaseException:
                self._counters.fail()
                raise
            seconds = time.perf_counter() - started
        first = None if reply.first is None else reply.first - started
        truncated = reply.finish == "length"
        if truncated and not reply.text.strip():
            raise EngineError(
                f"{self.name} used all {max_tokens} tokens without writing an answer, as a thinking model does; raise "
                "engine.max_tokens or serve it with thinking turned off."
            )
        usage = self._usage(reply, prompt, seconds, first)
        if not reply.text.strip() or reply.finish == "content_filter":  # a text that a filter cut is no answer either
            error = nothing_said(self.name, reply.finish, thought=reply.thought)
            error.usage = usage
            raise error
        return Completion(reply.text, usage, abstained=abstains(reply.text), truncated=truncated, finish=reply.finish)

    def close(self) -> None:
        """End the connections to the server."""
        self._client.close()

    def __del__(self) -> None:
        with suppress(Exception):  # it may not have been made, and the interpreter may be ending
            self.close()

    # The window and the model.

    @cached_property
    def _models(self) -> list[Mapping[str, Any]]:
        """What the server lists; asked with one retry, so that a server that is down is reported soon."""
        retries = min(self._settings.retries, 1)
        data = self._call("/models", retries=retries)
        listed = data.get("data") if isinstance(data, Mapping) else None
        models = [m for m in listed if isinstance(m, Mapping) and m.get("id")] if isinstance(listed, list) else []
        if not models:
            raise self._faults.garbage("an HTML page" if is_html(data) else "no list of models")
        return models

    def _told_window(self) -> int | None:
        try:
            ours = [model for model in self._models if model["id"] == self.model]
            told = [model.get("max_model_len") for model in [*ours, *self._models]]
        except EngineError:
            if self._settings.window is None:
                raise
            return None
        properties = self._probe("/props") if not any(told) else {}
        generation = properties.get("default_generation_settings")
        told += [generation.get("n_ctx")] if isinstance(generation, Mapping) else []
        return next((tokens for tokens in told if isinstance(tokens, int) and tokens > 0), None)

    def _check_fits(self, prompt: Prompt, max_tokens: int) -> None:
        # No tokenizer makes more tokens than there are bytes, so most short prompts need not be counted.
        size = sum(len(message["content"].encode()) for message in _messages(prompt))
        if size + MARGIN + max_tokens <= self.window:
            return
        tokens = self.measure(prompt)
        if tokens + max_tokens > self.window:
            about = "" if self.counts_exactly else "about "
            raise WindowError(
                f"The prompt of {about}{tokens} tokens and {max_tokens} for the answer do not fit the window of "
                f"{self.window} tokens of {self.name}; read less or serve the model with a longer window."
            )

    # Counting.

    @cached_property
    def _tokenizer(self) -> Literal["vllm", "llama.cpp", "llama-cpp-python", "none"]:
        """The kind of tokenizer endpoint that the server has."""
        probe = {"model": self.model, "prompt": "probe", "add_special_tokens": False}
        if isinstance(self._probe("/tokenize", probe).get("count"), int):
            return "vllm"
        if self._probe("/tokenize", {"content": "probe", "add_special": False}).get("tokens"):
            return "llama.cpp"
        if self._probe("/extras/tokenize", {"model": self.model, "input": "probe"}).get("tokens"):
            return "llama-cpp-python"
        self._note(f"{self._host} has no tokenizer endpoint: token counts are estimates")
        return "none"

    def _tokens(self, text: str, special: bool = False) -> int:
        """Tokens of one text; with `special`, of a whole prompt as the template rendered it."""
        text = _sendable(text)
        if not text or self._tokenizer == "none":
            return -(-len(text.encode()) // 3)
        path, body = "/tokenize", dict[str, object](content=text, add_special=special)
        if self._tokenizer == "vllm":
            body = {"model": self.model, "prompt": text, "add_special_tokens": special}
        elif self._tokenizer == "llama-cpp-python":
            path, body = "/extras/tokenize", {"model": self.model, "input": text}
        told = self._call(path, body, root=True)
        tokens = told.get("tokens") if isinstance(told, Mapping) else None
        if not isinstance(tokens, list):
            raise self._faults.garbage("no tokens from its tokenizer")
        return len(tokens) - (self._begins if self._tokenizer == "llama-cpp-python" else 0)

    @cached_property
    def _begins(self) -> int:
        """Tokens that llama-cpp-python puts before every text: one where the model has a token for that."""
        return len(self._probe("/extras/tokenize", {"model": self.model, "input": ""}).get("tokens") or ())

    def _measured(self, messages: list[dict[str, str]]) -> int:
        if self._tokenizer == "vllm":
            told = self._probe("/tokenize", {"model": self.model, "messages": messages}).get("count")
            if isinstance(told, int):
                return told
        if self._tokenizer == "llama.cpp":
            rendered = self._probe("/apply-template", {"messages": messages}).get("prompt")
            if isinstance(rendered, str):
                return self._tokens(rendered, special=True)
        return sum(self.count([message["content"] for message in messages])) + PER_MESSAGE * len(messages)

    def _counted(self, texts: list[str]) -> list[int]:
        if len(texts) < 2 or self._tokenizer == "none":
            return [self._tokens(text) for text in texts]
        with ThreadPoolExecutor(min(self._settings.concurrency, len(texts), 8)) as pool:
            return list(pool.map(self._tokens, texts))

    def _recall(self, key: bytes) -> int | None:
        with self._lock:
            if key in self._counts:
                self._counts.move_to_end(key)
            return self._counts.get(key)

    def _remember(self, key: bytes, tokens: int) -> int:
        with self._lock:
            self._counts[key] = tokens
            while len(self._counts) > COUNTS_KEPT:
                self._counts.popitem(last=False)
        return tokens

    def _usage(self, reply: _Reply, prompt: Prompt, seconds: float, first: float | None) -> Usage:
        read, written = (getattr(reply.usage, key, None) for key in ("prompt_tokens", "completion_tokens"))
        if not isinstance(read, int) or not isinstance(written, int):
            self._note(f"{self._host} reports no usage: prompt and answer were counted afterwards, cached tokens not")
            read, written = self.measure(prompt), self._tokens(reply.text)
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
            queue_seconds=_told(reply.metrics, told.queue, "queue_time_ms"),
            # begins at being scheduled
            prefill_seconds=_told(reply.metrics, told.prefill, "time_to_first_token_ms", "prompt_ms"),
            decode_seconds=_told(reply.metrics, told.decode, "generation_time_ms", "predicted_ms"),
            host_seconds=None if reply.metrics is not None else told.host,
        )

    # Asking.

    def _reply(self, prompt: Prompt, max_tokens: int, on_text: OnText | None) -> _Reply:
        """One whole answer. A stream that breaks is asked for again while nobody has seen any of it."""
        attempt = 0
        while True:
            reply = _Reply()
            try:
                self._stream(reply, prompt, max_tokens, on_text)
                return reply
            except Dropped as error:
                shown = on_text is not None and reply.pieces
                if shown or attempt == self._settings.retries:
                    raise EngineError(str(error)) from None
            time.sleep(min(FIRST_WAIT * 2**attempt, 8.0))
            attempt += 1

    def _stream(self, reply: _Reply, prompt: Prompt, max_tokens: int, on_text: OnText | None) -> None:
        with self._open(prompt, max_tokens) as stream:
            for text in self._texts(stream, reply):
                reply.first = reply.first or time.perf_counter()
                reply.pieces.append(text)
                if on_text is not None:
                    on_text(text)
        if not reply.heard:
            self._unstreamed(reply, prompt, max_tokens, on_text)
        if reply.finish is None:
            raise self._faults.dropped(reply.size)

    def _unstreamed(self, reply: _Reply, prompt: Prompt, max_tokens: int, on_text: OnText | None) -> None:
        """An answer in one piece. Of a stream that is empty nothing tells why, of this the server's error does."""
        told = self._open(prompt, max_tokens, stream=False)
        try:
            reply.usage, choice = getattr(told, "usage", None), told.choices[0]
            text, reply.finish = choice.message.content or "", choice.finish_reason or "stop"
            reply.thought = _thinks(choice.message)
        except (AttributeError, LookupError, TypeError):
            raise self._faults.garbage("no chat completion") from None
        reply.pieces.append(text)
        if text and on_text is not None:
            on_text(text)

    def _open(self, prompt: Prompt, max_tokens: int, *, stream: bool = True) -> Any:
        """The stream of chunks, once the server has begun to answer; else the answer in one piece."""
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
        if self._settings.cache_salt and self._tokenizer == "vllm":
            options["extra_body"] = {"cache_salt": self._settings.cache_salt}
        create: Any = self._client.chat.completions.create
        try:
            return create(model=self.model, messages=_messages(prompt), **options)
        except openai.NotFoundError as error:
            raise self._not_found(error) from None
        except openai.BadRequestError as error:
            unsupported = {error.param or ""} & ({"max_tokens", "temperature"} - self._unsupported)
            if not unsupported or not str(error.code).startswith("unsupported"):
                raise self._faults.failure(error) from None
            self._unsupported |= unsupported
        except openai.APIError as error:
            raise self._faults.failure(error) from None
        return self._open(prompt, max_tokens, stream=stream)

    def _texts(self, stream: Any, reply: _Reply) -> Iterator[str]:
        """The pieces of text in `stream`; what else the chunks say goes into `reply`."""
        import openai

        try:
            yield from filter(None, map(reply.take, stream))
        except transport_errors() as error:
            if reply.finish is not None:  # only the usage is missing
                return
            if "Timeout" in type(error).__name__:
                raise self._faults.silent(reply.size) from None
            raise self._faults.dropped(reply.size) from None
        except openai.APIError as error:
            raise self._faults.failure(error) from None
        except (ValueError, TypeError, AttributeError) as error:
            raise self._faults.garbage("chunks that are not chat completions") from error

    # The wire, and what goes wrong on it.

    def _send(self, path: str, body: object, retries: int | None, root: bool) -> object:
        url = (self._root if root else self._url) + path
        options: Any = {} if retries is None else {"max_retries": retries}
        if body is None:
            return self._client.get(url, cast_to=object, options=options)
        return self._client.post(url, cast_to=object, body=body, options=options)

    def _call(self, path: str, body: object = None, retries: int | None = None, root: bool = False) -> object:
        """The JSON that the server answers with."""
        import openai

        try:
            return self._send(path, body, retries, root)
        except openai.APIError as error:
            raise self._faults.failure(error, retries) from None
        except ValueError:
            raise self._faults.garbage("text that is not JSON") from None

    def _probe(self, path: str, body: object = None) -> Mapping[str, Any]:
        """The object that an endpoint answers with, empty where the server has no such endpoint."""
        import openai

        try:
            data = self._send(path, body, retries=None, root=True)
        except openai.APIStatusError as error:
            if error.status_code in (429, 503):  # busy or still loading, which says nothing about the endpoint
                raise self._faults.failure(error) from None
            return {}
        except openai.APIError as error:
            raise self._faults.failure(error) from None
        except ValueError:
            return {}
        return data if isinstance(data, Mapping) else {}

    def _not_found(self, error: APIError) -> EngineError:
        try:
            names = [str(model["id"]) for model in self._models]
        except EngineError:
            names = []
        if not names or self.model in names:
            return self._faults.failure(error)
        return self._faults.no_model(self.model, names)

    def _turn(self) -> AbstractContextManager[object]:
        """llama-cpp-python breaks an answer off when the next question comes in: it is asked one at a time."""
        return self._one if self._tokenizer == "llama-cpp-python" else nullcontext()

    def _note(self, text: str) -> None:
        self._notes[text] = None


@dataclass(slots=True)
class _Reply:
    """An answer as it comes in."""

    pieces: list[str] = field(default_factory=list)
    finish: str | None = None
    usage: object = None
    metrics: object = None  # timings of this request: vLLM's, with --enable-per-request-metrics, or llama.cpp's
    first: float | None = None  # time of the first text, by perf_counter
    heard: bool = False  # whether any chunk was part of a chat completion
    thought: bool = False  # whether a reasoning parser set thoughts apart

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    def take(self, chunk: Any) -> str:
        """Take in one chunk; returns its text."""
        self.usage = getattr(chunk, "usage", None) or self.usage
        self.metrics = getattr(chunk, "metrics", None) or getattr(chunk, "timings", None) or self.metrics
        choices = getattr(chunk, "choices", None)
        if not choices:
            return ""
        self.heard = True
        self.finish = choices[0].finish_reason or self.finish
        delta = choices[0].delta
        self.thought = self.thought or _thinks(delta)
        text = delta.content or ""
        if not isinstance(text, str):
            raise TypeError("the content of a chunk is not text")
        return text


def _thinks(part: object) -> bool:
    return any(getattr(part, name, None) for name in ("reasoning_content", "reasoning"))


def _told(metrics: object, counted: float | None, *names: str) -> float | None:
    """A server's timing in seconds, by the first of the names that it has, else as its counters moved."""
    told = next((metrics[n] for n in names if n in metrics), None) if isinstance(metrics, Mapping) else None
    return told / 1000 if isinstance(told, int | float) else counted


def _base(url: str | None) -> str:
    """The address under which /models and /chat/completions lie."""
    text = (url or "").strip().rstrip("/").removesuffix("/chat/completions")
    if not text:
        raise SettingsError("A model server needs its address; set engine.url, such as http://localhost:8000/v1.")
    fault = SettingsError(f"The setting engine.url cannot be {text!r}; write it like http://localhost:8000/v1.")
    try:
        parts = urlsplit(text)
        labels = (parts.hostname or "").split(".")
        if parts.scheme not in ("http", "https") or parts.port == 0 or not text.isprintable():
            raise fault
        if not all(_LABEL.fullmatch(label) for label in labels):
            raise fault
    except ValueError:  # a port that is no number, brackets that do not match
        raise fault from None
    return text if parts.path else f"{text}/v1"


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    return [{role: _sendable(text) for role, text in message.items()} for message in prompt.messages()]


def _sendable(text: str) -> str:
    """`text` without the lone surrogates that broken files yield and JSON in UTF-8 cannot carry."""
    return text.encode("utf-8", "replace").decode()


def _key(*parts: str) -> bytes:
    digest = blake2b(digest_size=16)
    for part in parts:
        data = _sendable(part).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()
