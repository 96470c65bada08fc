"""A model's weights on a device of this machine, loaded by Transformers from a folder, a GGUF file or the hub.

Engines of the same weights share them: the native one and the one for whole documents, say. A folder loads in
seconds; a GGUF file is unpacked into full precision, which takes longer and several times its size in memory.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from hybrid.engines.local.adapter import add, read_adapter
from hybrid.engines.local.faults import lacks_memory, unreadable
from hybrid.engines.local.positions import changed
from hybrid.errors import BrokenDependency, EngineError, HybridError, MissingDependency, SettingsError
from hybrid.model.carried import hub_name
from hybrid.model.parameters import count_parameters
from hybrid.model.read import read_model
from hybrid.settings import EngineSettings

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_LOADING = threading.Lock()


@dataclass(eq=False)
class Weights:
    """A loaded model. Only the thread that holds `turn` computes with it."""

    model: Any  # of Transformers, on `device`
    tokenizer: Any
    device: str
    dtype: str
    bytes: int
    turn: threading.Lock = field(default_factory=threading.Lock)
    counting: threading.Lock = field(default_factory=threading.Lock)  # guards the tokenizer


_LOADED: WeakValueDictionary[tuple[str, ...], Weights] = WeakValueDictionary()


def weights_of(settings: EngineSettings) -> Weights:
    """The weights that some settings name; those that another engine has loaded already are shared.

    Raises:
        SettingsError: there is no such model, adapter or device.
        MissingDependency: Transformers, or what it needs for this file, is not installed.
        EngineError: the model cannot be loaded.
    """
    device = device_of(settings)
    adapter = None if settings.adapter is None else read_adapter(settings.adapter)
    changes = (repr(sorted(settings.overrides.items())), "" if adapter is None else adapter.digest)
    key = (str(settings.model), device, settings.dtype, *changes)
    with _LOADING:
        found = _LOADED.get(key)
        if found is None:
            found = _load(settings, device)
            if adapter is not None:
                add(found.model, adapter)
            _LOADED[key] = found
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is: what `from_pretrained` takes."""

    folder: str  # or a name on the hub
    gguf: str | None = None  # file in it

    @property
    def on_hub(self) -> bool:
        """Whether it is not on this machine, but for a copy in the hub's cache."""
        return not Path(self.folder).is_dir()


def place_of(model: str) -> Place:
    """A folder, a GGUF file, or a name on the hub.

    Raises:
        SettingsError: it can be none of these.
    """
    path = Path(model).expanduser()
    if path.is_file():
        if path.suffix.lower() != ".gguf":
            raise SettingsError(f"The file {model} is no GGUF file: set engine.model to the folder of a model.")
        return Place(str(path.parent), path.name)
    if path.is_dir():
        if (path / "config.json").is_file():
            return Place(str(path))
        files = sorted(file.name for file in path.glob("*.gguf"))
        if len(files) == 1:
            return Place(str(path), files[0])
        if files:
            raise SettingsError(f"The folder {model} has several GGUF files: name one of {', '.join(files)}.")
        raise SettingsError(f"The folder {model} has neither a config.json nor a GGUF file: it is no model's folder.")
    if model.startswith((".", "/", "~")) or model.count("/") > 1 or path.suffix.lower() == ".gguf":
        raise SettingsError(f"There is no folder or file {model}: set engine.model to one, or to a name on the hub.")
    return Place(hub_name(model))


def device_of(settings: EngineSettings) -> str:
    """The device of some settings; `auto` takes a GPU where there is one.

    Raises:
        SettingsError: this machine has no such device.
    """
    torch = _torch()
    wanted = settings.device.lower()
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise SettingsError(f"engine.device cannot be {settings.device!r}: take auto, cpu, cuda, cuda:1 or mps.")
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}[kind]
    if int(number or 0) >= there:
        raise SettingsError(
            f"engine.device is {wanted!r}, but PyTorch {torch.__version__} sees {there} of the kind {kind!r}: take "
            "auto or cpu, or install a PyTorch for your GPU."
        )
    return wanted


def free_memory(device: str) -> int | None:
    """Bytes that are free on a device; None if that cannot be told."""
    if device.startswith("cuda"):
        return int(_torch().cuda.mem_get_info(device)[0])
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024
    return None


def _load(settings: EngineSettings, device: str) -> Weights:
    place = place_of(str(settings.model))
    if not place.on_hub:
        return _loaded(settings, device, place, {} if place.gguf is None else {"gguf_file": place.gguf})
    try:
        return _loaded(settings, device, place, {"local_files_only": True})  # what was fetched needs no network
    except EngineError as error:
        if not isinstance(error.__cause__, OSError):
            raise
    read_model(place.folder)  # says at once what is wrong; the hub's own client tries for half a minute
    return _loaded(settings, device, place, {})


