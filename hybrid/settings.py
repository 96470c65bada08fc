"""Settings: arguments win over the environment, the environment over `hybrid.toml`, that over the defaults.

An environment variable names section and key: HYBRID_ENGINE_URL is `url` in `[engine]`. Unknown keys are refused
wherever they come from. An empty variable is as one that is not set, because scripts and compose files pass on as empty
what nobody set.

Whoever names an engine later names it for whole documents too, unless the long engine is named beside it: else half of
the questions would still go to a server of the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hybrid.errors import SettingsError
from hybrid.registry import Registry
from hybrid.types import Route, Rung

FILE = "hybrid.toml"
PREFIX = "HYBRID_"


Name = Annotated[str, Field(min_length=1)]


def _one_of(kind: str, *carried: str) -> BeforeValidator:
    """Checks a name of something that other packages may add to."""
    return BeforeValidator(Registry[None](kind, dict.fromkeys(carried)).named)


PolicyName = Annotated[str, _one_of("policy", "rag", "long", "fits", "self_route", "question_type", "calibrated")]
OrderingName = Annotated[str, _one_of("ordering", "auto", "relevance", "document", "edges", "curve")]


class Section(BaseModel):
    """Base of all sections: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _a_number_is_no_switch(cls, given: Any) -> Any:
        """`k = true` is a slip, which pydantic would take for 1."""
        for key, value in given.items() if isinstance(given, Mapping) else ():
            field = cls.model_fields.get(key)
            if isinstance(value, bool) and field is not None and "bool" not in str(field.annotation):
                raise ValueError(f"the key {key!r} cannot be {str(value).lower()}: {key!r} is no switch")
        return given


class CorpusSettings(Section):
    """Which files are read."""

    paths: tuple[str, ...] = Field((), description="what the commands read where they name none: as from this folder")
    exclude: tuple[str, ...] = Field((), description="patterns in .gitignore syntax to leave out")
    max_file_mb: float = Field(64.0, gt=0, description="larger files are reported and left out")

    @model_validator(mode="after")
    def _paths_are_files(self) -> CorpusSettings:
        for path in self.paths:
            if path.strip() in ("", "-"):
                what = "standard input, which only the command line can name" if path.strip() else "no path"
                raise ValueError(f"the key 'paths' names {path!r}, and that is {what}: leave it out")
        return self


class PassageSettings(Section):
    """How documents are split."""

    tokens: int = Field(214, ge=16, description="longest passage, in the embedder's tokens, its heading not counted")


class EmbedderSettings(Section):
    """What turns text into vectors."""

    model: str = Field("minilm", min_length=1, description="'minilm' (packaged), a folder, or a model hub's name")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    precision: Literal["auto", "float32", "bfloat16", "int8"] = Field(
        "auto", description="of passages; auto: the quickest that ranks as float32 does"
    )
    query_prompt: str | None = Field(None, description="put before questions; None: the model's own")
    document_prompt: str | None = Field(None, description="put before passages; None: the model's own")


class RetrievalSettings(Section):
    """What is searched, and how many passages are read."""

    mode: Literal["fused", "dense", "lexical"] = "fused"
    k: int = Field(8, ge=1, description="passages read on the rag route")


class EngineSettings(Section):
    """A model that answers."""

    kind: Literal["extractive", "server", "vllm"] = Field(
        "extractive",
        description="extractive: verbatim quotations, no model; server: any OpenAI-compatible server, which a url "
        "implies; vllm: in process",
    )
    url: Name | None = Field(None, description="base URL of a server, such as http://localhost:8000/v1")
    model: Name | None = Field(
        None, description="the model's name on the server, None: the first it lists; for vllm a folder or a hub name"
    )
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key, if one is needed")
    window: int | None = Field(None, ge=64, description="tokens; None: what the engine tells")
    max_tokens: int = Field(512, ge=1, description="room kept for the answer")
    temperature: float = Field(0.0, ge=0)
    timeout: float = Field(300.0, gt=0, description="seconds without a sign of life")
    retries: int = Field(4, ge=0, description="on 429, 5xx and dropped connections")
    concurrency: int = Field(8, ge=1, description="calls under way at once")
    cache_salt: str | None = Field(
        None, min_length=1, description="vLLM: prefixes are shared in its cache only by calls with the same salt"
    )
    overrides: dict[str, Any] = Field({}, description="vllm: changes to the model's config.json, as --hf-overrides")
    vllm_args: dict[str, Any] = Field({}, description="vllm: further arguments of vllm.LLM")

    @model_validator(mode="before")
    @classmethod
    def _url_implies_a_server(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("url") and given.get("kind") is None:
            return {**given, "kind": "server"}
        return given

    @model_validator(mode="after")
    def _every_key_has_an_effect(self) -> EngineSettings:
        for key in _WITHOUT_EFFECT[self.kind]:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"the key {key!r} has no effect with the kind {self.kind!r}: {_REMEDY[self.kind]}")
        return self


