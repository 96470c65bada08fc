"""A model's reply without what it thought aloud before it, also as it streams in.

Servers without a reasoning parser pass a model's thoughts on as text. They are never an answer: they are not shown,
cited or searched for a refusal; their tokens stay in the usage. Thoughts stand at the beginning of a reply or a line,
in the tags that models use. Some chat templates write the opening tag into the prompt, so that only the closing one is
seen: what comes before it is thought too. A tag inside code or quotation marks is text about tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|seed:think|analysis"
# How thoughts open and close: DeepSeek, Qwen and many; Magistral; Kimi; OpenThinker; gpt-oss, its tokens shown or not.
_BLOCKS = (
    (rf"<(?P<tag>{_NAMES})(?:\s[^<>]*)?>", r"</(?P=tag)\s*>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"◁think▷", r"◁/think▷"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\b[^<]*<\|message\|>",
        r"<\|channel\|>final\b[^<]*<\|message\|>",
    ),
    (r"analysis(?=[A-Z])", r"assistantfinal"),
)
_OPENING = re.compile(
    "|".join([rf"<(?:{_NAMES})(?:\s[^<>]*)?>", *(opening for opening, _ in _BLOCKS[1:])]), re.IGNORECASE
)
_CLOSING = re.compile(
    rf"</(?:{_NAMES})\s*>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|channel\|>final\b[^<]*<\|message\|>",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    "|".join(
        rf"(?:{opening}).*?(?:{closing})".replace("tag", f"tag{n}") for n, (opening, closing) in enumerate(_BLOCKS)
    ),
    re.IGNORECASE | re.DOTALL,
)
_LINE = re.compile(r"^[ \t]*(?=[<\[◁])", re.MULTILINE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)
_LEFT = re.compile(r"(?:<\|(?:start|end|return|begin_of_solution|end_of_solution|message)\|>)+(?:assistant)?")
_LONGEST = 64  # characters of an opening tag


def spoken(reply: str) -> str:
    """What a reply says after its thoughts; empty where it broke off while thinking."""
    text = reply.lstrip()
    while found := _WHOLE.match(text):
        if found.group().startswith("analysis") and "assistantfinal" not in text:
            break
        text = text[found.end() :].lstrip()
    opening = _OPENING.match(text)
    if opening is not None and not opening.group().startswith("analysis"):  # it never closes
        return ""
    text = _after_closing(text)
    text = _without_blocks(text)
    if text == reply.lstrip():
        return reply  # as it was, blanks too
    return _LEFT.sub("", text).strip()


def opens_unseen(reply: str) -> bool:
    """Whether a reply begins with thoughts that no tag opens, as where the chat template has written it already."""
    text = reply.lstrip()
    return _OPENING.match(text) is None and _after_closing(text) != text


def _after_closing(text: str) -> str:
    """What follows the last closing tag that nothing opened."""
    code = [found.span() for found in _CODE.finditer(text)]
    last = None
    for found in _CLOSING.finditer(text):
        if any(start <= found.start() < end for start, end in code) or _opened(text[: found.start()], found.group()):
            continue
        last = found
    return text if last is None else text[last.end() :].lstrip()


def _opened(before: str, closing: str) -> bool:
    """Whether a tag that closes was opened before, as in an answer about tags."""
    name = re.sub(r"[</>\s]", "", closing)
    return bool(re.search(rf"<{re.escape(name)}[\s>]", before, re.IGNORECASE)) if closing.startswith("</") else False


def _without_blocks(text: str) -> str:
    """The text without the blocks that begin a line further down."""
    code = [found.span() for found in re.finditer(r"```.*?(?:```|\Z)", text, re.DOTALL)]
    kept, at = "", 0
    for line in _LINE.finditer(text):
        if line.start() < at or any(start <= line.end() < end for start, end in code):
            continue
        found = _WHOLE.match(text, line.end())
        if found is not None:
            kept += text[at : line.start()]
            at = found.end()
    return kept + text[at:]


class Spoken:
    """Passes on what a reply says as it streams in, and holds back what is thought.

    Args:
        on_text: receives the text.
        thinks: the model is known to think without an opening tag: nothing is passed on before the closing one.
    """

    def __init__(self, on_text: Callable[[str], None], *, thinks: bool = False) -> None:
        self._on_text = on_text
        self._held = ""
        self._state = "thinking" if thinks else "beginning"

    def __call__(self, text: str) -> None:
        if self._state == "speaking":
            self._on_text(text)
            return
        self._held += text
        self._look()

    def _look(self) -> None:
        if self._state == "thinking":
            found = _CLOSING.search(self._held) or re.search("assistantfinal", self._held)
            if found is None:
                return
            self._held = self._held[found.end() :]
            self._state = "beginning"
        begun = self._held.lstrip()
        if not begun:
            return
        opening = _OPENING.match(begun)
        if opening is not None and not opening.group().startswith("analysis"):
            self._state, self._held = "thinking", begun[opening.end() :]
            self._look()
        elif re.match(r"analysis[A-Z]", begun):
            self._state, self._held = "thinking", begun
            self._look()
        elif not self._may_open(begun):
            self._state, self._held = "speaking", ""
            self._on_text(begun)

    @staticmethod
    def _may_open(begun: str) -> bool:
        """Whether what has come may still turn out to be an opening tag."""
        if begun.startswith("<|"):  # several tokens in a row
            return len(begun) < _LONGEST
        if begun[0] in "<[◁":
            return len(begun) < _LONGEST and not re.search(r"[>\]▷]", begun)
        return len(begun) < 9 and "analysis".startswith(begun[:8])

    def finish(self, said: str) -> None:
        """The reply has ended and is `said`: pass on what was held back of it, where it was no thought after all."""
        if self._state != "speaking" and said and self._held:
            self._on_text(said)
        self._held, self._state = "", "speaking"
