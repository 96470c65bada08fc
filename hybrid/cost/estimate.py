"""What a call is expected to cost before it is made, by the settings: model, hardware or calibration, prices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hybrid.cost.fit import load, rates_file
from hybrid.cost.gpus import known_gpus, named, with_known_gpu
from hybrid.cost.price import by_tokens, has_token_prices, hourly, known_gpu
from hybrid.cost.rates import MEASURED_ON, Rates, assumed
from hybrid.cost.shape import Shape, shape_of
from hybrid.cost.work import work
from hybrid.errors import SettingsError
from hybrid.model.carried import carried, carried_like
from hybrid.model.config import Model
from hybrid.model.quantization import bits_of
from hybrid.model.read import read_model
from hybrid.registry import hint
from hybrid.settings import CostSettings
from hybrid.types import Cost, Usage

ASSUMED = "h100"  # the GPU that estimates are for if none is named


def shape_named(settings: CostSettings) -> Shape:
    """The shape that the settings name: a table of their own, a carried model, or a model's folder.

    Raises:
        SettingsError: there is no such model, or it is incomplete.
    """
    own = settings.models.get(settings.shape)
    if own is not None:
        config = {key: value for key, value in own.items() if key not in ("parameters", "active_parameters")}
        model = Model(settings.shape, config, None, own.get("parameters"), own.get("active_parameters"))
        bits = settings.weight_bits or bits_of(model.config)
        return shape_of(model, weight_bits=bits, kv_bits=settings.kv_bits)
    folder = Path(settings.shape).expanduser()
    if carried_like(settings.shape) is None and not folder.is_dir():
        names = [*settings.models, *carried()]
        raise SettingsError(
            f"The setting 'cost.shape' names {settings.shape!r}, which is neither a model's folder nor known; "
            f"{hint(settings.shape.lower(), names)}"
        )
    return _shape(settings.shape, settings.weight_bits, settings.kv_bits)


@lru_cache(maxsize=64)
def _shape(name: str, weight_bits: int | None, kv_bits: int) -> Shape:
    model = read_model(name)
    return shape_of(model, weight_bits=weight_bits or bits_of(model.config), kv_bits=kv_bits)


def checked_costs(settings: CostSettings) -> CostSettings:
    """The settings after checking what they name, with the GPU by its known name.

    Raises:
        SettingsError: the GPU or the model is not known, or the file of rates cannot be used.
    """
    if settings.shape != CostSettings.model_fields["shape"].default:
        shape_named(settings)
    if settings.rates is not None:
        load(Path(settings.rates))
    return with_known_gpu(settings)


@dataclass(frozen=True, slots=True)
class Setup:
    """The model and the hardware that the settings name."""

    shape: Shape
    rates: Rates
    note: str  # where the rates come from: calibrated, or assumed shares of the peaks
    dollars_per_hour: float | None  # of one GPU; None: unknown


def of_settings(settings: CostSettings) -> Setup:
    """The model and the rates of its engine: calibrated if a file of rates is named or lies here, else assumed.

    Raises:
        SettingsError: the model or the GPU is not known, or the file of rates cannot be used.
    """
    file = rates_file(settings.rates)
    if file is not None:
        found = load(file)
        note = f"{found.model}, calibrated on {found.rates.label}"
        return Setup(found.shape, found.rates, note, hourly(settings, known_gpu(settings)))
    name = (settings.gpu or ASSUMED).lower()
    if name == "cpu":
        raise SettingsError("The rates of a CPU have to be measured: run `hybrid calibrate cost` on its server.")
    gpu = named(known_gpus(settings), name, "cost.gpu")
    shape = shape_named(settings)
    rates = assumed(gpu, name, gpus=settings.gpus, weight_bits=shape.weight_bits)
    how = "as calibrated on one" if name == MEASURED_ON else f"at the shares of its peaks that an {MEASURED_ON} reached"
    note = f"{settings.shape} on {rates.label}, {how}" + (
        "" if settings.gpu else f"; cost.gpu is not set, so {name} is assumed"
    )
    return Setup(shape, rates, note, hourly(settings, name))


def estimate(settings: CostSettings, prompt: int, output: int, cached: int = 0, loading: float = 0.0) -> Cost:
    """The expected cost of a call, by token prices if they are set, else by the model and rates of the settings.

    An unknown figure is None, and the note says why: a question is answered whatever its price.

    Args:
        prompt: tokens of the prompt, `cached` of which need not be computed.
        output: tokens written.
        loading: seconds in which cached tokens come from the engine's disk, charged as its own.
    """
    usage = Usage(calls=1, prompt_tokens=prompt, cached_tokens=cached, output_tokens=output)
    if has_token_prices(settings):
        dollars, note = by_tokens(settings, usage)
        return Cost(dollars=dollars, basis="estimated", note=note if dollars is not None else f"tokens {note}")
    try:
        setup = of_settings(settings)
    except SettingsError as error:
        return Cost(basis="estimated", note=f"not estimated: {error}")
    gpus, paid = setup.rates.gpus, setup.dollars_per_hour
    found = work(setup.shape, setup.rates, max(0, prompt - cached), output, cached=min(cached, prompt))
    return Cost(
        gpu_seconds=found.gpu_seconds + loading * gpus,
        dollars=None if paid is None else (found.gpu_seconds + loading * gpus) / 3600 * paid,
        host_seconds=found.seconds - found.engine,
        joules=found.joules,
        interval=None
        if found.interval is None
        else ((found.interval[0] + loading) * gpus, (found.interval[1] + loading) * gpus),
        basis="estimated",
        note=setup.note,
    )
