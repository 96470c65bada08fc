"""A question that follows others, put so that it stands alone: passages are found by it, and the router judges by it.

A model rewrites it where one answers; a rule does where answers are quoted, and where a model's words are no question.
The rule knows English, and only changes words where one reading is left: "it" becomes the one thing that the question
before was about, and in "And the deposit?" the deposit takes the place of the one thing of its kind there. Otherwise
the question before follows in brackets, so that passages are found by both; where nothing points back, nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from reprlib import repr as shortened
from typing import Any

from pydantic import ValidationError

from hybrid.errors import InputError
from hybrid.types import Turn

_LONGEST = 400  # characters of a question that the rule or a model rewrites, and of what it takes from before
_BACK = 8  # earlier questions, each of which may itself depend on the one before it
_FEW, _RATHER_FEW = 4, 6  # words of a question that says little by itself, and of one that may

_WORD = re.compile(r"[\u3040-\u9fff]{1,2}|[^\W\u3040-\u9fff]+")  # scripts without spaces: two characters
_BE = r"is|are|was|were"
_HELPING = r"do|does|did|has|have|had|can|could|may|might|must|shall|should|will|would"
_ASKING = re.compile(
    rf"(?:who|whom|whose|what|when|where|which|why|how|{_BE}|{_HELPING}|list|name|tell|show|give|explain|compare|"
    r"describe|summari[sz]e|quote|find|please)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"(?:thanks?|thank you|ok|okay|great|good|perfect|fine|hello|hi|hey|yes|no|bye)\b[\w\s,]{0,20}[.!]*", re.IGNORECASE
)
_LEADING = re.compile(r"(?:(?:and|but|or|so|then)\s+)?(?:what|how)\s+about\b[\s,:]*|(?:and|but|or|then)\b[\s,:]*", re.I)

# -- what points back ------------------------------------------------------------------------------------------------
_THING = re.compile(r"\b(it|they|them)\b", re.IGNORECASE)
_OWNING = re.compile(r"\b(its|their)\b(?=\s+\w)", re.IGNORECASE)
_EMPTY_IT = re.compile(  # "Is it allowed to ...", "it follows that ..." point at nothing
    r"\b(?:is|was) it (?:the case|true|\w+ (?:to|that|for))\b|\bit (?:is|was) \w+ (?:to|that)\b|"
    r"\bit (?:follows|seems)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|him|his|her|hers|theirs)\b", re.IGNORECASE)
_VAGUE = re.compile(  # what is meant is a part of what was said, or all of it
    rf"\b(?:this|that|these|those)(?=\s*[?.!,;]|\s*$|\s+(?:{_BE}|{_HELPING}|too|as|of|one|ones|compares?)\b)|"
    r"\bof (?:them|these|those)\b|\b(?:which|another|each|the \w+) ones?\b|"
    r"\bthe (?:same|other|others|latter|former)\b|"
    rf"^which (?:{_BE})\b|^(?:{_BE}|{_HELPING}) (?:that|these|those)\b|^what if\b|^who else\b|"
    r"\b(?:say|explain) (?:that|this|so)\b|\b(?:than|to) that\b|\bto this\b|"
    rf"^(?:how|why|when|where) (?:{_BE}|{_HELPING}) (?:it|they)\W*$|"
    r"^(?:how|why) (?:does|do|did|is|was) (?:this|that)\b|^(?:explain|quote|repeat) (?:this|that)\b",
    re.IGNORECASE,
)
_NAMED_AGAIN = re.compile(r"\b(?:this|that|these|those)\s+(?!(?:the|an?|it|they|we|you)\b)(\w+)", re.IGNORECASE)
_ON = re.compile(
    r"\b(?:elaborate|go on|continue|tell me more|more details?|exact wording|rephrase|say more|an example|"
    r"in (?:simpler|other|plain|fewer|your own) (?:terms|words))\b",
    re.IGNORECASE,
)
_INSIDE = re.compile(r"\b(?:and|or|but|if|when|before|after|because|while|until|unless|that|which)\b|,", re.IGNORECASE)

# -- what a question is about ----------------------------------------------------------------------------------------
_IDENTIFIER = re.compile(r"\b[A-Za-z]\w*_\w+(?:\(\))?|\b\w+\(\)|\b[a-z]\w*\.[a-z]\w*\b")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = rf"\b{_MONTH}\s+\d{{1,2}}\b(?:,?\s+\d{{4}}\b)?|\b\d{{1,2}}\s+{_MONTH}(?:\s+\d{{4}}\b)?|\b{_MONTH}\s+\d{{4}}\b"
_NUMBER = re.compile(
    rf"{_DATE}|"
    r"(?:\b(?:section|clause|article|chapter|page|paragraph|part|item|note|table|figure|schedule|exhibit|annex)\s+)?"
    r"\b[QHv]?\d[\d.,/-]*(?<![.,-])(?:[a-z]\b)?(?:\(\w{1,4}\))*",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z][\w&-]*(?:\s+[A-Z][\w&-]*)*(?!\()")
_PREPOSITION = r"as of|in|on|at|by|for|from|to|with|under|after|before|during|since|of|about|against|within|between"
_VERB = (
    rf"{_BE}|{_HELPING}|ends?|begins?|expires?|starts?|costs?|runs?|says?|takes?|appl(?:y|ies)|covers?|contains?|"
    r"terminates?|requires?|returns?|calls?|works?|lasts?|pays?|gives?"
)
_PHRASE = re.compile(
    rf"\b(?:the|our|your|a|an)\s+(?P<words>(?:[\w'’-]+\s+){{0,3}}?[\w'’-]+)"
    rf"(?=\s+(?P<verb>{_VERB})\b|\s+(?:{_PREPOSITION}|and|or|when|if|that|which)\b|\s*[?.!,;:]|\s*$)",
    re.IGNORECASE,
)
_OF_NAME = re.compile(r"\s+of\s+(?:the\s+)?[A-Z][\w&-]*(?:\s+[A-Z][\w&-]*)*")
_NO_FIRST = re.compile(rf"the|an?|our|your|what|which|how|much|many|{_PREPOSITION}|{_BE}|{_HELPING}", re.IGNORECASE)
_CLAUSE = re.compile(  # a subject follows, and then a verb or what it is: "does the lease end", "is the rent due"
    rf"(?:\b(?:{_HELPING}|if|when|because|whether|unless|that|which|while)|"
    rf"(?<!what )(?<!who )(?<!where )\b(?:{_BE}))\s+$",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(  # "How much notice must ..." is about the notice too
    rf"\b(?:what|which|how much|how many)\s+(?!(?:{_BE}|{_HELPING})\b)(?P<words>(?:[\w-]+\s+){{0,2}}?[\w-]+)"
    rf"(?=\s+(?:{_VERB})\b)",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"(?P<asked>.*?[^\s(]) \((?P<about>(?:[^()]|\(\))+)\)", re.DOTALL)
_PROPER = ("name", "identifier", "number")  # kinds of things that have no other words


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something that a question names, and where."""

    start: int
    end: int
    text: str
    kind: str  # name, identifier, number, phrase (one with an article), asked ("how many warrants"), or unclear
    new: bool = False  # "a clause": named for the first time
    chain: bool = False  # "the term of the lease"

    @property
    def many(self) -> bool:
        """Whether it is several, by its ending."""
        head = self.text.partition(" of ")[0].rstrip(".").lower()
        return head.endswith("s") and not head.endswith(("ss", "us", "is", "'s"))


