"""Serve a tiny model with random weights, for the tests marked `server`; nothing is downloaded.

    python tests/vllm_server.py --vllm /path/to/vllm --port 8000

Token counts, windows, caching and errors of such a server are real; its answers are noise. Ctrl-C stops it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from hybrid.serving.served import Served
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import find

MODEL = "tiny-chat"
WINDOW = 4096
# what extends the model to four times its window
YARN = {
    "max_position_embeddings": 16384,
    "rope_parameters": {
        "rope_type": "yarn",
        "factor": 4.0,
        "original_max_position_embeddings": 4096,
        "rope_theta": 10000.0,
    },
}
ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(folder: Path) -> None:
    """Write a model into `folder`: a Llama's configuration and a tokenizer trained on this repository's text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    root = Path(__file__).resolve().parents[1]
    tokenizer.train_from_iterator((p.read_text("utf-8") for p in sorted(root.glob("hybrid/**/*.py"))), trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = -(-tokenizer.get_vocab_size() // 64) * 64
    _write(folder / "config.json", configuration(vocabulary))
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "additional_special_tokens": ["<|im_start|>"],
            "model_max_length": WINDOW,
            "chat_template": TEMPLATE,
            "clean_up_tokenization_spaces": False,
        },
    )


def configuration(vocabulary: int) -> dict[str, object]:
    """A Llama of two small layers."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 64,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": WINDOW,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": False,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": 2,
        "torch_dtype": "bfloat16",
    }


def served(folder: Path, port: int) -> Served:
    """The model in `folder`, with random weights."""
    flags = ("--load-format", "dummy", "--dtype", "bfloat16", "--enforce-eager", "--max-num-seqs", "8")
    return Served(str(folder), MODEL, WINDOW, port=port, extra=flags)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm", required=True, help="the vllm executable")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    with tempfile.TemporaryDirectory(prefix="tiny-chat-") as name, suppress(KeyboardInterrupt):
        folder = Path(name)
        build(folder)
        server = served(folder, options.port)
        with Servers([server], find(options.vllm), folder, follow=sys.stderr, probe=False) as servers:
            servers.start()
            print(f"ready: HYBRID_TEST_SERVER={server.url}", flush=True)
            servers.wait()
    return 0


def _write(path: Path, data: dict[str, object]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
