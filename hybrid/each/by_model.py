"""A model as planner and extractor: its replies are JSON, held to a schema where the server can, and checked here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel

from hybrid.chat.prompts import Prompt
from hybrid.each.found import Found, found, merged
from hybrid.each.plan import Plan
from hybrid.each.price import OUTPUT
from hybrid.each.reply import Unreadable, checked
from hybrid.each.schema import Said, in_words, json_schema, reply_model, said_of
from hybrid.each.units import Unit
from hybrid.engines.base import Completion, Engine
from hybrid.errors import EngineError
from hybrid.reading.window import parts, room, sizes
from hybrid.types import Column, Piece

VERSION = 1  # of the prompts: what was kept under another is asked anew
_PLANNED = 700  # tokens of a plan
_SMALL, _LEAST = 4096, 64  # tokens of a small window, and of the shortest reply
_MORE = 64  # tokens that these instructions may take beyond those of a question
_NAMED = 5  # documents that the planner is told of
_EXAMPLE = (  # of what nobody asks contracts, so that a model which only repeats it is found out
    '{"columns": [{"name": "baking_time", "kind": "duration", "unit": "", "description": "how long it is baked"}], '
    '"where": [], "compute": "max", "of": ["baking_time"], "by": "", "named": ""}'
)
_FORM = f"""columns: the fields, 1 to 8, each with
  name: small letters and _
  kind: yesno, text, number, amount, duration, date or percent
  unit: of a number, else ""
  description: what to look for in one document
where: conditions that a document has to fulfil, each with
  column: the name of a field
  test: said (it says yes, or gives a value), silent, is, contains, over or under
  value: to compare with, such as "30 days" or "2025-01-01"; "" for said and silent
compute: count, list, sum, mean, max, min or group
of: names of the fields with the values that are computed with or listed
by: for group, the field whose values make the groups, else ""
named: where the question asks for something else than documents, such as a supplier, the field with its name, else ""
Example, for "Which recipe is baked longest?": {_EXAMPLE}"""

M = TypeVar("M", bound=BaseModel)
Call = Callable[[Prompt, int], Completion]


class NotRead(EngineError):
    """The engine works, but what it said cannot be used, twice."""


@dataclass(frozen=True, slots=True)
class Model:
    """Plans and extracts by a model.

    Args:
        engine: the one that is asked.
        max_tokens: that a reply may have at most.
        call: asks it, which measures and prices.
    """

    engine: Engine
    max_tokens: int
    call: Call

    @property
    def made_by(self) -> str:
        """The model's name without where it is served, and the version of the prompts."""
        model = getattr(self.engine, "model", None)
        return f"{model if isinstance(model, str) else self.engine.name} {VERSION}"

    def plan(self, question: str, names: Sequence[str], sections: bool) -> Plan:
        """The plan of a question over documents.

        Raises:
            NotRead: the model gave no plan that can be carried out, twice.
            EngineError: the engine failed.
        """
        what = f"{len(names)} sections of one document" if sections else f"{len(names)} documents"
        listed = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        asked = f"{question.strip()}\nIt is asked about {what}: {listed}\n{_FORM}"
        prompt = Prompt(asked, (), task="plan", form=json_schema(Plan))

        def fault(plan: Plan) -> str:
            repeats = plan == Plan.model_validate_json(_EXAMPLE) and "bak" not in question.lower()
            return "it repeats the example" if repeats else ""

        return self._checked(prompt, Plan, _PLANNED, "turn the question into fields", fault)

    def extract(self, unit: Unit, columns: Sequence[Column]) -> list[Found]:
        """What a unit says on each field; a text beyond the window is read in parts.

        Raises:
            NotRead: a reply does not fit the fields, twice.
            EngineError: the engine failed.
        """
        model = reply_model(columns)
        prompt = Prompt(in_words(columns), (), task="fields", form=json_schema(model))
        read = []
        for group in self._groups(prompt, unit, len(columns)):
            part = replace(prompt, pieces=group)
            said = self._checked(part, model, self._most(len(columns)), f"fill in the fields of {unit.names[0]}")
            read.append([self._placed(one, c, group, unit) for one, c in zip(said_of(said), columns, strict=True)])
        return [merged(found_) for found_ in zip(*read, strict=True)]

    def sized(self, unit: Unit, columns: Sequence[Column]) -> list[int]:
        """Tokens of the prompts that a unit takes."""
        prompt = Prompt(in_words(columns), (), task="fields")
        frame = self.engine.measure(prompt)
        size = sum(sizes(self.engine, unit.pieces))
        limit = self.engine.window - self._most(len(columns)) - frame
        count = max(1, -(-size // max(1, limit)))
        return [frame + size // count] * count

    def _placed(self, said: Said, column: Column, group: Sequence[Piece], unit: Unit) -> Found:
        """What a reply gives, with its place in the whole texts of the unit."""
        one = found(said, column, [piece.text for piece in group])
        if not one.end:
            return one
        piece = group[one.text]
        at = {"start": one.start + piece.start, "end": one.end + piece.start, "text": unit.names.index(piece.document)}
        return one.model_copy(update=at)

    def _groups(self, prompt: Prompt, unit: Unit, fields: int) -> list[tuple[Piece, ...]]:
        """The pieces of a unit in groups that fit a prompt; all in one where they do."""
        kept_free = self._most(fields) + _MORE
        if sum(sizes(self.engine, unit.pieces)) <= room(self.engine, prompt.question, kept_free):
            return [unit.pieces]
        cut = [part for piece in unit.pieces for part in parts(self.engine, prompt.question, piece, kept_free)]
        return [(part,) for part in cut]

    def _most(self, fields: int) -> int:
        """Tokens kept for a reply; a model that thinks first needs as many as for any answer."""
        return min(max(self.max_tokens, OUTPUT * fields), self.engine.window // 2)

    def _checked(
        self, prompt: Prompt, model: type[M], most: int, what: str, wrong: Callable[[M], str] = lambda _: ""
    ) -> M:
        """The reply as a model; one that does not fit is asked for once more, with what is wrong.

        Args:
            wrong: says what else is wrong with a reply; empty if nothing is.
        """
        most = min(max(most, self.max_tokens), self.engine.window // 2)
        if self.engine.window < _SMALL:  # room for an answer is what the prompt leaves
            most = max(_LEAST, min(most, self.engine.window - self.engine.measure(prompt) - _MORE))
        fault = ""
        for again in (False, True):
            asked = f"{prompt.question}\nYour last reply did not fit: {fault}." if again else prompt.question
            completion = self.call(replace(prompt, question=asked), most)
            try:
                found = checked(completion.text, model)
            except Unreadable as error:
                fault = "it was cut off" if completion.truncated else str(error)
                continue
            fault = wrong(found)
            if not fault:
                return found
        raise NotRead(
            f"{self.engine.name} did not {what} in the form that was asked for, twice ({fault}); ask again in other "
            "words, or take a larger model or a server that holds replies to a JSON schema."
        )
