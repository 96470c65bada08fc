"""A suite, as a TOML file: tasks with their sizes and lengths, and the arms that answer them.

seed and sizes at the top          [settings.engine] as in hybrid.toml, for all arms
[[tasks]] name = "needle"          [[arms]] name = "rag", settings.routing.policy = "rag"
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

from hybrid.evals.sample import Task
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from hybrid.errors import InputError
from hybrid.files import read_toml

Kind = Literal["hybrid", "raw", "llama_index", "function"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SUITES = "suites"  # folder of the carried ones, beside this file
PROJECT = Path(__file__).resolve().parents[1]
DATA = "{data}"  # the folder named with --data, in a text of a task's options


Whole = Annotated[int, Strict()]  # true is no number
Length = Annotated[Whole, Field(ge=1)]


class Part(BaseModel):
    """Base of all parts of a suite: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Part):
    """Limits at which a run stops early; the same command continues it."""

    failed_share: float = Field(0.2, ge=0, le=1, description="of the samples of an arm that may fail")
    failed: Whole = Field(10, ge=0, description="failures of an arm that are always allowed")
    minutes: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="time after which no further sample is begun"
    )


class TaskSpec(Part):
    """A task as a suite asks for it."""

    name: str = Field(min_length=1, description="of a carried task, or `module:function` that makes one of your own")
    label: str = Field("", description="how the report calls it; needed where one task is asked for twice")
    options: dict[str, Any] = Field({}, description="given to the task by name")
    n: Whole | None = Field(None, ge=1, description="samples of each length and seed; None: the suite's")
    lengths: tuple[Length, ...] | None = Field(None, description="tokens of prompt and reply; None: the suite's")
    arms: tuple[str, ...] = Field((), description="the only arms that answer it; empty: all")
    optional: bool = Field(False, description="whether it is left out where the folder of data sets lacks its files")

    @property
    def title(self) -> str:
        """The label, or the name."""
        return self.label or self.name


class Serve(Part):
    """The model that vLLM serves for the run where the user names no server."""

    model: str = Field(min_length=1, description="a folder or a hub name; {project} is the folder of the project")
    context: Whole | None = Field(
        None, ge=64, description="tokens; beyond the model's own a second server extends it. None: the model's own"
    )
    port: Whole = Field(8100, ge=1, le=65534, description="of the first server; the second takes the next")
    flags: tuple[str, ...] = Field((), description="passed on to vLLM unchanged")


class ArmSpec(Part):
    """An arm as a suite describes it."""

    name: str = Field(min_length=1, max_length=60)
    kind: Kind = "hybrid"
    target: str = Field("", description="for llama_index and function: `module:function`")
    concurrency: Whole = Field(1, ge=1, description="for llama_index and function: samples under way at once")
    settings: dict[str, dict[str, Any]] = Field({}, description="as in hybrid.toml, over those of the suite")

    @model_validator(mode="after")
    def _fits(self) -> ArmSpec:
        if self.kind in ("llama_index", "function") and ":" not in self.target:
            raise ValueError(f"the arm {self.name!r} of kind {self.kind} needs a target like 'my_module:my_function'")
        return self


class Suite(Part):
    """Tasks, and the arms that answer them."""

    name: str = Field("", description="empty: the file's")
    about: str = ""
    n: Whole = Field(50, ge=1, description="samples of each task, length and seed")
    lengths: tuple[Length, ...] = Field((), description="tokens of prompt and reply; empty: the data decide")
    seeds: tuple[Whole, ...] = Field((0,), min_length=1)
    settings: dict[str, dict[str, Any]] = Field({}, description="as in hybrid.toml, for all arms")
    serve: Serve | None = Field(None, description="the model that a run without --url starts servers for")
    tasks: tuple[TaskSpec, ...] = Field(min_length=1)
    arms: tuple[ArmSpec, ...] = Field(min_length=1)
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        arms = [arm.name for arm in self.arms]
        for what, names in (("arm", arms), ("task", [task.title for task in self.tasks])):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                remedy = "a label of its own" if what == "task" else "another name"
                raise ValueError(f"the suite names the {what} {twice!r} twice; give one of them {remedy}")
        numbers = {"seed": self.seeds, "length": self.lengths}
        numbers |= {f"length of the task {task.title!r}:": task.lengths or () for task in self.tasks}
        for what, given in numbers.items():
            again = next((number for number in given if given.count(number) > 1), None)
            if again is not None:
                raise ValueError(f"the suite names the {what} {again} twice; its samples would be asked once more")
        for task in self.tasks:
            for name in task.arms:
                if name not in arms:
                    raise ValueError(f"the task {task.title!r} is for an {unknown('arm', name, arms)}")
        return self

    def cells(self, task: TaskSpec) -> Iterator[Cell]:
        """The streams of samples to draw from a task."""
        for length in (self.lengths if task.lengths is None else task.lengths) or (None,):
            for seed in self.seeds:
                yield Cell(task.title, length, seed, task.n or self.n)

    def asks(self, task: TaskSpec, arm: str) -> bool:
        """Whether an arm answers a task."""
        return not task.arms or arm in task.arms

    def planned(self, arm: str) -> list[Cell]:
        """All cells that an arm answers."""
        return [cell for task in self.tasks if self.asks(task, arm) for cell in self.cells(task)]


