"""faiss and bm25s, imported in the way that each needs; what fails at it is told as what it is."""

from __future__ import annotations

import builtins
import sys
import threading
from contextlib import suppress
from importlib import metadata
from typing import Any

from hybrid.errors import BrokenDependency, MissingDependency

_IMPORTING = threading.Lock()


def faiss() -> Any:
    """The module faiss.

    PyTorch is imported before it where both bring libraries of one name, on macOS and with the GPU's build: the other
    order has crashed (facebookresearch/faiss#4273, #3401). Elsewhere it is not: it takes seconds and is seldom needed.

    Raises:
        MissingDependency: it is not installed.
        BrokenDependency: it is, and cannot be loaded, as a library of CUDA is missing or two packages share the name.
    """
    if not {"torch", "faiss"} & set(sys.modules) and (sys.platform != "linux" or _installed("faiss-gpu")):
        with suppress(Exception):  # whoever needs PyTorch itself is told what is wrong with it
            import torch  # noqa: F401
    try:
        import faiss

        if not hasattr(faiss, "read_index"):  # the folder that a removed package left is an empty module
            raise ImportError("nothing is in it, as where faiss-cpu and faiss-gpu were both installed and one removed")
    except ModuleNotFoundError as error:
        if error.name != "faiss":
            raise BrokenDependency("faiss", "cpu", "Searching vectors", error) from error
        raise MissingDependency("faiss-cpu", "cpu", "Searching vectors") from None
    except Exception as error:
        raise BrokenDependency("faiss", "cpu", "Searching vectors", error) from error
    return faiss


def _installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def bm25() -> Any:
    """The class BM25 of bm25s, imported without JAX.

    bm25s computes something with JAX as it is imported, which on a machine with a GPU takes most of its memory, and it
    is never used here. Only what this thread imports for bm25s is refused: a program's own JAX stays as it is.

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
            from bm25s import BM25
        except ModuleNotFoundError as error:
            if error.name != "bm25s":
                raise BrokenDependency("bm25s", "cpu", "Searching words", error) from error
            raise MissingDependency("bm25s", "cpu", "Searching words") from None
        except Exception as error:
            raise BrokenDependency("bm25s", "cpu", "Searching words", error) from error
        finally:
            builtins.__import__ = usual
    return BM25
