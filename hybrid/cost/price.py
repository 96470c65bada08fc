"""What calls did cost: their usage, priced."""

from __future__ import annotations

from contextlib import suppress

from hybrid.cost.fit import load, rates_file
from hybrid.cost.gpus import known_gpus
from hybrid.errors import SettingsError
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage


def price(settings: CostSettings, usage: Usage, *, on_gpu: bool) -> Cost:
    """What a call did cost. A price that is not known leaves `dollars` None, and the note says so.

    Args:
        on_gpu: whether the engine runs on a GPU that is paid for; False for the extractive engine.
    """
    if not on_gpu:
        note = "no GPU was used"
        return Cost(dollars=0.0, gpu_seconds=0.0, cpu_seconds=usage.cpu_seconds, basis="measured", note=note)
    spent = {"joules": usage.joules, "cpu_seconds": usage.cpu_seconds}
    if has_token_prices(settings):
        dollars, note = by_tokens(settings, usage)
        return Cost(dollars=dollars, **spent, basis="measured", note=f"tokens used, {note}")
    if usage.shared_seconds is not None:
        seconds = usage.shared_seconds * settings.gpus
        whose = "1 GPU's" if settings.gpus == 1 else f"{settings.gpus} GPUs'"
        note = f"its share of {whose} busy time"
    else:
        seconds = usage.seconds * settings.gpus
        note = f"time of the calls on {settings.gpus} GPU; an upper bound where calls share it"
    paid = hourly(settings)
    if paid is None:
        note += f"; the price of {gpu_name(settings) or 'this machine'!r} is not known, set cost.dollars_per_gpu_hour"
    dollars = None if paid is None else seconds / 3600 * paid
    return Cost(gpu_seconds=seconds, dollars=dollars, **spent, basis="measured", note=note)


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


def hourly(settings: CostSettings) -> float | None:
    """Dollars for an hour of one GPU: what was set, else the price of the GPU that was calibrated or is named.

    None where nothing tells it, as on a machine without a GPU.
    """
    if settings.dollars_per_gpu_hour is not None:
        return settings.dollars_per_gpu_hour
    gpu = known_gpus(settings).get(gpu_name(settings).lower())
    return None if gpu is None else gpu.dollars_per_hour


def gpu_name(settings: CostSettings) -> str:
    """The GPU that costs are of: the calibrated one, else the named one; empty where calibration found none."""
    file = rates_file(settings.rates)
    if file is None:
        return settings.gpu
    with suppress(SettingsError):  # a file that cannot be used is said where it is used
        return load(file).gpu
    return ""
