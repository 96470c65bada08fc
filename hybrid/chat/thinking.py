"""A model's reply without what it thought aloud before it, also as it streams in.

Servers without a reasoning parser pass a model's thoughts on as text. They are never an answer: nobody sees them, and
they are not cited or searched for a refusal; their tokens stay in the usage. Thoughts stand at the beginning of a reply
or a line, in the tags that models use. Some chat templates write the opening tag into the prompt, so that a reply has
only the closing one; the text before it is thought too. A tag inside code or quotation marks is text about tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NAMES = r"(?:\w+[:_])?think|thinking|thoughts?|reasoning|reflection|analysis"
# How thoughts open and close in tokens: Magistral; Kimi; OpenThinker; Command; Gemma in two ways; gpt-oss
_TOKENS = (
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"◁think▷", r"◁/think▷"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"<\|channel>thought\b", r"<channel\|>"),
    (r"<unused94>(?:thought\b)?", r"<unused95>"),
    (
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\b[^<]*<\|message\|>",
        r"<\|channel\|>final\b[^<]*<\|message\|>",
    ),
)
_WORDS = (  # and in words, which are thoughts only where both are there: gpt-oss without its tokens, Granite
    (r"(?-i:analysis(?=[A-Z]))", r"assistantfinal"),
    (r"Here(?:['\u2019]s| is) my thought process:", r"Here(?:['\u2019]s| is) my response:"),
)
_FORMS = (*_TOKENS, *_WORDS)
_OPENING = re.compile(
    rf"<(?P<tag>{_NAMES})(?:\s[^<>]*)?>|" + "|".join(f"(?P<f{n}>{opening})" for n, (opening, _) in enumerate(_FORMS)),
    re.IGNORECASE,
)
_CLOSINGS = tuple(re.compile(closing, re.IGNORECASE) for _, closing in _FORMS)
_IN_WORDS = {f"f{n}" for n in range(len(_TOKENS), len(_FORMS))}
_CLOSING = re.compile("|".join([rf"</(?:{_NAMES})\s*>", *(closing for _, closing in _TOKENS)]), re.IGNORECASE)
_ANY_CLOSING = re.compile("|".join([_CLOSING.pattern, *(closing for _, closing in _WORDS)]), re.IGNORECASE)
_SURE = re.compile(r"think|\|", re.IGNORECASE)  # the others may be tags of a text too
_LINE = re.compile(r"^[ \t]*(?=[<\[◁])", re.MULTILINE)
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE = re.compile(r"```.*?```|`[^`\n]*`|(?<!\w)\"[^\"\n]*\"(?!\w)|(?<!\w)'[^'\n]*'(?!\w)", re.DOTALL)
_BEFORE, _AFTER = re.compile(r"(?:^|[\s(])[`'\"\u201c\u201e\u00ab]$"), tuple("`'\"\u201d\u201c\u00bb")
# A tag or tokens around an answer
_WRAPPED = re.compile(r"<(?P<tag>answer|response|final_answer|solution)>\s*", re.IGNORECASE)
_TOKEN = (
    r"<\|(?:(?:im_)?start\|>(?:assistant)?|"
    r"(?:(?:im_)?end|return|message|(?:begin|end)_of_(?:solution|box)|(?:START|END)_(?:RESPONSE|TEXT))\|>)"
)
_BEGINS = re.compile(rf"(?:{_TOKEN}\s*)+")
_ENDS = re.compile(rf"(?:\s*{_TOKEN})+\s*\Z")
# How models begin to think where the chat template has opened their thoughts
_ALOUD = tuple(
    "okay, |okay. |okay so |ok, |alright, |hmm|wait, |let me |let's |we need to |we are asked |we are given |"
    "i need to |first, i |hm, |hm. |the user asks |the user is asking |the user wants |嗯|好的，|好，|首先，".split("|")
)
_ABOUT = re.compile(r"\b(?:the user|the question|i need to|let me|let['\u2019]s|we need to)\b|用户", re.IGNORECASE)
_HOLD = (*_ALOUD, "analysis", *(f"here{verb} my thought process:" for verb in ("'s", "\u2019s", " is")))
# The end of a text that may still become a tag or the end of the answer
_TAIL = re.compile(
    r"(?:\s|<\|\w{1,30}\|?>(?:\w[\w .=]{0,30})?)*(?:<[^<>\n]{0,64}|\[/?[A-Z]{0,5}|◁/?[a-z]{0,5})?\Z", re.IGNORECASE
)
_LONGEST = 64  # characters of a closing tag


def spoken(reply: str) -> str:
    """The reply after its thoughts; empty where it broke off while thinking."""
    text, wrapped = reply.lstrip(), ""
    while (before := _before(text)) is not None:
        wrapped = before[1] or wrapped
        text = text[before[0] :].lstrip()
    text = _ENDS.sub("", _without_blocks(_after_closing(text)))
    text = _closed(text, wrapped)[0] if wrapped else text
    return reply if text == reply.lstrip() else text.strip()  # as it was, blanks too


def _before(text: str) -> tuple[int, str] | None:
    """Where thoughts or tokens before an answer end, and the name of a tag that opens around it."""
    if (end := _block(text, 0)) is not None:
        return end, ""
    around = _BEGINS.match(text) or _WRAPPED.match(text)
    return None if around is None else (around.end(), around.groupdict().get("tag", ""))


def opens_unseen(reply: str) -> bool:
    """Whether a reply begins with thoughts that no tag opens, because the chat template has written the tag already."""
    text = reply.lstrip()
    return _OPENING.match(text) is None and _after_closing(text) != text


def breaks_off(reply: str, *, thinks: bool) -> bool:
    """Whether a reply that was cut off is only thoughts that no tag opens and none has closed yet.

    Args:
        thinks: the model is known to think without an opening tag.
    """
    text = reply.lstrip()
    if not text or _OPENING.match(text) or _ANY_CLOSING.search(text):
        return False
    return thinks or (text.lower().startswith(_ALOUD) and _ABOUT.search(text[1:200]) is not None)


def _block(text: str, at: int) -> int | None:
    """The end of the thoughts that open here: None where none open, the end of the text where nothing closes them."""
    opening = _OPENING.match(text, at)
    if opening is None or (at > 0 and opening.lastgroup in _IN_WORDS):
        return None
    thoughts = text[opening.end() :]
    ends = [found for found in _closing(opening).finditer(thoughts) if not _mentioned(thoughts, found)]
    if ends:
        outside = (found for found in ends if not _in_fence(thoughts[: found.start()]))
        return opening.end() + next(outside, ends[0]).end()
    is_text = opening.lastgroup in _IN_WORDS or (at > 0 and not _SURE.search(opening.group()))
    return None if is_text else len(text)


def _closing(opening: re.Match[str]) -> re.Pattern[str]:
    if opening["tag"]:
        return re.compile(rf"</{re.escape(opening['tag'])}\s*>", re.IGNORECASE)
    return _CLOSINGS[int(str(opening.lastgroup)[1:])]


def _mentioned(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag stands in quotation marks of its own, as where thoughts are about tags."""
    before = text[max(0, tag.start() - 2) : tag.start()]
    return _BEFORE.search(before) is not None and text[tag.end() : tag.end() + 1] in _AFTER


