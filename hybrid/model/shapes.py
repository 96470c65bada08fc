"""What a model's config.json says about its window and its cache.

`read_model` takes a folder, a name carried in shapes.toml, or a hub name (only then, and because it was asked for, its
config.json is fetched). The rest are pure functions of a configuration, as transformers and vLLM read it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from hybrid.errors import InputError, SettingsError

Config = Mapping[str, Any]
Kind = Literal["full", "sliding", "chunked", "state"]

_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
_WIDTH = ("hidden_size", "n_embd", "d_model")
_DEPTH = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HEADS = ("num_attention_heads", "n_head", "n_heads")
# Families whose input and output tables are one where the configuration does not say (transformers' defaults, 5.x)
_TIED = re.compile(
    r"(?:gemma|recurrent_gemma|paligemma|cohere|gpt2|gpt_bigcode|gpt_neo$|falcon(?:_mamba)?$|bloom|opt$|mpt$|starcoder2|"
    r"smollm3|xglm|mamba$|lfm2|zamba2)"
)
WINDOW_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
# Published configurations of these families leave out what transformers fills in (read from its own defaults, 5.24).
_DEFAULTS: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "vocab_size": 262_208,
        "max_position_embeddings": 131_072,
        "sliding_window": 4096,
        "rope_theta": 1e6,
        "rope_local_base_freq": 1e4,
        "tie_word_embeddings": True,
    },
    "llama": {
        "hidden_size": 4096,
        "intermediate_size": 11_008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "vocab_size": 32_000,
        "max_position_embeddings": 2048,
        "rope_theta": 1e4,
    },
    "mistral": {
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 32_000,
        "max_position_embeddings": 131_072,
        "sliding_window": 4096,
        "rope_theta": 1e4,
    },
    "qwen2": {
        "hidden_size": 4096,
        "intermediate_size": 22_016,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "vocab_size": 151_936,
        "max_position_embeddings": 32_768,
        "rope_theta": 1e4,
    },
}
_INNER = {"gemma3": "gemma3_text", "llava": "llama", "llava_next": "llama"}  # the language model of a family
_FLAT = ("qwen2_vl", "qwen2_5_vl")  # written flat, and nested under text_config by transformers
_WEIGHTS = re.compile(  # what names say of how weights are kept
    r"[-_.](?:awq|gptq|nvfp4|mxfp4|fp4|fp8|bnb|bitsandbytes|gguf|mlx|quantized|autoround|i?q\d_\w+|w\d+a\d+|"
    r"int[2-8]|[2-8]-?bits?|g\d{2,3}|dynamic)(?=$|[-_.])"
)
_BITS = re.compile(r"(?:w|int|i?q)?(\d)(?:a\d+|-?bits?|_\w+)?")
_VARIANT = re.compile(r"[-_](?:instruct|chat|base|it|pt|hf|unsloth|dynamic)(?=$|[-_])")  # of the same shape
_NO_WEIGHTS = re.compile(  # of a model: adapters, and what training leaves behind
    r"adapter|(?:training_args|optimizer|scheduler|scaler|rng_state|random_states|trainer_state)[\w.-]*\.(?:bin|safetensors)",
    re.IGNORECASE,
)
_STATE_MODELS = ("mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv5", "rwkv6", "rwkv7", "xlstm")


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its configuration."""

    name: str
    config: Config  # config.json, whole
    weight_bytes: float | None = None  # of the weight files, where they are at hand
    parameters: float | None = None  # billions
    active: float | None = None  # of them, that a token passes through, where experts are chosen
    effective: int | None = None  # tokens, published

    @property
    def text(self) -> Config:
        """The part of the configuration that is about the language model."""
        return language(self.config)[1]


@dataclass(frozen=True, slots=True)
class Layers:
    """Equal layers of a model, and what each keeps of a request."""

    kind: Kind
    count: int
    numbers: int  # keys and values kept per token and layer; of a state: per request and layer
    reach: int | None = None  # tokens kept at most
    shared: bool = False  # one latent for all heads (MLA), which tensor parallelism cannot split

    def kept(self, tokens: int) -> int:
        """Numbers kept for a request of `tokens`, in all of these layers."""
        if self.kind == "state":
            return self.count * self.numbers
        return self.count * self.numbers * (tokens if self.reach is None else min(tokens, self.reach))


