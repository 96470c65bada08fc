"""What ten million documents and a thousand questions a second need, on paper: the tables of docs/scale.md.

    python -m hybrid.evals.research.scale_paper [--svg docs/scale.svg] [--stores FILE]

Every figure is a product of the inputs below, each with its kind: measured here or on the H200 (file or command), a
public price (page and date), or an assumption. `--stores` takes what `python -m hybrid.evals.bench.scale --json`
printed on your machine, in the place of the sizes of an index here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from hybrid.evals.simulate import PASSAGES, Fleet, Load, Times, steady

from hybrid.cost.gpus import gpus
from hybrid.cost.rates import assumed
from hybrid.cost.shape import shape_of
from hybrid.model.carried import carried
from hybrid.serving.memory import GIB, kv_bytes
from hybrid.serving.plan import plan

HOUR, MONTH = 3600.0, 730.0  # seconds, hours
MEASURED = Path(__file__).parents[2] / "docs" / "measured"
FAISS, STORES = MEASURED / "h200" / "faiss.json", MEASURED / "index-100k.json"
COLORS = {"random": "#D55E00", "affinity": "#0072B2", "affinity, disk": "#009E73"}  # Okabe and Ito


class Input(NamedTuple):
    """A figure that all others are made of."""

    value: float
    unit: str
    kind: str  # measured, price, assumption
    source: str


def inputs(stores: Path) -> dict[str, Input]:
    """The figures by name.

    Args:
        stores: rows of `hybrid.evals.bench.scale`.
    """
    row = max(json.loads(stores.read_text("utf-8")), key=lambda row: row["passages"])
    of = f"{row['passages']:,} passages of 32 tokens with their text"
    told = f"docs/measured/{stores.name}: hybrid.evals.bench.scale, {of}"
    small, large = json.loads(FAISS.read_text("utf-8"))
    exact = small["n"] / (small["ms_cpu"] / 1e3 * 16)
    lists = int(2 * math.sqrt(large["n"]))
    scanned = large["n"] * large["nprobe"] / lists
    faiss = "docs/measured/h200/faiss.json"
    return {
        "documents": Input(1e7, "", "assumption", "the task"),
        "passages": Input(1e9, "", "assumption", "the task"),
        "questions": Input(1000, "1/s", "assumption", "the task"),
        "tokens of a passage": Input(230, "", "assumption", "passages of 256 tokens at most, not all full"),
        "text of a token": Input(4.5, "bytes", "assumption", "English prose"),
        "embedding": Input(
            36,
            "passages/s a core",
            "measured",
            "MiniLM in int8, 384 chunks of 230 tokens, 72 a second on two AVX-512 cores (bench.indexing)",
        ),
        "index on disk": Input(1e6 * row["disk"] / row["passages"], "bytes a passage", "measured", told),
        "index in memory": Input(1_100, "bytes a passage", "assumption", "384 numbers in half precision, and words"),
        "scan, exact": Input(
            exact, "vectors/s a core", "measured", f"{faiss}: {small['n']:,} in {small['ms_cpu']:.1f} ms, 16 cores"
        ),
        "scan, lists": Input(
            scanned / (large["ms_cpu"] / 1e3 * 16),
            "vectors/s a core",
            "measured",
            f"{faiss}: {large['nprobe']} of {lists:,} lists of {large['n']:,} in {large['ms_cpu']:.1f} ms, 16 cores",
        ),
        "scan, GPU": Input(
            scanned / (large["ms_gpu"] / 1e3), "vectors/s", "measured", f"{faiss}: the same in {large['ms_gpu']:.2f} ms"
        ),
        "GPU": Input(
            3.5,
            "$/h",
            "price",
            "H200: hybrid/cost/gpus.toml; 2.50 to 7.00 in mercatus-ai.com/blog/cloud-gpu-pricing, May 2026",
        ),
        "core": Input(
            0.0408, "$/h", "price", "m7g.large 0.0816 $/h for two: factualminds.com, EC2 on-demand, 17 June 2026"
        ),
        "object storage": Input(0.023, "$/GB/month", "assumption", "S3 Standard; not looked up on the day"),
        "memory of a machine": Input(512e9, "bytes", "assumption", ""),
        "cores of a machine": Input(64, "", "assumption", ""),
        "disk of a GPU": Input(
            3.84e12, "bytes", "price", "8 x 3.84 TB beside 8 H200: AWS, EC2 capacity blocks, p5en.48xlarge"
        ),
        "disk reads": Input(5e9, "bytes/s", "assumption", "an NVMe disk; vLLM's file tier was not run on a GPU here"),
        "prefill": Input(0.5, "", "assumption", "of an engine's time; decoding, in batches, has the rest"),
    }


@dataclass(frozen=True, slots=True)
class Way:
    """How questions are answered."""

    name: str
    whole: float = 0.3
    zipf: float = 1.0
    routing: str = "affinity"
    disk: bool = False


WAYS = (
    Way("passages only", whole=0.0),
    Way("10 % whole", whole=0.1),
    Way("30 % whole"),
    Way("30 % whole, random routing", routing="random"),
    Way("30 % whole, disk", disk=True),
    Way("50 % whole", whole=0.5),
    Way("30 % whole, zipf 0.8", zipf=0.8),
    Way("30 % whole, zipf 1.2", zipf=1.2),
    Way("30 % whole, zipf 0.8, disk", zipf=0.8, disk=True),
)


class Answered(NamedTuple):
    """What answering needs."""

    cached: float
    loaded: float
    prefill: float  # seconds a question
    engines: int
    batch: float  # questions that decode at once, by Little's law

    def dollars(self, per_hour: float, rate: float) -> float:
        """Of a thousand questions."""
        return self.engines * per_hour / HOUR / rate * 1000


@dataclass(frozen=True, slots=True)
class Serving:
    """A model on a GPU of its own."""

    times: Times
    cache: int  # tokens
    token: float  # bytes

    @classmethod
    def of(cls, shape: str = "qwen3-8b", gpu: str = "h200") -> Serving:
        """The H200's rates, and the memory that `hybrid plan` leaves for its cache."""
        model = carried()[shape]
        (fit,) = plan(model, 32_768, gpus=[gpu]).fits
        token = kv_bytes(model.config, 131_072) / 131_072
        return cls(Times.of(shape_of(model), assumed(gpus()[gpu], gpu)), int(fit.free * GIB / token), token)

    def answered(self, way: Way, given: dict[str, Input]) -> Answered:
        """The engines that a way needs: more engines cache more, so the number is found by trying."""
        rate, tokens = given["questions"].value, given["passages"].value * given["tokens of a passage"].value
        mean = tokens / given["documents"].value
        load = Load(rate, 1.0, int(given["documents"].value), way.zipf, way.whole, median=mean / math.exp(0.8**2 / 2))
        each = self._seconds(load)
        engines, found = 100, (0.0, 0.0)
        for _ in range(12):
            disk = int(given["disk of a GPU"].value / self.token) if way.disk else 0
            found = steady(load, Fleet(engines, self.cache, disk=disk), way.routing) if way.whole else (0.0, 0.0)
            there = sum(found)
            prefill = (1 - way.whole) * each[0] + way.whole * (there * each[2] + (1 - there) * each[1])
            needed = math.ceil(rate * prefill / given["prefill"].value)
            if abs(needed - engines) <= 0.01 * engines:
                break
            engines = needed
        decode = (1 - way.whole) * each[3] + way.whole * each[4]
        return Answered(*found, prefill, needed, rate / needed * decode / (1 - given["prefill"].value))

    def _seconds(self, load: Load) -> tuple[float, ...]:
        """Seconds of a question on average: prefill over passages, on the whole cold, and cached; decoding of both."""
        rng = np.random.default_rng(0)
        lengths = np.clip(rng.lognormal(np.log(load.median), load.spread, 20_000), load.shortest, load.longest)

        def taken(tokens: Any, times: Any) -> float:
            return float(np.mean(np.interp(tokens, self.times.tokens, times)))

        cold, cached, decode = self.times[1:4]
        whole = [taken(lengths, times) for times in (cold, cached, decode)]
        return taken([PASSAGES], cold), whole[0], whole[1], taken([PASSAGES], decode), whole[2]


