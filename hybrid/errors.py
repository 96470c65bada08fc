"""Everything that can go wrong, in one tree.

    HybridError                    something failed; exit code 1
    ├── CalledOff                  nobody waits for the answer any more
    └── UserError                  the user can mend it; exit code 2
        ├── InputError             a question, path or option that cannot work
        ├── SettingsError          a wrong or unknown setting
        ├── CorpusError            nothing readable where documents were expected
        ├── MissingDependency      an optional package is not installed
        ├── BrokenDependency       a package is installed and cannot be loaded
        ├── IndexStoreError        an index on disk that cannot be used
        │   ├── IndexDamaged       its contents cannot be read any more
        │   ├── IndexLocked        another process is writing it
        │   └── DocumentGone       a document is not in it, or not any more; a KeyError too
        └── EngineError            the model's server did not do its part
            └── WindowError        the prompt is longer than the engine can read

Every message is one sentence or two: what is wrong, with the numbers, and what to do about it.
"""

from __future__ import annotations

from typing import Any


class HybridError(Exception):
    """The base of every error that this package raises on purpose."""

    exit_code = 1
    usage: Any = None  # the `hybrid.types.Usage` of the calls made until then, which are charged


class CalledOff(HybridError):
    """Nobody waits for the answer any more."""


class UserError(HybridError):
    """An error that the user can mend."""

    exit_code = 2


class InputError(UserError):
    """A question, path or option that cannot work."""


class SettingsError(UserError):
    """A setting that is wrong, unknown or missing."""


class CorpusError(UserError):
    """No readable document where some were expected."""


class MissingDependency(UserError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'hybrid-context[{extra}]'"
        )


class BrokenDependency(UserError):
    """A package is installed and cannot be loaded; the message gives the reason of its import."""

    def __init__(self, package: str, extra: str, purpose: str, error: BaseException) -> None:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
        again = "install it again with pip install --force-reinstall"
        super().__init__(
            f"{purpose} needs the package {package!r}, which is installed but cannot be loaded ({why.rstrip('. ')}). "
            + (
                f"The installation is broken, no index is: {again} 'hybrid-context[{extra}]', and only one of "
                "faiss-cpu and faiss-gpu."
                if package.startswith("faiss")
                else f"The installation is broken: {again} {package}."
            )
        )


class IndexStoreError(UserError):
    """An index on disk that cannot be used as it is."""


class IndexDamaged(IndexStoreError):
    """The contents of this index cannot be read any more.

    Args:
        mended: what to tell when it was made anew.
    """

    def __init__(self, message: str, mended: str = "The index was damaged and was made anew.") -> None:
        super().__init__(message)
        self.mended = mended


class IndexLocked(IndexStoreError):
    """Another process is writing this index."""


class DocumentGone(IndexStoreError, KeyError):
    """A document is not in this index, or not any more."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no document {name!r} in the index, or not any more; ask again if it was just changed."
        )

    __str__ = Exception.__str__  # that of KeyError shows a message in quotes


class EngineError(UserError):
    """An engine could not complete a request."""


class WindowError(EngineError):
    """A prompt is longer than the engine's window."""