def read_model(what: str) -> Model:
    """A model by folder, carried name or hub name.

    Raises:
        InputError: there is none of that name, or its configuration cannot be read.
    """
    folder = Path(what).expanduser()
    if folder.is_dir():
        return _from_folder(folder)
    known = carried_like(what)
    if known is not None:
        return known
    if what.count("/") != 1 or what.startswith((".", "/", "~")):
        near = get_close_matches(what.lower(), carried(), n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise InputError(
            f"There is no model {what!r}: give a folder with a config.json, a hub name like owner/name, or one of: "
            f"{', '.join(carried())}.{meant}"
        )
    return _from_hub(what)


def carried_like(what: str) -> Model | None:
    """The carried model of a name or of a hub name, its variants of the same shape and its quantized forms included.

    `Qwen/Qwen3-8B`, `qwen/qwen3-8b-base` and `Qwen/Qwen3-8B-AWQ` are all `qwen3-8b`; the last with weights of 4 bits.
    """
    if what.lower() in carried():
        return carried()[what.lower()]
    if what.count("/") != 1:
        return None
    bare, method = _bare(what)
    for name, row in _rows().items():
        if bare in (_bare(row["hub"])[0], *(_bare(f"x/{other}")[0] for other in row.get("also", ()))):
            model = carried()[name]
            if method is None:
                return model
            return replace(model, config={**model.config, "quantization_config": method})
    return None


def _bare(hub: str) -> tuple[str, dict[str, Any] | None]:
    """A hub name without its owner and what leaves the shape alone, and how its weights are kept, as it tells."""
    name = hub.lower().rpartition("/")[2]
    marks = [mark[1:] for mark in _WEIGHTS.findall(name)]
    name = _WEIGHTS.sub("", name).removeprefix("meta-")
    while (shorter := _VARIANT.sub("", name)) != name:
        name = shorter
    return name, _method(marks)


def _method(marks: Sequence[str]) -> dict[str, Any] | None:
    """The quantization_config that the marks of a name stand for; None where they tell of none."""
    told = next((int(found[1]) for mark in marks if (found := _BITS.fullmatch(mark))), None)
    group = next((int(mark[1:]) for mark in marks if re.fullmatch(r"g\d+", mark)), 128)
    if "gguf" in marks or any(mark.startswith(("q", "iq")) and "_" in mark for mark in marks):
        return {"quant_method": "gguf", "bits": told}
    if {"bnb", "bitsandbytes"} & set(marks):
        half = {"load_in_4bit": True, "bnb_4bit_use_double_quant": True}
        return {"quant_method": "bitsandbytes", **({"load_in_8bit": True} if told == 8 else half)}
    named = next((mark for mark in marks if mark in ("awq", "gptq", "autoround")), None)
    if named is not None:
        return {"quant_method": named, "bits": told or 4, "group_size": group}
    if {"nvfp4", "fp4"} & set(marks):
        return {"quant_method": "modelopt", "quant_algo": "NVFP4"}
    if "mxfp4" in marks:
        return _packed(4, 32, "float")
    if "fp8" in marks:
        return {"quant_method": "fp8"}
    return None if told is None else _packed(told, group, "int")


def _packed(bits: int, group: int, kind: str) -> dict[str, Any]:
    """A quantization_config of compressed-tensors; weights of 8 bits share a scale by row."""
    weights = {"num_bits": bits, "type": kind, "strategy": "group" if bits < 8 else "channel", "group_size": group}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}


@lru_cache
def carried() -> dict[str, Model]:
    """The models of shapes.toml by name."""
    own = ("hub", "also", "parameters", "active_parameters", "effective")
    return {
        name: Model(
            name=name,
            config={k: v for k, v in row.items() if k not in own},
            parameters=row["parameters"],
            active=row.get("active_parameters"),
            effective=row.get("effective"),
        )
        for name, row in _rows().items()
    }


def language(config: Config) -> tuple[tuple[str, ...], Config]:
    """The keys that lead to the language model's part of a configuration, and that part, its defaults filled in.

    The keys are those under which transformers and vLLM look for it, also where the file is written flat.
    """
    path: list[str] = []
    family = str(config.get("model_type", ""))
    while True:
        inner = next((key for key in _NESTED if isinstance(config.get(key), Mapping)), None)
        if inner is None:
            break
        path.append(inner)
        config = config[inner]
    if not path and family in _FLAT:
        path.append("text_config")
    kind = str(config.get("model_type") or _INNER.get(family, ""))
    if path and kind in _DEFAULTS:  # in a nested part only: a whole file that lacks its size is broken
        config = {"model_type": kind, **_DEFAULTS[kind], **config}
    elif kind == "gemma3_text":
        config = {**_DEFAULTS[kind], **config}
    return tuple(path), config


