"""`hybrid warm`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import columns, console, print_json
from hybrid.cli.options import Number, corpus_options, settings_from, urls_option
from hybrid.cli.progress import progress_bars
from hybrid.cli.words import places_of
from hybrid.errors import EngineError, InputError

if TYPE_CHECKING:
    from hybrid.session.ahead import Read, Reading
    from hybrid.session.hybrid import Hybrid


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--document", "-d", "names", multiple=True, help="A document to read; may be repeated.")
@click.option(
    "--questions", type=Number(0), help="Expected on each document; default: cost.questions over all of them."
)
@click.option(
    "--cache-gb",
    type=Number(min=0, min_open=True),
    help="The bound of each server's cache on disk, as of `hybrid up`.",
)
@click.option("--dry-run", is_flag=True, help="Only the price.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--again", is_flag=True, help="Also what this run of the server has read.")
@urls_option
@click.option("--model", help="The model's name on that server.")
@corpus_options
def warm(paths: tuple[str, ...], names: tuple[str, ...], **options: Any) -> None:
    """Read documents of PATHS into the model server's cache, so that the first question on each finds it there.

    Without --document it takes those that pay with the expected questions, the longest first, as many as the cache
    holds; a corpus that fits the window is read as a whole. It tells the price, and asks. A stopped run goes on where
    it was. With a cache on disk (hybrid up --cache-dir) run it again after a restart: what comes back is timed.

    \b
    Try:  hybrid warm contracts/ --dry-run
          hybrid warm contracts/ --document lease.pdf --yes
    """
    from hybrid.corpus.corpus import Corpus
    from hybrid.session.ahead import capacity, paying, read, readings
    from hybrid.session.caches import Caches
    from hybrid.session.hybrid import Hybrid

    settings = settings_from(options)
    if (settings.long_engine or settings.engine).kind != "server":
        raise InputError("Only a model's server has a cache to read into: name one with --url, or in hybrid.toml.")
    if options["questions"] is not None and names:
        raise InputError(
            "--questions has no effect beside --document, which names what is read: leave one of them out."
        )
    with Hybrid(settings) as hybrid:
        with progress_bars(quiet=options["quiet"]) as progress:
            store, _ = hybrid.index(Corpus.of(places_of(paths, settings), settings.corpus), progress)
        caches = Caches.read(hybrid.long_engine, settings)
        found = readings(hybrid, store, names, caches)
        expected = options["questions"]
        if expected is None:
            expected = settings.cost.questions / max(1, len(found))
        rooms = capacity(caches, settings, options["cache_gb"])
        chosen = list(found) if names else paying(found, expected, rooms)
        fresh = [one for one in chosen if options["again"] or not one.known]
        _show(found, chosen, fresh, None if names else expected, rooms, options)
        for note in getattr(hybrid.long_engine, "notes", ()):  # a server that is down, for one
            console(stderr=True).print(note, markup=False)
        if options["dry_run"] or not fresh:
            return
        if not options["yes"]:
            _ask(len(fresh))
        failures: dict[tuple[str, ...], EngineError] = {}
        with progress_bars(quiet=options["quiet"]) as progress:
            step = (lambda done, total: None) if progress is None else (lambda d, t: progress("reading", d, t))
            done = list(read(hybrid, store, fresh, failures, step, caches))
        _report(hybrid, done, as_json=options["as_json"])
        if failures:
            ((first, error), *_) = failures.items()
            raise EngineError(f"{len(fresh) - len(done)} of {len(fresh)} were not read; {first[0]}: {error}")


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise InputError("Nobody can be asked here whether to read at that price: give --yes, or --dry-run.")
    click.confirm(f"Read {'it' if count == 1 else 'them'} now?", abort=True, err=True)


def _show(
    found: Sequence[Reading],
    chosen: Sequence[Reading],
    fresh: Sequence[Reading],
    expected: float | None,
    rooms: Mapping[str, int | None],
    options: dict[str, Any],
) -> None:
    """What would be read, and its price."""
    gpu = [one.price.gpu_seconds for one in fresh]
    dollars = [one.price.dollars for one in fresh]
    total = None if None in gpu else sum(filter(None, gpu))
    paid = None if None in dollars else sum(filter(None, dollars))
    room = sum(filter(None, rooms.values())) or None
    if options["as_json"]:
        if options["dry_run"] or not fresh:
            rows = [{**_row(one), "chosen": one in fresh} for one in found]
            figures = {"gpu_seconds": total, "dollars": paid, "capacity": room, "servers": rooms}
            print_json({"documents": rows, **figures})
        return
    out = console(stderr=True)
    table = columns("to read", "tokens", "reading it, s", "a question before", "after", "pays from")
    for one in fresh:
        cells = [_seconds(each.gpu_seconds) for each in (one.price, one.cold, one.warm)]
        table.add_row(_name(one), f"{one.tokens:,}", *cells, _from(one.questions))
    if fresh:
        out.print(table)
    rest = {"here already": len(chosen) - len(fresh), "left out": len(found) - len(chosen)}
    told = ", ".join(f"{count} {what}" for what, count in rest.items() if count)
    price = "price unknown" if total is None else f"about {total:,.1f} GPU-seconds" + (f", ${paid:.4f}" if paid else "")
    tokens = sum(one.tokens for one in fresh)
    out.print(f"{len(fresh)} to read, {tokens:,} tokens, {price}" + (f"; {told}" if told else ""), markup=False)
    for address, most in rooms.items() if len(rooms) > 1 else ():
        own = [one.tokens for one in fresh if one.server == address]
        size = "" if most is None else f" of {most:,} in its cache"
        out.print(f"{address}: {len(own)} to read, {sum(own):,} tokens{size}", markup=False)
    if len(chosen) < len(found) and expected is not None:
        held = "" if room is None else f" and {room:,} tokens of cache"
        out.print(f"Chosen: what pays with {expected:.3g} questions on each{held}; --questions, --document change it.")
    if found:
        out.print(f"priced: {found[0].cold.note}", markup=False)


def _report(hybrid: Hybrid, done: Sequence[Read], *, as_json: bool) -> None:
    from hybrid.session.warmed import Warmed

    speed = Warmed.of(hybrid.long_engine.name).speed
    if as_json:
        rows = [
            {
                "documents": one.reading.documents,
                "was": one.was,
                "tokens": one.usage.prompt_tokens,
                "cached": one.usage.cached_tokens,
                "seconds": one.usage.seconds,
            }
            for one in done
        ]
        print_json({"read": rows, "disk_tokens_per_second": speed})
        return
    out = console()
    table = columns("read", "tokens", "were cached", "seconds", "was")
    for one in done:
        usage = one.usage
        cells = (f"{usage.prompt_tokens:,}", f"{usage.cached_tokens:,}", f"{usage.seconds:.2f}", one.was)
        table.add_row(_name(one.reading), *cells)
    out.print(table)
    if speed is not None:
        out.print(f"the engine loads about {speed:,.0f} tokens a second from its disk, at which questions are priced")


def _row(one: Reading) -> dict[str, Any]:
    data = asdict(one)
    for which in ("price", "cold", "warm", "passages"):
        data[which] = getattr(one, which).model_dump()
    return data


def _name(one: Reading) -> str:
    first, *others = one.documents
    return f"{first} and {len(others)} more" if others else first


def _seconds(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds:.2f}"


def _from(questions: int | None) -> str:
    return "?" if questions is None else "the first" if questions == 1 else f"{questions:,}"
