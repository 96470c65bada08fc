"""A document stays where it was, moves alone where it must, and does not fill one queue."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hybrid.chat.prompts import Prompt
from hybrid.engines.affinity import bounded, prefix_key, ranked
from hybrid.types import Piece

NAMES = ["http://one/v1", "http://two/v1", "http://three/v1"]


def test_the_question_has_no_part_in_the_key() -> None:
    document = Piece("lease.txt", "The lease ends in May. " * 400, 0)
    keys = {prefix_key(Prompt(question, (document,))) for question in ("When?", "Who?", "How much?")}
    assert len(keys) == 1
    other = Piece("other.txt", document.text, 0)
    assert prefix_key(Prompt("When?", (other,))) not in keys
    assert prefix_key(Prompt("When?", ())) != prefix_key(Prompt("Who?", ()))


def test_keys_are_spread_evenly() -> None:
    homes = Counter(ranked(str(key), NAMES)[0] for key in range(3_000))
    assert all(900 < homes[place] < 1_100 for place in range(3))


def test_only_the_keys_of_a_lost_server_move() -> None:
    for key in map(str, range(500)):
        before, after = ranked(key, NAMES), ranked(key, NAMES[:2])
        assert after == [place for place in before if place != 2]


def test_a_key_stays_at_home_while_there_is_room_and_spills_to_the_same_next() -> None:
    assert bounded([2, 0, 1], [0, 0, 3], floor=4) == 2
    assert bounded([2, 0, 1], [0, 0, 4], floor=4) == 0
    assert bounded([2, 0, 1], [5, 5, 5], floor=4) == 2  # room for a quarter more than the mean
    assert bounded([2, 0, 1], [5, 5, 8], floor=4) == 0


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(0, 4))
def test_no_server_has_more_than_its_part(keys: list[int], floor: int) -> None:
    """Calls of a few hot keys come in and none ends."""
    loads = [0, 0, 0]
    for key in keys:
        place = bounded(ranked(str(key), NAMES), loads, floor)
        loads[place] += 1
        assert loads[place] <= max(floor, -(-1.25 * sum(loads) // 3))