def _in_fence(before: str) -> bool:
    return before.count("```") % 2 == 1


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
    return any(_closing(opening).fullmatch(closing) for opening in _OPENING.finditer(before))


def _without_blocks(text: str) -> str:
    """The text without the blocks that begin a line further down."""
    code = [found.span() for found in _FENCED.finditer(text)]
    kept, at = "", 0
    for line in _LINE.finditer(text):
        if line.start() < at or any(start <= line.end() < end for start, end in code):
            continue
        end = line.end()
        while (after := _block(text, end + len(text[end:]) - len(text[end:].lstrip(" \t")))) is not None:
            end = after
        if end > line.end():
            kept += text[at : line.start()]
            at = end
    return kept + text[at:]


def _closed(text: str, tag: str) -> tuple[str, int]:
    """The text without the first closing tag of this name, and whether there was one."""
    return re.subn(rf"\s*</{tag}\s*>", "", text, count=1, flags=re.IGNORECASE)


class Spoken:
    """Passes on a reply as it streams in, and holds back thoughts and texts that may be thoughts.

    It passes on the beginning of what `spoken` finds in the whole reply, wherever the reply is cut. It sees thoughts
    too late only where neither a tag nor a usual word opens them.

    Args:
        on_text: receives the text.
        thinks: the model is known to think without an opening tag: nothing is passed on before the closing one.
    """

    def __init__(self, on_text: Callable[[str], None], *, thinks: bool = False) -> None:
        self._on_text = on_text
        self._shown = ""
        self._held = ""  # not passed on yet: thoughts, or what may still become a tag
        self._speaks = False  # the answer has begun
        self._closing = _ANY_CLOSING if thinks else None  # of the thoughts that are on
        self._looked = 0  # characters of these in which no closing tag begins
        self._blank = ""  # the blank lines before these
        self._wrapped = ""  # the tag around the answer, until it closes

    def __call__(self, text: str) -> None:
        self._held += text
        while self._goes_on():
            pass

    def finish(self, said: str) -> None:
        """The reply has ended and is `said`: pass on what was held back of it and was no thought."""
        whole = said.lstrip()
        if whole.startswith(self._shown):
            self._pass_on(whole[len(self._shown) :])
        self._held = ""

    def _pass_on(self, text: str) -> None:
        text = text if self._shown else text.lstrip()
        if text:
            self._shown += text
            self._on_text(text)

    def _goes_on(self) -> bool:
        """Look at the text that is held back; returns whether there is more to see in it."""
        if self._closing is not None:
            return self._thought(self._closing)
        return self._speak() if self._speaks else self._begin()

    def _think(self, closing: re.Pattern[str], thoughts: str, blank: str = "") -> bool:
        self._closing, self._held, self._blank, self._looked = closing, thoughts, blank, 0
        return True

    def _thought(self, closing: re.Pattern[str]) -> bool:
        """Look for the end of the thoughts; returns whether there is more to see behind it."""
        for found in closing.finditer(self._held, self._looked):
            if found.end() == len(self._held):  # the next letter tells whether it is a quotation
                return False
            before = self._held[: found.start()]
            text = _mentioned(self._held, found) or _in_fence(before)
            if not text and not (closing is _ANY_CLOSING and _opened(before, found.group())):
                self._held, self._closing = self._blank + self._held[found.end() :], None
                return True
        self._looked = max(0, len(self._held) - _LONGEST)
        return False

    def _begin(self) -> bool:
        """Look whether a reply begins with thoughts or with its answer."""
        begun = self._held = self._held.lstrip()
        if opening := _OPENING.match(begun):
            return self._think(_closing(opening), begun[opening.end() :])
        if begun.lower().startswith(_ALOUD):
            return self._think(_ANY_CLOSING, begun)
        if _TAIL.fullmatch(begun) or any(word.startswith(begun.lower()) for word in _HOLD):
            return False
        if around := _CLOSING.match(begun) or _BEGINS.match(begun) or _WRAPPED.match(begun):
            self._wrapped = around.groupdict().get("tag", self._wrapped)
            self._held = begun[around.end() :]
            return bool(self._held)
        self._speaks = True
        return True

    def _speak(self) -> bool:
        """Pass on the text that can be no tag any more; returns whether thoughts begin behind it."""
        if self._wrapped:
            self._held, closed = _closed(self._held, self._wrapped)
            self._wrapped = "" if closed else self._wrapped
        for line in _LINE.finditer(self._held):
            opening = _OPENING.match(self._held, line.end()) if line.start() else None
            if opening is not None and not _in_fence(self._shown + self._held[: line.start()]):
                before = self._held[: line.start()]
                kept = _ENDS.sub("", before).rstrip()
                self._pass_on(kept)
                return self._think(_closing(opening), self._held[opening.end() :], before[len(kept) :])
        tail = _TAIL.search(self._held)
        at = len(self._held) if tail is None else tail.start()
        self._pass_on(self._held[:at])
        self._held = self._held[at:]
        return False
