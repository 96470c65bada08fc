"""Where each piece stands in the prompt. Pure and deterministic: ties keep the order of the documents.

Models read the ends of a prompt better than its middle, each in its own way (Liu et al., arXiv 2307.03172); they read
many passages better in the document's own order (Yu et al., arXiv 2409.01666).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid.errors import InputError
from hybrid.settings.names import ORDERINGS, Ordering
from hybrid.types import Piece

FEW = 8  # pieces up to which their order hardly matters (Yu et al., arXiv 2409.01666; Jin et al., arXiv 2410.05983)


def relevance(ranked: Sequence[Piece], curve: Sequence[float]) -> list[Piece]:
    """The best first."""
    return list(ranked)


def document(ranked: Sequence[Piece], curve: Sequence[float]) -> list[Piece]:
    """As they stand in the documents."""
    return sorted(ranked, key=lambda p: (p.document, p.start))


def edges(ranked: Sequence[Piece], curve: Sequence[float]) -> list[Piece]:
    """The best first, the second best last, and so on to the middle."""
    return [*ranked[::2], *ranked[1::2][::-1]]


def by_curve(ranked: Sequence[Piece], curve: Sequence[float]) -> list[Piece]:
    """The best piece where the curve is highest, and so on down; of equal positions the earlier is taken first.

    Args:
        curve: scores measured at equally spaced positions from the prompt's first to its last.

    Raises:
        InputError: the curve has fewer than two.
    """
    if len(curve) < 2:
        raise InputError(
            f"The ordering 'curve' needs scores at 2 positions or more, got {len(curve)}. Set routing.curve."
        )
    count = len(ranked)
    heights = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(curve)), curve)
    slots = sorted(range(count), key=lambda i: (-round(float(heights[i]), 9), i))
    placed: list[Piece] = list(ranked)
    for piece, slot in zip(ranked, slots, strict=True):
        placed[slot] = piece
    return placed


def order(pieces: Sequence[Piece], ordering: Ordering, curve: Sequence[float] = ()) -> list[Piece]:
    """The pieces in the order in which a model should read them.

    Args:
        pieces: with their relevance in `score`.
        ordering: a name in `ORDERINGS`.
        curve: for `curve`, scores by position that were measured on the engine.

    Raises:
        InputError: there is no such ordering, or it is `curve` without a curve.
    """
    ordered: list[Piece] = ORDERINGS[ordering](sorted(pieces, key=lambda p: (-p.score, p.document, p.start)), curve)
    return ordered


def choose(count: int, curve: Sequence[float] = ()) -> tuple[Ordering, str]:
    """The ordering `auto` for some pieces, and why: few by relevance, many as measured, else as published.

    Args:
        count: of the pieces.
        curve: scores by position that were measured on the engine; empty: nobody measured it.
    """
    if count <= FEW:
        return "relevance", f"{count} are few"
    if len(curve) > 1:
        return "curve", f"{count} are many, and where this engine reads best was measured"
    return "edges", f"{count} are many, and where this engine reads best was not measured"
