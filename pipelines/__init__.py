"""Pipelines for kinds of documents, over the library: codebases and contracts."""

COMMANDS = {  # what `hybrid` runs -> (module, attribute, first line of its help: shown without loading it)
    "code": ("hybrid.pipelines.code.cli", "code", "Ask, map and index a codebase, cited as path:line."),
    "legal": ("hybrid.pipelines.legal.cli", "legal", "Ask contracts clause by clause, tabulate and compare them."),
}
