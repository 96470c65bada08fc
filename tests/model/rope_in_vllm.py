"""What vLLM makes of a model's folder and overrides: test_rope_vllm.py runs it with the Python that has vLLM.

Reads JSON cases on standard input; for each one prints the window vLLM serves, or its refusal, and the first two rows
and the number of rows of the table of positions that its models would use.
"""

from __future__ import annotations

import json
import sys

from vllm.config import ModelConfig
from vllm.model_executor.layers.rotary_embedding import get_rope

for line in sys.stdin:
    case = json.loads(line)
    try:
        model = ModelConfig(
            model=case["folder"],
            hf_overrides=case["overrides"],
            max_model_len=case["window"],
            dtype="float32",
            skip_tokenizer_init=True,
        )
    except (ValueError, RuntimeError) as error:
        print(json.dumps({"refused": str(error)}), flush=True)
        continue
    import torch
    from vllm.config import VllmConfig, set_current_vllm_config

    text = model.hf_text_config
    with set_current_vllm_config(VllmConfig(model_config=model)):
        rope = get_rope(
            model.get_head_size(),
            max_position=text.max_position_embeddings,
            rope_parameters=text.rope_parameters,
            dtype=torch.float32,
        )
    table = getattr(rope, "cos_sin_cache", None)
    if table is None:
        table = rope.long_short_cos_sin_cache
    found = {"window": model.max_model_len, "rows": table.shape[0], "first": table[0].tolist()}
    print(json.dumps({**found, "second": table[1].tolist(), "parameters": text.rope_parameters}), flush=True)
