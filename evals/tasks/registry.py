"""Tasks by name; the module of a task is imported when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hybrid.evals.sample import Task
from hybrid.evals.tasks.babilong import babilong
from hybrid.evals.tasks.nolima.nolima import NoLiMa
from hybrid.evals.tasks.oolong import oolong
from hybrid.evals.tasks.ruler import ruler
from hybrid.evals.tasks.testbed import Testbed
from hybrid.evals.testbed import KINDS
from pydantic import ValidationError

from hybrid.errors import InputError
from hybrid.registry import Registry, hint

TASKS: Registry[Callable[..., Task]] = Registry(
    "task",
    {
        **{f"ruler/{name}": partial(ruler.Ruler, task=name) for name in ruler.TASKS},
        "needle": "hybrid.evals.tasks.haystack:Needle",
        "middle/kv": "hybrid.evals.tasks.middle:KeyValue",
        "middle/qa": "hybrid.evals.tasks.middle:MultiDocument",
        **{f"babilong/{name}": partial(babilong.BabiLong, task=name) for name in babilong.KINDS},
        **{f"nolima/{hops}": partial(NoLiMa, hops=hops) for hops in ("one", "two")},
        **{f"oolong/{name}": partial(oolong.Oolong, task=name) for name in oolong.KINDS},
        "financebench": "hybrid.evals.tasks.financebench:FinanceBench",
        "jsonl": "hybrid.evals.tasks.documents:Own",
        "conversations": "hybrid.evals.tasks.conversations:Conversations",
        "squad": "hybrid.evals.tasks.published:Squad",
        "longbench": "hybrid.evals.tasks.published:LongBench",
        "leval": "hybrid.evals.tasks.published:LEval",
        "lara": "hybrid.evals.tasks.published:Lara",
        "qasper": "hybrid.evals.tasks.published:Qasper",
        "qmsum": "hybrid.evals.tasks.published:QMSum",
        "squality": "hybrid.evals.tasks.published:Squality",
        "quality": "hybrid.evals.tasks.published:Quality",
        "chunking": "hybrid.evals.tasks.published:Chunking",
        "codeqa": "hybrid.evals.tasks.published:CodeQA",
        **{f"testbed/{kind}": partial(Testbed, kind=kind) for kind in KINDS},
    },
)


def task(name: str, **options: Any) -> Task:
    """A task by its name.

    Args:
        name: one of `TASKS`.
        options: as the task's class describes them; paths are relative to the current folder.

    Raises:
        InputError: there is no such task, or an option is unknown, missing or of a wrong value.
    """
    make = TASKS[name]
    fixed = make.keywords if isinstance(make, partial) else {}
    fields = getattr(make.func if isinstance(make, partial) else make, "__dataclass_fields__", options)
    taken = [field for field in fields if field not in fixed]
    for option in options:
        if option not in taken:
            raise InputError(f"The task {name} has no option {option!r}; {hint(option, taken, 'it takes')}")
    try:
        return make(**options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        if first["type"].startswith("missing"):
            raise InputError(f"The task {name} needs the option {where!r}.") from None
        reason = first["msg"][0].lower() + first["msg"][1:]
        raise InputError(f"The option {where!r} of the task {name} cannot be {first['input']!r}: {reason}.") from None
