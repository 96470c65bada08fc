"""Shipping rates for the Copperline parcel service.

All weights are in kilograms and all sums in euros, without VAT.
The tariff is valid from 1 July 2025.
"""

from datetime import date, timedelta

MAX_WEIGHT_KG = 31.5
MAX_LENGTH_CM = 175
BASE_FEE = 4.80
FEE_PER_KG = 0.65
ISLAND_SURCHARGE = 7.25
BULKY_FACTOR = 1.4
FUEL_PERCENT = 6.5
FREE_INSURANCE_LIMIT = 500

DELIVERY_DAYS = {
    "standard": 3,
    "express": 1,
    "economy": 6,
}


class ParcelTooHeavy(ValueError):
    """Raised when a parcel weighs more than MAX_WEIGHT_KG."""


def volumetric_weight(length, width, height):
    """Return the volumetric weight of a box measured in centimetres.

    The divisor 5000 is the one agreed with the carrier.
    """
    return length * width * height / 5000


def price(weight, *, island=False, bulky=False):
    """Return the price of one parcel, rounded to two decimals.

    The island surcharge is added after the bulky factor, so it is
    never multiplied. The fuel surcharge is applied last.
    """
    if weight > MAX_WEIGHT_KG:
        raise ParcelTooHeavy(f"{weight} kg is over the limit")
    total = BASE_FEE + FEE_PER_KG * weight
    if bulky:
        total *= BULKY_FACTOR
    if island:
        total += ISLAND_SURCHARGE
    return round(total * (1 + FUEL_PERCENT / 100), 2)


def insurance_fee(value):
    """Return the insurance fee for goods of the given value.

    Goods worth up to FREE_INSURANCE_LIMIT are insured at no cost;
    above it the fee is 1.2 percent of the part over the limit.
    """
    return round(max(0, value - FREE_INSURANCE_LIMIT) * 0.012, 2)


def delivery_date(sent, service="standard"):
    """Return the planned delivery date, moving Sundays to Monday."""
    day = sent + timedelta(days=DELIVERY_DAYS[service])
    if day.weekday() == 6:
        day += timedelta(days=1)
    return day
