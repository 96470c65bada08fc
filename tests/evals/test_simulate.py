"""The simulation beside what theory says, and what routing changes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from hybrid.evals.simulate import ROUTINGS, Cache, Fleet, Load, Result, Times, over_seeds, simulate, steady

from hybrid.cli.main import cli, guarded
from hybrid.cost.gpus import gpus
from hybrid.cost.rates import assumed
from hybrid.cost.shape import shape_of
from hybrid.model.read import read_model

GRID = np.array([1.0, 1e6])
FLEET = Fleet(4, 800_000)


def constant(seconds: float) -> Times:
    """Every question takes as long."""
    return Times(GRID, np.full(2, seconds), np.full(2, seconds), np.zeros(2), 1.0, np.zeros(2))


def means(load: Load, fleet: Fleet, times: Times, routing: str, figure: Callable[[Result], float]) -> float:
    return float(np.mean([figure(simulate(load, fleet, times, routing, seed=seed)) for seed in range(2)]))


def waited(load: Load, fleet: Fleet, times: Times, routing: str) -> float:
    """The mean wait; half of the distribution is not enough, so the mean of its quantiles would be off."""
    waits: list[float] = []
    for seed in range(2):
        simulate(load, fleet, times, routing, seed=seed, seen=waits.extend)
    return float(np.mean(waits))


@pytest.mark.parametrize("used", [0.5, 0.8])
def test_one_engine_is_a_queue_with_constant_service(used: float) -> None:
    """Pollaczek and Khinchine: the mean wait of M/D/1 is rho s / (2 (1 - rho))."""
    load, fleet = Load(used, 30_000, documents=1, whole=0.0), Fleet(1, 0)
    assert waited(load, fleet, constant(1.0), "random") == pytest.approx(used / (2 * (1 - used)), rel=0.15)
    assert means(load, fleet, constant(1.0), "random", lambda r: r.used) == pytest.approx(used, rel=0.03)


def erlang_c(servers: int, offered: float) -> float:
    """The chance to wait in M/M/c."""
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)


@pytest.mark.parametrize(("servers", "used"), [(1, 0.7), (4, 0.8), (8, 0.9)])
def test_the_engine_that_is_free_soonest_is_one_queue_for_all(servers: int, used: float) -> None:
    """M/M/c: exponential service by documents of exponential length, none of them cached, and Erlang's C."""
    times = Times(GRID, GRID / 20_000, GRID / 20_000, np.zeros(2), 1.0, np.zeros(2))
    rate = used * servers

    class Exponential(np.random.Generator):
        def lognormal(self, mean=0.0, sigma=1.0, size=None):
            return self.exponential(20_000, size)

    load = Load(rate, 30_000 / rate, documents=200_000, zipf=0.0, whole=1.0, shortest=0, longest=10**7)
    waits: list[float] = []
    for seed in range(2):
        rng = Exponential(np.random.PCG64(seed))
        simulate(load, Fleet(servers, 0), times, "soonest", seed=rng, seen=waits.extend)
    expected = erlang_c(servers, rate) / (servers - rate)
    assert float(np.mean(waits)) == pytest.approx(expected, rel=0.15)


def test_random_routing_is_as_many_queues_of_their_own() -> None:
    load = Load(4 * 0.7, 6_000, documents=1, whole=0.0)
    assert waited(load, Fleet(4, 0), constant(1.0), "random") == pytest.approx(0.7 / 0.6, rel=0.15)
    assert waited(load, Fleet(4, 0), constant(1.0), "least") < 0.35


@pytest.fixture(scope="module")
def h200() -> Times:
    return Times.of(shape_of(read_model("qwen3-8b")), assumed(gpus()["h200"], "h200"))


def test_affinity_finds_more_in_the_cache(h200: Times) -> None:
    load = Load(2.0, 2_000, documents=2_000)
    found = {routing: simulate(load, FLEET, h200, routing) for routing in ROUTINGS}
    assert found["affinity"].cached > found["random"].cached + 0.1
    assert found["affinity"].busy < found["random"].busy
    assert found["random"].cached < found["bounded"].cached <= found["affinity"].cached + 0.02
    warm = simulate(load, Fleet(4, 800_000, warm=True), h200, "affinity")
    assert warm.cached > found["affinity"].cached


def test_one_engine_that_holds_all_computes_each_document_once(h200: Times) -> None:
    load = Load(0.1, 20_000, documents=5, whole=1.0)
    for routing in ROUTINGS:
        assert simulate(load, Fleet(1, 10**9), h200, routing).cached > 0.99


