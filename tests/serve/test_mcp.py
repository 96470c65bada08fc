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
