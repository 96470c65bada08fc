"""From measured calls to the rates an engine reaches, with the error on lengths that the fit did not see."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.cost.rates import CHUNK, Rates
from hybrid.cost.shape import Attention, Shape
from hybrid.cost.work import work
from hybrid.errors import InputError, MissingDependency, SettingsError
from hybrid.files import write

Array = np.ndarray[Any, np.dtype[np.float64]]

FILE = "hybrid-rates.json"
FORMAT = 2  # since the time of a pass is a minimum, and no longer added
FEWEST = 12  # points: fewer do not tell seven constants apart
HELD_OUT = 3  # every third length is held out

# Where a fit begins and how far it may go, in the units of Rates; wide enough for a laptop and for eight GPUs.
_START = {"flops": 1e12, "attention": 1e12, "bandwidth": 1e11, "request": 1e-2, "token": 1e-6, "step": 1e-3}
_LOW = {"flops": 1e8, "attention": 1e7, "bandwidth": 1e8, "request": 1e-5, "token": 1e-9, "step": 1e-6}
_HIGH = {"flops": 1e17, "attention": 1e17, "bandwidth": 1e15, "request": 10.0, "token": 1e-2, "step": 1.0}


@dataclass(frozen=True, slots=True)
class Point:
    """One measured load: `batch` equal requests sent together.

    Args:
        new, cached: tokens of each prompt that were computed, and that the engine reported as cached.
        output: tokens written by each.
        seconds: from sending the first to the end of the last.
    """

    new: int
    cached: int
    output: int
    batch: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Errors:
    """How far estimates were from measurements, as a share of the measurement."""

    points: int
    median: float
    ninth: float  # 90 % of the points are below


@dataclass(frozen=True, slots=True)
class Fitted:
    """Rates of an engine, and how they were made."""

    rates: Rates
    shape: Shape
    model: str
    engine: str  # the server's version and address
    hardware: str
    gpu: str  # a name of gpus.toml; empty: another GPU or none
    date: str
    seen: Errors  # on the points fitted
    held_out: Errors  # on the lengths that were not
    points: tuple[Point, ...]


def fit(
    points: Sequence[Point],
    shape: Shape,
    *,
    gpus: int = 1,
    watts: float | None = None,
    chunk: int = CHUNK,
    peaks: Mapping[str, float] | None = None,
) -> tuple[Rates, Errors, Errors]:
    """Fit rates to measured loads: least squares of the logarithm of estimate over measurement, robust to outliers.

    Every third length of prompt is held out; the spread of the rates and the second errors come from those.

    Args:
        points: at least 12, of six lengths or more, some of them cached, some with long replies.
        gpus, watts, chunk: as in `Rates`; they are known, not fitted.
        peaks: `flops`, `attention` and `bandwidth` of the hardware (`hybrid.cost.rates.peaks_of`), which no rate
            exceeds; None if unknown, as on a CPU.

    Raises:
        InputError: too few points, or too few lengths.
        MissingDependency: scipy is missing.
    """
    try:
        from scipy.optimize import least_squares
    except ImportError:
        raise MissingDependency("scipy", "embed", "Fitting costs") from None
    lengths = sorted({point.new + point.cached for point in points})
    buckets = _lengths(lengths)
    held = {length for length, bucket in zip(lengths, buckets, strict=True) if bucket % HELD_OUT == 1}
    train = [point for point in points if point.new + point.cached not in held]
    test = [point for point in points if point.new + point.cached in held]
    if len(points) < FEWEST or len(set(buckets)) < 2 * HELD_OUT or not test:
        raise InputError(
            f"There are {len(points)} measurements of {len(set(buckets))} lengths; a fit needs {FEWEST} of "
            f"{2 * HELD_OUT} lengths or more: allow more time, or a longer window."
        )
    names = list(_START)
    fixed = Rates(1, 1, 1, chunk=chunk, gpus=gpus, watts=watts)

    def rates(logs: Array) -> Rates:
        return replace(fixed, **dict(zip(names, np.exp(logs).tolist(), strict=True)))

    def residuals(logs: Array) -> Array:
        found = rates(logs)
        return np.array([np.log(predicted(shape, found, point) / point.seconds) for point in train])

    limits = {**_HIGH, **{name: min(peak, _HIGH[name]) for name, peak in (peaks or {}).items()}}
    low, high = (np.log([limit[name] for name in names]) for limit in (_LOW, limits))
    begin = np.log([_START[name] for name in names])
    # A start far off leaves whole phases without influence, so several are tried; the best is kept.
    shifts = [(-6.0, 0.0), (-3.0, 0.0), (0.0, 0.0), (3.0, 0.0), (3.0, 2.0)]  # of the rates, of a pass at the least
    starts = [begin + np.array([rate, rate, rate, 0, 0, step]) for rate, step in shifts]
    tried = [
        least_squares(residuals, np.clip(start, low, high), bounds=(low, high), loss="soft_l1", f_scale=0.1)
        for start in starts
    ]
    found = rates(min(tried, key=lambda result: result.cost).x)
    ratios = [point.seconds / predicted(shape, found, point) for point in test]
    least, most = np.quantile(ratios, [0.05, 0.95]).tolist()
    found = replace(found, spread=(min(least, 1.0), max(most, 1.0)))
    return found, errors(shape, found, train), errors(shape, found, test)


def predicted(shape: Shape, rates: Rates, point: Point) -> float:
    """Seconds that a load should take."""
    return work(shape, rates, point.new, point.output, cached=point.cached, batch=point.batch).seconds


def errors(shape: Shape, rates: Rates, points: Sequence[Point]) -> Errors:
    """How far the estimates of some points are from their measurements."""
    far = [abs(predicted(shape, rates, point) / point.seconds - 1) for point in points]
    median, ninth = np.quantile(far, [0.5, 0.9]).tolist() if far else (float("nan"), float("nan"))
    return Errors(len(far), median, ninth)


def save(fitted: Fitted, file: Path) -> None:
    """Write a fit as JSON, replacing the file as a whole.

    Raises:
        SettingsError: it cannot be written.
    """
    data = {"format": FORMAT, **asdict(fitted)}
    write(file, json.dumps(data, indent=1) + "\n")


def load(file: Path) -> Fitted:
    """A fit that was saved; read once for as long as the file does not change.

    Raises:
        SettingsError: it cannot be read, or is of another version.
    """
    try:
        stat = file.stat()
        return _parsed(file, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise SettingsError(f"Cannot read the rates in {file}: {error.strerror}. See cost.rates.") from None


def rates_file(named: str | None) -> Path | None:
    """The file of rates to use: the named one, else the one that lies here, else None."""
    if named is not None:
        return Path(named)
    return Path(FILE) if Path(FILE).is_file() else None


@lru_cache(maxsize=1)
def _parsed(file: Path, changed: int, size: int) -> Fitted:
    try:
        data = json.loads(file.read_text("utf-8"))
        if data.pop("format", None) != FORMAT:
            raise SettingsError(
                f"The rates in {file} are of another version of this program: run `hybrid calibrate cost` again."
            )
        shape = data["shape"]
        shape["attention"] = tuple(_as(Attention, part) for part in shape["attention"])
        rates = data["rates"]
        rates["spread"] = None if rates["spread"] is None else tuple(rates["spread"])
        parts = {
            "shape": _as(Shape, shape),
            "rates": _as(Rates, rates),
            "seen": _as(Errors, data["seen"]),
            "held_out": _as(Errors, data["held_out"]),
            "points": tuple(_as(Point, point) for point in data["points"]),
        }
        found: Fitted = _as(Fitted, {**data, **parts})
        return found
    except (ValueError, KeyError, TypeError, AttributeError):
        told = f"The file {file} holds no rates of this program: name another in cost.rates, or remove it."
        raise SettingsError(told) from None


def _as(kind: Any, data: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    if set(data) - known:
        raise ValueError("unknown keys")
    if kind is Attention:
        data = {**data, "segments": tuple(tuple(pair) for pair in data.get("segments", ()))}
    return kind(**data)


def _lengths(lengths: Sequence[int]) -> list[int]:
    """A number for each length, the same for lengths within 10 % of the one before, which count as equal."""
    found: list[int] = []
    for i, length in enumerate(lengths):
        same = i > 0 and length <= lengths[i - 1] * 1.1
        found.append(found[-1] if same else (found[-1] + 1 if found else 0))
    return found
