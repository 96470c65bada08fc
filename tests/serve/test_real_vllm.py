"""The service before a real vLLM server: a stream, what the client sets, and a conversation in the prefix cache."""

from __future__ import annotations

from pathlib import Path

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
