"""Tasks by name. What a task needs is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

from hybrid.evals.sample import Task
from pydantic import ValidationError

from hybrid.errors import InputError

_RULER = (
    "niah_single_1 niah_single_2 niah_single_3 niah_multikey_1 niah_multikey_2 niah_multikey_3 niah_multivalue "
    "niah_multiquery vt cwe fwe qa_1 qa_2"
).split()


class _Entry(NamedTuple):
    module: str
    maker: str
    fixed: Mapping[str, str] = {}


TASKS: Mapping[str, _Entry] = {
    **{f"ruler/{name}": _Entry("ruler", "Ruler", {"task": name}) for name in _RULER},
    "needle": _Entry("needle", "Needle"),
    "middle/kv": _Entry("middle", "KeyValue"),
    "middle/qa": _Entry("middle", "MultiDocument"),
    **{
        form: _Entry("documents", "Documents", {"form": form})
        for form in ("jsonl", "squad", "longbench", "leval", "lara", "qasper", "qmsum", "squality", "quality")
    },
    **{form: _Entry("retrieval", "Retrieval", {"form": form}) for form in ("chunking", "codeqa")},
    **{
        f"testbed/{kind}": _Entry("testbed", "Testbed", {"kind": kind})
        for kind in ("single", "keys", "values", "records", "variables")
    },
}


def task(name: str, **options: Any) -> Task:
    """A carried task.

    Args:
        name: one of `TASKS`.
        options: as the task's class in `evals/tasks` describes them; paths are relative to the current folder.

    Raises:
        InputError: there is no such task, or an option is unknown, missing or cannot be what it is.
    """
    if name not in TASKS:
        near = get_close_matches(name, TASKS, n=3, cutoff=0.5)
        known = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(TASKS)}."
        raise InputError(f"There is no task {name!r}; {known}")
    entry = TASKS[name]
    maker = getattr(import_module(f"hybrid.evals.tasks.{entry.module}"), entry.maker)
    taken = [field for field in maker.__dataclass_fields__ if field not in entry.fixed]
    for option in options:
        if option not in taken:
            near = get_close_matches(option, taken, n=1)
            known = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(taken)}."
            raise InputError(f"The task {name} has no option {option!r}; {known}")
    try:
        made: Task = maker(**options, **entry.fixed)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        if first["type"].startswith("missing"):
            raise InputError(f"The task {name} needs the option {where!r}.") from None
        reason = first["msg"][0].lower() + first["msg"][1:]
        raise InputError(f"The option {where!r} of the task {name} cannot be {first['input']!r}: {reason}.") from None
    return made
