"""`hybrid index`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import columns, console, print_json
from hybrid.cli.effect import refuse
from hybrid.cli.options import corpus_options, settings_from, together
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import places_of

if TYPE_CHECKING:
    from hybrid.index.cluster import Cluster
    from hybrid.index.protocol import Changes, Store
    from hybrid.session.hybrid import Hybrid
    from hybrid.settings import Settings

_COUNTS = ("added", "changed", "removed", "unchanged", "embedded", "passages")


_ray_options = together(
    click.option(
        "--ray",
        is_flag=False,
        flag_value="",
        metavar="[ADDRESS]",
        help="Read and embed on a Ray cluster, head:6379 or auto; without ADDRESS on that of RAY_ADDRESS, else on one "
        "started here.",
    ),
    click.option("--workers", type=click.IntRange(1), help="Workers at once with --ray. [default: all CPUs or GPUs]"),
)


@click.group()
def index() -> None:
    """Build, update and show the index of a corpus.

    `hybrid ask` does this by itself; these commands do it ahead of time and show what is there.
    """


@index.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--rebuild", is_flag=True, help="Delete the index first and make it anew; what was extracted for tables stays."
)
@_ray_options
@corpus_options
def build(paths: tuple[str, ...], rebuild: bool, **options: Any) -> None:
    """Build the index of PATHS, or bring it up to date: only what changed is read and embedded again.

    A path may be an address in object storage, such as s3://bucket/folder. Each row of a Parquet file, and of JSON
    lines with a text and a name, is a document; texts:FOLDER asks for the rows of all tables in a folder.

    \b
    hybrid index build contracts/
    hybrid index build s3://filings/2025 --ray
    hybrid index build texts.parquet --ray head.example:6379
    """
    _make(paths, options, rebuild=rebuild)


@index.command()
@click.argument("paths", nargs=-1, type=click.Path())
@_ray_options
@corpus_options
def update(paths: tuple[str, ...], **options: Any) -> None:
    """Bring the index of PATHS up to date; there has to be one."""
    _make(paths, options, only_update=True)


def _make(paths: Sequence[str], options: dict[str, Any], *, rebuild: bool = False, only_update: bool = False) -> None:
    from hybrid.corpus.corpus import Corpus
    from hybrid.errors import IndexStoreError
    from hybrid.session.hybrid import Hybrid

    address = _address(options)
    with Hybrid(settings_from(options)) as hybrid, ExitStack() as stack:
        places = places_of(paths, hybrid.settings)
        corpus = Corpus.of(places, hybrid.settings.corpus)
        path = hybrid.index_path(corpus)
        if only_update and (path is None or not hybrid.index_kind.exists(path)):
            raise IndexStoreError(
                f"There is no index of {corpus.label} yet. Make one with: hybrid index build {places[0]}"
            )
        workers = None if address is None else stack.enter_context(_workers(address, options, hybrid.settings))
        with progress_bars(quiet=options["quiet"]) as progress:
            store, changes = hybrid.index(corpus, progress, rebuild=rebuild, workers=workers)
        _report(store, changes, as_json=options["as_json"])


def _address(options: Mapping[str, Any]) -> str | None:
    """The address of the Ray that the options ask for; None: this process does the work."""
    if options["ray"] is None:
        if options["workers"] is not None:
            refuse("--workers", "without --ray", "add it")
        return None
    from hybrid.index.connection import address_of

    return address_of(options["ray"])


def _workers(address: str, options: Mapping[str, Any], settings: Settings) -> Cluster:
    from hybrid.index.cluster import Cluster

    return Cluster(address, settings.embedder, settings.passages, options["workers"])


@index.command()
@click.argument("paths", nargs=-1, type=click.Path())
@corpus_options
def show(paths: tuple[str, ...], **options: Any) -> None:
    """Show what the index of PATHS holds, without changing it; or a Lance index by its place, as lance:FOLDER."""
    from hybrid.session.hybrid import Hybrid

    with Hybrid(settings_from(options)) as hybrid:
        store = _known(hybrid, places_of(paths, hybrid.settings))
        path, entries, problems = store.path, store.entries(), store.unread()
        if options["as_json"]:
            print_json(
                {
                    "index": str(path),
                    "embedder": hybrid.embedder.name,
                    "documents": [
                        {"name": e.name, "kind": e.kind, "tokens": e.tokens, "passages": e.passages} for e in entries
                    ],
                    "unreadable": [{"name": p.name, "reason": p.reason} for p in problems],
                }
            )
            return
        out = console()
        out.print(f"{path}", markup=False)
        table = columns("document", "kind", "tokens", "passages", left=(0, 1))
        for e in entries:
            table.add_row(e.name, e.kind, f"{e.tokens:,}", f"{e.passages:,}")
        table.add_section()
        tokens, passages = sum(e.tokens for e in entries), sum(e.passages for e in entries)
        table.add_row(f"{len(entries)} documents", "", f"{tokens:,}", f"{passages:,}")
        out.print(table, soft_wrap=False)
        for problem in problems:
            out.print(f"  not read: {problem.name}: {problem.reason}", markup=False)


def _known(hybrid: Hybrid, places: list[str]) -> Store:
    """The index of some places, as it is. Raises IndexStoreError where there is none."""
    from hybrid.corpus.corpus import Corpus
    from hybrid.session.corpora import address

    if address(places) is not None:
        return hybrid.open(places)
    corpus = Corpus.of(places, hybrid.settings.corpus)
    store = hybrid.index_kind(hybrid.index_path(corpus), hybrid.embedder, hybrid.chunker, create=False)
    store.passed_over = corpus.problems
    return store


def _report(store: Store, changes: Changes | None, *, as_json: bool) -> None:
    if changes is None:
        from hybrid.index.protocol import Changes

        changes = Changes(unchanged=len(store.entries()), passages=len(store), problems=store.unread())
    if as_json:
        print_json(
            {
                "index": str(store.path),
                **{name: getattr(changes, name) for name in _COUNTS},
                "seconds": round(changes.seconds, 3),
                "mended": store.mended or None,
                "unreadable": [{"name": p.name, "reason": p.reason} for p in changes.problems],
            }
        )
        return
    out = console()
    out.print(
        f"{changes.added} added, {changes.changed} changed, {changes.removed} removed, {changes.unchanged} unchanged; "
        f"{changes.embedded:,} of {changes.passages:,} passages embedded in {changes.seconds:.1f} s",
        markup=False,
    )
    out.print(f"  index: {store.path}", markup=False)
    if store.mended:
        out.print(f"  {store.mended}", markup=False)
    for problem in changes.problems:
        out.print(f"  not read: {problem.name}: {problem.reason}", markup=False)
