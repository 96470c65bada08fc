"""LlamaIndex both ways: ours in its places, and its parts in ours."""

from hybrid.errors import MissingDependency

try:
    import llama_index.core as _core  # noqa: F401
except ImportError:
    raise MissingDependency("llama-index-core", "llama-index", "Working with LlamaIndex") from None
