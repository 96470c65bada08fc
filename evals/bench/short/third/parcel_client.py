"""Client for the Swiftlane parcel tracking service.

The module asks the service for the state of a parcel and keeps answers in a
small cache. It was written by Oskar Nyberg for the returns desk.
"""

import time

BASE_URL = "https://api.swiftlane.example/v3"
TIMEOUT_SECONDS = 12
CACHE_LIFETIME = 540   # seconds
MAX_ATTEMPTS = 4


class ParcelNotFound(Exception):
    """Raised when the service does not know the parcel number."""


class ParcelClient:
    """Looks up parcels. One client can be shared by several threads."""

    def __init__(self, token, transport, clock=time.monotonic):
        self.token = token
        self.transport = transport
        self.clock = clock
        self._cache = {}

    def check_number(self, number):
        """Return True if the number has 14 characters and begins with SL."""
        return len(number) == 14 and number.startswith("SL")

    def state(self, number):
        """Return the state of a parcel as a lower-case string.

        Raises ValueError for a malformed number and ParcelNotFound when the
        service answers with status 404.
        """
        if not self.check_number(number):
            raise ValueError("malformed parcel number")
        hit = self._cache.get(number)
        if hit and self.clock() - hit[0] < CACHE_LIFETIME:
            return hit[1]
        answer = self._request("/parcels/" + number)
        if answer is None:
            return "unknown"
        if answer.status == 404:
            raise ParcelNotFound(number)
        value = answer.json()["state"].lower()
        self._cache[number] = (self.clock(), value)
        return value

    def _request(self, path):
        """Send a request; retry on status 503, waiting longer each time.

        The first wait is 1.5 seconds and each later wait is doubled.
        Returns None after the last failed attempt.
        """
        wait = 1.5
        for attempt in range(MAX_ATTEMPTS):
            headers = {"X-Swiftlane-Token": self.token}
            answer = self.transport.get(
                BASE_URL + path, headers=headers, timeout=TIMEOUT_SECONDS)
            if answer.status != 503:
                return answer
            if attempt + 1 < MAX_ATTEMPTS:
                time.sleep(wait)
                wait *= 2
        return None

    def clear(self):
        """Empty the cache and return the number of entries removed."""
        count = len(self._cache)
        self._cache.clear()
        return count
