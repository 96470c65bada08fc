"""Text in which something is hidden, and how much of it fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from hybrid.evals.tasks.files import content, lines

from hybrid.errors import InputError

CARRIED = Path(__file__).resolve().parents[2] / "examples" / "testbed" / "prose.txt"
SOURCE = "A Christmas Carol by Charles Dickens (public domain), or the text that is given"
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[.!?][”’\"'])\s+")


@lru_cache(maxsize=4)
def prose(path: Path | None) -> str:
    """A long text with single blanks: of a text file, or the `text` fields of a JSON Lines file sorted by `name`.

    Args:
        path: None for the carried text, which lies in `examples/` and not in the installed package.

    Raises:
        InputError: the file cannot be read, is empty, or the carried one is not there.
    """
    if path is None and not CARRIED.is_file():
        raise InputError(
            "The carried prose lies in the project's examples/, which are not installed here; name a long text file "
            "in the option haystack, or take ruler/niah_single_1, which needs none."
        )
    file = path or CARRIED
    if ".jsonl" in file.suffixes:
        # sorted, since the order of a folder's files differs between machines
        texts = sorted((row.text("name", ""), row.text("text")) for row in lines(file))
        text = " ".join(text for _, text in texts)
    else:
        text = content(file)
    text = re.sub(r"\s+", " ", text).strip()
    if not text:
        raise InputError(f"{file} is empty; a haystack needs text.")
    return text


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the blanks between them."""
    return [sentence for sentence in _SENTENCE.split(text) if sentence]


def cycled(items: Sequence[str], n: int, start: int = 0) -> list[str]:
    """`n` items from `start` on, from the first again after the last."""
    repeats = -(-(start + n) // len(items))
    return (list(items) * repeats)[start : start + n]


def joined(parts: Sequence[str], glue: str) -> tuple[str, list[int]]:
    """Parts joined, and where each begins."""
    starts, at = [], 0
    for part in parts:
        starts.append(at)
        at += len(part) + len(glue)
    return glue.join(parts), starts


def hide(hay: list[str], places: list[int], said: list[str], glue: str) -> tuple[str, list[tuple[int, int]]]:
    """`said` in its order put before the `places` of the hay, and the range of each in the text."""
    parts, at, before = list[str](), list[int](), 0
    for place, line in zip(places, said, strict=True):
        parts += hay[before:place]
        at.append(len(parts))
        parts.append(line)
        before = place
    parts += hay[before:]
    text, starts = joined(parts, glue)
    return text, [(starts[i], starts[i] + len(parts[i])) for i in at]


def largest(tokens: Callable[[int], int], room: int, least: int) -> int | None:
    """The largest size, to within 0.2 %, whose tokens fit the room; None if not even the least does.

    By doubling and then binary search, so nothing longer than about twice the room is ever counted.
    """
    if tokens(least) > room:
        return None
    low, high = least, 2 * least
    while tokens(high) <= room:
        low, high = high, 2 * high
    while high - low > max(1, low // 500):
        middle = (low + high) // 2
        if tokens(middle) <= room:
            low = middle
        else:
            high = middle
    return low
