"""The rotary positions of a model: those it was trained with, and those that extend its window.

What extends it is planned by `hybrid.model.extension`, as for vLLM. There one server has one kind of positions; here
they change from prompt to prompt, so that short prompts are read as the model was trained and only long ones stretched.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from hybrid.errors import EngineError, SettingsError
from hybrid.model.config import window_of
from hybrid.model.extension import Extension, extend

_OF_VLLM = "vLLM"  # warnings that begin so are of its servers


class Positions:
    """Swaps a model's rotary embeddings. Whoever uses it holds the model's turn.

    Args:
        model: of Transformers.
        window: tokens that are to be read; None: as many as the model was trained for.

    Raises:
        SettingsError: the configuration tells no window.
        InputError: this model cannot be extended so far.
        EngineError: Transformers computes this model's positions where they cannot be changed.
    """

    def __init__(self, model: Any, window: int | None) -> None:
        config = model.config.to_dict()
        told = window_of(config)
        if window is None and told is None:
            raise SettingsError(
                "The model's configuration tells no window: set engine.window to the tokens that it reads."
            )
        self.window = int(window or told or 0)
        self.extension: Extension = extend(config, self.window)
        self._places: list[tuple[Any, str, Any, Any]] = []  # a module, its part's name, the native and the stretched
        if self.extension.extended:
            self._places = _places(model, self.extension.overrides)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of an extended window."""
        if not self.extension.extended:
            return ()
        return (
            f"prompts longer than {self.extension.native:,} tokens are read with positions stretched by "
            f"{self.extension.rope_type} (factor {self.extension.factor:g})",
            *(told for told in self.extension.warnings if not told.startswith(_OF_VLLM)),
        )

    def use(self, tokens: int) -> str:
        """Take the positions for a prompt and its answer of so many tokens; returns their name."""
        stretched = self.extension.extended and tokens > self.extension.native
        for module, name, native, other in self._places:
            setattr(module, name, other if stretched else native)
        return f"{self.extension.rope_type} {self.extension.factor:g}" if stretched else "native"

    def restore(self) -> None:
        """Leave the model as it was."""
        for module, name, native, _ in self._places:
            setattr(module, name, native)


def changed(config: Any, overrides: Mapping[str, Any]) -> Any:
    """A copy of a configuration of Transformers with some keys changed, nested ones under the keys of their parts."""
    found = deepcopy(config)
    for key, value in overrides.items():
        part = getattr(found, key, None)
        nested = isinstance(value, Mapping) and hasattr(part, "to_dict")
        setattr(found, key, changed(part, value) if nested else deepcopy(value))
    return found


def _places(model: Any, overrides: Mapping[str, Any]) -> list[tuple[Any, str, Any, Any]]:
    """Every rotary embedding of the language model, with one of the same class that is stretched."""
    config = changed(model.config, overrides).get_text_config(decoder=True)
    found = []
    for module in list(model.modules()):
        for name, part in list(module.named_children()):
            if type(part).__name__.endswith("RotaryEmbedding") and hasattr(part, "config"):
                found.append((module, name, part, type(part)(config=config).to(model.device)))
    if not found:
        raise EngineError(
            f"The window of a {type(model).__name__} cannot be extended here, as it computes its positions in another "
            "way: leave out engine.window, or serve it with `hybrid up --window`."
        )
    return found
