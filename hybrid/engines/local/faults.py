"""What goes wrong with a model in this process, each in one sentence with its remedy."""

from __future__ import annotations

import re

from hybrid.errors import EngineError

_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|alloc.{0,20}fail", re.IGNORECASE)
_NO_NETWORK = re.compile(
    r"couldn't connect|offline mode|connection error|max retries|name resolution|cannot find the requested files",
    re.IGNORECASE,
)
_OWN_CODE = re.compile(r"trust_remote_code|execute the (?:configuration|model) file|custom code", re.IGNORECASE)


def unreadable(model: str, error: Exception, *, on_hub: bool) -> EngineError:
    """The error for a model that Transformers does not load.

    Args:
        on_hub: it is neither a folder nor a file of this machine.
    """
    said = words(error)
    kinds = {type(one).__name__ for one in _chain(error)}
    if is_memory(error):
        return EngineError(f"There is not enough memory to load {model} ({said}): take a smaller model.")
    if _OWN_CODE.search(said):
        return EngineError(
            f"The model {model} needs code of its own, which is not run here: serve it and name its --url."
        )
    if on_hub and kinds & {"GatedRepoError"}:
        return EngineError(
            f"The model {model} is gated: accept its terms on its page, then log in with `hf auth login`."
        )
    if on_hub and kinds & {"RepositoryNotFoundError"}:
        return EngineError(f"The hub has no model {model!r}, or it is private: check the spelling, or log in.")
    if on_hub and (kinds & _OFFLINE or _NO_NETWORK.search(said)):
        return EngineError(
            f"The model {model!r} is no folder here and not in the hub's cache, and the hub cannot be reached: name "
            f"the model's folder, or run `hf download {model}` where there is a network."
        )
    return EngineError(f"Transformers cannot load the model {model}: {said}.")


_OFFLINE = {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError", "ConnectionError", "ConnectTimeout"}


def lacks_memory(model: str, device: str, dtype: str, needed: int, free: int) -> EngineError:
    """The error for weights that would not fit."""
    half = "" if dtype != "float32" else " or half the memory with engine.dtype = 'bfloat16'"
    return EngineError(
        f"The weights of {model} take about {gibibytes(needed)} in {dtype}, and {gibibytes(free)} are free on "
        f"{device}: take a smaller model{half}."
    )


def too_little_room(name: str, device: str, tokens: int, needed: int, free: int | None) -> EngineError:
    """The error for keys and values that do not fit beside the weights.

    Args:
        tokens: of the prompt and its answer.
        needed: bytes of their keys and values.
        free: bytes that are free; None: the device refused them.
    """
    there = "there was not enough memory" if free is None else f"{gibibytes(free)} are free"
    return EngineError(
        f"The keys and values of {tokens:,} tokens take about {gibibytes(needed)} beside the weights of {name}, and "
        f"{there} on {device}: lower engine.window or engine.prefix_gb, or take a smaller model."
    )


def is_memory(error: BaseException) -> bool:
    """Whether a device ran out of memory."""
    named = type(error).__name__ in ("OutOfMemoryError", "MemoryError")
    return named or (isinstance(error, RuntimeError) and bool(_MEMORY.search(str(error))))


def words(error: BaseException) -> str:
    """The first line of an exception, for the end of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(". ")


def gibibytes(count: float) -> str:
    """A number of bytes, such as "1.5 GiB"."""
    return f"{count / 2**30:.1f} GiB"


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and what caused it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