_WITHOUT_EFFECT = {  # keys by kind of engine: what nobody reads is refused, as whoever wrote it expects something
    "extractive": (
        *("url", "model", "temperature", "cache_salt", "overrides", "vllm_args", "api_key_env", "timeout", "retries"),
    ),
    "server": ("overrides", "vllm_args"),
    "vllm": ("url", "cache_salt", "api_key_env", "timeout", "retries"),
}
_REMEDY = {
    "extractive": "leave it out, or name a model with url, or with kind = 'vllm' and model",
    "server": "leave it out; a server is started with what it needs, see `hybrid up`",
    "vllm": "leave it out, or take the kind 'server'",
}


class RoutingSettings(Section):
    """Which way a question takes."""

    policy: PolicyName = "calibrated"
    prefer: Literal["accuracy", "balance", "cost"] = Field("balance", description="what the policy calibrated goes for")
    accuracy_price: float | None = Field(
        None, gt=0, description="dollars that one right answer is worth; None: as `prefer` says, 10, 0.3 or 0.05"
    )
    budget: float | None = Field(None, gt=0, description="dollars that one question may take, all attempts")
    batch_budget: float | None = Field(None, gt=0, description="dollars for all questions of a batch together")
    latency: float | None = Field(None, gt=0, description="seconds that 95 % of the answers should stay within")
    weights: Name | None = Field(
        None, description="file of `hybrid calibrate router`; None: hybrid-router.json here, else the carried ones"
    )
    adaptive_k: bool = Field(False, description="read passages only up to the largest gap in their scores")
    explore: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the questions that the other route answers too, once the answer is there, so that "
        "`hybrid calibrate router` can learn from them; charged, and of no effect on the answer",
    )
    explore_seed: int = Field(0, description="draws other questions for `explore`; the same question is always drawn")
    route: Route | None = Field(None, description="force a route")
    rung: Rung | None = Field(None, description="force how much is read")
    ordering: OrderingName = Field(
        "auto",
        description="of passages; auto: up to 8 by relevance, more by the curve of the engine's profile, else edges",
    )
    curve: tuple[float, ...] = Field((), description="measured score by position, first to last, for ordering 'curve'")
    unanswerable: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of your questions that the documents do not answer, for the policy calibrated; None: as in "
        "the data its weights come from (a quarter, by weight, of LaRA)",
    )
    profile: Name | None = Field(
        None, description="file of `hybrid calibrate window`; None: hybrid-profile.json here, if it is of the engine"
    )

    @model_validator(mode="after")
    def _every_key_has_an_effect(self) -> RoutingSettings:
        for key, why in self._without_effect().items():
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"the key {key!r} has no effect {why}")
        return self

    def _without_effect(self) -> dict[str, str]:
        """Keys that nobody reads with the others as they are, and why."""
        found: dict[str, str] = {}
        explores = {"budget"} if self.explore else set()  # what is explored keeps to the budget of a question
        if self.route is not None or self.rung is not None:
            forced = "route" if self.route is not None else "rung"
            why = f"where the {forced} is forced: leave one of them out"
            found |= dict.fromkeys(("policy", *_OF_CALIBRATED, "explore", "explore_seed"), why)
        elif self.policy != "calibrated":
            why = f"with the policy {self.policy!r}: leave it out, or take the policy 'calibrated'"
            found |= {key: why for key in _OF_CALIBRATED if key not in explores}
        if self.ordering == "curve" and len(self.curve) < 2:
            raise ValueError("the ordering 'curve' needs scores at 2 positions or more: set 'curve', or take 'auto'")
        if self.ordering not in ("auto", "curve"):
            found["curve"] = f"with the ordering {self.ordering!r}: leave it out, or take the ordering 'curve'"
        if not self.explore:
            found.setdefault("explore_seed", "where 'explore' is 0: set that, or leave it out")
        if self.accuracy_price is not None:
            found.setdefault("prefer", "where 'accuracy_price' is set: leave one of them out")
        return found


