"""Your own model on vLLM: what its long window takes, and the same question by both routes.

python examples/own_model.py                                   offline: the plan for Qwen3 8B at 131 072 tokens
python examples/own_model.py http://localhost:8000/v1          and questions to the server that `hybrid up` started
"""

from __future__ import annotations

import sys
from pathlib import Path

from hybrid import Hybrid, Settings
from hybrid.serving.plan import plan
from hybrid.settings import CostSettings, EngineSettings

FILING = Path(__file__).parent / "filing" / "genprex-10-q-2024-q1.txt"
QUESTION = "What was the net loss for the three months ended March 31, 2024?"

if __name__ == "__main__":
    found = plan("qwen3-8b", 131_072, gpus=["h100"])
    print(f"{found.model}: {found.extension.rope_type} by {found.extension.factor:g}, {found.extension.overrides}")
    for fit in found.fits:
        print(f"one {fit.gpu}: {fit.free:.0f} GiB for the cache, {fit.requests} requests of {found.context:,} tokens")
    for worth in found.questions:
        print(f"a question on it: {worth.cold.seconds:.1f} s at first, {worth.warm.seconds:.1f} s from the cache,")
        print(f"over passages {worth.passages.seconds:.1f} s: whole is worth it from {worth.questions} questions on")
    print("serve it: hybrid up qwen3-8b --context 128k")
    if len(sys.argv) > 1:
        settings = Settings(engine=EngineSettings(kind="server", url=sys.argv[1]), cost=CostSettings(gpu="h100"))
        with Hybrid(settings) as hybrid:
            for route in ("rag", "long", "long"):  # the second time the document is in the prefix cache
                answer = hybrid.answer(QUESTION, FILING, route=route)
                usage = answer.usage
                print(f"{route}: {usage.prompt_tokens:,} tokens, {usage.cached_tokens:,} cached, {usage.seconds:.2f} s")
                print(f"  {answer.text}")
