"""Metrics by name: pure functions of a prediction and its gold answers, as the reference implementations compute them.

Their edge cases are included, and noted as traps where they are defined. Scores are 0 to 1, not percent; several golds
mean the best of them unless a metric says that all must be named.
"""

from __future__ import annotations

from hybrid.evals.metrics import published, words
from hybrid.evals.sample import Metric

from hybrid.registry import Registry

METRICS: Registry[Metric] = Registry(
    "metric",
    {
        "exact_match": published.exact_match,
        "f1": published.f1,
        "best_subspan_em": published.best_subspan_em,
        "key_value": published.key_value,
        "match_all": published.match_all,
        "match_part": published.match_part,
        "qa_f1": published.qa_f1,
        "rouge_l": published.rouge_l,
        "classification": published.classification,
        "number_named": published.number_named,
        "code_similarity": published.code_similarity,
        "qa_f1_first_line": published.qa_f1_first_line,
        "rouge_l_first_line": published.rouge_l_first_line,
        "classification_first_line": published.classification_first_line,
        "longbench2_choice": published.longbench2_choice,
        "leval_em": published.leval_em,
        "leval_choice": published.leval_choice,
        "bamboo_choice": published.bamboo_choice,
        "choice": published.choice,
        "babilong": published.babilong,
        "contains": published.contains,
        "oolong": published.oolong,
        "figures": words.figures,
        "helmet_substring_em": words.helmet_substring_em,
        "keywords": words.keywords,
        "content_words": words.content_words,
        "values": words.values,
        "abstained_right": words.abstained_right,
    },
)

# Metrics whose first gold is right and whose others are the other answers that a reply may choose from.
FIRST_ALONE = frozenset({"classification", "classification_first_line", "babilong"})