_OF_CALIBRATED = ("prefer", "accuracy_price", "budget", "batch_budget", "latency", "weights", "unanswerable")


class Hardware(Section):
    """A GPU that the project does not know, as data sheets describe it."""

    tflops: float = Field(gt=0, description="dense bfloat16, TFLOP/s")
    tflops_8: float | None = Field(None, gt=0, description="dense fp8, TFLOP/s")
    bandwidth: float = Field(gt=0, description="of its memory, GB/s")
    memory: float = Field(gt=0, description="GiB")
    watts: float | None = Field(None, gt=0)
    link: float = Field(32.0, gt=0, description="to another GPU, one way, GB/s")
    host: float = Field(32.0, gt=0, description="to the host's memory, one way, GB/s")
    dollars_per_hour: float | None = Field(None, ge=0)


class CostSettings(Section):
    """What things cost. Without prices, costs are estimated for the named model on the named GPU."""

    gpu: Name | None = Field(
        None,
        description="the engine's: one known to the project, a table of cost.hardware, or cpu. None: estimates assume "
        "an h100, and GPU-seconds are told where the engine runs on a GPU of this machine",
    )
    gpus: int = Field(1, ge=1, description="that share one copy of the model")
    shape: Name = Field("llama-3.1-8b", description="the model that estimates are for: carried, a table, or a folder")
    weight_bits: Literal[16, 8, 4] | None = Field(None, description="of a weight; None: as the model says, else 16")
    kv_bits: Literal[16, 8, 4] = Field(16, description="of a cached key or value")
    rates: Name | None = Field(
        None, description="file of `hybrid calibrate cost`; None: hybrid-rates.json here, if there is one"
    )
    hardware: dict[str, Hardware] = Field({}, description="GPUs of your own: tables [cost.hardware.NAME]")
    models: dict[str, dict[str, Any]] = Field(
        {}, description="models of your own: tables [cost.models.NAME] with `parameters` and keys of their config.json"
    )
    dollars_per_gpu_hour: float | None = Field(None, ge=0, description="None: the carried list price of cost.gpu")
    dollars_per_cpu_hour: float | None = Field(
        None, ge=0, description="of this machine, for indexing and retrieval; None: their seconds are told, not a price"
    )
    questions: int = Field(100, ge=1, description="expected on a corpus: its indexing is spread over as many")
    dollars_per_million_prompt: float | None = Field(None, ge=0, description="a hosted API's price")
    dollars_per_million_cached: float | None = Field(None, ge=0)
    dollars_per_million_output: float | None = Field(None, ge=0)
    energy: bool | None = Field(
        None,
        description="measure joules; None: where NVML is there and the engine is on this machine. Say false where "
        "localhost is a tunnel to another one",
    )
    idle_watts: float | None = Field(
        None, ge=0, description="power of the idle GPUs together, which is not charged; None: measured between calls"
    )

    @model_validator(mode="after")
    def _every_key_has_an_effect(self) -> CostSettings:
        if "cpu" in map(str.lower, self.hardware):
            raise ValueError("the table 'hardware.cpu' has no effect, as 'cpu' says that there is no GPU: rename it")
        if self.gpu == "cpu" and self.gpus != 1:
            raise ValueError("the key 'gpus' has no effect where 'gpu' is \"cpu\": leave one of them out")
        if self.energy is False and self.idle_watts is not None:
            raise ValueError("the key 'idle_watts' has no effect where 'energy' is false: leave one of them out")
        if self.models and self.shape not in self.models:
            names = ", ".join(map(repr, self.models))
            raise ValueError(
                f"the tables of 'models' have no effect, as 'shape' is {self.shape!r}: set it to one of {names}"
            )
        unused = [name for name in self.models if name != self.shape]
        if unused and "shape" in self.model_fields_set:
            raise ValueError(
                f"the table 'models.{unused[0]}' has no effect, as 'shape' is {self.shape!r}: leave it out, or name it "
                "there"
            )
        by_tokens = self.dollars_per_million_prompt is not None or self.dollars_per_million_output is not None
        if by_tokens and self.dollars_per_gpu_hour is not None:
            raise ValueError(
                "the key 'dollars_per_gpu_hour' has no effect beside prices of tokens: leave one of them out"
            )
        if not by_tokens and self.dollars_per_million_cached is not None:
            raise ValueError(
                "the key 'dollars_per_million_cached' has no effect alone: set 'dollars_per_million_prompt' too"
            )
        return self