def window_of(config: Config) -> int | None:
    """Tokens a language model's configuration allows: the smallest of the keys that say so, as vLLM takes it."""
    _, text = language(config)
    found = [int(text[key]) for key in WINDOW_KEYS if isinstance(text.get(key), int)]
    return min(found) if found else None


def is_state_space(config: Config) -> bool:
    """Whether the model has no attention at all."""
    return str(language(config)[1].get("model_type", "")) in _STATE_MODELS


def layers(config: Config) -> list[Layers]:
    """What the layers of a model keep of a request: keys and values by token, by window, or a state.

    Raises:
        SettingsError: the configuration lacks a field that decides it.
    """
    _, text = language(config)
    total = _whole(text, *_DEPTH)
    if is_state_space(config):
        return [Layers("state", total, _state(text))]
    head = head_size(config)
    latent = _told(text, "kv_lora_rank")
    per_token = latent + _told(text, "qk_rope_head_dim") if latent else 2 * kv_heads(config) * head
    window = sliding_window(config)
    chunk = text.get("attention_chunk_size")
    found: list[Layers] = []
    for kind, count in sorted(Counter(_kinds(text, total, window, chunk)).items()):
        if kind == "state":
            found.append(Layers("state", count, _state(text)))
        elif kind == "full":
            found.append(Layers("full", count, per_token, None, bool(latent)))
        else:
            found.append(Layers(kind, count, per_token, int((window if kind == "sliding" else chunk) or 0)))
    return found


def head_size(config: Config) -> int:
    """Width of one attention head."""
    _, text = language(config)
    if told := _told(text, "head_dim"):
        return told
    width = _whole(text, *_WIDTH)
    return width // _whole(text, *_HEADS)


def kv_heads(config: Config) -> int:
    """Key-value heads of a layer, the most that tensor parallelism can split."""
    _, text = language(config)
    heads = _whole(text, *_HEADS)
    inner = text.get("attn_config")
    own = _told(inner, "kv_n_heads") if isinstance(inner, Mapping) else 0
    return own or _told(text, "num_key_value_heads", "num_kv_heads") or _default_kv(text, heads)


def depth(config: Config) -> int:
    """How many layers a model has."""
    return _whole(language(config)[1], *_DEPTH)


def query_heads(config: Config) -> int:
    """Attention heads of a layer."""
    _, text = language(config)
    return _told(text, *_HEADS) or kv_heads(config)


def sliding_window(config: Config) -> int | None:
    """Tokens that a sliding layer looks back, None where no layer slides."""
    _, text = language(config)
    window = text.get("sliding_window") if text.get("use_sliding_window", True) else None
    return int(window) if isinstance(window, int | float) and window else None


