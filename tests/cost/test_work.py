"""Seconds and break-even of a call, against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hybrid.cost.gpus import gpus
from hybrid.cost.rates import Rates, assumed, exchange_seconds, ring_seconds
from hybrid.cost.shape import Attention, Shape, shape_of
from hybrid.cost.work import QUESTION, break_even, work
from hybrid.errors import InputError
from hybrid.model.carried import carried

# 1 billion parameters, 2 heads of 64 in 10 layers: 2 560 operations a pair and layer-head width, 5 120 bytes a token
SMALL = Shape(1.0, 1.0, 128, (Attention(10, 2, 128, 256),))
RATES = Rates(flops=1e12, attention=1e12, bandwidth=1e11, chunk=10**9)


def test_prefill_by_hand() -> None:
    found = work(SMALL, RATES, 4_000, 1)
    linear = 2e9 * 4_000
    attention = 2 * 10 * 2 * 128 * 4_000 * 4_001 / 2
    assert found.flops == linear + attention
    assert found.attention_flops == attention
    assert found.seconds == found.prefill == pytest.approx((linear + attention) / 1e12)
    assert (found.decode, found.joules, found.interval) == (0.0, None, None)


def test_decode_by_hand() -> None:
    found = work(SMALL, RATES, 4_000, 101)
    assert found.decode == pytest.approx(100 * (2e9 + 10 * 256 * 2 * 4_051) / 1e11)


def test_reading_takes_at_least_one_pass_over_the_weights() -> None:
    assert work(SMALL, RATES, 1, 1).seconds == pytest.approx((2e9 + 5_120) / 1e11)


def test_a_batch_reads_the_weights_once() -> None:
    one, four = work(SMALL, RATES, 10, 200), work(SMALL, RATES, 10, 200, batch=4)
    assert four.gpu_seconds < one.gpu_seconds / 3
    assert one.gpu_seconds == pytest.approx(one.seconds)
    assert four.gpu_seconds == pytest.approx(four.seconds / 4)


def test_fixed_times_and_power() -> None:
    rates = replace(RATES, request=0.5, token=1e-3, step=0.01, watts=300.0, gpus=2, spread=(0.9, 1.2))
    plain = work(SMALL, RATES, 100, 11, cached=400)
    found = work(SMALL, rates, 100, 11, cached=400)
    assert found.seconds == pytest.approx(plain.seconds + 0.5 + 500 * 1e-3)
    slow = work(SMALL, replace(rates, step=9.0), 100, 11, cached=400)  # one pass of prefill and ten steps of decoding
    assert slow.seconds == pytest.approx(0.5 + 500 * 1e-3 + 11 * 9.0)
    assert found.engine == pytest.approx(plain.seconds)  # tokenizing and sending are the host's
    assert found.joules == pytest.approx(found.engine * 300)
    assert found.gpu_seconds == pytest.approx(2 * found.engine)
    assert found.interval == pytest.approx((0.9 * found.engine, 1.2 * found.engine))


def test_every_step_costs_more() -> None:
    base = work(SMALL, RATES, 50_000, 200).seconds
    assert work(SMALL, RATES, 60_000, 200).seconds > base
    assert work(SMALL, RATES, 50_000, 300).seconds > base
    assert work(SMALL, RATES, 30_000, 200, cached=20_000).seconds < base


def test_keys_and_values_come_back_from_the_host() -> None:
    rates = replace(RATES, host=1e10)
    warm = work(SMALL, rates, 64, 1, cached=10_000)
    back = work(SMALL, rates, 64, 1, cached=10_000, offloaded=10_000)
    assert back.seconds - warm.seconds == pytest.approx(10_000 * 5_120 / 1e10)


def test_several_gpus() -> None:
    shape, h100 = shape_of(carried()["llama-3.1-70b"]), gpus()["h100"]
    one, four = assumed(h100, "h100"), assumed(h100, "h100", gpus=4)
    assert (four.label, four.flops, four.watts) == ("4 h100", 4 * one.flops, 2800)
    exchanged = 2 * 80 * (2 * 3 / 4 * 1000 * 8192 * 2) / (0.7 * 450e9)
    assert exchange_seconds(shape, four, 1000) == pytest.approx(exchanged)
    assert exchange_seconds(shape, one, 1000) == 0
    assert (
        work(shape, one, 1000, 1).seconds / 4 < work(shape, four, 1000, 1).seconds < work(shape, one, 1000, 1).seconds
    )
    with pytest.raises(InputError, match="1 GPU or more, not on 0"):
        assumed(h100, "h100", gpus=0)


def test_a_ring_of_gpus_hides_what_it_sends_behind_what_it_computes() -> None:
    shape, h100 = shape_of(carried()["llama-3.1-8b"]), gpus()["h100"]
    one, four = assumed(h100, "h100"), assumed(h100, "h100", gpus=4, ring=4)
    assert four.label == "4 h100, ring of 4"
    computed = shape.linear_flops(100_000) / four.flops + shape.attention_flops(100_000) / four.attention
    found = work(shape, four, 100_000, 2)
    assert found.prefill == pytest.approx(computed + four.request + 100_000 * four.token)
    fixed = four.request + 100_000 * four.token  # of the host, which no ring makes faster
    assert found.prefill - fixed == pytest.approx((work(shape, one, 100_000, 2).prefill - fixed) / 4)
    slow = replace(four, link=1e8)
    assert work(shape, slow, 100_000, 2).prefill == pytest.approx(ring_seconds(shape, slow, 100_000) + fixed)
    assert ring_seconds(shape, slow, 100_000) == pytest.approx(shape.kv_bytes(100_000) * 3 / 4 / 1e8)
    # every part reads all weights for every token, so that a short context is written no faster than by one of them
    assert work(shape, four, 10, 100).decode == pytest.approx(work(shape, one, 10, 100).decode, rel=0.01)
    assert work(shape, four, 100_000, 100).decode < work(shape, one, 100_000, 100).decode
    both = assumed(h100, "h100", gpus=4, ring=2)
    assert exchange_seconds(shape, both, 1000) == exchange_seconds(shape, assumed(h100, "h100", gpus=2), 1000)
    with pytest.raises(InputError, match="4 GPUs cannot be divided into a ring of 3"):
        assumed(h100, "h100", gpus=4, ring=3)


def test_fp8_where_the_gpu_has_it() -> None:
    assert assumed(gpus()["h100"], "h100", weight_bits=8).flops > 1.9 * assumed(gpus()["h100"], "h100").flops
    assert assumed(gpus()["a100"], "a100", weight_bits=8).flops == assumed(gpus()["a100"], "a100").flops


def test_break_even_is_the_first_number_of_questions_that_pays() -> None:
    found = break_even(SMALL, RATES, 100_000, 1_000, times=3.0)
    limit = 3 * found.passages.seconds
    assert found.questions is not None

    def average(questions: int) -> float:
        return (found.cold.seconds + (questions - 1) * found.warm.seconds) / questions

    assert average(found.questions) <= limit < average(found.questions - 1)
    assert found.cold.seconds == work(SMALL, RATES, 100_000 + QUESTION, 128).seconds
    assert found.offloaded is None
    assert break_even(SMALL, RATES, 100_000, 10, times=1.0).questions is None
    assert break_even(SMALL, RATES, 500, 1_000).questions == 1


def test_the_published_ratios_are_explained() -> None:
    """A second question on 85 000 tokens cost 2.2 times retrieval, the first 90 times: the order must come out."""
    found = break_even(
        shape_of(carried()["llama-3.1-70b"]), assumed(gpus()["h100"], "h100", gpus=4), 85_000, 1_000, output=64
    )
    assert 1 < found.warm.seconds / found.passages.seconds < 4
    assert found.cold.seconds / found.passages.seconds > 8
