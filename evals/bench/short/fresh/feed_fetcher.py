"""Fetch weather feeds from measuring stations and keep them on disk.

The module downloads one feed per station, checks it and writes it to the
cache folder. Feeds older than the permitted age are fetched again.
Written by Agnes Tolland for the Dunmere weather service.
"""

import json
import time
import urllib.request
from pathlib import Path

CACHE_DIR = Path("/var/cache/stations")
USER_AGENT = "dunmere-feeds/2.7"
MAX_FEED_BYTES = 750_000


class FeedError(Exception):
    """Raised when a feed is too large or holds no readings."""


def download(url, timeout=45, attempts=6, pause=12.5):
    """Return the bytes found at *url*.

    timeout is in seconds. A failed download is repeated until *attempts*
    is reached, with *pause* seconds between two tries.
    """
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
    for number in range(1, attempts + 1):
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.read(MAX_FEED_BYTES + 1)
        except OSError:
            if number == attempts:
                raise
            time.sleep(pause)


def check(data, min_readings=24):
    """Parse *data* and return the readings; raise FeedError if too few."""
    if len(data) > MAX_FEED_BYTES:
        raise FeedError("feed too large")
    readings = json.loads(data)["readings"]
    if len(readings) < min_readings:
        raise FeedError("too few readings")
    return readings


def is_fresh(path, max_age=1800):
    """Tell whether the file is younger than *max_age* seconds."""
    return path.exists() and time.time() - path.stat().st_mtime < max_age


def update(station, base_url="https://feeds.dunmere.example/v3"):
    """Bring the cached feed of *station* up to date and return its path."""
    path = CACHE_DIR / f"{station}.json"
    if not is_fresh(path):
        data = download(f"{base_url}/{station}")
        check(data)
        path.write_bytes(data)
    return path


def average(readings, field="temperature", digits=2):
    """Return the mean of *field*; readings without the field are skipped."""
    values = [r[field] for r in readings if field in r]
    return round(sum(values) / len(values), digits) if values else None
