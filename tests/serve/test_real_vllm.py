"""The service before a real vLLM server: a stream, what the client sets, and a conversation in the prefix cache."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.serve.conftest import running

pytestmark = pytest.mark.server
TEXT = (Path(__file__).parents[2] / "hybrid" / "types.py").read_text("utf-8")


def test_a_conversation_on_a_real_model_streams_and_finds_its_document_cached(url: str, tmp_path: Path) -> None:
    (tmp_path / "types.py").write_text(TEXT[:4000], "utf-8")
    with running(tmp_path, "code=types.py", "--url", url) as service:
        client, turns = service.client, [{"role": "user", "content": "What is a passage?"}]
        first = client.chat.completions.create(model="code:long", messages=turns, max_tokens=8, temperature=0.0)  # type: ignore[arg-type]
        assert first.usage is not None
        assert 0 < first.usage.completion_tokens <= 8
        turns += [{"role": "assistant", "content": "A stretch."}, {"role": "user", "content": "And what is a piece?"}]
        chunks = list(
            client.chat.completions.create(  # type: ignore[call-overload]
                model="code:long", messages=turns, max_tokens=8, stream=True, stream_options={"include_usage": True}
            )
        )
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens > first.usage.prompt_tokens / 2
    told = chunks[-2].model_extra["hybrid"]
    assert told["route"] == "long"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def running_on(url: str) -> int:
    """Requests that the model's server works on."""
    told = httpx.get(f"{url.removesuffix('/v1')}/metrics").text
    found = re.findall(r"^vllm:num_requests_(?:running|waiting)\{.*\} (\S+)", told, re.MULTILINE)
    assert found
    return int(sum(map(float, found)))


@pytest.mark.parametrize("stream", [True, False])
def test_a_question_that_is_called_off_ends_on_the_server_long_before_it_would(
    url: str, tmp_path: Path, stream: bool
) -> None:
    (tmp_path / "types.py").write_text(TEXT[:6000], "utf-8")
    with running(tmp_path, "code=types.py", "--url", url) as service:
        service.post("/v1/route", json={"model": "code", "question": "What is a passage?"})  # its models are loaded
        body = {
            "model": "code:long",
            "messages": [{"role": "user", "content": "What is a passage?"}],
            "max_tokens": 1200,
            "stream": stream,
        }
        begun = time.monotonic()
        service.post("/v1/chat/completions", json={**body, "stream": False})
        whole = time.monotonic() - begun
        begun = time.monotonic()
        with (
            suppress(httpx.ReadTimeout),
            httpx.stream("POST", f"{service.url}/v1/chat/completions", json=body, timeout=whole / 4) as reply,
        ):
            for _ in reply.iter_lines():
                if time.monotonic() - begun > whole / 4:
                    break
        while running_on(url):
            assert time.monotonic() - begun < whole, "the server still works on it"
            time.sleep(0.05)
