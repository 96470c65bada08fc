"""Passages embedded in int8 on a CPU: OpenVINO runs the model that NNCF quantises once per model and machine.

Weights and activations are quantised after training with SmoothQuant (Xiao et al., arXiv 2211.10438), calibrated on
the user's passages. Measured with all-MiniLM-L6-v2, passages in int8 and questions in float32: recall@5 / @20 on
codeqa (n = 129) .691 / .857 against .698 / .846, NQ hit@1 (n = 700) .954 against .951, XQuAD hit@1 (n = 1 190) .883
against .885. Of five neighbours a third of one changes: near ties swap, and what is found stays.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_CALIBRATION = 64  # passages
_INPUTS = ("input_ids", "attention_mask")


def available() -> bool:
    """Whether the packages of the extra `int8` are installed."""
    return find_spec("openvino") is not None and find_spec("nncf") is not None


def file_of(model: Any) -> Path:
    """The file of a sentence-transformers model's quantised form, named by the model's weights and not by its path."""
    from platformdirs import user_cache_path

    digest = blake2b(digest_size=10)
    for name, weights in model.state_dict().items():
        digest.update(name.encode())
        digest.update(weights.contiguous().numpy().data)
    return user_cache_path("hybrid-context") / "int8" / digest.hexdigest() / "model.xml"


def quantise(model: Any, file: Path, texts: Sequence[str]) -> None:
    """Write the int8 form of a float32 model, calibrated on `texts`; 10 to 20 s for MiniLM on two cores.

    Raises any error of the converter for a model that it cannot take, and OSError where the file cannot be written.
    """
    _no_telemetry()
    import nncf
    import openvino
    import torch

    nncf.set_log_level(logging.ERROR)

    class Forward(torch.nn.Module):
        """The model from token ids to unpooled-and-pooled vectors, as plain tensors for the tracer."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    def features(text: str) -> dict[str, Any]:
        found = model.preprocess([text])
        return {name: found[name] for name in _INPUTS}

    step = max(1, len(texts) // _CALIBRATION)
    samples = [{n: t.numpy() for n, t in features(text).items()} for text in texts[::step][:_CALIBRATION]]
    with torch.no_grad(), warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")  # tracing warns of values it fixes; the ranking is compared afterwards
        graph = openvino.convert_model(Forward().eval(), example_input=features(texts[0]))
    with contextlib.redirect_stdout(io.StringIO()):  # it draws bars into what --json writes
        graph = nncf.quantize(graph, nncf.Dataset(samples), model_type=nncf.ModelType.TRANSFORMER)
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=file.parent.parent))
    try:
        openvino.save_model(graph, folder / file.name)
        folder.rename(file.parent)
    except OSError:
        if not file.is_file():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(model: Any, file: Path, cores: int) -> Any:
    """The model with its forward pass run by OpenVINO, one stream per core; several threads may call it."""
    _no_telemetry()
    import openvino
    import torch

    compiled = openvino.Core().compile_model(file, "CPU", {"NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores})
    local = threading.local()

    def forward(features: dict[str, Any], **_: Any) -> dict[str, Any]:
        if not hasattr(local, "request"):
            local.request = compiled.create_infer_request()
        local.request.infer({name: features[name].numpy() for name in _INPUTS})
        vectors = torch.from_numpy(local.request.get_output_tensor(0).data.copy())
        return {**features, "sentence_embedding": vectors}

    forward(model.preprocess(["ready?"]))  # in one thread: two that meet in the first call wait for each other
    quick = copy.copy(model)  # tokenizer and prompts shared, weights too
    quick.forward = forward
    return quick


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from remarking on its own configuration while a model is traced."""
    from transformers.utils import logging as said

    before = said.get_verbosity()
    said.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        said.set_verbosity(before)


def _no_telemetry() -> None:
    """Turn telemetry off: both packages do without it where it cannot be imported."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
