"""Where each piece stands in the prompt. Pure and deterministic: ties keep the order of the documents.

Models read the ends of a prompt better than its middle, each in its own way (Liu et al., arXiv 2307.03172); many
passages are read better in the document's own order (Yu et al., arXiv 2409.01666).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from hybrid.errors import InputError
from hybrid.types import Piece

Ordering = Literal["relevance", "document", "edges", "curve"]
FEW = 8  # pieces up to which their order hardly matters (Yu et al., arXiv 2409.01666; Jin et al., arXiv 2410.05983)


def choose(count: int, curve: Sequence[float] = ()) -> tuple[Ordering, str]:
    """The ordering for some pieces, and why: few by relevance, many as measured, else as published.

    Args:
        count: of the pieces.
        curve: scores by position that were measured on the engine; empty: nobody measured it.
    """
    if count <= FEW:
        return "relevance", f"{count} are few"
    if len(curve) > 1:
        return "curve", f"{count} are many, and where this engine reads best was measured"
    return "edges", f"{count} are many, and where this engine reads best was not measured"


def order(pieces: Sequence[Piece], ordering: Ordering, curve: Sequence[float] = ()) -> list[Piece]:
    """The pieces in the order in which a model should read them.

    Args:
        pieces: with their relevance in `score`.
        ordering: `relevance` best first; `document` as they stand in the documents; `edges` the best first, the
            second best last, and so on to the middle; `curve` the best where the curve is highest.
        curve: for `curve`, scores measured at equally spaced positions from the prompt's first to its last.

    Raises:
        InputError: `curve` without a curve.
    """
    ranked = sorted(pieces, key=lambda p: (-p.score, p.document, p.start))
    if ordering == "relevance":
        return ranked
    if ordering == "document":
        return sorted(pieces, key=lambda p: (p.document, p.start))
    if ordering == "edges":
        return by_curve(ranked, _edges(len(ranked)))
    if len(curve) < 2:
        raise InputError(
            f"The ordering 'curve' needs scores at 2 positions or more, got {len(curve)}. Set routing.curve."
        )
    return by_curve(ranked, curve)


def by_curve(ranked: Sequence[Piece], curve: Sequence[float]) -> list[Piece]:
    """The best piece on the best position and so on down; of equal positions the earlier is taken first."""
    count = len(ranked)
    heights = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(curve)), curve)
    slots = sorted(range(count), key=lambda i: (-round(float(heights[i]), 9), i))
    placed: list[Piece] = list(ranked)
    for piece, slot in zip(ranked, slots, strict=True):
        placed[slot] = piece
    return placed


def _edges(count: int) -> list[float]:
    """A curve that falls from both ends to the middle, the front a little ahead of the back."""
    if count < 2:
        return [1.0] * 2
    return [-min(2 * i, 2 * (count - 1 - i) + 1) for i in range(count)]