def turns(history: Sequence[Turn | Mapping[str, Any]]) -> tuple[Turn, ...]:
    """The turns of a conversation, also from messages with `role` and `content`; only the user's and the assistant's.

    Raises:
        InputError: something is no turn.
    """
    if not isinstance(history, Sequence) or isinstance(history, str):
        raise InputError(f"A history is a list of turns, and not {shortened(history)}.")
    found = []
    for turn in history:
        if isinstance(turn, Mapping):
            said = turn.get("content", turn.get("text"))
            if turn.get("role") in ("system", "developer", "tool") or (
                said is None and turn.get("role") == "assistant"
            ):
                continue  # an assistant says nothing where it calls a tool
            try:
                turn = Turn.model_validate({"role": turn.get("role"), "text": _joined(said)})
            except ValidationError:
                raise InputError(
                    f"{shortened(dict(turn))} is no turn of a conversation: give role, user or assistant, and content, "
                    "a text."
                ) from None
        if not isinstance(turn, Turn):
            raise InputError(f"A {type(turn).__name__} is no turn: give a Turn, or a message with role and content.")
        found.append(turn)
    return tuple(found)


def depends(question: str, history: Sequence[Turn]) -> bool:
    """Whether a question may need the turns before it to be understood; to be asked of a model, or of the rule."""
    if not any(turn.role == "user" and turn.text.strip() for turn in history):
        return False
    pointing = (
        _LEADING.match(question.strip()),
        _ON.search(question),
        _points(question),
        _NAMED_AGAIN.search(question),
    )
    return any(pointing) or len(_WORD.findall(question)) < _RATHER_FEW or not question.isascii()


