"""pylance and pyarrow, imported when they are used, and their errors as ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from hybrid.errors import BrokenDependency, HybridError, IndexDamaged, IndexStoreError, MissingDependency

_SAID = (  # what the system or a service says, in lower case, and our sentence
    (("please upgrade lance", "by this version of lance"),
     "a newer version of Lance has written it. Upgrade the package pylance, or give another folder with --index"),
    (("no space left", "os error 28", "os error 27", "file too large", "disk quota", "os error 122"),
     "the disk is full. What was there before is unchanged; free space, or give another folder with --index"),
    (("accessdenied", "access denied", "status 403", "forbidden", "permission denied", "os error 13",
      "signaturedoesnotmatch", "invalidaccesskeyid", "status 401", "unauthorized", "missing credentials",
      "no credentials", "loading credentials", "imds", "credential"),
     "it may not be read or written with the keys that are set. Set the service's keys, or the folder's rights"),
    (("nosuchbucket", "bucket does not exist", "bucketnotfound"), "there is no bucket of that name"),
    (("error sending request", "connection refused", "tcp connect", "dns error", "timed out", "failed to lookup",
      "client error (connect)", "connect error"),
     "nobody answers there. Check the address and the network"),
    (("failed to resolve region",),
     "the region of its bucket is not known. Set AWS_REGION, and AWS_ENDPOINT where the service is not Amazon's"),
    (("no object store provider",), "such an address is not known. Give a folder, s3://bucket/folder or gs://bucket/folder"),
    (("not a directory", "os error 20)", "file exists", "os error 17)"), "a file is where its folder should be"),
    (("read-only file system", "os error 30"),
     "its folder cannot be written. What was there before is unchanged; make it writable, or give another by --index"),
    (("too many open files", "os error 24"), "too many files are open. Close some, or raise the limit"),
    (("cannot allocate memory", "out of memory", "resources exhausted"), "it does not fit the memory that is free"),
)  # fmt: skip


_BROKEN = ("corrupt", "invalid", "parse", "decode", "encountered an internal")


def lance() -> Any:
    """The module lance. Raises MissingDependency or BrokenDependency."""
    os.environ.setdefault("LANCE_LOG", "error")  # what it warns of is told by our own sentences
    return _imported("lance", "pylance")


def preempted(error: BaseException) -> bool:
    """Whether Lance refuses a commit because of another one that came before."""
    said = str(error).lower()
    return type(error).__name__ == "CommitConflictError" or "commit conflict" in said or "preempted by" in said


def arrow() -> Any:
    """The module pyarrow. Raises MissingDependency or BrokenDependency."""
    return _imported("pyarrow", "pyarrow")


def _imported(module: str, package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise BrokenDependency(package, "lance", "An index in Lance", error) from error
        raise MissingDependency(package, "lance", "An index in Lance") from None
    except Exception as error:
        raise BrokenDependency(package, "lance", "An index in Lance", error) from error


@contextmanager
def translated(place: Path | str, verb: Literal["read", "write"]) -> Iterator[None]:
    """Raise an error of Lance, of the system or of a storage service as one sentence of ours."""
    try:
        yield
    except HybridError:
        raise
    except BaseException as error:  # Lance raises OSError, ValueError, RuntimeError, its own, and Rust's panics
        panics = type(error).__name__ == "PanicException"
        if preempted(error) or not (panics or isinstance(error, Exception)):
            raise
        said = str(error)
        low = said.lower()
        for marks, sentence in _SAID:
            if any(mark in low for mark in marks):
                raise IndexStoreError(f"Cannot {verb} the index at {place}: {sentence}.") from None
        told = _short(said)
        if panics or (verb == "write" and isinstance(error, OSError) and not any(word in low for word in _BROKEN)):
            raise IndexStoreError(
                f"Cannot {verb} the index at {place}: {told}. What was there before is unchanged; give another folder "
                "with --index."
            ) from None
        raise IndexDamaged(
            f"The index at {place} cannot be read: {told}. Make it anew with `hybrid index build --rebuild`."
        ) from None


def _short(said: str) -> str:
    """What an error says, without the places in Lance's source."""
    return re.sub(r",? ?/[^ ]*\.rs:\d+:\d+", "", " ".join(said.split())).rstrip(". ")[:200]