class IndexSettings(Section):
    """Where indexes live."""

    dir: Name | None = Field(None, description="folder for this corpus's index; None: the user's cache folder")


class Settings(Section):
    """All settings; each section is a table of `hybrid.toml`."""

    corpus: CorpusSettings = CorpusSettings()
    passages: PassageSettings = PassageSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    engine: EngineSettings = EngineSettings()
    long_engine: EngineSettings | None = Field(
        None,
        description="an engine for whole documents; None: the same. Where it names no url, model or kind, it is the "
        "same with other settings. Another engine that is named later, such as by --url, takes its place too",
    )
    routing: RoutingSettings = RoutingSettings()
    cost: CostSettings = CostSettings()
    index: IndexSettings = IndexSettings()

    @model_validator(mode="before")
    @classmethod
    def _the_long_engine_is_the_same_with_changes(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        one, other = given.get("engine"), given.get("long_engine")
        if not isinstance(one, Mapping) or not isinstance(other, Mapping) or {"url", "model", "kind"} & set(other):
            return given
        return {**given, "long_engine": {**one, **other}}


def load(
    file: str | Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Mapping[str, Any]]] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from `file` (default: `hybrid.toml` here, if there is one), the environment and `overrides`.

    Args:
        file: a TOML file; it must exist when named.
        overrides: section -> key -> value; values that are None are ignored. Of several the last one wins.
        environ: the environment to read, `os.environ` by default.

    Raises:
        SettingsError: a file that cannot be read, an unknown key or a value that does not fit, by name.
    """
    merged: dict[str, dict[str, Any]] = {}
    given_here = [overrides or {}] if isinstance(overrides, Mapping | None) else list(overrides)
    layers = (_from_file(file), _from_environment(os.environ if environ is None else environ), *given_here)
    for layer in layers:
        _overrule_the_long_engine(merged, layer)
        for section, values in layer.items():
            if not isinstance(values, Mapping):
                raise SettingsError(f"The setting {section!r} must be a table of keys, like [{section}].")
            known, given = merged.setdefault(section, {}), {k: v for k, v in values.items() if v is not None}
            if "url" in given and given["url"] != known.get("url"):
                if "url" in known:
                    for key in ("model", "window"):  # they were said of the other server
                        known.pop(key, None)
                if "kind" not in given:  # a url implies its kind, whatever a layer below said without one
                    known.pop("kind", None)
            _overrule(section, known, given)
            known.update(given)
    return validated(merged)


def tells_of(section: str, file: str | Path | None = None, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the settings file or the environment says anything of a section."""
    return section in _from_file(file) or section in _from_environment(os.environ if environ is None else environ)


def validated(given: Mapping[str, Mapping[str, Any]]) -> Settings:
    """The settings that some tables say, without a file and the environment.

    Raises:
        SettingsError: an unknown key or a value that does not fit, by name.
    """
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _overrule_the_long_engine(known: dict[str, dict[str, Any]], given: Mapping[str, Any]) -> None:
    """Forget the long engine of layers below where a layer names an engine and no long one; a window is for both."""
    engine, long_engine = (_said(given.get(section)) for section in ("engine", "long_engine"))
    below = known.get("long_engine")
    if below is None or _names_another(long_engine, below):
        return
    if _names_another(engine, known.get("engine", {})):
        below.pop("window", None)  # where it is the engine itself with other settings, it was the other model's
        if _names_another(below, {}) or not below:
            del known["long_engine"]
    elif "window" in engine:
        below["window"] = engine["window"]


def _said(section: Any) -> dict[str, Any]:
    return {key: value for key, value in section.items() if value is not None} if isinstance(section, Mapping) else {}