def by_rule(question: str, history: Sequence[Turn]) -> str:
    """The question with what it points at, from the questions before it; as it is where nothing points."""
    before = ""
    for turn in [turn for turn in history if turn.role == "user" and turn.text.strip()][-_BACK:]:
        if not _POLITE.fullmatch(turn.text.strip()):
            before = _after(_last_part(turn.text.strip()), before)
    return _after(question, before)


def checked(reply: str, question: str, history: Sequence[Turn]) -> str:
    """A model's rewriting where it can be one, else the rule's.

    It is one line, asks where the question asks, and keeps the numbers and names of the question.
    """
    lines = [line.strip() for line in reply.rpartition("</think>")[2].strip().splitlines() if line.strip()]
    text = lines[0].strip("\"'`“”* ") if len(lines) == 1 else ""
    text = re.sub(r"^(?:(?:rewritten|standalone|stand-alone) )?question:\W*", "", text, flags=re.IGNORECASE)
    asks = text.endswith(("?", "？", "؟")) or bool(_ASKING.match(text))
    if not question.rstrip().endswith(("?", "？", "؟")):
        asks = asks or not re.match(r"(?:I|I'm|Sorry|Here|As an)\b", text)
    lowered = text.casefold()
    kept = all(t.text.casefold().split()[-1] in lowered for t in _things(question) if t.kind in _PROPER)
    return text if 2 < len(text) <= _LONGEST and asks and kept else by_rule(question, history)


def _after(question: str, before: str) -> str:
    """A question after another one."""
    asked = question.strip()
    if (
        not before
        or len(asked) > _LONGEST
        or _POLITE.fullmatch(asked)
        or asked == _both(asked.partition(" (")[0], before)
    ):
        return question
    leading = _LEADING.match(asked)
    part = asked[leading.end() :].rstrip(" ?.!") if leading else asked.rstrip(" ?.!")
    if part and not _ASKING.match(part) and (leading or len(_WORD.findall(part)) < _FEW):
        return _in_place(before, part) or _both(asked, before)
    if leading and _ASKING.match(part):
        asked = f"{part[0].upper()}{part[1:]}?"
    if _ON.search(asked) or _vague(asked, before):
        return _both(asked, before)
    if pointing := _points(asked):
        return _resolved(asked, pointing, before)
    names = any(thing.kind in _PROPER for thing in _things(asked))
    if len(_WORD.findall(asked)) < _FEW and not names:
        return _both(asked, before)
    return asked if leading else question


def _both(question: str, before: str) -> str:
    """A question with the one before it in brackets, for passages that both find."""
    bracketed = _BRACKETED.fullmatch(before)
    about = f"{bracketed['asked']} {bracketed['about']}" if bracketed else before
    return f"{question} ({about[:_LONGEST].strip()})"


def _points(question: str) -> re.Match[str] | None:
    """The first word for a thing or person that is named elsewhere."""
    found = [pattern.search(question) for pattern in (_OWNING, _PERSON, _VAGUE)]
    if not _EMPTY_IT.search(question):
        found.append(_THING.search(question))
    return min((match for match in found if match), key=lambda match: match.start(), default=None)


