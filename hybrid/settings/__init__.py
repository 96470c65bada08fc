"""Settings: arguments win over the environment, the environment over `hybrid.toml`, that over the defaults.

An environment variable names section and key: HYBRID_ENGINE_URL is `url` in `[engine]`. Unknown keys are refused.
"""

from hybrid.settings.cost import CostSettings, Hardware
from hybrid.settings.engine import EngineSettings
from hybrid.settings.loading import FILE, load, tells_of, validated
from hybrid.settings.routing import RoutingSettings
from hybrid.settings.serve import KeySettings, ServeSettings
from hybrid.settings.settings import (
    CorpusSettings,
    EmbedderSettings,
    IndexSettings,
    PassageSettings,
    RetrievalSettings,
    Settings,
)

__all__ = [
    "FILE",
    "CorpusSettings",
    "CostSettings",
    "EmbedderSettings",
    "EngineSettings",
    "Hardware",
    "IndexSettings",
    "KeySettings",
    "PassageSettings",
    "RetrievalSettings",
    "RoutingSettings",
    "ServeSettings",
    "Settings",
    "load",
    "tells_of",
    "validated",
]
