"""The tools, with the official client over HTTP and over standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.serve.conftest import LEASE, Running

mcp = pytest.importorskip("mcp", reason="the tools need hybrid-context[serve]")


async def _talk(server: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with mcp.Client(server) as client:
        found["tools"] = (await client.list_tools()).tools
        found["ask"] = await client.call_tool("ask", {"question": "When does the lease end?", "corpus": "contracts"})
        found["search"] = await client.call_tool("search", {"query": "rent", "corpus": "contracts"})
        hit = found["search"].structured_content["results"][0]
        found["fetch"] = await client.call_tool("fetch", {"id": hit["id"]})
        found["hit"] = hit
        found["route"] = await client.call_tool("route", {"question": "Who is the tenant?", "corpus": "contracts"})
        found["wrong"] = await client.call_tool("ask", {"question": "Who?", "corpus": "nothing"})
    return found


def _check(found: dict[str, Any]) -> None:
    assert {tool.name for tool in found["tools"]} == {"ask", "search", "fetch", "route"}
    assert all(tool.output_schema and tool.annotations.read_only_hint for tool in found["tools"])
    told = found["ask"].structured_content
    assert "28 February 2027" in told["text"]
    assert told["citations"][0]["document"] == "lease.md"
    assert found["fetch"].structured_content["text"] == found["hit"]["text"]
    assert found["route"].structured_content["route"] in ("rag", "long")
    assert found["wrong"].is_error
    assert "There is no corpus 'nothing'" in found["wrong"].content[0].text


def test_an_mcp_client_asks_over_http(service: Running) -> None:
    _check(asyncio.run(_talk(f"{service.url}/mcp/")))


@pytest.mark.parametrize("place", ["contracts", "file://{}/contracts"])
def test_an_mcp_client_asks_over_standard_input(tmp_path: Path, place: str) -> None:
    from mcp.client.stdio import StdioServerParameters, stdio_client

    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "lease.md").write_text(LEASE, "utf-8")
    known = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "hybrid", "mcp", place.format(tmp_path)], cwd=str(tmp_path), env=known
    )
    _check(asyncio.run(_talk(stdio_client(server))))


def test_ask_gives_the_table_of_a_question_over_all_documents(tmp_path: Path, embedder: Any) -> None:
    from hybrid import Hybrid, load
    from hybrid.serve.mcp import Tools
    from hybrid.serve.shelf import Shelf

    texts = {
        f"{name}.txt": f'LEASE between Hill Ltd and Ann (the "Tenant").\n\nThe rent is {rent} a year.\n'
        for name, rent in (("ash", "£1,000"), ("birch", "£2,000"))
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    settings = load(
        overrides={"index": {"dir": str(tmp_path / "index")}, "embedder": {"precision": "float32"}}, environ={}
    )
    with Hybrid(settings) as hybrid:
        hybrid.embedder._models.update(embedder._models)
        tools = Tools(hybrid, Shelf(hybrid, {"leases": (str(tmp_path / "*.txt"),)}))
        told = tools.ask("What is the total rent over all leases?")
        assert told.table is not None
        assert told.table.figures == {"GBP/year": 3000.0}
        assert told.table.columns[0] == "rent"
        cell = told.table.rows[1].cells[0]
        assert (cell.value, cell.unit, cell.shown) == (2000.0, "GBP/year", "£2,000 a year")
        assert cell.id is not None
        assert "£2,000 a year" in tools.fetch(cell.id).text
        assert tools.ask("Who is the tenant?").table is None
