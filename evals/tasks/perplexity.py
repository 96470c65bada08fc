"""Perplexity by position: how well a model predicts a long text, early and late in its window.

Windows slide over the text, and every token of a window is scored by the place it has in it, so the same text is judged
at every place. A model whose window was stretched too far shows it here before it shows in answers. The log
probabilities come from vLLM's field `prompt_logprobs` of a completion (read in vLLM 0.32): one entry for each token of
the prompt, the first null, the others a mapping of token ids to `logprob`; asked for 0 more, the token itself alone.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hybrid.errors import EngineError, InputError

if TYPE_CHECKING:
    from openai import OpenAI

BUCKETS = 16


class Bucket(NamedTuple):
    """Tokens at places of the window that are near each other."""

    start: int  # first place, from 0
    end: int  # one after the last
    nll: float  # mean negative log probability of a token, in nats
    n: int  # tokens it is the mean of

    @property
    def perplexity(self) -> float:
        """e to the mean."""
        return math.exp(self.nll)


def perplexity(
    url: str,
    model: str,
    text: str,
    window: int,
    stride: int,
    *,
    buckets: int = BUCKETS,
    api_key_env: str = "OPENAI_API_KEY",
    timeout: float = 600.0,
) -> list[Bucket]:
    """Mean negative log probability by place in the window.

    Args:
        url: of an OpenAI-compatible server, such as http://localhost:8000/v1.
        window: tokens of each window, special tokens and the one that has to be generated included.
        stride: tokens between the beginnings of windows.
        buckets: equal parts of the window; those without a token are left out.
        timeout: seconds for one window.

    Raises:
        InputError: the text is shorter than one window, or sizes that cannot be.
        EngineError: the server does not give token ids or prompt log probabilities, or failed.
    """
    from openai import OpenAI

    if window < 3 or stride < 1 or not 1 <= buckets <= window:
        raise InputError(
            f"Perplexity needs a window of at least 3, a stride of at least 1 and 1 to {window} buckets; these are "
            f"{window}, {stride} and {buckets}."
        )
    base = url.rstrip("/")
    client = OpenAI(base_url=base, api_key=os.environ.get(api_key_env) or "none", timeout=timeout, max_retries=2)
    lead, tokens = _tokens(client, re.sub(r"/v\d+$", "", base), model, text)
    room = window - len(lead) - 1
    if room < 2 or len(tokens) < room:
        raise InputError(
            f"The text has {len(tokens)} tokens and a window takes {room} of them; give a longer text or a shorter "
            "window."
        )
    sums, counts = [0.0] * buckets, [0] * buckets
    for begin in range(0, len(tokens) - room + 1, stride):
        ids = [*lead, *tokens[begin : begin + room]]
        for place, value in enumerate(_logprobs(client, model, ids)):
            # special tokens in front are not text, and nothing stands before the first token
            if place >= max(1, len(lead)):
                bucket = place * buckets // window
                sums[bucket] -= value
                counts[bucket] += 1
    edges = [math.ceil(bucket * window / buckets) for bucket in range(buckets + 1)]
    return [Bucket(edges[i], edges[i + 1], sums[i] / counts[i], counts[i]) for i in range(buckets) if counts[i]]


def _tokens(client: OpenAI, root: str, model: str, text: str) -> tuple[list[int], list[int]]:
    """The special tokens that a prompt begins with, and the text's own."""
    plain, special = (_tokenized(client, root, model, text, special) for special in (False, True))
    at = next((i for i in range(len(special) - len(plain) + 1) if special[i : i + len(plain)] == plain), 0)
    return special[:at], plain


def _tokenized(client: OpenAI, root: str, model: str, text: str, special: bool) -> list[int]:
    body = {"model": model, "prompt": text, "add_special_tokens": special}
    found = _sent(client, f"{root}/tokenize", body).get("tokens")
    if not isinstance(found, list) or not all(isinstance(token, int) for token in found):
        raise EngineError(f"The server at {root} does not give token ids at /tokenize; perplexity needs a vLLM server.")
    return found


def _logprobs(client: OpenAI, model: str, ids: Sequence[int]) -> list[float]:
    """The log probability of each token of the prompt; 0 for the first, which nothing predicts."""
    body = {"model": model, "prompt": list(ids), "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
    choices = _sent(client, "/completions", body).get("choices")
    entries = choices[0].get("prompt_logprobs") if isinstance(choices, list) and choices else None
    if not isinstance(entries, list) or len(entries) != len(ids):
        raise EngineError(
            f"The server at {client.base_url} does not give prompt_logprobs for a completion; perplexity needs a vLLM "
            "server."
        )
    found: list[float] = []
    for token, entry in zip(ids, entries, strict=True):
        own = entry.get(str(token)) if isinstance(entry, dict) else None
        if own is None and found:
            raise EngineError(f"The server at {client.base_url} left the log probability of a prompt's token out.")
        found.append(float(own["logprob"]) if own is not None else 0.0)
    return found


def _sent(client: OpenAI, path: str, body: Mapping[str, object]) -> Mapping[str, Any]:
    import openai

    try:
        told = client.post(path, cast_to=object, body=body)
    except openai.APIError as error:
        raise EngineError(f"The server at {client.base_url} failed at {path}: {error.message}") from None
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}
