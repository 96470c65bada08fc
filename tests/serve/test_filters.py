"""Filters over attributes, as OpenAI's API has them."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid.serve.filters import Filter
from hybrid.serve.replies import Refused, fitted

KNOWN = {"year": 2024, "kind": "lease", "signed": True, "rent": 1240.5}


def one(type_: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": type_, "key": key, "value": value}


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        (one("eq", "kind", "lease"), True),
        (one("eq", "signed", False), False),
        (one("ne", "kind", "lease"), False),
        (one("ne", "other", "x"), True),
        (one("gt", "year", 2023), True),
        (one("gt", "year", 2024), False),
        (one("gte", "year", 2024), True),
        (one("lt", "rent", 1240.6), True),
        (one("lte", "rent", 1240), False),
        (one("gt", "year", "2023"), False),
        (one("in", "year", [2023, 2024]), True),
        (one("in", "kind", ["loan"]), False),
        (one("nin", "kind", ["loan"]), True),
        (one("nin", "other", ["x"]), True),
        ({"type": "and", "filters": [one("eq", "kind", "lease"), one("gt", "year", 2030)]}, False),
        ({"type": "or", "filters": [one("eq", "kind", "lease"), one("gt", "year", 2030)]}, True),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "or", "filters": [one("eq", "year", 1), one("eq", "year", 2024)]},
                    one("ne", "kind", "x"),
                ],
            },
            True,
        ),
    ],
)
def test_every_comparison_and_both_joins_hold_as_they_say(given: dict[str, Any], holds: bool) -> None:
    assert fitted(Filter, given).holds(KNOWN) is holds


@pytest.mark.parametrize(
    "given", [one("like", "kind", "l"), {"key": "kind", "value": "lease"}, one("eq", "kind", {"a": 1})]
)
def test_what_is_no_filter_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="does not fit"):
        fitted(Filter, given)


def test_among_what_has_to_be_a_list() -> None:
    with pytest.raises(Refused, match="needs a list of values"):
        fitted(Filter, one("in", "kind", "lease")).holds(KNOWN)
