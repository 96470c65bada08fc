"""What calls did cost: their usage, priced."""

from __future__ import annotations

from contextlib import suppress

from hybrid.cost.fit import load, rates_file
from hybrid.cost.gpus import gpu_here, known_gpus, named_like
from hybrid.errors import SettingsError
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage


def price(settings: CostSettings, usage: Usage, *, on_gpu: bool, local: bool = False) -> Cost:
    """What a call did cost. A price that is not known leaves `dollars` None, and the note says so.

    GPU-seconds, and money by the carried price of a GPU, are told only where it is known which GPU that is: it was
    named, calibrated, or is found in this machine by an engine that runs here. Else the engine's seconds are told, and
    money only by the price of an hour that the user set.

    Args:
        on_gpu: whether an engine with a model answered; False for the extractive engine.
        local: whether it runs on this machine.
    """
    if not on_gpu:
        note = "no GPU was used"
        return Cost(dollars=0.0, gpu_seconds=0.0, cpu_seconds=usage.cpu_seconds, basis="measured", note=note)
    seconds = usage.seconds if usage.shared_seconds is None else usage.shared_seconds
    spent = {"joules": usage.joules, "cpu_seconds": usage.cpu_seconds, "engine_seconds": seconds}
    gpu = known_gpu(settings, local=local)
    if has_token_prices(settings):
        dollars, note = by_tokens(settings, usage)
        return Cost(dollars=dollars, **spent, basis="measured", note=f"tokens used, {note}")
    how = (
        "time of the calls, an upper bound where calls share it"
        if usage.shared_seconds is None
        else "share of its time"
    )
    paid = hourly(settings, gpu)
    dollars = None if paid is None else seconds * settings.gpus / 3600 * paid
    if not gpu:
        if paid is not None:
            how += ", at your price of an hour" + (f" of {settings.gpus} GPUs" if settings.gpus > 1 else "")
        if settings.gpu is not None and settings.gpu.lower() == "cpu":
            why = "the engine runs on no GPU"
        else:
            prices = ", or set your prices" if paid is None else ""
            why = f"which GPU the engine runs on, if any, is not known: name it in cost.gpu{prices}"
        return Cost(dollars=dollars, **spent, basis="measured", note=f"{how}; {why}")
    note = f"{how}, on {settings.gpus} {gpu}"
    if paid is None:
        note += "; the price of an hour is not known, set cost.dollars_per_gpu_hour"
    return Cost(gpu_seconds=seconds * settings.gpus, dollars=dollars, **spent, basis="measured", note=note)


def preparation(settings: CostSettings, retrieval: float, indexing: float) -> Cost:
    """What came before a question was asked: finding its passages, and its share of making the index.

    Every route needs both, because a route is chosen by what was found; only a whole document that is read by force and
    without an index would not.

    Args:
        retrieval: seconds of this question, its embedding included.
        indexing: CPU seconds that the index took in all.
    """
    seconds = retrieval + indexing / settings.questions
    paid = settings.dollars_per_cpu_hour
    return Cost(
        cpu_seconds=seconds,
        dollars=None if paid is None else seconds / 3600 * paid,
        basis="measured",
        note=f"{retrieval:.3f} s of retrieval and 1/{settings.questions} of {indexing:.1f} s of indexing",
    )


def total(costs: list[Cost]) -> Cost:
    """The sum of costs of one basis; unknown parts make the sum unknown.

    The sum of intervals is that of costs which err together, as estimates of one model do.

    Raises:
        ValueError: some were measured and some estimated.
    """
    bases = {cost.basis for cost in costs}
    if len(bases) > 1:
        raise ValueError("Measured and estimated costs cannot be added up: give the total of each.")
    known = [cost.interval for cost in costs if cost.interval is not None]
    interval = (sum(low for low, _ in known), sum(high for _, high in known))
    return Cost(
        dollars=_sum([cost.dollars for cost in costs]),
        gpu_seconds=_sum([cost.gpu_seconds for cost in costs]),
        engine_seconds=_sum([cost.engine_seconds for cost in costs]),
        cpu_seconds=_sum([cost.cpu_seconds for cost in costs]),
        joules=_sum([cost.joules for cost in costs]),
        interval=interval if known and len(known) == len(costs) else None,
        basis=bases.pop() if bases else "measured",
        note="; ".join(dict.fromkeys(cost.note for cost in costs)),
    )


def _sum(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def has_token_prices(settings: CostSettings) -> bool:
    """Whether calls are priced by their tokens, as a hosted API does, and not by the time of a GPU."""
    return settings.dollars_per_million_prompt is not None or settings.dollars_per_million_output is not None


def by_tokens(settings: CostSettings, usage: Usage) -> tuple[float | None, str]:
    """Dollars of some usage at the token prices of the settings, and a note; cached tokens cost as others by default.

    None where tokens were used whose price is not set: nothing is taken to be free.
    """
    prompt, output = settings.dollars_per_million_prompt, settings.dollars_per_million_output
    cached = prompt if settings.dollars_per_million_cached is None else settings.dollars_per_million_cached
    priced = {
        "cost.dollars_per_million_prompt": (usage.prompt_tokens - usage.cached_tokens, prompt),
        "cost.dollars_per_million_cached": (usage.cached_tokens, cached),
        "cost.dollars_per_million_output": (usage.output_tokens, output),
    }
    missing = [name for name, (tokens, dollars) in priced.items() if tokens and dollars is None]
    if missing:
        return None, f"whose price is not known: set {' and '.join(missing)}"
    return sum(tokens * (dollars or 0.0) for tokens, dollars in priced.values()) / 1e6, "at your token prices"


def hourly(settings: CostSettings, gpu: str) -> float | None:
    """Dollars for an hour of one GPU: what was set, else the carried price of that GPU; None where nothing tells it."""
    if settings.dollars_per_gpu_hour is not None:
        return settings.dollars_per_gpu_hour
    known = known_gpus(settings).get(gpu.lower())
    return None if known is None else known.dollars_per_hour


def known_gpu(settings: CostSettings, *, local: bool = False) -> str:
    """The GPU that an engine is known to run on: the calibrated one, the named one, or the one in this machine.

    Empty where nothing tells it: calibration found none, a server is on another machine, or this one has none.

    Args:
        local: whether the engine runs on this machine.
    """
    file = rates_file(settings.rates)
    if file is not None:
        with suppress(SettingsError):  # a file that cannot be used is said where it is used
            fitted = load(file)
            return fitted.gpu or ("" if "no GPU" in fitted.hardware else fitted.hardware)
    if settings.gpu is not None:
        return "" if settings.gpu.lower() == "cpu" else settings.gpu
    return named_like(gpu_here(), known_gpus(settings)) if local else ""
