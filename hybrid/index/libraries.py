"""faiss and bm25s, each imported as it needs; a failure is reported as missing or as broken."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any

from hybrid.errors import BrokenDependency, MissingDependency

_IMPORTING = threading.Lock()


def faiss() -> Any:
    """The module faiss.

    On macOS and with the GPU's build, PyTorch and faiss bring libraries of one name, and importing faiss first has
    crashed (facebookresearch/faiss#4273, #3401): PyTorch is imported before. Elsewhere that would only take seconds.

    Raises:
        MissingDependency: it is not installed.
        BrokenDependency: it cannot be loaded: a library of CUDA is missing, say, or two packages share the name.
    """
    if not {"torch", "faiss"} & set(sys.modules) and (sys.platform != "linux" or _installed("faiss-gpu")):
        with suppress(Exception):  # code that needs PyTorch itself reports what is wrong with it
            import torch  # noqa: F401
    with _translated("faiss", "faiss-cpu", "Searching vectors"):
        import faiss

        if not hasattr(faiss, "read_index"):  # a folder left by a removed package is an empty module
            raise ImportError("it is empty, as after installing faiss-cpu and faiss-gpu and removing one of them")
    return faiss


@contextmanager
def _translated(module: str, package: str, purpose: str) -> Iterator[None]:
    """Raise a failing import as an error of ours."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != module:
            raise BrokenDependency(module, "cpu", purpose, error) from error
        raise MissingDependency(package, "cpu", purpose) from None
    except Exception as error:
        raise BrokenDependency(module, "cpu", purpose, error) from error


def _installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def bm25() -> Any:
    """The class BM25 of bm25s, imported without JAX.

    While it is imported, bm25s computes something with JAX, which then takes most of a GPU's memory and is never used
    here. Only imports of JAX by this thread for bm25s are refused: a program's own JAX stays as it is.

    Raises:
        MissingDependency, BrokenDependency: as for faiss.
    """
    loaded = getattr(sys.modules.get("bm25s"), "BM25", None)
    if loaded is not None:
        return loaded
    with _IMPORTING:
        usual, thread = builtins.__import__, threading.get_ident()

        def without_jax(name: str, *args: Any, **kwargs: Any) -> Any:
            if name.partition(".")[0] == "jax" and threading.get_ident() == thread:
                raise ImportError("JAX is not used here", name="jax")
            return usual(name, *args, **kwargs)

        builtins.__import__ = without_jax
        try:
            with _translated("bm25s", "bm25s", "Searching words"):
                from bm25s import BM25
        finally:
            builtins.__import__ = usual
    return BM25