def _loaded(settings: EngineSettings, device: str, place: Place, given: dict[str, Any]) -> Weights:
    torch, transformers = _torch(), _transformers(place)
    with _quiet(transformers, bars=place.on_hub), _translated(settings, place), _one_reader(place):
        config = transformers.AutoConfig.from_pretrained(place.folder, **given)
        config = changed(config, settings.overrides)
        _check_writes(str(settings.model), config)
        dtype = _dtype(settings.dtype, device, config)
        _check_memory(str(settings.model), config, dtype, device)
        tokenizer = transformers.AutoTokenizer.from_pretrained(place.folder, **given)
        if place.gguf is not None and hasattr(transformers, "GgufConfig"):
            given["quantization_config"] = transformers.GgufConfig(dequantize=True)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            place.folder, config=config, dtype=getattr(torch, dtype), **given
        )
        model = model.to(device).eval()
    tokenizer.model_max_length = 10**9  # a longer text is counted too, without a warning
    return Weights(model, tokenizer, device, dtype, sum(p.numel() * p.element_size() for p in model.parameters()))


def _check_writes(model: str, config: Any) -> None:
    """Raise EngineError for a model that reads only, such as an embedder."""
    made_of = [str(name) for name in getattr(config, "architectures", None) or ()]
    if made_of and not any(("CausalLM" in n) or ("LMHead" in n) or ("ConditionalGeneration" in n) for n in made_of):
        raise EngineError(f"The model {model} is a {made_of[0]}, which does not write text: name a chat model.")


def _check_memory(model: str, config: Any, dtype: str, device: str) -> None:
    """Raise EngineError where the weights would not fit: a system without memory ends the whole process."""
    needed, free = 0, free_memory(device)
    with suppress(SettingsError):  # a shape that cannot be counted is tried
        needed = round(count_parameters(config.to_dict()) * 1e9) * _BYTES[dtype]
    if free is not None and needed > free:
        raise lacks_memory(model, device, dtype, needed, free)


def _dtype(wanted: str, device: str, config: Any) -> str:
    """The precision of the weights: what is wanted, or what suits the device."""
    if wanted != "auto":
        return wanted
    if device == "cpu":
        return "float32"
    own = str(getattr(config, "dtype", "")).removeprefix("torch.")
    if own in ("bfloat16", "float16"):
        return own
    return "bfloat16" if device.startswith("cuda") and _torch().cuda.is_bf16_supported() else "float16"


def _torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingDependency("torch", "local", "The engine 'local'") from None
    except Exception as error:
        raise BrokenDependency("torch", "local", "The engine 'local'", error) from error
    return torch


def _transformers(place: Place) -> Any:
    for package in ("gguf", "accelerate") if place.gguf is not None else ():
        if find_spec(package) is None:
            raise MissingDependency(package, "local", "Reading a GGUF file")
    try:
        import transformers
    except ModuleNotFoundError:
        raise MissingDependency("transformers", "local", "The engine 'local'") from None
    except Exception as error:
        raise BrokenDependency("transformers", "local", "The engine 'local'", error) from error
    return transformers


@contextmanager
def _quiet(transformers: Any, *, bars: bool) -> Iterator[None]:
    """Without the remarks of loading, as what goes wrong is raised, and without bars unless something is fetched."""
    told, hub = transformers.utils.logging, logging.getLogger("huggingface_hub")
    before, of_hub = told.get_verbosity(), hub.level
    told.set_verbosity_error()
    hub.setLevel(logging.ERROR)
    try:
        with nullcontext() if bars else redirect_stderr(io.StringIO()):
            yield
    finally:
        told.set_verbosity(before)
        hub.setLevel(of_hub)


@contextmanager
def _translated(settings: EngineSettings, place: Place) -> Iterator[None]:
    try:
        yield
    except HybridError:
        raise
    except Exception as error:
        raise unreadable(str(settings.model), error, on_hub=place.on_hub) from error


@contextmanager
def _one_reader(place: Place) -> Iterator[None]:
    """Parse a GGUF file once: Transformers parses it for the configuration, the tokenizer and the weights each."""
    if place.gguf is None:
        yield
        return
    gguf: Any = import_module("gguf")
    reader = gguf.GGUFReader
    once = lru_cache(maxsize=1)(lambda path: reader(path))
    gguf.GGUFReader = lambda path, *_: once(str(path))
    try:
        yield
    finally:
        gguf.GGUFReader = reader
