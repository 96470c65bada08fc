"""The settings of costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from hybrid.settings.section import Name, Section


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
    """The costs. Without prices, they are estimated for the named model on the named GPU."""

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
    disk: float | None = Field(
        None,
        gt=0,
        description="tokens a second at which the engine loads its cache from disk; None: as `hybrid warm` measured it",
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


def overrule_costs(known: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Drop prices of the other kind, and keys of another model or GPU."""
    gone: set[str] = set()
    if "shape" in given and isinstance(known.get("models"), Mapping):
        known["models"] = {name: table for name, table in known["models"].items() if name == given["shape"]}
    if {"dollars_per_million_prompt", "dollars_per_million_output"} & set(given):
        gone.add("dollars_per_gpu_hour")
    if "dollars_per_gpu_hour" in given:
        gone |= {f"dollars_per_million_{what}" for what in ("prompt", "cached", "output")}
    if str(given.get("energy")).lower() in ("false", "0", "no", "off"):
        gone.add("idle_watts")
    if given.get("gpu") == "cpu":
        gone.add("gpus")
    for key in gone:
        known.pop(key, None)
