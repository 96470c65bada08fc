"""What a call takes (seconds, operations, bytes, energy), and after how many questions reading whole pays.

A roofline: each phase takes the longest of its operations at the rate reached, its bytes at the bandwidth reached and
its scheduling, which the engine does while the GPU computes, plus the parts that do not overlap. Prefill does
`2 * active * new` operations and those of attention, which grow with the pairs of tokens; cached tokens are attended to
but not computed. Decoding reads the weights, and every key and value of the context, once for each token written.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.cost.rates import Rates, exchange_seconds, ring_seconds
from hybrid.cost.shape import Shape

QUESTION = 64  # tokens of a question with its instruction, for break-even
OUTPUT = 128  # tokens of an answer


@dataclass(frozen=True, slots=True)
class Estimate:
    """One request, or its share of a batch that runs together.

    Args:
        seconds: from sending the prompt to the last token.
        prefill, decode: of them; the server's work on its own CPU counts to prefill.
        engine: of them, those in which the engine works, without tokenizing, hashing and sending.
        gpu_seconds: paid for this request: the batch's seconds of the engine on all GPUs, shared by its requests; 0
            without a GPU.
        flops, attention_flops: operations of prefill in all, and of attention in it.
        kv_bytes: kept while it runs.
        joules: at the power of the rates; None if that is unknown.
        interval: of `engine`, 90 %; None if the rates are assumed.
    """

    seconds: float
    prefill: float
    decode: float
    engine: float
    gpu_seconds: float
    flops: float
    attention_flops: float
    kv_bytes: float
    joules: float | None
    interval: tuple[float, float] | None


def work(
    shape: Shape, rates: Rates, new: int, output: int = OUTPUT, *, cached: int = 0, offloaded: int = 0, batch: int = 1
) -> Estimate:
    """The cost of reading `new` tokens behind `cached` ones and writing `output`.

    Args:
        new: tokens of the prompt that have to be computed.
        cached: tokens of the prompt whose keys and values the engine still has.
        offloaded: of the cached ones, those that come back from the host's memory first.
        batch: equal requests that run together; the prefix they share is in `cached`.
    """
    context = new + cached
    passes = max(1, -(-new * batch // rates.chunk))
    linear = shape.linear_flops(new * batch)
    attention = shape.attention_flops(new, cached) * batch
    each = new * batch / passes
    read = passes * (rates.ring * shape.weight_bytes(each) + batch * shape.read_bytes(cached + new // 2))
    sent = batch * ring_seconds(shape, rates, context)
    prefill = max(linear / rates.flops + attention / rates.attention, read / rates.bandwidth, sent, passes * rates.step)
    prefill += exchange_seconds(shape, rates, new * batch / rates.ring)
    if offloaded and rates.host:
        prefill += batch * shape.kv_bytes(offloaded) / rates.host
    steps = max(0, output - 1)  # the first token comes out of prefill
    middle = context + output // 2
    step = max(  # of a ring, each part has all weights and does the same with them
        (rates.ring * shape.weight_bytes(batch) + batch * shape.read_bytes(middle)) / rates.bandwidth,
        rates.ring * shape.linear_flops(batch) / rates.flops,
        rates.step,
    )
    step += exchange_seconds(shape, rates, batch)
    host = rates.request * batch + rates.token * context * batch
    engine = prefill + steps * step
    interval = None if rates.spread is None else (engine * rates.spread[0], engine * rates.spread[1])
    return Estimate(
        seconds=host + engine,
        prefill=host + prefill,
        decode=steps * step,
        engine=engine,
        gpu_seconds=engine * rates.gpus / batch,
        flops=shape.linear_flops(new) + shape.attention_flops(new, cached),
        attention_flops=shape.attention_flops(new, cached),
        kv_bytes=shape.kv_bytes(context + output),
        joules=None if rates.watts is None else engine * rates.watts / batch,
        interval=interval,
    )


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Reading a document whole beside reading passages of it, question after question.

    Args:
        label: whose rates these are.
        passages: a question over passages, every time computed anew.
        cold, warm: the first question on the whole document, and one that finds it cached.
        offloaded: one that finds it in the host's memory; None if that bandwidth is unknown.
        times: what a question may cost, in questions over passages, for reading whole to be worth it.
        questions: from how many questions on the whole document the average question costs at most `times` as much;
            None: never, a warm question alone costs more.
        offload_questions: the same if every question after the first finds it in the host's memory.
    """

    label: str
    passages: Estimate
    cold: Estimate
    warm: Estimate
    offloaded: Estimate | None
    times: float
    questions: int | None
    offload_questions: int | None


def break_even(
    shape: Shape,
    rates: Rates,
    document: int,
    passages: int,
    *,
    output: int = OUTPUT,
    times: float = 3.0,
) -> BreakEven:
    """After how many questions reading a document of `document` tokens whole pays.

    Args:
        passages: tokens of the passages that are read instead.
        times: what the better answers of reading whole are worth: a question may cost so many times as much.
    """
    rag = work(shape, rates, passages + QUESTION, output)
    cold = work(shape, rates, document + QUESTION, output)
    warm = work(shape, rates, QUESTION, output, cached=document)
    back = None if rates.host is None else work(shape, rates, QUESTION, output, cached=document, offloaded=document)
    return BreakEven(
        label=rates.label,
        passages=rag,
        cold=cold,
        warm=warm,
        offloaded=back,
        times=times,
        questions=_questions(cold.engine, warm.engine, times * rag.engine),
        offload_questions=None if back is None else _questions(cold.engine, back.engine, times * rag.engine),
    )


def _questions(first: float, later: float, limit: float) -> int | None:
    """The least n with (first + (n - 1) * later) / n <= limit."""
    if first <= limit:
        return 1
    if later >= limit:
        return None
    return -int(-(first - later) // (limit - later))
