"""A conversation as clients send it: the question, the turns before it, and what is no question at all."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from hybrid.serve.replies import Body, Refused
from hybrid.types import Turn

# Open WebUI asks the model itself for titles, tags and the like; such a message begins so, and says which key it wants
_TASK = re.compile(r"\s*###\s*Task:", re.IGNORECASE)
_WANTED = re.compile(r'"(title|tags|follow_ups|queries|text|prompt)"')
_GIVEN = re.compile(r"\n<(?:chat_history|context)>")  # what it was given begins; it may say anything
# and where a user attaches files it puts their passages before the question, under the same heading
_ATTACHED = re.compile(r"\s*###\s*Task:.*\n<context>.*</context>(.*)", re.IGNORECASE | re.DOTALL)
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
    question = "" if last is None else asked_in(spoken[last].text)
    if not question:
        raise Refused(400, "invalid_request", "There is no question: send a message with the role user and some text.")
    turns = tuple(Turn(role=m.role, text=asked_in(m.text)[:_TURN]) for m in spoken[:last][-TURNS:])
    return question, turns


def asked_in(text: str) -> str:
    """The words of the user in a message; passages of files that a client attached are not read."""
    attached = _ATTACHED.fullmatch(text)
    return (attached[1] if attached else text).strip()


def chore(question: str) -> str | None:
    """The reply to what is no question to documents but a client's wish for a title, tags or the like; else None.

    No engine is asked: a title is the first question, cut; lists stay empty.
    """
    if _TASK.match(question) is None:
        return None
    wanted = _WANTED.search(_GIVEN.split(question, maxsplit=1)[0])
    if wanted is None:
        return None
    said = _FIRST.search(question.partition("<chat_history>")[2] or question)
    replies = {
        "title": " ".join((said[1] if said else "Documents").split()[:6]).strip(" ?.!\"'") or "Documents",
        "prompt": said[1].strip() if said else "",
        "text": "",
    }
    return json.dumps({wanted[1]: replies.get(wanted[1], [])}, ensure_ascii=False)
