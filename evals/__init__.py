"""The evaluation harness: tasks, arms, runs, reports and replays, over the library."""

COMMANDS = {  # what `hybrid` runs -> (module, attribute, first line of its help: shown without loading it)
    "eval": ("hybrid.evals.cli.evaluate", "evaluate", "Measure arms on tasks, report, compare, and replay policies."),
    "calibrate window": (
        "hybrid.evals.window",
        "calibrate_window",
        "Measure to what length, and where in it, your model reads well.",
    ),
}
