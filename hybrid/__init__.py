"""Answers questions over long documents at the lowest GPU cost that keeps the accuracy.

    from hybrid import answer
    a = answer("When does the agreement end?", "contracts/")
    print(a.text, a.route, a.reason)

Names are loaded when they are first used, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from hybrid.corpus.corpus import Corpus
    from hybrid.errors import HybridError, UserError
    from hybrid.session.hybrid import Hybrid, answer
    from hybrid.settings import Settings, load
    from hybrid.types import Answer, Citation, Cost, Decision, Usage

_NAMES = {
    "corpus.corpus": ("Corpus",),
    "errors": ("HybridError", "UserError"),
    "session.hybrid": ("Hybrid", "answer"),
    "settings": ("Settings", "load"),
    "types": ("Answer", "Citation", "Cost", "Decision", "Usage"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
__all__ = [
    "Answer",
    "Citation",
    "Corpus",
    "Cost",
    "Decision",
    "Hybrid",
    "HybridError",
    "Settings",
    "Usage",
    "UserError",
    "answer",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"hybrid.{_HOMES[name]}"), name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hybrid-context")
    except PackageNotFoundError:  # read from a folder, without being installed
        return "unknown"


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
