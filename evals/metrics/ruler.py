"""The metrics of NVIDIA/RULER (commit c3f5e3b)."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTROL = re.compile(r"[\x00-\x1f]")


def match_all(prediction: str, golds: Sequence[str]) -> float:
    """RULER: the share of golds that occur in the prediction, upper and lower case alike; 0 without golds.

    Traps: control characters become line breaks, so a gold with a tab is never found; golds are searched as characters,
    so "12" is in "123" and "rain" in "train"; nothing but the ends is stripped.
    """
    text = _ruler(prediction)
    return sum(gold.lower() in text for gold in golds) / max(1, len(golds))


def match_part(prediction: str, golds: Sequence[str]) -> float:
    """RULER's question answering: 1 if any gold occurs in the prediction, else 0; the traps of `match_all`."""
    text = _ruler(prediction)
    return float(any(gold.lower() in text for gold in golds))


def _ruler(prediction: str) -> str:
    return _CONTROL.sub("\n", prediction.strip()).strip().lower()
