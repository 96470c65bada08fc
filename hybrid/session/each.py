"""The rung `each`: every document is asked for the same fields, and the answer is computed from their table.

plan       turn the question into fields and a computation, by a model or by rules
price      what is still to be asked, refused beyond the budget
extract    ask every document that was not asked before, and keep what it says
compute    the answer in words, from the table
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hybrid.cost.price import total
from hybrid.each.by_model import Model, NotRead
from hybrid.each.compute import computed
from hybrid.each.extractor import Extractor, Rules, rules_for
from hybrid.each.found import Found, cell
from hybrid.each.kept import Kept, kept, key_of
from hybrid.each.plan import Plan
from hybrid.each.price import Price, price, unpriced
from hybrid.each.units import Unit, units
from hybrid.engines.abort import ABORT, Abort, check
from hybrid.engines.base import Completion, Engine
from hybrid.errors import CalledOff, EngineError, InputError
from hybrid.routing.situation import Situation
from hybrid.session.way import Reply, Way
from hybrid.types import EACH, Answer, Attempt, Cost, Decision, Row, Stretch, Table, Usage

_FAILED = 3  # documents in a row after which an engine is given up
_UNREAD = 8  # documents after which it is given up where no reply could be read
_TAKEN: list[Found] = []  # in the place of what another process or question is asking for
_FOUND = TypeAdapter(list[Found])
_UNASKED = "There is no table for this question: {why}. {remedy}"
_HOW = (
    'Ask for something that every document says or does not, such as "How many contracts have a cap on liability?", or '
    "name a model with --url; without the rung each the question is answered from what is found."
)


class NoPlan(InputError):
    """A question that cannot be turned into a table."""


@dataclass(slots=True)
class Each:
    """One question on its way over every document.

    Args:
        way: the question's, whose documents, engines, budget and notes these are.
        rules: makes the rules of a pipeline, for engines that quote.
    """

    way: Way
    rules: Callable[[type[Rules]], Rules]
    units: list[Unit] = field(default_factory=list)
    failed: dict[int, EngineError] = field(default_factory=dict)

    def run(self, situation: Situation, decision: Decision) -> tuple[Answer, list[Reply]]:
        """The answer, with its table.

        Raises:
            NoPlan: the question cannot be turned into a table.
            InputError: it would take more than the budget.
            EngineError: the engine fails again and again; what was extracted is kept.
        """
        way, engine = self.way, self.way.situating.engine_for(EACH)[0]
        before = len(way.usages)
        with way.stage("assemble"):
            names = [entry.name for entry in way.store.entries(way.documents)]
            self.units = units(way.store, names, by_section=not getattr(engine, "quotes", False))
        found = kept(way.store)
        with way.stage("plan"):
            extractor, plan = self.plan(engine, found)
        keys = [key_of(unit.key, _of_columns(plan), extractor.made_by) for unit in self.units]
        known = self.known(found, keys, plan)
        missing = [i for i in range(len(self.units)) if i not in known]
        expected = self.priced(extractor, plan, [self.units[i] for i in missing])
        self.within(expected)
        with way.stage("ask"):
            known |= self.extracted(extractor, plan, missing, found, keys)
        if len(self.failed) == len(self.units):
            kind = NotRead if self.unread(len(self.units)) else EngineError
            raise kind(f"None of {len(self.units)} {self.what} could be read. {self.failed[0]}")
        usage = sum(way.usages[before:], Usage())
        return self.answered(situation, decision, engine, plan, known, usage, (len(missing), expected)), [_REPLY]

    # -- plan ----------------------------------------------------------------------------------------------------

    def plan(self, engine: Engine, found: Kept) -> tuple[Extractor, Plan]:
        """Who fills in the table, and its fields and computation; a model's plan is kept as well."""
        way = self.way
        if getattr(engine, "quotes", False):
            ruled = rules_for(way.question, way.store)
            if ruled is None:
                why = "the rules by which the quoting engine counts do not understand it, or are not for such documents"
                raise NoPlan(_UNASKED.format(why=why, remedy=_HOW))
            return self.rules(ruled[0]), ruled[1]
        model = Model(engine, way.situating.engine_for(EACH)[1], partial(_called, way, engine))
        sections = bool(self.units and self.units[0].section)
        key = key_of("plan", way.question, model.made_by, str(sections))
        if (known := found.get([key])) and (plan := _read(known[key])) is not None:
            return model, plan
        titles = [unit.section or unit.names[0] for unit in self.units]
        plan = model.plan(way.question, titles, sections)
        found.put(key, plan.model_dump_json())
        return model, plan

    def known(self, found: Kept, keys: Sequence[str], plan: Plan) -> dict[int, list[Found]]:
        """What was extracted before, by the place of the unit."""
        said = found.get(keys)
        known: dict[int, list[Found]] = {}
        for i, key in enumerate(keys):
            if key in said:
                try:
                    cells = _FOUND.validate_json(said[key])
                except ValidationError:  # written by another version
                    continue
                if len(cells) == len(plan.columns):
                    known[i] = cells
        return known

    # -- price ---------------------------------------------------------------------------------------------------

    def priced(self, extractor: Extractor, plan: Plan, missing: Sequence[Unit]) -> Price:
        """What asking the rest is expected to take."""
        if isinstance(extractor, Model):
            sizes = [size for unit in missing for size in extractor.sized(unit, plan.columns)]
            return price(self.way.settings.cost, sizes, len(plan.columns), extractor.engine.concurrency)
        engine = self.way.situating.engine_for(EACH)[0]
        return unpriced([sum(engine.count(list(unit.texts))) for unit in missing])

    def within(self, expected: Price) -> None:
        """Raise InputError where the price is above the budget of a question."""
        budget = self.way.settings.routing.budget
        if budget is not None and expected.dollars > budget:
            raise InputError(
                f"Asking {len(self.units):,} {self.what} takes {expected.words}, more than routing.budget of "
                f"${budget:g}: raise it to ${expected.enough:.2g}, or ask fewer documents, as with --where."
            )

    @property
    def what(self) -> str:
        """What is asked one by one, in words."""
        return "sections" if self.units and self.units[0].section else "documents"

    # -- extract -------------------------------------------------------------------------------------------------

    def extracted(
        self, extractor: Extractor, plan: Plan, missing: Sequence[int], found: Kept, keys: Sequence[str]
    ) -> dict[int, list[Found]]:
        """Ask the units that are missing; each answer is kept as soon as it is there.

        Raises:
            EngineError: several failed in a row.
        """
        done: dict[int, list[Found]] = {}
        at_once = max(1, min(self.way.situating.engine_for(EACH)[0].concurrency, len(missing)))
        abort = ABORT.get() or Abort()

        def one(i: int, *, last: bool) -> list[Found]:
            check()
            if (said := self.known(found, [keys[i]], plan)) or not (last or found.claim(keys[i])):
                return said.get(0, _TAKEN)
            cells = extractor.extract(self.units[i], plan.columns)
            found.put(keys[i], _FOUND.dump_json(cells).decode(), self.units[i].key)
            return cells

        left = list(missing)
        for last in (False, True):  # what another process or question is at comes last, and is there by then
            with ThreadPoolExecutor(at_once, initializer=ABORT.set, initargs=(abort,)) as pool:
                asked = {pool.submit(one, i, last=last): i for i in left}
                try:
                    left = self.collect(asked, done, len(missing))
                except BaseException as error:
                    pool.shutdown(wait=False, cancel_futures=True)
                    if not isinstance(error, Exception):  # Ctrl-C ends what is under way too
                        abort()
                    raise
        return done

    def collect(self, asked: dict[Future[list[Found]], int], done: dict[int, list[Found]], total: int) -> list[int]:
        """Take in the answers as they come; returns the units that others are at.

        A document whose replies cannot be read is not read, and the others go on, unless none of the first can be.

        Raises:
            EngineError: it is of no use to go on.
        """
        in_a_row, taken = 0, []
        for future in as_completed(asked):
            i = asked[future]
            try:
                cells, in_a_row = future.result(), 0
                if cells is _TAKEN:
                    taken.append(i)
                else:
                    done[i] = cells
            except CalledOff:
                raise
            except NotRead as error:
                self.failed[i], in_a_row = error, 0
                if (count := len(done) + len(self.failed)) >= _UNREAD and self.unread(count):
                    raise NotRead(f"None of the first {count} of {total} {self.what} could be read. {error}") from None
            except EngineError as error:
                self.failed[i] = error
                in_a_row += 1
                if in_a_row >= _FAILED:
                    left = total - len(done)
                    raise EngineError(
                        f"{in_a_row} documents in a row could not be asked; {len(done)} of {total} were, and are kept: "
                        f"the same question asks the other {left}. The last error: {error}"
                    ) from None
            if self.way.progress is not None:
                self.way.progress(f"asking {self.what}", len(done) + len(self.failed), total)
        return taken

    def unread(self, count: int) -> bool:
        """Whether that many were asked, and no reply on any of them could be read."""
        return len(self.failed) == count and all(isinstance(error, NotRead) for error in self.failed.values())

    # -- compute -------------------------------------------------------------------------------------------------

    def answered(
        self,
        situation: Situation,
        decision: Decision,
        engine: Engine,
        plan: Plan,
        known: dict[int, list[Found]],
        usage: Usage,
        asked: tuple[int, Price],
    ) -> Answer:
        """The answer computed from the table."""
        way = self.way
        with way.stage("compute"):
            rows = (*(self.row(i, known.get(i)) for i in range(len(self.units))), *self.unreadable())
            table = Table(columns=plan.columns, rows=rows, computed=plan.words)
            result = computed(plan, table)
        attempt = Attempt(
            decision=decision, engine=engine.name, abstained=False, usage=usage, cost=way.calls.price(usage, engine)
        )
        way.notes += self.notes(*asked)
        answer = way.answer([attempt], _REPLY)
        if way.on_text is not None:
            way.on_text(result.text)
        return answer.model_copy(
            update={
                "text": result.text,
                "abstained": False,
                "citations": tuple(result.citations),
                "table": table.model_copy(update={"taken": result.matching, "figures": result.figures}),
                "read": tuple(
                    Stretch(document=name, start=unit.start, end=unit.start + len(text))
                    for unit in self.units
                    for name, text in zip(unit.names, unit.texts, strict=True)
                ),
            }
        )

    def row(self, i: int, cells: Sequence[Found] | None) -> Row:
        """The row of a unit."""
        unit = self.units[i]
        named: dict[str, Any] = {"document": unit.names[0], "amendments": unit.names[1:], "section": unit.section}
        if cells is None:
            return Row(**named, failed=str(self.failed.get(i, "it was not asked")))
        return Row(**named, cells=tuple(cell(one, unit.names, self.way.store) for one in cells))

    def unreadable(self) -> list[Row]:
        """A row for each file that should be a document and could not be read; no count has it."""
        if self.way.documents is not None:
            return []
        others = ("unsupported", "pictures")  # formats that are no documents
        found = [problem for problem in self.way.store.unread() if not problem.reason.startswith(others)]
        return [Row(document=problem.name, failed=problem.reason) for problem in found if problem.files == 1]

    def notes(self, missing: int, expected: Price) -> list[str]:
        """What was asked, what was kept, and what failed."""
        before = len(self.units) - missing
        kept_ = f"; {before:,} were asked before, and what they say was kept" if before else ""
        told = [f"{missing:,} of {len(self.units):,} {self.what} were asked ({expected.words}){kept_}."]
        if self.failed:
            first = next(iter(self.failed.values()))
            told.append(f"{len(self.failed)} could not be read and are not computed with; ask again. {first}")
        return told


