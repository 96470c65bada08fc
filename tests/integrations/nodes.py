"""Nodes that tests give to LlamaIndex, and events that they hear from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.schema import NodeWithScore, TextNode


class Heard(BaseEventHandler):
    """Collects the names of events."""

    names: list[str] = []  # noqa: RUF012  (a pydantic field)

    @classmethod
    def class_name(cls):
        return "Heard"

    def handle(self, event, **kwargs):
        self.names.append(type(event).__name__)


@contextmanager
def heard() -> Iterator[list[str]]:
    """The events that LlamaIndex fires meanwhile."""
    handler = Heard(names=[])
    root = get_dispatcher()
    root.add_event_handler(handler)
    try:
        yield handler.names
    finally:
        root.event_handlers.remove(handler)


def node(text: str, score: float | None = None, **given) -> NodeWithScore:
    return NodeWithScore(node=TextNode(text=text, **given), score=score)


def texts(nodes) -> list[str]:
    return [each.node.get_content() for each in nodes]
