"""A conversation as clients send it: the question, the turns before it, and what is no question at all."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from hybrid.serve.replies import Body, Refused
from hybrid.types import Turn

# Open WebUI asks the model itself for titles, tags and further questions, in a message that begins so
_CHORE = re.compile(r"\s*###\s*Task:", re.IGNORECASE)
TURNS, _TURN = 8, 2_000  # turns before a question, and characters of one, that are read and kept
_FIRST = re.compile(r"(?:USER|user)\s*:\s*(.+)")


class Message(Body):
    """One message of a conversation."""

    role: str = "user"
    content: str | list[Any] | None = None

    @property
    def text(self) -> str:
        """Its text; of a message in parts the text parts."""
        if isinstance(self.content, str):
            return self.content
        parts = [part for part in self.content or () if isinstance(part, dict)]
        return "\n".join(str(part["text"]) for part in parts if isinstance(part.get("text"), str))


def conversation(messages: Sequence[Message]) -> tuple[str, tuple[Turn, ...]]:
    """The last question and the turns before it. What a system message says is not followed: the rules are ours.

    Raises:
        Refused: no message of the user, or an empty one.
    """
    spoken = [message for message in messages if message.role in ("user", "assistant") and message.text.strip()]
    last = max((i for i, message in enumerate(spoken) if message.role == "user"), default=None)
    if last is None:
        raise Refused(400, "invalid_request", "There is no question: send a message with the role user and some text.")
    turns = tuple(Turn(role=m.role, text=m.text[:_TURN]) for m in spoken[:last][-TURNS:])
    return spoken[last].text.strip(), turns


def is_chore(question: str) -> bool:
    """Whether a client asks for a title, tags or further questions, and not about the documents."""
    return _CHORE.match(question) is not None


def chore(question: str) -> str:
    """The reply to a client's chore, no engine asked: a title is the first question, cut; others stay empty."""
    lowered = question.lower()
    if "title" in lowered.partition("\n### guidelines")[0]:
        said = _FIRST.search(question.partition("<chat_history>")[2] or question)
        words = (said[1] if said else "Documents").split()
        title = " ".join(words[:6]).strip(" ?.!\"'") or "Documents"
        return json.dumps({"title": title}, ensure_ascii=False)
    for key in ("follow_ups", "tags", "queries"):
        if key in lowered:
            return f'{{"{key}": []}}'
    return "{}"
