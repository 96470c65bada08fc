"""Retries for calls to a flaky service.

Waits grow by a factor of two and are never longer than MAX_WAIT seconds.
"""

import random
import time

MAX_WAIT = 40.0
ATTEMPTS = 6


class Exhausted(RuntimeError):
    """Raised after the last attempt; its cause is the error of that attempt."""


def wait_before(attempt: int, jitter: float = 0.1) -> float:
    """Seconds to wait before an attempt, with up to ten percent added at random."""
    return min(MAX_WAIT, 2.0**attempt) * (1 + random.uniform(0, jitter))


def call(function, attempts: int = ATTEMPTS):
    """Call a function until it returns; only OSError is retried.

    Raises:
        Exhausted: every attempt failed.
    """
    for attempt in range(attempts):
        try:
            return function()
        except OSError as error:
            if attempt == attempts - 1:
                raise Exhausted(attempts) from error
            time.sleep(wait_before(attempt))