def building(given: dict[str, Input]) -> list[Sequence[str]]:
    """What making and keeping the index needs."""
    passages, core = given["passages"].value, given["core"].value
    text = passages * given["tokens of a passage"].value * given["text of a token"].value
    hours = passages / given["embedding"].value / HOUR
    disk, memory = (passages * given[name].value for name in ("index on disk", "index in memory"))
    disk += text * (1 - 32 / given["tokens of a passage"].value)  # passages of 32 tokens were measured
    machines = math.ceil(memory / given["memory of a machine"].value)
    month = given["object storage"].value
    return [
        ("text", f"{text / 1e12:.2f} TB", f"{text / 1e9 * month:,.0f} $ a month"),
        (
            "embedding",
            f"{hours:,.0f} core-hours",
            f"{hours * core:,.0f} $ once; {hours / 24 / 256:.1f} days on 256 cores",
        ),
        ("index on disk", f"{disk / 1e12:.2f} TB", f"{disk / 1e9 * month:,.0f} $ a month in object storage"),
        (
            "index in memory",
            f"{memory / 1e12:.2f} TB",
            f"{machines} machines of {given['memory of a machine'].value / 1e9:.0f} GB, "
            f"{machines * given['cores of a machine'].value * core * MONTH:,.0f} $ a month by their cores",
        ),
    ]


