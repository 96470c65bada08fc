"""The options of multiple choice: shown in the question, and the gold as a letter."""

from __future__ import annotations

from collections.abc import Iterable

from hybrid.evals.tasks.files import Fields

LETTERS = "ABCDEFGH"


def letter(row: Fields, field: str, golds: tuple[str, ...], choices: tuple[str, ...]) -> str:
    """The letter of the right option, given as a letter or as the option's text."""
    if len(choices) > len(LETTERS):
        raise row.fault("choices", f"has {len(choices)} options; {len(LETTERS)} are the most")
    letters = LETTERS[: len(choices)]
    if len(golds) == 1 and golds[0] in choices:
        return letters[choices.index(golds[0])]
    if len(golds) == 1 and golds[0] in letters:
        return golds[0]
    raise row.fault(
        field, f"has to be one of the options or one letter of {letters}, and is {', '.join(golds) or 'none'}"
    )


def with_options(question: str, choices: Iterable[str]) -> str:
    """The question with its options, which arms that know only the question need to see."""
    shown = [f"({letter}) {text}" for letter, text in zip(LETTERS, choices, strict=False)]
    return "\n".join([question, *shown, "Answer with the letter of the right option."]) if shown else question
