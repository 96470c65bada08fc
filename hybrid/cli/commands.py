"""The commands of `hybrid`: its own, and those that installed packages bring.

A package brings commands with an entry point of the group `hybrid.commands`, which names a table like `OWN`. A name of
two words, such as "calibrate window", is a subcommand.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

import click

GROUP = "hybrid.commands"
Table = dict[str, tuple[str, str, str]]  # name -> (module, attribute, first line of its help: shown without loading it)

OWN: Table = {
    "ask": ("hybrid.cli.ask", "ask", "Answer questions from files, with citations."),
    "route": ("hybrid.cli.route", "route", "Tell which way a question would take, and why, without asking it."),
    "plan": ("hybrid.cli.plan", "plan", "Plan a long window for a model: overrides, memory, the command to serve it."),
    "index": ("hybrid.cli.index", "index", "Build, update and show the index of a corpus."),
    "up": ("hybrid.cli.up", "up", "Serve a model with vLLM, its window extended and verified."),
    "warm": ("hybrid.cli.warm", "warm", "Read documents into the model server's cache before anybody asks."),
    "serve": ("hybrid.cli.serve", "serve", "Serve corpora: a page, an OpenAI-compatible endpoint, MCP tools."),
    "chat": ("hybrid.cli.chat", "chat", "Ask one question after the other, in a conversation."),
    "mcp": ("hybrid.cli.mcp", "mcp", "Offer a corpus to MCP clients over standard input and output."),
    "calibrate": ("hybrid.cli.calibrate", "calibrate", "Measure your own engine, so that predictions hold for it."),
    "calibrate cost": ("hybrid.cli.calibrate_cost", "cost", "Measure what a vLLM server takes for prompts."),
    "calibrate router": ("hybrid.cli.calibrate_router", "router", "Fit the policy `calibrated` to your records."),
    "init": ("hybrid.cli.init", "init", "Write hybrid.toml: which documents, which engine, which GPU."),
    "doctor": ("hybrid.cli.doctor", "doctor", "Tell what is installed, what would be used, and what is missing."),
}


@cache
def commands() -> Table:
    """All commands, the own ones first; an installed package cannot take the name of one of these."""
    brought: Table = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        brought |= entry.load()
    return OWN | {name: found for name, found in brought.items() if name not in OWN}


def load(name: str) -> click.Command | None:
    """The command of that name, imported now; None if there is none."""
    found = OWN.get(name) or commands().get(name)
    if found is None:
        return None
    command: click.Command = getattr(import_module(found[0]), found[1])
    return command
