"""Questions about names in code, answered from the symbol index: exactly, with file and line, and without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hybrid.pipelines.code.names import Names
from hybrid.pipelines.code.symbols import File, Row, Use

from hybrid.types import Answer, Citation, Cost, Decision, Usage

Relation = Literal["defined", "callers", "calls", "subclasses", "bases", "members"]

_KIND = r"(?:(?:class|function|method|struct|interface|trait|enum|type|constant|variable|module|symbol|macro)\s+)?"
_NAME = r"[`'\"“]?(?P<name>[A-Za-z_$][\w$]*(?:(?:\.|::|\#)[A-Za-z_$][\w$]*)*)(?:\(\))?[`'\"”]?"
_AFTER = r"(?:\s+(?:class|function|method|struct|interface|type|constant))?"
_THING = rf"(?:the\s+)?{_KIND}{_NAME}{_AFTER}"
_LIST = r"(?:(?:list|find|show|give|name|tell)\s+(?:me\s+)?)?(?:all\s+)?(?:of\s+)?(?:the\s+)?"
_MANY = r"(?:functions?|methods?|classes|class|code|places|files?|modules?)(?:\s+and\s+\w+)?"
_WHO = rf"(?:who|what|which\s+{_MANY})(?:\s+all)?"
_PATTERNS: tuple[tuple[Relation, str], ...] = (
    ("defined", rf"where\s+(?:is|are)\s+{_THING}\s+(?:defined|declared|implemented|located)"),
    (
        "defined",
        rf"(?:{_LIST}|what\s+is\s+the\s+|where\s+is\s+the\s+)(?:definitions?|declaration|signature)\s+of\s+{_THING}",
    ),
    ("defined", rf"(?:which|what)\s+(?:file|module)\s+(?:defines|declares|implements)\s+{_THING}"),
    ("callers", rf"{_WHO}\s+(?:calls?|invokes?|uses?|instantiates?)\s+{_THING}"),
    ("callers", rf"where\s+(?:is|are)\s+{_THING}\s+(?:called|used|invoked|instantiated)(?:\s+from)?"),
    ("callers", rf"{_LIST}(?:callers|calls|uses|usages|call\s+sites)\s+(?:of|to)\s+{_THING}"),
    (
        "calls",
        rf"(?:what|which)(?:\s+(?:functions?|methods?|else))?(?:\s+and\s+\w+)?\s+does\s+{_THING}\s+(?:call|invoke|use)",
    ),
    ("calls", rf"{_LIST}callees\s+of\s+{_THING}"),
    ("subclasses", rf"{_WHO}\s+(?:inherits?\s+from|extends?|subclass(?:es)?|derives?\s+from|implements?)\s+{_THING}"),
    ("subclasses", rf"(?:{_LIST}|what\s+are\s+the\s+)(?:subclasses|implementations|implementers)\s+of\s+{_THING}"),
    ("bases", rf"(?:what|which\s+classes)\s+does\s+{_THING}\s+(?:inherit\s+from|extend|derive\s+from|implement)"),
    ("bases", rf"(?:{_LIST}|what\s+are\s+the\s+)(?:base\s*classes|superclasses|parents)\s+of\s+{_THING}"),
    ("members", rf"(?:what|which)\s+(?:methods|members)\s+does\s+{_THING}\s+(?:have|define)"),
    ("members", rf"(?:{_LIST}|what\s+are\s+the\s+)(?:methods|members)\s+of\s+{_THING}"),
)
_ASKED = tuple((relation, re.compile(rf"\s*{form}\s*[?.!]*\s*", re.IGNORECASE)) for relation, form in _PATTERNS)
_SHOWN = 40  # places listed in the text of an answer; the citations hold them all


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands."""

    name: str  # module.Class.method
    kind: str  # of a definition, or `call`, `base`, `mark`
    file: str
    line: int  # 1-based
    end_line: int
    text: str  # a definition's signature, or the line

    @property
    def where(self) -> str:
        return at_lines(self.file, self.line, self.end_line)


@dataclass(frozen=True, slots=True)
class Call:
    """A use of a name: where it is, inside which definition, and what it means."""

    place: Place
    inside: str  # full name of the definition around it, else of the module
    targets: tuple[Place, ...] = ()  # definitions it means; empty: outside of this codebase
    sure: bool = True  # False: called through an object of an unknown class


