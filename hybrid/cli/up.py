"""`hybrid up`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.common import console, print_json
from hybrid.cli.dash import Place
from hybrid.cli.effect import refuse
from hybrid.cli.options import PARALLEL, Number, cache_asked, parallel_options, tier_options

if TYPE_CHECKING:
    from hybrid.serving.router import Router
    from hybrid.serving.served import Served


@click.command()
@click.argument("model")
@click.argument("vllm_flags", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--context", "-c", metavar="N", help="Tokens to read at once: 131072, 128k, 1M; default: the model's own window."
)
@click.option("--only", type=click.Choice(["native", "extended"]), help="One server instead of two.")
@click.option("--name", help="The name to serve the model under; default: the folder's or the hub's.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets other machines in.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The second takes the next."
)
@click.option("--vllm", type=Place(), help="vLLM's program; default: the one on PATH.")
@parallel_options
@click.option("--router", is_flag=True, help="A server for each copy, and vllm-router in front that keeps documents.")
@click.option("--router-program", type=Place(), help="vllm-router's program; default: on PATH, or beside vLLM's.")
@tier_options
@click.option("--write", default="hybrid.toml", show_default=True, type=Place(), help="Settings file to write.")
@click.option("--force", is_flag=True, help="Replace the engines that the settings file names.")
@click.option("--logs", type=Place(), help="Folder for the servers' logs; default: in your cache folder.")
@click.option("--timeout", default=1800.0, show_default=True, type=Number(1), help="Seconds to get ready.")
@click.option("--probe/--no-probe", default=True, help="Read a prompt as long as the window before saying ready.")
@click.option("--follow", "-f", is_flag=True, help="Copy the servers' logs to standard error.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines once all is ready.")
@click.option("--quiet", "-q", is_flag=True, help="Only the result.")
def up(model: str, vllm_flags: tuple[str, ...], **options: Any) -> None:
    """Serve MODEL with vLLM, verified, until Ctrl-C; flags after `--` are vLLM's.

    If --context is more than the model's own window, it starts two servers: a native one for passages and, on the next
    port, one with an extended window for whole documents, because extending it changes how the model reads short
    prompts. It writes both to hybrid.toml, so `hybrid ask` uses them. With --cache-dir the server that reads whole
    documents keeps what it computed on disk, within --cache-gb, also when it stops.

    With --router, --data-parallel N starts N servers of each kind on ports of their own, and vllm-router on --port,
    which sends the questions on one document to one server. A server that ends is told, and the others go on.

    \b
    Try:  hybrid up qwen3-8b --context 128k
          hybrid up ./model --context 64k -tp 2 -- --kv-cache-dtype fp8
          hybrid up qwen3-8b --data-parallel 4 --router
    """
    from hybrid.cli.plan import tokens
    from hybrid.files import write
    from hybrid.model.read import read_model
    from hybrid.serving.pair import plan
    from hybrid.serving.placement import check_memory, cores, gpus, place
    from hybrid.serving.router import behind_routers, check_copies, find_router
    from hybrid.serving.servers import Servers
    from hybrid.serving.settings_file import with_engines
    from hybrid.serving.tier import UNTRIED, prepare, tiered
    from hybrid.serving.vllm import command, find

    vllm, cache = find(options["vllm"]), cache_asked(options)
    if options["router"]:
        check_copies(options["data_parallel"])
        if cache is not None:
            refuse("--cache-dir", "with --router, which starts several servers for one folder")
    elif options["router_program"]:
        refuse("--router-program", "without --router")
    known = read_model(model)
    planned, warnings = plan(
        known,
        model,
        tokens(options["context"]) if options["context"] else None,
        extra=vllm_flags,
        **{name: options[name] for name in ("only", "name", "host", "port", *PARALLEL)},
    )
    routers: list[Router] = []
    if options["router"]:
        program = find_router(options["router_program"], vllm)
        planned, routers = behind_routers(
            planned, options["data_parallel"], program, host=options["host"], port=options["port"]
        )
    devices = {} if vllm.cpu else gpus()
    served, note = place(planned, list(devices), cores() if vllm.cpu else ())
    for one in served:
        check_memory(one, known, devices)
    notes, tier = [*warnings, *filter(None, [note])], None
    if cache is not None:
        served, tier = tiered(served, known, vllm, *cache)
        notes += [f"the {served[-1].kind} server keeps its cache in {tier.inside}; files that cannot be deleted are "]
        notes[-1] += f"told in {tier.folder / 'janitor.log'}"
        notes.append(UNTRIED)
    file = Path(options["write"])
    routers = [replace(router, servers=tuple(s for s in served if s.kind == router.kind)) for router in routers]
    named = routers or served
    with_engines(file, named, force=options["force"])  # raises now what would fail after the start
    say = Sayer(quiet=options["quiet"])
    for line in notes:
        say.line(f"note: {line}")
    if tier is not None:
        prepare(tier, shlex.join(command(served[-1], vllm)))
    with Servers(
        served,
        vllm,
        logs(options["logs"]),
        timeout=options["timeout"],
        follow=sys.stderr if options["follow"] else None,
        say=say.line,
        show=say.now if not options["follow"] else lambda text: None,
        probe=options["probe"],
        routers=routers,
        beside=None if tier is None else tier.janitor,
    ) as servers:
        try:
            servers.start()
        finally:
            say.clear()
        write(file, with_engines(file, named, force=options["force"]))
        _report(served, routers, file, as_json=options["as_json"])
        try:
            servers.wait()
        except KeyboardInterrupt:
            say.line("stopping")
    say.line("stopped")


def logs(folder: str | None = None) -> Path:
    """The folder named, or one in the user's cache folder."""
    if folder is not None:
        return Path(folder)
    from platformdirs import user_cache_path

    return user_cache_path("hybrid-context") / "logs"


class Sayer:
    """Lines on standard error, and on a terminal a last line that is overwritten."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._shown = ""

    def line(self, text: str) -> None:
        self.clear()
        if not self._quiet:
            click.echo(text, err=True)

    def now(self, text: str) -> None:
        if self._quiet or not sys.stderr.isatty():
            return
        from shutil import get_terminal_size

        text = text[: get_terminal_size().columns - 1]
        if text != self._shown:
            click.echo(f"\r\033[K{text}", err=True, nl=False)
            self._shown = text

    def clear(self) -> None:
        if self._shown:
            click.echo("\r\033[K", err=True, nl=False)
            self._shown = ""


def _report(served: list[Served], routers: list[Router], file: Path, *, as_json: bool) -> None:
    if as_json:
        found = {
            what: [{"name": s.name, "url": s.url, "window": s.window, "kind": s.kind} for s in ones]
            for what, ones in (("servers", served), ("routers", routers))
            if ones
        }
        print_json({**found, "settings": str(file)})
        return
    from rich.table import Table

    table = Table("name", "url")
    table.add_column("window", justify="right")
    table.add_column("kind")
    listening: list[Served | Router] = [*routers, *served]
    for s in listening:
        table.add_row(s.name, s.url, f"{s.window:,}", s.tag)
    out = console()
    out.print(table)
    out.print(f"{file} written; Ctrl-C stops the servers.", markup=False)
