"""What the tests of tables share: leases, and a real HTTP server in place of a model that fills in their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from hybrid import Hybrid, load
from tests.engines.conftest import double  # noqa: F401  (a fixture)
from tests.engines.double import CHAT, USAGE_CHUNK, Double, piece, stream

LEASES = {
    "ash.txt": "LEASE between Ash Ltd and Tom. The rent is £1,000 a month. Notice is thirty (30) days.",
    "birch.txt": "LEASE between Birch Ltd and Ann. The rent is £24,000 a year. Notice is six months.",
    "cedar.txt": "LEASE between Cedar Ltd and Eve. The rent is $500 a month. It says nothing on how it ends.",
    "dogwood.txt": "LEASE between Dogwood Ltd and Max. Max lives there for nothing. Notice is 90 days.",
}
QUESTION = "What is the total rent over all leases?"
FIELDS = {"rent": r"The rent is ([^.]+)\.", "notice": r"Notice is ([^.]+)\."}
TOTAL = {
    "columns": [{"name": "rent", "kind": "amount", "unit": "", "description": "the rent"}],
    "where": [],
    "compute": "sum",
    "of": ["rent"],
    "by": "",
    "named": "",
}
LONGEST = {
    "columns": [{"name": "notice", "kind": "duration", "unit": "", "description": "the notice period"}],
    "where": [],
    "compute": "max",
    "of": ["notice"],
    "by": "",
    "named": "",
}


def filled(text: str) -> str:
    """What a model that reads well replies on the fields of a prompt."""
    asked = re.findall(r'"(\w+)": \{"value"', text)
    said: dict[str, Any] = {}
    for name in asked:
        match = re.search(FIELDS[name], text)
        said[name] = {"value": match[1] if match else None, "quote": match[0] if match else None}
    return json.dumps(said)


def source(text: str) -> str:
    """The document of a prompt."""
    found = re.search(r'source="([^"]+)"', text)
    return found[1] if found else ""


class Scripted:
    """What the model says: a plan, and the fields of each document.

    Args:
        server: that speaks for it.
        plan: of every question.
        fill: the reply on the fields of a prompt.
    """

    def __init__(
        self, server: Double, plan: Any = TOTAL, fill: Callable[[str], str] = filled, *, knows_schemas: bool = True
    ) -> None:
        self.double, self.plan, self.fill = server, plan, fill
        self.knows_schemas = knows_schemas
        server.on(CHAT, self.answer)

    def answer(self, handler: Any, body: Any) -> None:
        text = body["messages"][-1]["content"]
        if not self.knows_schemas and "response_format" in body:
            from tests.engines.double import fault

            fault(400, "response_format of this type is not known")(handler, body)
            return
        plans = "Turn it into fields" in text
        said = (self.plan if isinstance(self.plan, str) else json.dumps(self.plan)) if plans else self.fill(text)
        stream(piece(said), piece("", "stop"), USAGE_CHUNK)(handler, body)

    @property
    def plans(self) -> list[Any]:
        """The requests for a plan."""
        return [body for body in self.double.bodies(CHAT) if "Turn it into" in body["messages"][-1]["content"]]

    @property
    def asked(self) -> list[str]:
        """The documents whose fields were asked for, in order."""
        bodies = (body["messages"][-1]["content"] for body in self.double.bodies(CHAT))
        return [source(text) for text in bodies if "Fill in the fields" in text]


@pytest.fixture
def asking(double: Double, embedder: Any) -> Callable[..., Hybrid]:  # noqa: F811
    """Makes a `Hybrid` that asks the server one question at a time."""

    def made(**sections: dict[str, Any]) -> Hybrid:
        engine = {"kind": "server", "url": double.url, "retries": 0, "concurrency": 1, **sections.pop("engine", {})}
        hybrid = Hybrid(
            load(overrides={"engine": engine, "embedder": {"precision": "float32"}, **sections}, environ={})
        )
        hybrid.embedder._models.update(embedder._models)
        return hybrid

    return made
