"""What calls did cost: their usage, priced."""

from __future__ import annotations

from hybrid.cost.gpus import gpus, named
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage


def price(settings: CostSettings, usage: Usage, *, on_gpu: bool) -> Cost:
    """What a call did cost.

    Args:
        on_gpu: whether the engine runs on a GPU that is paid for; False for the extractive engine.
    """
    if not on_gpu:
        return Cost(dollars=0.0, gpu_seconds=0.0, basis="measured", note="no GPU was used")
    if settings.dollars_per_million_prompt is not None:
        return Cost(dollars=by_tokens(settings, usage), basis="measured", note="tokens used, at your prices")
    seconds = usage.seconds * settings.gpus
    return Cost(
        gpu_seconds=seconds,
        dollars=seconds / 3600 * hourly(settings),
        basis="measured",
        note=f"time of the calls on {settings.gpus} GPU; an upper bound where calls share it",
    )


def total(costs: list[Cost]) -> Cost:
    """The sum of costs of one basis; unknown parts make the sum unknown."""
    dollars = [c.dollars for c in costs if c.dollars is not None]
    seconds = [c.gpu_seconds for c in costs if c.gpu_seconds is not None]
    return Cost(
        dollars=sum(dollars) if len(dollars) == len(costs) else None,
        gpu_seconds=sum(seconds) if len(seconds) == len(costs) else None,
        basis="measured" if all(c.basis == "measured" for c in costs) else "estimated",
        note="; ".join(dict.fromkeys(c.note for c in costs)),
    )


def by_tokens(settings: CostSettings, usage: Usage) -> float:
    """Dollars of some usage at the token prices of the settings."""
    prompt = settings.dollars_per_million_prompt or 0.0
    cached = prompt if settings.dollars_per_million_cached is None else settings.dollars_per_million_cached
    output = settings.dollars_per_million_output or 0.0
    computed = usage.prompt_tokens - usage.cached_tokens
    return (computed * prompt + usage.cached_tokens * cached + usage.output_tokens * output) / 1e6


def hourly(settings: CostSettings) -> float:
    """Dollars for an hour of one GPU: what was set, else the carried price of the named GPU.

    Raises:
        SettingsError: the GPU is not known.
    """
    gpu = named(gpus(), settings.gpu, "cost.gpu")
    return gpu.dollars_per_hour if settings.dollars_per_gpu_hour is None else settings.dollars_per_gpu_hour
