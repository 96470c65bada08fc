"""Which of several servers a document stays with, so that its prefix is computed once and found again.

Rendezvous hashing: every server gets a score from the key and its own name, and the best score wins; where that server
is lost, only its own keys move, each to its next best (Thaler and Ravishankar, "Using Name-Based Mappings to Increase
Hit Rates", IEEE/ACM Transactions on Networking 6(1), 1998). Bounded loads: a server that already has more than its part
of all that is under way passes a key on to the next in that key's order, so that one hot document cannot keep everybody
waiting in one queue (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018, arXiv
1608.01350). A key always spills to the same next server, which then has its prefix too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b

from hybrid.chat.prompts import Prompt, block

SLACK = 1.25  # times the mean load that one server may have: 1 + epsilon of the paper
_BEGINNING = 2_000  # characters of a prompt's first text that tell one prefix from another


def prefix_key(prompt: Prompt) -> str:
    """A digest of the text that a prompt's stable prefix begins with; the question has no part in it."""
    text = block(prompt.pieces[0], 1) if prompt.pieces else prompt.messages()[-1]["content"]
    return blake2b(text[:_BEGINNING].encode("utf-8", "replace"), digest_size=16).hexdigest()


def ranked(key: str, names: Sequence[str]) -> list[int]:
    """The places of some names in the order in which a key prefers them."""
    scores = [blake2b(f"{key}\0{name}".encode("utf-8", "replace"), digest_size=8).digest() for name in names]
    return sorted(range(len(names)), key=scores.__getitem__, reverse=True)


def bounded(order: Sequence[int], loads: Sequence[float], floor: float = 0.0, slack: float = SLACK) -> int:
    """The first place in a key's order whose load leaves room for one more.

    Args:
        order: places that may be taken, the preferred first.
        loads: of every place.
        floor: a load up to which a place always takes more.
        slack: times the mean load that a place may have.
    """
    most = max(floor, math.ceil(slack * (sum(loads[place] for place in order) + 1) / len(order)))
    return next((place for place in order if loads[place] + 1 <= most), order[0])
