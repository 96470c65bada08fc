"""GGUF -> weights.bin (JSON header + raw quantised tensors) and tok/ (the tokenizer as it was before the GGUF)."""
import json, os, struct, sys
os.environ.setdefault("OMP_NUM_THREADS", "1")
from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

HERE = "./"
r = GGUFReader(HERE + "gguf/SmolLM2-135M-Instruct.Q4_1.gguf")
names = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
head, raw, at = [], [], 0
for t in r.tensors:
    p = t.name.split(".")
    name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}.get(p[0]) or f"model.layers.{p[1]}.{names[p[2]]}"
    b = t.data.tobytes()
    shape = [int(x) for x in reversed(t.shape)]
    head.append([name + ".weight", t.tensor_type.name, shape, at, len(b)])
    raw.append(b); at += len(b)
h = json.dumps(head).encode()
with open(HERE + "weights.bin", "wb") as f:
    f.write(struct.pack("<I", len(h))); f.write(h)
    for b in raw: f.write(b)
print(len(head), at)
F = {k: f for k, f in r.fields.items()}
tokens = F["tokenizer.ggml.tokens"].contents(); types = F["tokenizer.ggml.token_type"].contents(); merges = F["tokenizer.ggml.merges"].contents()
vocab = {t: i for i, t in enumerate(tokens)}
tok = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(m.split(" ")) for m in merges], fuse_unk=False))
tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)])
tok.decoder = decoders.ByteLevel(add_prefix_space=True, trim_offsets=True, use_regex=True)
special = [t for t, k in zip(tokens, types) if k == 3]
print(special, len(tokens))
tok.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
os.makedirs(HERE + "tok", exist_ok=True)
tok.save(HERE + "tok/tokenizer.json")
json.dump({"chat_template": F["tokenizer.chat_template"].contents(), "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "unk_token": "<|endoftext|>", "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8192, "clean_up_tokenization_spaces": False}, open(HERE + "tok/tokenizer_config.json", "w"))
json.dump({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 100000.0, "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0}, "max_position_embeddings": 8192, "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "dtype": "bfloat16"}, open(HERE + "tok/config.json", "w"), indent=1)
