"""Metrics by name: pure functions of a prediction and its gold answers, as the reference implementations compute them.

Their edge cases are included, and noted as traps where they are defined. Scores are 0 to 1, not percent; several golds
mean the best of them unless a metric says that all must be named.
"""

from __future__ import annotations

from hybrid.evals.sample import Metric

from hybrid.registry import Registry

METRICS: Registry[Metric] = Registry(
    "metric",
    {
        "exact_match": "hybrid.evals.metrics.squad:exact_match",
        "f1": "hybrid.evals.metrics.squad:f1",
        "best_subspan_em": "hybrid.evals.metrics.middle:best_subspan_em",
        "key_value": "hybrid.evals.metrics.middle:key_value",
        "match_all": "hybrid.evals.metrics.ruler:match_all",
        "match_part": "hybrid.evals.metrics.ruler:match_part",
        "qa_f1": "hybrid.evals.metrics.longbench:qa_f1",
        "rouge_l": "hybrid.evals.metrics.rouge:rouge_l",
        "classification": "hybrid.evals.metrics.longbench:classification",
        "number_named": "hybrid.evals.metrics.longbench:number_named",
        "code_similarity": "hybrid.evals.metrics.longbench:code_similarity",
        "qa_f1_first_line": "hybrid.evals.metrics.longbench:qa_f1_first_line",
        "rouge_l_first_line": "hybrid.evals.metrics.longbench:rouge_l_first_line",
        "classification_first_line": "hybrid.evals.metrics.longbench:classification_first_line",
        "longbench2_choice": "hybrid.evals.metrics.longbench:longbench2_choice",
        "leval_em": "hybrid.evals.metrics.leval:leval_em",
        "leval_choice": "hybrid.evals.metrics.leval:leval_choice",
        "bamboo_choice": "hybrid.evals.metrics.choice:bamboo_choice",
        "choice": "hybrid.evals.metrics.choice:choice",
        "helmet_substring_em": "hybrid.evals.metrics.substring:helmet_substring_em",
        "keywords": "hybrid.evals.metrics.substring:keywords",
        "content_words": "hybrid.evals.metrics.substring:content_words",
        "values": "hybrid.evals.metrics.substring:values",
        "abstained_right": "hybrid.evals.metrics.substring:abstained_right",
    },
)
