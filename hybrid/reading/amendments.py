"""Amendments come before the agreements that they amend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from hybrid.chat.prompts import Prompt
from hybrid.engines.base import Completion
from hybrid.index.protocol import Store
from hybrid.text.amendments import amended
from hybrid.types import Piece

_AMONG = 20  # documents that are compared with each other, at most


def amendments(store: Store, pieces: Sequence[Piece]) -> dict[str, tuple[str, ...]]:
    """The amendments of each document among those that are read, the latest first."""
    names = sorted({piece.document for piece in pieces})
    if not 1 < len(names) <= _AMONG:
        return {}
    return amended({name: store.document(name).text for name in names})


def amendments_first(
    prompt: Prompt,
    completion: Completion,
    by: Mapping[str, tuple[str, ...]],
    ask: Callable[[Prompt], Completion],
) -> tuple[Completion, list[str]]:
    """The completion with quotations of an amendment before those of its agreement, and notes that say so.

    Args:
        by: the result of `amendments`.
        ask: asks about an amendment alone, where only the agreement was quoted.
    """
    notes: list[str] = []
    if completion.abstained:
        return completion, notes
    names = {piece.document for piece in prompt.pieces}
    cited = {prompt.pieces[quote.piece].document for quote in completion.quotes} or names
    for base, others in by.items():
        said = [name for name in others if name in cited]
        if base not in cited and not said:
            continue
        if completion.quotes and not said:
            completion = _asked_apart(prompt, completion, others, ask)
            said = [name for name in others if name == prompt.pieces[completion.quotes[0].piece].document]
        if said:
            notes.append(f"{said[0]} amends {base}: what it says comes first.")
            first = sorted(completion.quotes, key=lambda q: prompt.pieces[q.piece].document not in said)
            completion = replace(completion, quotes=tuple(first))
    return completion, notes


def _asked_apart(
    prompt: Prompt, completion: Completion, names: Sequence[str], ask: Callable[[Prompt], Completion]
) -> Completion:
    """The quotations behind one of the latest amendment that answers the question, if one does."""
    for name in names:
        places = [i for i, piece in enumerate(prompt.pieces) if piece.document == name]
        if not places:
            continue
        again = ask(Prompt(prompt.question, tuple(prompt.pieces[i] for i in places)))
        completion = replace(completion, usage=completion.usage + again.usage)
        if not again.abstained:
            first = replace(again.quotes[0], piece=places[again.quotes[0].piece])
            return replace(completion, quotes=(first, *completion.quotes[:1]))
    return completion
