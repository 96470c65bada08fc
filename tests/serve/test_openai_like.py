"""LlamaIndex's `OpenAILike`. It asks for an older client of OpenAI, so it runs in its own environment."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.serve.conftest import Running

PYTHON = os.environ.get("HYBRID_TEST_OPENAI_LIKE", "")  # a Python with llama-index-llms-openai-like
ASK = """
import sys
from llama_index.llms.openai_like import OpenAILike
llm = OpenAILike(model="contracts", api_base=sys.argv[1], api_key="none", is_chat_model=True)
print(llm.complete("When does the lease end?"))
print("".join(part.delta or "" for part in llm.stream_complete("When does the lease end?")))
"""


@pytest.mark.server
@pytest.mark.skipif(not PYTHON, reason="no environment with llama-index-llms-openai-like: make test-vllm makes one")
def test_llama_index_speaks_to_it_as_to_any_openai_like_server(service: Running) -> None:
    done = subprocess.run([PYTHON, "-c", ASK, f"{service.url}/v1"], capture_output=True, text=True, check=False)
    assert done.stdout.count("28 February 2027") == 2, done.stderr