def count_parameters(config: Config, *, active: bool = False) -> float:
    """Billions of parameters of a transformer with gated feed-forward layers, counted from its shape.

    Exact to a few percent for Llama-like models; experts are counted, biases, norms and the low-rank projections of
    latent attention are not.

    Args:
        active: only what one token passes through: of the experts those that are chosen for it.
    """
    _, text = language(config)
    width, depth = _whole(text, *_WIDTH), _whole(text, *_DEPTH)
    heads = _told(text, *_HEADS)
    head = _told(text, "head_dim") or (width // heads if heads else 0)
    inner = _inner(text, 4 * width)
    attention = width * head * (2 * heads + 2 * (kv_heads(config) if heads else 0))
    count = _expert_count(text)
    if count:
        chosen = _told(text, "num_experts_per_tok", "experts_per_token") or count
        inner = (_told(text, "moe_intermediate_size") or inner) * (chosen if active else count)
    # a token is looked up, and only the output matrix is multiplied
    embedding = _vocabulary(text) * width * (1 if active or is_tied(config) else 2)
    return (depth * (attention + 3 * width * inner) + embedding) / 1e9


def embeddings(config: Config) -> float:
    """Numbers in the tables of tokens: of what is read and, where it is another one, of what is written."""
    _, text = language(config)
    return float(_vocabulary(text) * _told(text, *_WIDTH) * (1 if is_tied(config) else 2))


def is_tied(config: Config) -> bool:
    """Whether what is read and what is written share one table: as told, else as the family's default is."""
    _, text = language(config)
    told = text.get("tie_word_embeddings")
    told = config.get("tie_word_embeddings") if told is None else told
    if told is None:
        families = (str(part.get("model_type", "")) for part in (text, config))
        return any(_TIED.match(family) for family in families)
    return bool(told)


def experts(config: Config) -> float:
    """Numbers in the matrices of all experts; 0 where a model has none."""
    _, text = language(config)
    count = _expert_count(text)
    inner = _told(text, "moe_intermediate_size") or (_inner(text, 0) if count else 0)
    return 3.0 * _told(text, *_DEPTH) * count * _told(text, *_WIDTH) * inner


def _expert_count(text: Config) -> int:
    return _told(text, "num_local_experts", "num_experts", "n_routed_experts")


def _inner(text: Config, usual: int) -> int:
    """Width inside the feed-forward layers, their mean where it is told by layer; `usual` where nothing is told."""
    if "intermediate_size" in text and not _told(text, "moe_intermediate_size"):
        return _whole(text, "intermediate_size")
    return _told(text, "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim") or usual


def _vocabulary(text: Config) -> int:
    return _whole(text, "vocab_size") if "vocab_size" in text else 0


def _kinds(text: Config, total: int, window: Any, chunk: Any) -> list[Kind]:
    """The kind of every layer."""
    names: dict[str, Kind] = {
        "full_attention": "full",
        "attention": "full",
        "sliding_attention": "sliding",
        "chunked_attention": "chunked",
        "linear_attention": "state",
        "mamba": "state",
        "mamba2": "state",
        "recurrent": "state",
    }
    listed = text.get("layer_types") or text.get("layers_block_type")
    if isinstance(listed, list | tuple):
        unknown = sorted({str(name) for name in listed} - set(names))
        if unknown:
            raise SettingsError(
                f"The cache of layers of the kind {', '.join(unknown)} is not known; known: {', '.join(names)}."
            )
        return ["full" if names[n] == "sliding" and not window else names[n] for n in listed]
    if text.get("attn_layer_period"):  # Jamba
        period, offset = int(text["attn_layer_period"]), int(text.get("attn_layer_offset", 0))
        return ["full" if i % period == offset else "state" for i in range(total)]
    if text.get("full_attention_interval"):  # Qwen3-Next
        every = int(text["full_attention_interval"])
        return ["full" if (i + 1) % every == 0 else "state" for i in range(total)]
    if chunk:  # iRoPE: layers without positions see everything, the others one chunk
        every = int(text.get("no_rope_layer_interval") or 4)
        sees_all = text.get("no_rope_layers")
        if isinstance(sees_all, list) and len(sees_all) == total:  # 0 marks a layer without rope
            return ["chunked" if has_rope else "full" for has_rope in sees_all]
        return ["full" if (i + 1) % every == 0 else "chunked" for i in range(total)]
    if window:
        pattern = text.get("sliding_window_pattern") or text.get("_sliding_window_pattern")
        pattern = pattern or {"gemma2": 2, "gpt_oss": 2, "gemma3_text": 6, "cohere2": 4}.get(
            str(text.get("model_type"))
        )
        if pattern:
            return ["full" if (i + 1) % int(pattern) == 0 else "sliding" for i in range(total)]
        first = int(text.get("max_window_layers") or 0)  # Qwen2: the first layers see everything
        return ["full" if i < first else "sliding" for i in range(total)]
    return ["full"] * total


def _state(text: Config) -> int:
    """Numbers one recurrent layer keeps of a request: state and convolution."""
    if "linear_num_value_heads" in text:  # gated delta rule
        heads, width = int(text["linear_num_value_heads"]), int(text.get("linear_value_head_dim", 128))
        keys = int(text.get("linear_key_head_dim", 128))
        taps = int(text.get("linear_conv_kernel_dim", 4)) - 1
        mixed = 2 * int(text.get("linear_num_key_heads", heads)) * keys + heads * width
        return heads * keys * width + taps * mixed
    hidden = _whole(text, "hidden_size", "d_model")
    inner = int(text.get("intermediate_size_mamba") or text.get("mamba_expand", text.get("expand", 2)) * hidden)
    state = int(text.get("mamba_d_state") or text.get("state_size") or text.get("ssm_state_size") or 16)
    taps = int(text.get("mamba_d_conv") or text.get("conv_kernel") or 4)
    return inner * (state + taps)


def _default_kv(text: Config, heads: int) -> int:
    """One key-value head where the old flag for multi-query attention is set, else one per head."""
    return 1 if text.get("multi_query") else heads


def _whole(text: Config, *names: str) -> int:
    """The size under the first name that tells one.

    Raises:
        SettingsError: none does.
    """
    found = _told(text, *names)
    if not found:
        raise SettingsError(f"The model's config.json lacks {names[0]!r}, which decides its size: complete it.")
    return found


def _told(text: Config, *names: str) -> int:
    """The size under the first name that tells one, of a list by layer its mean; 0 where none does."""
    for name in names:
        value = text.get(name)
        sizes = value if isinstance(value, list | tuple) else [value]
        known = [size for size in sizes if isinstance(size, int | float) and not isinstance(size, bool) and size > 0]
        if known and len(known) == len(sizes):
            return round(sum(known) / len(known))
    return 0


def _from_folder(folder: Path) -> Model:
    config = _json(folder / "config.json")
    if config is None:
        raise InputError(f"The folder {folder} has no config.json: it is not a model's folder.")
    return Model(str(folder), config, float(sum(file.stat().st_size for file in _weight_files(folder))) or None)


def _weight_files(folder: Path) -> list[Path]:
    """The files of a folder that vLLM loads weights from: of one format, and of a sharded one those listed."""
    found = [file for file in sorted(folder.iterdir()) if file.is_file() and not _NO_WEIGHTS.match(file.name)]
    for suffix, index in ((".safetensors", "model.safetensors.index.json"), (".bin", "pytorch_model.bin.index.json")):
        ours = [file for file in found if file.suffix == suffix]
        shards = (_json(folder / index) or {}).get("weight_map")
        listed = set(shards.values()) if isinstance(shards, Mapping) else set()
        ours = [file for file in ours if file.name in listed] or ours
        twins = [file for file in ours if file.name.startswith("consolidated")]
        if ours:
            return ours if len(twins) == len(ours) else [file for file in ours if file not in twins]
    return []


def _from_hub(name: str) -> Model:
    try:
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
    except ImportError:
        raise InputError(
            f"Reading {name!r} from the hub needs the package 'huggingface-hub': pip install huggingface-hub."
        ) from None
    try:
        config = _fetched(name, "config.json")
    except GatedRepoError:
        raise InputError(
            f"The model {name!r} is gated: accept its terms on its page, then log in with `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise InputError(
            f"The hub has no model {name!r}, or it is private: check the spelling, or log in.{_near_hubs(name)}"
        ) from None
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise InputError(
            f"Cannot fetch the configuration of {name!r}: {(str(error) or type(error).__name__).splitlines()[0]}. "
            f"Give the model's folder instead, or try again with a network.{_near_hubs(name)}"
        ) from None
    try:
        size = float(_fetched(name, "model.safetensors.index.json")["metadata"]["total_size"])
    except (HfHubHTTPError, OSError, ValueError, KeyError, TypeError):
        size = None  # one file of weights, or none that tells
    known = next((row for row in _rows().values() if row["hub"].lower() == name.lower()), {})
    return Model(name, config, size, known.get("parameters"), known.get("active_parameters"), known.get("effective"))


def _near_hubs(name: str) -> str:
    """A sentence that names carried models whose hub names are near, which need no network; empty if none is."""
    hubs = {row["hub"].lower().rpartition("/")[2]: row["hub"] for row in _rows().values()}
    near = get_close_matches(name.lower().rpartition("/")[2], hubs, n=3, cutoff=0.7)
    return f" Carried, so that no network is needed: {' or '.join(hubs[n] for n in near)}." if near else ""


def _fetched(name: str, file: str) -> dict[str, Any]:
    """A JSON file of a model on the hub: from the local cache, or fetched, without the hub client's long retries."""
    from huggingface_hub import get_session, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.utils._headers import build_hf_headers
    from huggingface_hub.utils._http import hf_raise_for_status

    cached = try_to_load_from_cache(name, file)
    if isinstance(cached, str):
        return _json(Path(cached)) or {}
    try:
        reply = get_session().get(hf_hub_url(name, file), headers=build_hf_headers(), timeout=10, follow_redirects=True)
    except Exception as error:
        if isinstance(error, OSError | ValueError):
            raise
        raise OSError(str(error) or type(error).__name__) from None  # the client's own tree of errors
    hf_raise_for_status(reply)
    read = reply.json()
    if not isinstance(read, dict):
        raise ValueError(f"{file} holds no JSON object")
    return read


def hub_name(what: str) -> str:
    """The name under which vLLM finds a model: a carried one's hub name, anything else as it is."""
    return _rows()[what.lower()]["hub"] if what.lower() in _rows() else what


@lru_cache
def _rows() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("hybrid.model").joinpath("shapes.toml").read_text("utf-8"))


def _json(file: Path) -> dict[str, Any] | None:
    try:
        read = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {file}: {error}.") from None
    if not isinstance(read, dict):
        raise InputError(f"{file} holds no JSON object.")
    return read
