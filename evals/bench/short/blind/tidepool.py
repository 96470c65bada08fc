"""Helpers for the tide pool survey: reading quadrat sheets and scoring them.

A quadrat is a square frame that is laid on the rock. Every sheet holds the
species counted in one frame.
"""

import csv
import time

FRAME_SIDE_CM = 50
MAX_SPECIES = 64
DEFAULT_OBSERVER = "unassigned"
RETRY_PAUSE = 2.5          # seconds between two upload attempts
UPLOAD_ATTEMPTS = 4
ZONES = ("splash", "upper", "middle", "lower")


class SheetError(Exception):
    """Raised when a sheet cannot be understood."""


class FrameOverflow(SheetError):
    """Raised when a sheet lists more than MAX_SPECIES species."""


def read_sheet(path, delimiter="|"):
    """Read one sheet and return a dict of species name to count.

    Lines that start with '%' are comments and are skipped. A species that
    is listed twice has its counts added up.
    """
    counts = {}
    with open(path, encoding="utf-8") as handle:
        for row in csv.reader(handle, delimiter=delimiter):
            if not row or row[0].startswith("%"):
                continue
            if len(row) != 2:
                raise SheetError("expected two columns: %r" % (row,))
            counts[row[0]] = counts.get(row[0], 0) + int(row[1])
    if len(counts) > MAX_SPECIES:
        raise FrameOverflow(path)
    return counts


def density(count, side_cm=FRAME_SIDE_CM):
    """Return the number of animals per square metre."""
    if side_cm <= 0:
        raise ValueError("side_cm must be positive")
    return count / (side_cm / 100) ** 2


def zone_of(height_m):
    """Give the name of the shore zone for a height above chart datum.

    Heights above 3.8 m are 'splash', above 2.6 m 'upper', above 1.1 m
    'middle'; everything else is 'lower'.
    """
    for limit, name in ((3.8, "splash"), (2.6, "upper"), (1.1, "middle")):
        if height_m > limit:
            return name
    return "lower"


def richness(counts, ignore_singletons=False):
    """Count how many species were seen; optionally leave out those seen once."""
    least = 2 if ignore_singletons else 1
    return sum(1 for n in counts.values() if n >= least)


def upload(sheet, send):
    """Try to send a sheet; return True once it worked, False if it never did.

    Only ConnectionError is retried. Any other error goes to the caller.
    """
    for _ in range(UPLOAD_ATTEMPTS):
        try:
            send(sheet)
            return True
        except ConnectionError:
            time.sleep(RETRY_PAUSE)
    return False