def searching(given: dict[str, Input]) -> list[Sequence[str]]:
    """What finding passages for a thousand questions a second needs, by how many each is compared with."""
    rate, passages = given["questions"].value, given["passages"].value
    lists = 2 * math.sqrt(passages)
    some = passages * 256 / lists
    rows: list[Sequence[str]] = []
    for name, compared, scan in (
        ("in one collection of 100,000 passages", 1e5, "scan, exact"),
        (f"in all, 256 of {lists:,.0f} lists", some, "scan, lists"),
    ):
        cores = rate * compared / given[scan].value
        rows.append(
            (name, f"{compared:,.0f}", f"{cores:,.0f} cores", f"{cores * given['core'].value * MONTH:,.0f} $ a month")
        )
    cards = max(rate * some / given["scan, GPU"].value, passages * 768 / (141e9 * 0.9))
    rows.append(
        (
            "the same on GPUs",
            f"{some:,.0f}",
            f"{math.ceil(cards)} H200",
            f"{math.ceil(cards) * given['GPU'].value * MONTH:,.0f} $ a month",
        )
    )
    return rows


def loading(serving: Serving, given: dict[str, Input]) -> list[Sequence[str]]:
    """What loading a document from disk takes beside computing it, and the speed from which on it is quicker."""
    rows: list[Sequence[str]] = []
    for tokens in (8_000, 16_000, 32_000, 64_000, 128_000):
        size = tokens * serving.token
        cold, cached = (float(np.interp(tokens, serving.times.tokens, times)) for times in serving.times[1:3])
        cells = [
            f"{cold:.2f}",
            f"{cached + size / given['disk reads'].value:.2f}",
            f"{size / 1e9 / (cold - cached):.1f}",
        ]
        rows.append((f"{tokens:,}", *cells))
    return rows


@click.command()
@click.option(
    "--stores",
    type=click.Path(exists=True, path_type=Path),
    default=STORES,
    help="What hybrid.evals.bench.scale --json printed.",
)
@click.option("--svg", type=click.Path(path_type=Path), help="Write the picture.")
def main(stores: Path, svg: Path | None) -> None:
    """Print the tables, and draw the picture."""
    given, serving = inputs(stores), Serving.of()
    _table(
        ("input", "value", "kind", "source"),
        [(name, f"{one.value:,.4g} {one.unit}".strip(), one.kind, one.source) for name, one in given.items()],
    )
    _table(("index of 10^9 passages", "needs", "costs"), building(given))
    _table(
        ("finding passages", "compared with each question", "1 000 questions a second need", "costs"), searching(given)
    )
    rate, price = given["questions"].value, given["GPU"].value
    rows = []
    for way in WAYS:
        found = serving.answered(way, given)
        month = found.engines * price * MONTH
        rows.append(
            (
                way.name,
                f"{found.cached:.0%}",
                f"{found.loaded:.0%}",
                f"{found.prefill:.3f}",
                f"{found.engines:,}",
                f"{found.batch:.1f}",
                f"{month / 1e6:.2f}",
                f"{found.dollars(price, rate):.2f}",
            )
        )
    _table(
        ("answering", "cached", "from disk", "prefill, s", "H200", "decoding at once", "M$ a month", "$ for 1 000"),
        rows,
    )
    _table(
        ("document, tokens", "computing it, s", "loading it, s", "loading is quicker from, GB/s"),
        loading(serving, given),
    )
    back, held = given["disk reads"].value / serving.token, given["disk of a GPU"].value / serving.token
    click.echo(
        f"One engine keeps {serving.cache:,} tokens in memory and {held:,.0f} on its disk, {serving.token / 1024:.0f} "
        f"KiB each, which come back at {back:,.0f} tokens a second."
    )
    if svg is not None:
        _draw(svg, serving, given)


def _draw(svg: Path, serving: Serving, given: dict[str, Input]) -> None:
    """GPUs by the share of questions that read whole documents."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "hybrid"
    import matplotlib.pyplot as plt

    shares = [0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]
    figure, (axes) = plt.subplots(figsize=(6, 3.5))
    for name, color in COLORS.items():
        way = Way(name, routing=name.partition(",")[0], disk="disk" in name)
        engines = [serving.answered(replace(way, whole=share), given).engines for share in shares]
        axes.plot([100 * share for share in shares], engines, color=color, marker="o", label=name)
    axes.set(
        xlabel="questions that read a whole document, %", ylabel="H200 for 1 000 questions a second", ylim=(0, None)
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(svg, metadata={"Date": None})


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    click.echo(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        click.echo(f"| {' | '.join(row)} |")
    click.echo()


if __name__ == "__main__":
    main()