@dataclass(frozen=True)
class Symbolic:
    """Answers about the names of one index.

    Args:
        line_of: the text of a line of a file, by its name and number.
    """

    names: Names
    line_of: Callable[[str, int], str]

    def defined(self, name: str) -> list[Place]:
        """The definitions of a name, which may have its class and module before it."""
        return [_place(row) for row in self.names.find(name)]

    def callers(self, name: str, kinds: Sequence[str] = ("call", "mark")) -> list[Call]:
        """The calls of what a name means, sure ones first; for a class its instances, for a decorator its uses."""
        rows = self.names.find(name)
        keys = {row.key for row in rows}
        lasts = {row.definition.name for row in rows}
        uses = [use for last in sorted(lasts) for use in self.names.index.uses_of(last)]
        for row in rows:  # Class() calls Class.__init__
            path, _, own = row.definition.path.rpartition(".")
            if own in ("__init__", "__new__", "constructor", "initialize") and path:
                uses += self.names.index.uses_of(path.rpartition(".")[2])
                keys |= {other.key for other in self.names.of(row.file) if other.definition.path == path}
        sure, possible = [], []
        reachable = any(row.definition.kind in ("method", "variable") for row in rows)
        for use in uses:
            if use.reference.kind not in kinds:
                continue
            meant = self.names.meaning(use.file, use.reference)
            if meant is not None and keys & {row.key for row in meant}:
                sure.append(self._call(use, meant))
            elif meant is None and use.reference.name in lasts and (reachable or not use.reference.receiver):
                possible.append(self._call(use, None))
        return sure + possible

    def calls(self, name: str) -> list[Call]:
        """What the definitions of a name, and the definitions inside them, call, in order."""
        found = []
        for row in self.names.find(name):
            outer = row.definition
            rows = [(r.number, r.definition) for r in self.names.of(row.file)]
            inside = [number for number, d in rows if outer.start <= d.start and d.end <= outer.end]
            for use in self.names.index.uses_in(row.file.id, inside):
                if use.reference.kind == "call":
                    found.append(self._call(use, self.names.meaning(use.file, use.reference)))
        return found

    def subclasses(self, name: str) -> list[Place]:
        """The classes that inherit from what a name means, directly."""
        found = []
        for call in self.callers(name, ("base",)):
            file, line = call.place.file, call.place.line
            found += [p for p in self.defined(call.inside) if p.file == file and p.line <= line <= p.end_line]
        return list(dict.fromkeys(found))

    def bases(self, name: str) -> list[Call]:
        """What the classes of a name inherit from."""
        uses = [use for row in self.names.find(name) for use in self.names.index.uses_in(row.file.id, [row.number])]
        return [
            self._call(use, self.names.meaning(use.file, use.reference)) for use in uses if use.reference.kind == "base"
        ]

    def members(self, name: str) -> list[Place]:
        """The methods and other definitions right inside what a name means."""
        found = []
        for row in self.names.find(name):
            inner = f"{row.definition.path}."
            found += [
                _place(other)
                for other in self.names.of(row.file)
                if other.definition.path.startswith(inner) and "." not in other.definition.path[len(inner) :]
            ]
        return found

    def around(self, file: File, line: int) -> Row | None:
        """The innermost definition that a line of a file stands in."""
        holding = [r for r in self.names.of(file) if r.definition.line <= line <= r.definition.end_line]
        return holding[-1] if holding else None

    def _call(self, use: Use, meant: Sequence[Row] | None) -> Call:
        reference = use.reference
        rows = self.names.of(use.file)
        around = rows[reference.inside] if 0 <= reference.inside < len(rows) else None
        said = f"{reference.receiver}.{reference.name}" if reference.receiver else reference.name
        text = self.line_of(use.file.name, reference.line).strip()
        return Call(
            place=Place(said, reference.kind, use.file.name, reference.line, reference.line, text),
            inside=around.full if around is not None else use.file.module or use.file.name,
            targets=tuple(_place(row) for row in meant or ()),
            sure=meant is not None,
        )

    # -- in words ----------------------------------------------------------------------------------------------------

    def answer(self, question: str, root: Path, offset_of: Callable[[str, int], int]) -> Answer | None:
        """The answer to a question about a name that is defined here; None for any other question."""
        asked = relation_asked(question)
        if asked is None or not self.names.find(asked[1]):
            return None
        relation, name = asked
        said = getattr(self, f"_say_{relation}")(name)
        text, places, sure = said if len(said) == 3 else (*said, len(said[1]))
        citations = []
        for number, place in enumerate(places):
            quote = self.line_of(place.file, place.line).strip("\r\n")
            start = offset_of(place.file, place.line)
            citation = Citation(
                document=place.file,
                path=str(root / place.file),
                page=None,
                line=place.line,
                end_line=place.end_line,
                start=start,
                end=start + len(quote),
                heading=place.name,
                quote=quote,
                score=1.0 if number < sure else 0.5,  # half: a call that may be meant
            )
            citations.append(citation)
        reason = "The symbol index answers this exactly; no model was asked."
        return Answer(
            question=question,
            text=text,
            abstained=False,
            route="rag",
            reason=reason,
            citations=tuple(citations),
            decision=Decision(route="rag", rung="passages", policy="symbols", reason=reason),
            usage=Usage(),
            cost=Cost(dollars=0.0, gpu_seconds=0.0, basis="measured", note="symbol index"),
            attempts=(),
            timings={},
        )

    def _say_defined(self, name: str) -> tuple[str, list[Place]]:
        places = self.defined(name)
        return _listed(f"`{name}` is defined", [f"{p.where}: {p.kind} {p.name}: {p.text}" for p in places]), places

    def _say_callers(self, name: str) -> tuple[str, list[Place], int]:
        calls = self.callers(name)
        several = len({place for call in calls for place in call.targets}) > 1
        sure = [call for call in calls if call.sure]
        possible = [call for call in calls if not call.sure]
        lines = [
            f"{c.place.where} in {c.inside}"
            + (f", of {', '.join(dict.fromkeys(p.name for p in c.targets))}" if several else "")
            for c in sure
        ]
        text = _listed(f"`{name}` is called", lines) if sure else f"Nothing here is sure to call `{name}`."
        if possible:
            objects = [f"{c.place.where} in {c.inside}: {c.place.name}()" for c in possible]
            text += "\n" + _listed(
                "Through objects whose class the text does not tell it may be called", objects, len(sure)
            )
        return text, [replace(call.place, name=call.inside) for call in (*sure, *possible)], len(sure)

    def _say_calls(self, name: str) -> tuple[str, list[Place]]:
        calls = self.calls(name)
        here: dict[tuple[Place, ...], list[Call]] = {}
        elsewhere: dict[str, None] = {}
        for call in calls:
            if call.targets:
                here.setdefault(call.targets, []).append(call)
            else:
                elsewhere[call.place.name] = None
        lines = [
            f"{' or '.join(dict.fromkeys(p.name for p in targets))} at {targets[0].where}, "
            f"from line {', '.join(str(c.place.line) for c in found)}"
            for targets, found in here.items()
        ]
        text = f"`{name}` calls nothing that is defined here by a sure name."
        if lines:
            text = _listed(f"`{name}` calls", lines)
        if elsewhere:
            names = list(elsewhere)
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            text += f"\nFrom elsewhere, or through objects: {', '.join(names[:_SHOWN])}{more}."
        return text, [targets[0] for targets in here]

    def _say_subclasses(self, name: str) -> tuple[str, list[Place]]:
        places = self.subclasses(name)
        if not places:
            return f"Nothing here inherits from `{name}`.", []
        return _listed(f"From `{name}` inherit", [f"{p.where}: {p.name}" for p in places]), places

    def _say_bases(self, name: str) -> tuple[str, list[Place]]:
        found = self.bases(name)
        if not found:
            return f"`{name}` inherits from nothing that is named.", self.defined(name)
        lines = [f"{c.place.name}" + (f" at {c.targets[0].where}" if c.targets else ", from elsewhere") for c in found]
        return _listed(f"`{name}` inherits from", lines), [c.targets[0] if c.targets else c.place for c in found]

    def _say_members(self, name: str) -> tuple[str, list[Place]]:
        places = self.members(name)
        if not places:
            return f"`{name}` has no members that are named.", self.defined(name)
        return _listed(f"`{name}` has", [f"{p.where}: {p.text[:120]}" for p in places]), places


def at_lines(path: str, line: int, end_line: int) -> str:
    """`path:line`, or `path:line-line` for more than one."""
    return f"{path}:{line}" + (f"-{end_line}" if end_line != line else "")


def relation_asked(question: str) -> tuple[Relation, str] | None:
    """What a question asks about which name; None for any other question."""
    for relation, pattern in _ASKED:
        found = pattern.fullmatch(question)
        if found is not None:
            return relation, found["name"]
    return None


def _place(row: Row) -> Place:
    d = row.definition
    return Place(row.full, d.kind, row.file.name, d.line, max(d.line, d.end_line), d.signature)


def _listed(head: str, lines: Sequence[str], before: int = 0) -> str:
    times = f"{len(lines)} place{'s' if len(lines) != 1 else ''}"
    shown = [f"  [{before + i}] {line}" for i, line in enumerate(lines[:_SHOWN], 1)]
    more = [f"  and {len(lines) - _SHOWN} more, all of them with --json"] if len(lines) > _SHOWN else []
    return "\n".join([f"{head} ({times}):", *shown, *more])