_REPLY = Reply(Completion("", Usage(), abstained=True))  # without text: what the answer says is computed


def _both(one: tuple[Usage, Cost], other: tuple[Usage, Cost]) -> tuple[Usage, Cost]:
    return one[0] + other[0], total([one[1], other[1]])


def _called(way: Way, engine: Engine, prompt: Any, most: int) -> Completion:
    return way.call(engine, prompt, most)


def _of_columns(plan: Plan) -> str:
    """The fields as text: what is kept belongs to them, whatever is computed."""
    return "\n".join(column.model_dump_json() for column in plan.columns)


def _read(kept_plan: str) -> Plan | None:
    try:
        return Plan.model_validate_json(kept_plan)
    except ValidationError:
        return None


def tabulated(
    way: Way, situation: Situation, decision: Decision, rules: Callable[[type[Rules]], Rules], *, forced: bool
) -> tuple[Answer, list[Reply]]:
    """The answer on the rung each; where no table can be made and nobody asked for one, the ordinary way."""
    on_each, before = Each(way, rules), len(way.usages)
    try:
        return on_each.run(situation, decision)
    except (NoPlan, EngineError, InputError) as error:
        if forced or isinstance(error, CalledOff) or (on_each.failed and not isinstance(error, NotRead)):
            raise
        way.notes.append(f"No table was made: {error}")
        if len(way.usages) > before:  # asking for a plan is charged too
            usage = sum(way.usages[before:], Usage())
            spent = usage, way.calls.price(usage, way.situating.engine_for(EACH)[0])
            way.rewriting = spent if way.rewriting is None else _both(way.rewriting, spent)
        ordinary = replace(situation, each=None)
        return way.finish(ordinary, way.policy.decide(ordinary))