def test_a_disk_behind_the_memory(h200: Times) -> None:
    load = Load(1.0, 3_000, documents=500)
    plain = simulate(load, FLEET, h200, "affinity")
    disk = simulate(load, Fleet(4, 800_000, disk=10**9, shared=True, load=30_000), h200, "affinity")
    assert plain.loaded == 0
    assert disk.loaded > 0.08
    assert disk.busy < plain.busy
    alone = simulate(load, Fleet(4, 800_000, disk=10**9, load=30_000), h200, "random")
    shared = simulate(load, Fleet(4, 800_000, disk=10**9, shared=True, load=30_000), h200, "random")
    assert shared.loaded > alone.loaded  # each engine's own disk has to be filled by that engine


def test_a_cache_forgets_the_least_recently_read() -> None:
    cache = Cache(10)
    for document in (1, 2, 3):
        cache.keep(document, 4)
    assert [cache.read(document) for document in (1, 2, 3)] == [False, True, True]
    cache.read(2)
    cache.keep(4, 5)
    assert [cache.read(document) for document in (2, 3, 4)] == [True, False, True]
    cache.keep(5, 11)
    assert not cache.read(5)


def test_the_same_seed_gives_the_same_figures(h200: Times) -> None:
    load = Load(2.0, 300)
    assert simulate(load, FLEET, h200, "bounded", seed=3) == simulate(load, FLEET, h200, "bounded", seed=3)
    found = over_seeds(lambda seed: simulate(load, FLEET, h200, "least", seed=seed), range(3))
    mean, half = found["busy"]
    assert half is not None
    assert 0 < half < mean
    assert over_seeds(lambda seed: simulate(load, FLEET, h200, "least", seed=seed), [0])["busy"][1] is None


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["eval", "simulate", "--engines", "2", "--rate", "1", "--questions", "200", "--seeds", "2"]
    assert guarded(cli, [*small, "--routing", "affinity", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(row["start"], row["routing"]) for row in told["rows"]] == [("cold", "affinity"), ("warm", "affinity")]
    assert told["cache_tokens"] == pytest.approx(800_000, rel=0.05)  # vLLM found 814 112 on an H200
    assert guarded(cli, [*small, "--routing", "affinity", "--disk-gb", "100"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"good/s *\n", said)  # no column is cut
    assert len(re.findall(r" \d\.\d{3} ±\d\.\d{3} ", said)) == 2
    assert guarded(cli, [*small, "--routing", "nonsense"]) == 2
    assert "There is no routing 'nonsense'" in capsys.readouterr().err
    assert guarded(cli, [*small, "--gpu", "l4", "--shape", "llama-3.1-70b"]) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--shared", "--shared has no effect without a disk"),
        ("--disk-gbps 2", "--disk-gbps has no effect without a disk"),
        ("--rates rates.json --gpu h200", "--gpu has no effect beside --rates"),
    ],
)
def test_an_option_without_an_effect_is_refused(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["eval", "simulate", *line.split()]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "--engines 0", "--engines 99999999999", "--rate nan", "--rate 1e-300", "--rate 1e300",
        "--questions 99999999999", "--documents 99999999999", "--zipf -1", "--zipf 1e308",
        "--whole 2", "--median 1", f"--median {10**30}",
        f"--cache {10**30}", "--disk-gb 1e300", "--disk-gb 1 --disk-gbps 1e300", "--limit nan", "--limit 1e300",
        "--seeds 0", "--seeds 99999999999", "--batch 99999999999",
    ],
)  # fmt: skip
def test_what_nothing_can_be_computed_of_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["eval", "simulate", *line.split()]) == 2
    assert "Invalid value for" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line", ["--whole 0", "--whole 1 --cache 0 --documents 1", "--zipf 100 --rate 1e6 --batch 4096"]
)
def test_the_ends_of_the_ranges_give_numbers(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["eval", "simulate", "--engines", "1", "--questions", "100", "--seeds", "2", "--json"]
    assert guarded(cli, [*small, *line.split()]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert all(math.isfinite(number) for row in rows for pair in list(row.values())[2:] for number in pair)


@pytest.mark.parametrize("routing", ["affinity", "random"])
def test_the_steady_state_is_what_a_long_run_comes_to(h200: Times, routing: str) -> None:
    load, fleet = Load(2.0, 30_000, documents=2_000, whole=1.0), Fleet(4, 400_000, disk=2_000_000)
    run, (memory, disk) = simulate(load, fleet, h200, routing), steady(load, fleet, routing)
    assert memory == pytest.approx(run.cached, abs=0.04)
    assert disk == pytest.approx(run.loaded, abs=0.06)
    assert steady(load, Fleet(4, 10**9), routing) == (1.0, 0.0)
