"""Measured loads on a vLLM server, for `hybrid.cost.fit`: lengths, cached or not, long replies, several at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hybrid.cost.fit import Point
from hybrid.cost.prometheus import Counted, Counters
from hybrid.errors import EngineError
from hybrid.settings.address import shown

if TYPE_CHECKING:
    from openai import OpenAI

LENGTHS = 10  # between the shortest and the window
SHORTEST = 256  # tokens
REPLY = 33  # tokens of a long reply; a short one has 1
BATCH = 4
ROUNDS = 3  # measurements of a load, of which the fastest is taken
MARGIN = 80  # tokens of the window kept free

FEWEST = 8  # words that prompts are made of
WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were her all she there would their we him been has when who will more no if out so said what up its"
).split()
OTHERS = 0.01  # share of the tokens sent: more from other clients spoil a sweep

Say = Callable[[int, int], None]
Note = Callable[[str], None]
Complete = Callable[[Sequence[str], int], Any]  # words of the prompt and tokens to write; returns the usage


@dataclass(frozen=True, slots=True)
class Load:
    """Requests to send together."""

    length: int  # tokens of each prompt
    cached: float  # share of it that was read before
    output: int
    batch: int


def loads(window: int) -> list[Load]:
    """The loads that tell the rates apart, for a window in tokens."""
    longest = window - MARGIN
    lengths = sorted({round(SHORTEST * (longest / SHORTEST) ** (i / (LENGTHS - 1))) for i in range(LENGTHS)})
    found = []
    for length in lengths:
        found += [Load(length, 0.0, 1, 1), Load(length, 0.0, REPLY, 1)]
        found += [Load(length, 0.5, 1, 1), Load(length, 0.95, 1, 1), Load(length, 0.95, REPLY, 1)]
        if length * BATCH <= 2 * longest:  # more would wait for room in a small cache
            found += [Load(length, 0.0, 1, BATCH), Load(length, 0.0, REPLY, BATCH)]
    return found


def sweep(
    url: str,
    model: str,
    window: int,
    *,
    seconds: float,
    seed: int = 0,
    key: str = "",
    say: Say | None = None,
    note: Note | None = None,
) -> list[Point]:
    """Measure the loads in a random order, again and again, until the time is over or each was measured three times.

    Prompts are random words, so the cache holds only what was put there; the server reports how much it found. They are
    sent as text, as questions are: a server takes longer to read a long list of numbers than to tokenize its text.

    Args:
        url: base URL of the server, with /v1.
        seconds: for all; a load that runs when they are over is finished.
        key: of the server, if it wants one.
        say: told loads done and loads in all.
        note: told the doubts that the server's own counters raise.

    Raises:
        EngineError: the server does not answer, or is not vLLM.
    """
    from openai import OpenAI, OpenAIError

    client = OpenAI(base_url=url, api_key=key or "none", max_retries=0, timeout=max(600.0, seconds))
    rng = random.Random(seed)
    wanted = loads(window)
    found: dict[Load, list[Point]] = {load: [] for load in wanted}
    ends = time.monotonic() + seconds
    done, sent, before = 0, list[int](), Counters.read(url, model)
    complete = partial(_complete, client, model, sent)
    try:
        words = _Words.of(client, model)
        _measure(complete, words, rng, Load(SHORTEST, 0.0, REPLY, 2))  # the first requests find nothing ready
        for _ in range(ROUNDS):
            for load in rng.sample(wanted, len(wanted)):
                if time.monotonic() > ends:
                    break
                found[load].append(_measure(complete, words, rng, load))
                done += 1
                if say is not None:
                    say(done, ROUNDS * len(wanted))
    except OpenAIError as error:
        raise EngineError(
            f"The server at {shown(url)} does not do as a vLLM server does ({' '.join(str(error).split())[:200]}): "
            "calibrate with the address that `hybrid up` prints."
        ) from None
    if note is not None:
        for doubt in doubts(Counters.read(url, model) - before, sum(sent)):
            note(doubt)
    # the fastest of each load: whatever else the machine does only adds time
    return [min(points, key=lambda point: point.seconds) for points in found.values() if points]


def doubts(counted: Counted, sent: int) -> list[str]:
    """The doubts that a server's counters raise about measurements that sent `sent` tokens of prompt."""
    if counted.prompt_tokens is None:
        why = f": {counted.why}" if counted.why else ""
        return [f"whether others used the server meanwhile is not known{why}"]
    found, others = [], counted.prompt_tokens - sent
    if others > OTHERS * sent:
        found.append(
            f"others sent {others:,} tokens to the server meanwhile, beside {sent:,} for the measurements, which are "
            "therefore too slow: calibrate when nobody else uses it"
        )
    if counted.preemptions:
        found.append(
            f"{counted.preemptions:,} requests were put back for want of room in the cache, and their times are too "
            "long: give the server more of it"
        )
    return found


def _measure(complete: Complete, words: _Words, rng: random.Random, load: Load) -> Point:
    prompts = [words.prompt(rng, load.length) for _ in range(load.batch)]
    for prompt in prompts if load.cached else ():
        complete([*prompt[: int(len(prompt) * load.cached)], *words.prompt(rng, 4 * words.each)], 1)
    begun = time.perf_counter()
    with ThreadPoolExecutor(load.batch) as pool:
        usages = list(pool.map(lambda prompt: complete(prompt, load.output), prompts))
    seconds = time.perf_counter() - begun
    details = [getattr(usage, "prompt_tokens_details", None) for usage in usages]
    cached = sum(getattr(one, "cached_tokens", None) or 0 for one in details) // load.batch
    read = usages[0].prompt_tokens
    return Point(read - cached, cached, usages[0].completion_tokens, load.batch, seconds)


def _complete(client: OpenAI, model: str, sent: list[int], words: Sequence[str], output: int) -> Any:
    """The usage of one request of these words that writes exactly `output` tokens; its length goes into `sent`."""
    reply = client.completions.create(
        model=model,
        prompt=" ".join(words),
        max_tokens=output,
        temperature=0,
        extra_body={"min_tokens": output, "ignore_eos": True},
    )
    sent.append(reply.usage.prompt_tokens if reply.usage else len(words))
    return reply.usage


@dataclass(frozen=True, slots=True)
class _Words:
    """Words that each add the same number of tokens to a text."""

    words: tuple[str, ...]
    each: int  # tokens

    @classmethod
    def of(cls, client: OpenAI, model: str) -> _Words:
        """The words for a server's tokenizer, of the fewest tokens each."""
        root = str(client.base_url).rstrip("/").removesuffix("/v1")

        def tokens(text: str) -> int:
            body = {"model": model, "prompt": text, "add_special_tokens": False}
            told: Any = client.post(f"{root}/tokenize", body=body, cast_to=object)
            return int(told["count"])

        found: dict[int, list[str]] = {}
        for word in WORDS:
            found.setdefault(tokens(f"{word} {word} {word}") - tokens(f"{word} {word}"), []).append(word)
        each = next((size for size in sorted(found) if size > 0 and len(found[size]) >= FEWEST), None)
        if each is None:
            raise EngineError(f"Costs cannot be calibrated with the tokenizer of {model}: it knows no words.")
        return cls(tuple(found[each]), each)

    def prompt(self, rng: random.Random, tokens: int) -> list[str]:
        """Random words of about `tokens` tokens, and no more."""
        return rng.choices(self.words, k=max(1, tokens // self.each))
