"""How many passages are worth reading: up to the largest gap in their scores (Adaptive-k, arXiv 2506.08479)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hybrid.types import Candidate

_BUFFER = 1  # passages kept after the gap, because scores err


def kept(candidates: Sequence[Candidate], k: int) -> int:
    """Passages to read of the first `k`: those before the largest gap between neighbours, and one more."""
    scores = [candidate.score for candidate in candidates[:k]]
    if len(scores) < 2:
        return k
    gaps = [before - after for before, after in pairwise(scores)]
    return min(k, gaps.index(max(gaps)) + 1 + _BUFFER)
