"""The order of the pieces in the prompt, without I/O or chance: ties keep the order of the documents.

Models read the ends of a prompt better than its middle, each in its own way (Liu et al., arXiv 2307.03172), and many
passages better in the document's own order (Yu et al., arXiv 2409.01666).
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
    """The order of the documents."""
    return sorted(ranked, key=lambda p: (p.document, p.start))


def edges(ranked: Sequence[Piece], curve: Sequence[float]) -> list[Piece]:
    """The best first, the second best last, and so on to the middle."""
    return [*ranked[::2], *ranked[1::2][::-1]]


def by_curve(ranked: Sequence[Piece], curve: Sequence[float]) -> list[Piece]:
    """The best piece where the curve is highest, and so on down; of equal positions the earlier one first.

    Args:
        curve: scores measured at equally spaced positions from the prompt's first to its last.

    Raises:
        InputError: the curve has fewer than two scores.
    """
    if len(curve) < 2:
        raise InputError(
            f"The ordering 'curve' needs scores at 2 positions or more, got {len(curve)}. Set routing.curve."
        )
    heights = np.interp(np.linspace(0, 1, len(ranked)), np.linspace(0, 1, len(curve)), curve)
    slots = np.argsort(-heights.round(9), kind="stable")
    return [ranked[rank] for rank in np.argsort(slots)]


def order(pieces: Sequence[Piece], ordering: Ordering, curve: Sequence[float] = ()) -> list[Piece]:
    """The pieces in the order in which a model should read them.

    Args:
        pieces: with their relevance in `score`.
        ordering: a name in `ORDERINGS`.
        curve: for `curve`, scores by position that were measured on the engine.

    Raises:
        InputError: there is no such ordering, or no curve for `curve`.
    """
    ordered: list[Piece] = ORDERINGS[ordering](sorted(pieces, key=lambda p: (-p.score, p.document, p.start)), curve)
    return ordered


def choose(count: int, curve: Sequence[float] = ()) -> tuple[Ordering, str]:
    """The ordering that `auto` means, and why: few pieces by relevance, many as measured, else as published.

    Args:
        count: of the pieces.
        curve: scores by position that were measured on the engine; empty where nobody measured it.
    """
    if count <= FEW:
        return "relevance", f"{count} are few"
    if len(curve) > 1:
        return "curve", f"{count} are many, and where this engine reads best was measured"
    return "edges", f"{count} are many, and where this engine reads best was not measured"
