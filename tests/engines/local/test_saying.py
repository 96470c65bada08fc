"""Text as tokens come: nothing is shown that could change, and a stop ends it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hybrid.engines.local.saying import Saying

LETTERS = "abcdefghij"


def letters(tokens: Sequence[int]) -> str:
    return "".join(LETTERS[token] for token in tokens)


def of_bytes(tokens: Sequence[int]) -> str:
    return bytes(tokens).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("stops", "text", "shown", "stopped"),
    [
        ((), "abcde", ["a", "b", "c", "d", "e"], False),
        (("c",), "ab", ["a", "b"], True),
        (("cd",), "ab", ["a", "b"], True),
        (("cf",), "abcde", ["a", "b", "cd", "e"], False),  # what could begin the stop waits for one token
        (("bcde", "c"), "ab", ["a", "b"], True),
        (("ef",), "abcde", ["a", "b", "c", "d", "e"], False),  # held back, and shown at the end
        (("",), "abcde", ["a", "b", "c", "d", "e"], False),
        (("a",), "", [], True),
    ],
)
def test_stops(stops: tuple[str, ...], text: str, shown: list[str], stopped: bool) -> None:
    heard: list[str] = []
    saying = Saying(letters, stops, heard.append)
    for token in range(5):
        if saying.take(token):
            break
    assert saying.finish() == text == "".join(heard)
    assert saying.stopped is stopped
    if "bcde" not in stops:
        assert heard == shown


def test_half_a_character_is_not_shown() -> None:
    heard: list[str] = []
    saying = Saying(of_bytes, (), heard.append)
    for byte in "é🙂".encode():
        saying.take(byte)
    assert heard == ["é", "🙂"]
    assert saying.finish() == "é🙂"
    broken = Saying(of_bytes)
    broken.take("é".encode()[0])
    assert broken.text == ""
    assert broken.finish() == "\ufffd"  # no more will come


def test_what_comes_after_a_stop_is_not_taken() -> None:
    saying = Saying(letters, ("b",))
    assert [saying.take(token) for token in (0, 1, 2)] == [False, True, True]
    assert saying.finish() == "a"
    assert saying.tokens == [0, 1]
