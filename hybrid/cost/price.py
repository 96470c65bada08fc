"""What calls cost: their usage, priced."""

from __future__ import annotations

from contextlib import suppress

from hybrid.cost.fit import load, rates_file
from hybrid.cost.gpus import gpu_here, known_gpus, named_like
from hybrid.errors import SettingsError
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage


def price(settings: CostSettings, usage: Usage, *, on_gpu: bool, local: bool = False) -> Cost:
    """What a call cost. An unknown price leaves `dollars` None, and the note says so.

    GPU-seconds, and money by the carried price of a GPU, are given only if the GPU is known: it was named, calibrated,
    or found in this machine by an engine that runs here. Else the engine's seconds are given, and money only by the
    price of an hour that the user set.

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


def preparation(settings: CostSettings, retrieval: float, indexing: float, reranking: float = 0.0) -> Cost:
    """The work before a question is asked: finding its passages, and its share of making the index.

    Every route needs both, because the route is chosen by the passages; only a whole document that is read by force and
    without an index would not.

    Args:
        retrieval: seconds of this question, its embedding included.
        indexing: CPU seconds that the index took in all.
        reranking: seconds that a reranker took for this question.
    """
    seconds = retrieval + reranking + indexing / settings.questions
    reranked = f", {reranking:.3f} s of reranking" if reranking else ""
    paid = settings.dollars_per_cpu_hour
    return Cost(
        cpu_seconds=seconds,
        dollars=None if paid is None else seconds / 3600 * paid,
        basis="measured",
        note=f"{retrieval:.3f} s of retrieval{reranked} and 1/{settings.questions} of {indexing:.1f} s of indexing",
    )


def total(costs: list[Cost]) -> Cost:
    """The sum of costs of one basis; an unknown part makes the sum unknown.

    Intervals are added up as those of costs that err together, as estimates of one model do.

    Raises:
        ValueError: some were measured and some estimated.
    """
    bases = {cost.basis for cost in costs}
    if len(bases) > 1:
        raise ValueError("Measured and estimated costs cannot be added up: give the total of each.")
    known = [cost.interval for cost in costs if cost.interval is not None]
    interval = (sum(low for low, _ in known), sum(high for _, high in known))
    figures = ("dollars", "gpu_seconds", "engine_seconds", "cpu_seconds", "joules")
    return Cost(
        **{name: _sum([getattr(cost, name) for cost in costs]) for name in figures},
        interval=interval if known and len(known) == len(costs) else None,
        basis=bases.pop() if bases else "measured",
        note="; ".join(dict.fromkeys(cost.note for cost in costs)),
    )


def _sum(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def has_token_prices(settings: CostSettings) -> bool:
    """Whether calls are priced by their tokens, as hosted APIs do, and not by the time of a GPU."""
    return settings.dollars_per_million_prompt is not None or settings.dollars_per_million_output is not None


def by_tokens(settings: CostSettings, usage: Usage) -> tuple[float | None, str]:
    """Dollars of some usage at the token prices of the settings, and a note; cached tokens cost as others by default.

    None if the price of used tokens is not set: nothing counts as free.
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
    """Dollars for an hour of one GPU: as set, else the carried price of that GPU; None if neither is known."""
    if settings.dollars_per_gpu_hour is not None:
        return settings.dollars_per_gpu_hour
    known = known_gpus(settings).get(gpu.lower())
    return None if known is None else known.dollars_per_hour


def known_gpu(settings: CostSettings, *, local: bool = False) -> str:
    """The GPU that an engine is known to run on: the calibrated one, the named one, or the one in this machine.

    Empty if unknown: calibration found none, a server is on another machine, or this one has none.

    Args:
        local: whether the engine runs on this machine.
    """
    file = rates_file(settings.rates)
    if file is not None:
        with suppress(SettingsError):  # reported where the file is used
            fitted = load(file)
            return fitted.gpu or ("" if "no GPU" in fitted.hardware else fitted.hardware)
    if settings.gpu is not None:
        return "" if settings.gpu.lower() == "cpu" else settings.gpu
    return named_like(gpu_here(), known_gpus(settings)) if local else ""