def _vague(question: str, before: str) -> bool:
    again = _NAMED_AGAIN.search(question)
    words = {word.lower() for word in _WORD.findall(before)}
    return bool(_VAGUE.search(question)) or (again is not None and again[1].lower() in words)


def _resolved(question: str, pointing: re.Match[str], before: str) -> str:
    """The question with a thing's name instead of "it", where only one can be meant."""
    inside = [t for t in _things(question) if t.end <= pointing.start() and t.kind not in ("asked", "number")]
    if inside:  # "the tenant and his guests" points at nothing before; "must the tenant renew it" may
        between = question[inside[-1].end : pointing.start()]
        return question if _INSIDE.search(between) else _both(question, before)
    word = pointing[0].lower()
    thing = _topic(before, many=word in ("they", "them", "their"))
    owns = word in ("its", "their")
    if thing is None or _PERSON.fullmatch(word) or (owns and thing.chain):
        return _both(question, before)
    named = thing.text
    if owns:
        named += "'" if named.endswith("s") else "'s"
    found = f"{question[: pointing.start()]}{named}{question[pointing.end() :]}"
    return found[0].upper() + found[1:] if pointing.start() == 0 else found


def _topic(question: str, *, many: bool) -> _Thing | None:
    """The one thing, or the things, that a question is about; None where that is not clear."""
    if _BRACKETED.fullmatch(question):
        return None
    things = [thing for thing in _things(question) if thing.kind == "name" or thing.many == many]
    if any(thing.kind == "unclear" for thing in things):
        return None
    for kinds in (("identifier", "phrase", "asked"), ("name",)):
        alike = [thing for thing in things if thing.kind in kinds]
        if len(alike) == 1 or (alike and alike[-1].new):
            thing = alike[-1]
            if thing.kind != "phrase":
                return thing
            text = re.sub(r"^(?:a|an)\b", "the", thing.text, flags=re.IGNORECASE)
            return replace(thing, text=text[0].lower() + text[1:])
        if alike:
            return None
    return None


def _in_place(before: str, part: str) -> str | None:
    """The question before about something else: `part` stands where the one thing of its kind stood."""
    if _BRACKETED.fullmatch(before):
        return None
    part = re.sub(rf"^(?:those|that|the ones?)\s+(?=(?:{_PREPOSITION})\b)", "", part, flags=re.IGNORECASE)
    if _points(part):
        return None
    preposition = re.match(rf"({_PREPOSITION})\s+(?=\S)", part, re.IGNORECASE)
    said = part[preposition.end() :] if preposition else part
    given = [thing for thing in _things(f"x {said}") if thing.start == 2 and thing.end == len(said) + 2]
    if not given:
        return _same_head(before, said)
    kind = given[0].kind
    spots = [thing for thing in _things(before, parts=True) if thing.kind == kind]
    if preposition and kind != "number":  # "And in 2023?" after "the first quarter of 2022"
        leads = re.compile(rf"\b{preposition[1]}\s+$", re.IGNORECASE)
        spots = [thing for thing in spots if leads.search(before[: thing.start])]
    if kind == "number":
        alike = [thing for thing in spots if _figure(thing.text) == _figure(said)]
        spots = alike or [year for thing in spots for year in _year(thing) if _figure(year.text) == _figure(said)]
    elif kind == "phrase" and len(spots) > 1:
        spots = [thing for thing in spots if thing.text.split()[-1].isupper() == said.split()[-1].isupper()]
    if len(spots) != 1:
        return None
    spot = spots[0]
    if before[spot.end : spot.end + 2] in ("'s", "’s"):
        said = re.sub(r"['’]s$", "", said)
    return f"{before[: spot.start]}{said}{before[spot.end :]}"