def _names_another(engine: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether some settings name an engine; the kind that is known already names none."""
    kind = known.get("kind") or ("server" if known.get("url") else None)
    return "url" in engine or "model" in engine or engine.get("kind", kind) != kind


def _overrule(section: str, known: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Forget what a lower layer said of another way to decide: only what is said together has to fit together."""
    if section in ("engine", "long_engine") and ("kind" in given or given.get("url")):
        kind = given.get("kind") or "server"
        for key in _WITHOUT_EFFECT.get(str(kind), ()):
            if known.get("kind") != kind:
                known.pop(key, None)
    if section == "cost":
        _overrule_costs(known, given)
    if section != "routing":
        return
    if given.get("policy") and not (given.get("route") or given.get("rung")):
        for key in ("route", "rung"):
            known.pop(key, None)
    if given.get("route") or given.get("rung"):
        known.pop("policy", None)
    if given.get("policy", "calibrated") != "calibrated" or given.get("route") or given.get("rung"):
        for key in (*_OF_CALIBRATED, *(("explore", "explore_seed") if given.get("route") or given.get("rung") else ())):
            known.pop(key, None)
    if given.get("ordering", "auto") not in ("auto", "curve"):
        known.pop("curve", None)
    if "accuracy_price" in given:
        known.pop("prefer", None)
    if "prefer" in given:
        known.pop("accuracy_price", None)


def _overrule_costs(known: dict[str, Any], given: Mapping[str, Any]) -> None:
    if "shape" in given and isinstance(known.get("models"), Mapping):
        known["models"] = {name: table for name, table in known["models"].items() if name == given["shape"]}
    if {"dollars_per_million_prompt", "dollars_per_million_output"} & set(given):
        known.pop("dollars_per_gpu_hour", None)
    if "dollars_per_gpu_hour" in given:
        for key in ("dollars_per_million_prompt", "dollars_per_million_cached", "dollars_per_million_output"):
            known.pop(key, None)
    if str(given.get("energy")).lower() in ("false", "0", "no", "off"):
        known.pop("idle_watts", None)
    if given.get("gpu") == "cpu":
        known.pop("gpus", None)


def _from_file(file: str | Path | None) -> Mapping[str, Any]:
    path = Path(file) if file is not None else Path(FILE)
    if file is None and not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"Cannot read the settings file {path}: {reason}.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}.") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    sections = sorted(Settings.model_fields, key=len, reverse=True)  # long_engine before engine
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name.startswith("HYBRID_COMPLETE") or not value.strip():
            continue
        rest = name.removeprefix(PREFIX).lower()
        section = next((s for s in sections if rest.startswith(s + "_")), None)
        if section is None:
            raise SettingsError(
                f"The environment variable {name} names no setting; it should begin with {PREFIX} and one of: "
                f"{', '.join(s.upper() for s in Settings.model_fields)}."
            )
        key = rest.removeprefix(section + "_")
        found.setdefault(section, {})[key] = _listed(section, key, value)
    return found


def _listed(section: str, key: str, value: str) -> Any:
    """Comma-separated text where the setting is a tuple, the text itself otherwise; pydantic does the rest."""
    model: Any = EngineSettings if section == "long_engine" else Settings.model_fields[section].annotation
    field = model.model_fields.get(key)
    if field is not None and str(field.annotation).startswith("tuple"):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


_TABLES: dict[str, Any] = {"long_engine": EngineSettings, "hardware": Hardware}


_SHAPES = {  # pydantic speaks of Python's types
    "tuple_type": 'write a list, such as ["..."]',
    "dict_type": "it has to be a table, which only a settings file can hold",
    "model_type": "it has to be a table, which only a settings file can hold",
    "string_too_short": "it is empty; name something, or leave it out",
}


def _sentence(error: ValidationError) -> str:
    """The first fault of a validation as one sentence with its remedy."""
    faults = error.errors()
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])  # it explains what is lacking
    path = [str(part) for part in fault["loc"]]
    where = ".".join(path)
    if fault["type"] == "extra_forbidden":
        model: Any = Settings
        for part in path[:-1]:
            model = _TABLES.get(part) or model.model_fields[part].annotation
            if model is Hardware:  # what follows is the name of a GPU
                break
        near = get_close_matches(path[-1], model.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(model.model_fields)}."
        return f"Unknown setting {where!r}; {hint}"
    if fault["type"] == "value_error":
        told = str(fault["msg"]).removeprefix("Value error, ")
        return f"In the settings of [{where}] {told}."
    told = _SHAPES.get(fault["type"], f"{fault['msg'][0].lower()}{fault['msg'][1:]}")
    return f"The setting {where!r} cannot be {fault.get('input')!r}: {told}."
