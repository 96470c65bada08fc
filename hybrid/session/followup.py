"""A question that follows others, put so that it stands alone: passages are found by it, and the router judges by it.

A model rewrites it where one answers; a rule does where answers are quoted, and where a model's words are no question.
The rule knows English: words such as "it" become what the question before was about, and "And the deposit?" takes the
place of what that asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from hybrid.errors import InputError
from hybrid.types import Turn

_POINTING = re.compile(
    r"\b(it|its|they|them|their|theirs|he|she|him|her|his|hers|this|that|these|those|there|one|ones|"
    r"the (?:same|other|latter|former))\b",
    re.IGNORECASE,
)
_OWNING = re.compile(r"\b(its|their)\b(?=\s+\w)", re.IGNORECASE)
_PERSON = re.compile(r"\b(he|she|him|his|her|hers)\b", re.IGNORECASE)
_IDENTIFIER = re.compile(r"\b\w+(?:_\w+)+\b(?:\(\))?|\b\w+\(\)|\b[a-z]\w*\.\w+\b")
_STANDING = re.compile(
    r"\b(it|they|them|this one|that one|(?:this|that)(?!\s+\w)|"
    r"(?:this|that|these|those)(?=\s+(?:is|are|was|were|does|do|did|has|have|ends?|begins?|costs?)\b))\b",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"^\s*(?:(?:and|but|or|so|then)\s+(?:what|how)\s+about|(?:what|how)\s+about|and|but|or|then)\b[\s,:]*(.+?)[\s?.!]*$",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"\b(who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|may|must|shall|should|will|"
    r"would|has|have|had|list|name|tell|show|explain|compare|describe)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b(?:[A-Z][\w&.-]*|[A-Z]{2,})(?:\s+(?:of\s+|the\s+|and\s+)?[A-Z][\w&.-]*)*")
_PHRASE = re.compile(
    r"\b(?:the|this|that|these|those|our|your|a|an)\s+((?:[\w'-]+\s+){0,3}?[\w'-]+)"
    r"(?=\s+(?:is|are|was|were|do|does|did|has|have|had|may|must|shall|can|will|should|would|in|on|at|by|for|from|to|"
    r"with|under|after|before|when|if|ends?|begins?|expires?|starts?|costs?|runs?|says?|takes?|applies|covers?|"
    r"terminates?|require[sd]?|of|and|or)\b|\s*[?.!,;]|\s*$)",
    re.IGNORECASE,
)
_LONGEST = 400  # characters of a question that a model has rewritten
_FEW = 4  # words of a question that says little by itself


def turns(history: Sequence[Turn | Mapping[str, str]]) -> tuple[Turn, ...]:
    """The turns of a conversation, also from messages with `role` and `content`; those of a system are left out.

    Raises:
        InputError: something is no turn.
    """
    found = []
    for turn in history:
        if isinstance(turn, Mapping):
            if turn.get("role") in ("system", "developer", "tool"):
                continue
            try:
                turn = Turn.model_validate({"role": turn.get("role"), "text": turn.get("content", turn.get("text"))})
            except ValidationError:
                raise InputError(
                    f"{dict(turn)!r} is no turn of a conversation: give role, user or assistant, and content, a text."
                ) from None
        if not isinstance(turn, Turn):
            raise InputError(f"A {type(turn).__name__} is no turn: give a Turn, or a message with role and content.")
        found.append(turn)
    return tuple(found)


def depends(question: str, history: Sequence[Turn]) -> bool:
    """Whether a question may need the turns before it to be understood."""
    if not any(turn.role == "user" for turn in history):
        return False
    words = re.findall(r"\w+", question)
    return bool(_POINTING.search(question) or _SHORT.match(question) or len(words) < _FEW or not question.isascii())


def by_rule(question: str, history: Sequence[Turn]) -> str:
    """The question with what it points at taken from the last question before it; as it is where nothing fits."""
    before = next((turn.text.strip() for turn in reversed(history) if turn.role == "user"), "")
    if not before:
        return question
    short = _SHORT.match(question)
    if short and not _ASKING.search(short[1]):
        return _in_place(before, short[1])
    topic = _topic(before)
    if short and _ASKING.match(short[1]):
        question = f"{short[1][0].upper()}{short[1][1:]}?"
    if not topic:
        return question
    owner = f"{topic}'" if topic.endswith("s") else f"{topic}'s"
    found, owned = _OWNING.subn(lambda _: owner, question, count=1)
    if owned:
        return found
    found, stood = _STANDING.subn(lambda _: topic, question, count=1)
    if stood:
        return found[0].upper() + found[1:]
    if len(re.findall(r"\w+", question)) < _FEW:
        return f"{question} {before}"
    return f"{question} ({topic})" if _PERSON.search(question) else question


def checked(reply: str, question: str, history: Sequence[Turn]) -> str:
    """A model's rewriting where it can be one, else the rule's."""
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    text = lines[0].strip("\"'` ") if len(lines) == 1 else ""
    text = re.sub(r"^(?:rewritten |standalone )?question:\s*", "", text, flags=re.IGNORECASE)
    return text if 2 < len(text) <= _LONGEST else by_rule(question, history)


def _topic(question: str) -> str:
    """What a question is about: the last thing that it names, better one with an article than one without."""
    identifiers = _IDENTIFIER.findall(question)
    if identifiers:
        return str(identifiers[-1])
    phrases = [match[0] for match in _PHRASE.finditer(question)]
    names = [name[0] for name in _NAME.finditer(question) if name.start() > 0 and not _ASKING.fullmatch(name[0])]
    if names and not phrases:
        return names[-1]
    if not phrases:
        return ""
    topic = re.sub(r"^(?:this|that|a|an)\b", "the", phrases[-1], flags=re.IGNORECASE)
    return topic[0].lower() + topic[1:]


def _in_place(before: str, part: str) -> str:
    """The question before, about something else: `part` stands where the thing of its kind stood."""
    core = re.sub(r"^(?:the|a|an|our|this|that)\s+", "", part, flags=re.IGNORECASE)
    head = core.split()[-1].lower()
    phrases = list(_PHRASE.finditer(before))
    names = [name for name in _NAME.finditer(before) if name.start() > 0 and not _ASKING.fullmatch(name[0])]
    alike = [match for match in (*phrases, *names) if match[0].split()[-1].lower() == head]
    if core[0].isupper():
        alike = alike or names
    spots = alike or phrases or names
    if not spots:
        return f"{part[0].upper()}{part[1:]}: {before}"
    spot = spots[-1]
    return f"{before[: spot.start()]}{part}{before[spot.end() :]}"