def _same_head(before: str, said: str) -> str | None:
    """The question before with "rye flour" in the place of its one "wheat flour"; None where there is none."""
    first, _, head = said.rpartition(" ")
    found = list(re.finditer(rf"(?<![\w'’-])([\w-]+)\s+{re.escape(head)}\b", before, re.IGNORECASE))
    if not first or len(found) != 1 or _NO_FIRST.fullmatch(found[0][1]):
        return None
    lead = before[: found[0].start()]
    if re.search(r"\b(?:the|an?|our|your)\s+$", lead, re.IGNORECASE):
        said = re.sub(r"^(?:the|an?|our|your)\s+", "", said, flags=re.IGNORECASE)
    return f"{lead}{said}{before[found[0].end() :]}"


def _year(thing: _Thing) -> list[_Thing]:
    """The year of a date."""
    year = re.search(r"\d{4}$", thing.text)
    return [_Thing(thing.end - 4, thing.end, year[0], thing.kind)] if year else []


def _figure(text: str) -> str:
    """The shape of a number with what it counts: "2022" is as "2023", "section 4.2" as "section 5", a date as any."""
    if re.fullmatch(_DATE, text, re.IGNORECASE):
        return "date"
    word, _, figure = text.rpartition(" ")
    return word.lower() if word else re.sub(r"\d", "0", figure)


def _things(question: str, *, parts: bool = False) -> list[_Thing]:
    """What a question names, in its order, no two on the same words; with `parts`, "the term" and "the lease" apart."""
    found = [_Thing(m.start(), m.end(), m[0], "number") for m in _NUMBER.finditer(question)]
    found += [_Thing(m.start(), m.end(), m[0], "identifier") for m in _IDENTIFIER.finditer(question)]
    phrases = [_phrase(match, question) for match in _PHRASE.finditer(question)]
    if parts:
        found += [phrase for phrase in phrases if phrase.kind == "phrase"]
    else:
        found += _chained(phrases, question)
        found += [_Thing(m.start(), m.end(), f"the {m['words']}", "asked") for m in _ASKED_FOR.finditer(question)]
    for match in _NAME.finditer(question):
        if match.start() > 0 and not _ASKING.fullmatch(match[0]) and match[0] != "I":
            found.append(_Thing(match.start(), match.end(), match[0], "name"))
    kept: list[_Thing] = []
    for thing in found:
        if not any(thing.start < other.end and other.start < thing.end for other in kept):
            kept.append(thing)
    return sorted(kept, key=lambda thing: thing.start)


def _phrase(match: re.Match[str], question: str) -> _Thing:
    """A phrase with an article, without the verb that may stand at its end."""
    end, kind = match.end(), "phrase"
    words = match["words"].split()
    new = match[0].lower().startswith(("a ", "an "))
    if words[-1].istitle() and (rest := _OF_NAME.match(question, end)):  # "the University of Pittsburgh"
        return _Thing(match.start(), rest.end(), question[match.start() : rest.end()], "name")
    clause = _CLAUSE.search(question[: match.start()])
    owned = clause and new and clause[0].strip().lower() in ("have", "has", "had")  # "does it have a clause"
    if len(words) > 1 and not match["verb"] and clause and not owned:
        if len(words) > 2:  # "does the cache evict entries"
            kind = "unclear"
        else:
            end = match.start("words") + len(words[0])
    return _Thing(match.start(), end, question[match.start() : end], kind, new)


def _chained(things: list[_Thing], question: str) -> list[_Thing]:
    """Phrases joined by "of", as "the term of the lease", made one."""
    kept: list[_Thing] = []
    for thing in things:
        last = kept[-1] if kept else None
        if last and thing.kind == last.kind == "phrase" and question[last.end : thing.start].strip().lower() == "of":
            kept[-1] = _Thing(last.start, thing.end, question[last.start : thing.end], "phrase", last.new, chain=True)
        else:
            kept.append(thing)
    return kept


def _last_part(text: str) -> str:
    """A question; of a long one, its last sentences."""
    if len(text) <= _LONGEST:
        return text
    _, _, rest = text[-_LONGEST:].partition(" ")
    return re.split(r"(?<=[.!?])\s", rest, maxsplit=1)[-1]


def _joined(said: Any) -> Any:
    """The text of a message's parts; anything else as it is."""
    if not isinstance(said, list):
        return said
    return "\n".join(part["text"] for part in said if isinstance(part, Mapping) and isinstance(part.get("text"), str))
