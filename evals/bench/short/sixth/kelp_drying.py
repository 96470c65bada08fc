"""Drying-room arithmetic for the Skerrow kelp shed."""

import csv
import math
from datetime import date

DEFAULT_TEMP_C = 38.0
MAX_TEMP_C = 52.5
LOAD_KG_PER_RACK = 14.5
RACKS_IN_SHED = 26
TARGET_MOISTURE = 0.12

SPECIES_FACTOR = {"sugar": 1.0, "dulse": 0.74, "oarweed": 1.35}


class RackOverloaded(ValueError):
    """More wet kelp was offered than the shed has racks for."""


class TooHot(ValueError):
    """The temperature asked for would scorch the fronds."""


def racks_needed(wet_kg):
    """Return how many racks a wet load takes, rounded up."""
    racks = math.ceil(wet_kg / LOAD_KG_PER_RACK)
    if racks > RACKS_IN_SHED:
        raise RackOverloaded(f"{racks} racks needed, {RACKS_IN_SHED} in shed")
    return racks


def hours_to_dry(species, temp_c=DEFAULT_TEMP_C, humidity=0.55):
    """Estimate the drying time in hours for one load.

    Unknown species are treated like oarweed, the slowest one.
    """
    if temp_c > MAX_TEMP_C:
        raise TooHot(f"{temp_c} is above {MAX_TEMP_C}")
    factor = SPECIES_FACTOR.get(species, SPECIES_FACTOR["oarweed"])
    return round(31 * factor * (1 + humidity) * DEFAULT_TEMP_C / temp_c, 1)


def fan_speed(humidity):
    """Choose the fan setting from the relative humidity (0 to 1)."""
    if humidity >= 0.8:
        return "gale"
    if humidity >= 0.6:
        return "breeze"
    return "idle"


def batch_label(species, rack, when=None):
    """Make the text printed on the rack tag, e.g. DUL-07-0312."""
    when = when or date.today()
    return f"{species[:3].upper()}-{rack:02d}-{when:%m%d}"


def append_log(path, label, wet_kg, dry_kg):
    """Add one line to the shed log; skip it silently if dry_kg is None."""
    if dry_kg is None:
        return False
    with open(path, "a", newline="") as fh:
        csv.writer(fh, delimiter="|").writerow([label, wet_kg, dry_kg])
    return True
