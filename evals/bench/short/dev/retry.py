"""Calling something that may fail, again, with growing pauses."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MAX_ATTEMPTS = 5
FIRST_PAUSE = 0.25  # seconds
RETRYABLE = (ConnectionError, TimeoutError)


class GivenUp(Exception):
    """Raised when the last attempt failed too; `cause` is what it failed with."""

    def __init__(self, cause: BaseException, attempts: int) -> None:
        super().__init__(f"gave up after {attempts} attempts")
        self.cause = cause


def pause_before(attempt: int, jitter: bool = True) -> float:
    """Seconds to wait before an attempt: doubled each time and capped at 8, with up to 20 % of noise."""
    seconds = min(8.0, FIRST_PAUSE * 2**attempt)
    return seconds * random.uniform(0.8, 1.2) if jitter else seconds


def retry(call: Callable[[], T], attempts: int = MAX_ATTEMPTS) -> T:
    """Call until it succeeds.

    Errors other than those in RETRYABLE are raised at once, since repeating would not help.
    """
    for attempt in range(attempts):
        try:
            return call()
        except RETRYABLE as error:
            if attempt + 1 == attempts:
                raise GivenUp(error, attempts) from error
            time.sleep(pause_before(attempt))
    raise ValueError("attempts must be at least 1")


def is_retryable(error: BaseException) -> bool:
    """Whether it is worth trying again after this error."""
    return isinstance(error, RETRYABLE)