class Cell(NamedTuple):
    """One stream of samples: a task at one length and seed."""

    task: str
    length: int | None
    seed: int
    n: int  # samples; fewer where the data have no more

    @property
    def key(self) -> str:
        """How files call it."""
        return f"{self.task}|{self.length or ''}|{self.seed}"


def carried() -> dict[str, Any]:
    """The suites that come with the package: name to file."""
    return {
        entry.name.removesuffix(".toml"): entry
        for entry in sorted((files("hybrid.evals") / SUITES).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def read(what: str | Path) -> Suite:
    """A suite by name, or from a TOML file.

    Raises:
        InputError: there is none, or something in it is wrong; the sentence names it.
    """
    known = carried()
    path = Path(what)
    text = None
    if str(what) in known:
        text, name = known[str(what)].read_text(encoding="utf-8"), str(what)
    elif path.is_file():
        name = path.stem
    else:
        raise InputError(f"There is no {unknown('suite', str(what), known)} A TOML file can be named too.")
    data = read_toml(path, f"The suite {what}", text=text)
    try:
        return Suite.model_validate({"name": name, **data})
    except ValidationError as error:
        raise InputError(f"The suite {what}: {fault(error, Suite)}") from None


def make_task(spec: TaskSpec, data: Path | None = None) -> Task:
    """The task of a specification, carried or the user's own.

    Args:
        data: the folder that {data} stands for.

    Raises:
        InputError: there is no such task, or it does not take these options.
    """
    options = {name: placed(value, data) if isinstance(value, str) else value for name, value in spec.options.items()}
    if ":" in spec.name:
        function = target(spec.name)
        try:
            own: Task = function(**options)
        except TypeError as error:
            raise InputError(f"The task {spec.name!r} does not take its options: {error}.") from None
        lacking = [part for part in ("name", "source", "metric", "samples") if not hasattr(own, part)]
        if lacking:
            raise InputError(f"{spec.name!r} makes no task: what it gives has no {' and no '.join(lacking)}.")
        return own
    make = target("hybrid.evals.tasks.registry:task")
    carried_task: Task = make(spec.name, **options)
    return carried_task


def placed(text: str, data: Path | None = None) -> str:
    """A text of a suite with its folders filled in; a run records it without, so it can be moved."""
    folders = {"{suites}": str(files("hybrid.evals") / SUITES), "{project}": str(PROJECT)}
    if data is not None:
        folders[DATA] = str(data)
    for name, folder in folders.items():
        text = text.replace(name, folder)
    return text


def target(name: str) -> Any:
    """The attribute that `module:attribute` names; modules in the current folder are found too.

    Raises:
        InputError: it cannot be imported or has no such attribute.
    """
    import sys

    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found = import_module(module)
    except Exception as error:  # noqa: BLE001  (a module of the user's own may raise anything)
        said = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise InputError(f"Cannot import {module!r} of {name!r}: {said}.") from None
    if not hasattr(found, attribute):
        raise InputError(f"The module {module!r} has no {attribute!r}.")
    return getattr(found, attribute)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The end of a sentence on an unknown name, with the nearest known one."""
    return f"{what} {name!r}; {_nearest(name, list(known))}"


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}."


def fault(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a validation as a sentence."""
    # an unknown key says more than what is missing because it was misspelt
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        parent: Any = model
        for part in first["loc"][:-1]:
            if isinstance(part, str) and part in getattr(parent, "model_fields", {}):
                parent = _inner(parent.model_fields[part].annotation)
        return f"unknown key {where!r}; {_nearest(str(first['loc'][-1]), list(parent.model_fields))}"
    if first["type"] == "value_error":
        said = first["msg"].removeprefix("Value error, ")
        return said if said.endswith(("?", ".")) else f"{said}."
    if first["type"] == "missing":
        return f"{where!r} is missing."
    return f"{where!r} cannot be {first.get('input')!r}: {first['msg'][0].lower()}{first['msg'][1:]}."


def _inner(annotation: Any) -> Any:
    """The model in an annotation such as `tuple[TaskSpec, ...]`."""
    return next((part for part in get_args(annotation) if isinstance(part, type)), annotation)


def merged(*layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Settings over settings, section by section; later ones win."""
    found: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for section, values in layer.items():
            found.setdefault(section, {}).update(values)
    return found
