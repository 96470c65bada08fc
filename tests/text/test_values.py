"""Values in texts: what they are worth, in which unit, and where they stand."""

from __future__ import annotations

import pytest

from hybrid.text.values import Measure, values


@pytest.mark.parametrize(
    ("text", "measure", "expected"),
    [
        ("thirty (30) days' notice", "duration", [(30, "days")]),
        ("six months, thirty-six months", "duration", [(182.62, "days"), (1095.75, "days")]),
        ("one hundred twenty days and 2 weeks", "duration", [(120, "days"), (14, "days")]),
        ("a six-month period; twenty four (24) calendar months", "duration", [(182.62, "days"), (730.5, "days")]),
        ("on the first of the month", "duration", []),
        ("£48,000 a year", "amount", [(48_000, "GBP/year")]),
        ("$1,380 a month, due on the 1st", "amount", [(16_560, "USD/year")]),
        ("an annual fee of $2,500", "amount", [(2_500, "USD/year")]),
        ("4,000 euros and 2 million euros", "amount", [(4_000, "EUR"), (2_000_000, "EUR")]),
        ("US$3.5m, £2 million, USD 10k", "amount", [(3_500_000, "USD"), (2_000_000, "GBP"), (10_000, "USD")]),
        ("$140 an hour", "amount", [(140, "USD/hour")]),
        ("9.4 cents a can", "amount", [(0.094, "cents of a currency")]),
        ("12,000 frames", "amount", []),
        ("3 per cent, 0.5 % and ten percent", "percent", [(3, "%"), (0.5, "%"), (10, "%")]),
        ("1,234.5 and seven", "number", [(1234.5, ""), (7, "")]),
        ("two thousand five hundred", "number", [(2500, "")]),
        ("eine Frist von dreißig (30) Tagen; 3 Monate", "duration", [(30, "days"), (91.31, "days")]),
        ("un préavis de 6 mois, dos: 15 días", "duration", [(182.62, "days"), (15, "days")]),
        ("1.000 € im Monat; jährlich 500 Euro", "amount", [(12_000, "EUR/year"), (500, "EUR/year")]),
        ("1 200 € par an; 800 euros al mes", "amount", [(1_200, "EUR/year"), (9_600, "EUR/year")]),
        ("$5 an, $5 annexed", "amount", [(5, "USD"), (5, "USD")]),
    ],
)
def test_values_with_their_units(text: str, measure: Measure, expected: list[tuple[float, str]]) -> None:
    found = values(text, measure)
    assert [(round(value.number, 3 if value.number < 1 else 2), value.unit) for value in found] == expected
    assert all(text[value.start : value.end] == value.text for value in found)


def test_a_date_that_can_be_read_in_two_ways_has_both() -> None:
    assert len(values("on 6/1/2024", "date")) == 2
    first, second = values("from 5th day of May, 2018 to 28 February 2027", "date")
    assert (first.unit, second.number - first.number) == ("date", 3221)
    assert values("on 31 February 2024", "date") == []
