"""The length up to which a score holds, by RULER's rule."""

from __future__ import annotations

from collections.abc import Mapping

from hybrid.errors import InputError

THRESHOLD = 0.856  # Llama-2-7B-chat at 4 096 tokens


def effective_length(scores: Mapping[int, float]) -> int | None:
    """The longest tested length whose mean score is at least the threshold; None if there is none.

    Args:
        scores: tokens to the mean over the thirteen tasks, 0 to 1; compared as printed, to a tenth of a percent.

    Raises:
        InputError: a score above 1.
    """
    for length, score in scores.items():
        if score > 1:
            raise InputError(f"The score at {length} tokens is {score}; scores are 0 to 1, so divide percent by 100.")
    return max((length for length, score in scores.items() if round(score, 3) >= THRESHOLD), default=None)
