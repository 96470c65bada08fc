"""A model by folder, carried name or hub name; a hub name's config.json is fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.model.carried import carried, carried_like, hub_name
from hybrid.model.config import Model

_NO_WEIGHTS = re.compile(  # adapters, and files that training leaves behind
    r"adapter|(?:training_args|optimizer|scheduler|scaler|rng_state|random_states|trainer_state)[\w.-]*\.(?:bin|safetensors)",
    re.IGNORECASE,
)


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


def _from_folder(folder: Path) -> Model:
    config = _read_json(folder / "config.json")
    if config is None:
        raise InputError(f"The folder {folder} has no config.json: it is not a model's folder.")
    return Model(str(folder), config, float(sum(file.stat().st_size for file in weight_files(folder))) or None)


def weight_files(folder: Path) -> list[Path]:
    """The files that vLLM loads weights from: those of one format; for a sharded model, those of its index."""
    found = [file for file in sorted(folder.iterdir()) if file.is_file() and not _NO_WEIGHTS.match(file.name)]
    for suffix, index in ((".safetensors", "model.safetensors.index.json"), (".bin", "pytorch_model.bin.index.json")):
        ours = [file for file in found if file.suffix == suffix]
        shards = (_read_json(folder / index) or {}).get("weight_map")
        listed = set(shards.values()) if isinstance(shards, Mapping) else set()
        ours = [file for file in ours if file.name in listed] or ours
        twins = [file for file in ours if file.name.startswith("consolidated")]
        if ours:
            return ours if len(twins) == len(ours) else [file for file in ours if file not in twins]
    return []


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        read = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {file}: {error}.") from None
    if not isinstance(read, dict):
        raise InputError(f"{file} holds no JSON object.")
    return read


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
        size = None  # one file of weights, or no index
    return Model(name, config, size)


def _near_hubs(name: str) -> str:
    """A sentence with the carried models of similar hub names, which need no network; empty if there are none."""
    hubs = {hub.lower().rpartition("/")[2]: hub for hub in map(hub_name, carried())}
    near = get_close_matches(name.lower().rpartition("/")[2], hubs, n=3, cutoff=0.7)
    return f" Carried, so that no network is needed: {' or '.join(hubs[n] for n in near)}." if near else ""


def _fetched(name: str, file: str) -> dict[str, Any]:
    """A JSON file of a model on the hub, from the local cache or fetched; the hub client's own way retries for long."""
    from huggingface_hub import get_session, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.utils._headers import build_hf_headers
    from huggingface_hub.utils._http import hf_raise_for_status

    cached = try_to_load_from_cache(name, file)
    if isinstance(cached, str):
        return _read_json(Path(cached)) or {}
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
