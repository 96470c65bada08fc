"""The command `hybrid`: assembles the subcommands, loaded when they are called, and turns errors into sentences."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import click

from hybrid import __version__
from hybrid.cli.commands import commands, load
from hybrid.errors import HybridError

# errors of the system while a command writes; not bugs
_REFUSED = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM))
_UNNAMEABLE = frozenset((errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR))  # of what somebody named


class Lazy(click.Group):
    """A group that knows its commands by name and imports one only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in commands() if " " not in name]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return None if " " in cmd_name else load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and args[0] not in (known := self.list_commands(ctx)):
            near = get_close_matches(args[0], known, n=1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, commands()[name][2]) for name in self.list_commands(ctx)])


@click.command("hybrid", cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hybrid", message="%(prog)s %(version)s")
def cli() -> None:
    """Answer questions over long documents at the lowest GPU cost that keeps the accuracy.

    \b
    Try:  hybrid ask "When does the agreement end?" contracts/
          hybrid init
          hybrid doctor

    Tab completion: eval "$(_HYBRID_COMPLETE=bash_source hybrid)" (or zsh_source, fish_source).
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit code 0 done, 1 failed, 2 an error that the user can mend, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack umlauts: a ? is better than no answer
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        os.getcwd()  # noqa: PTH109 - as light as can be
    except FileNotFoundError:  # libraries end the process, or worse
        click.echo("Error: The current folder was deleted: go to another one.", err=True)
        sys.exit(2)
    sys.exit(guarded(cli, arguments))


def guarded(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command; errors become sentences. Returns the exit code."""
    streams = sys.stdout, sys.stderr
    try:
        result: Any = command.main(args=arguments, prog_name=command.name, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk shows here, where it becomes a sentence
        return result if isinstance(result, int) else 0
    except HybridError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted; no file was left half written.", err=True)
        return 130
    except (SystemExit, OSError) as error:
        replaced, (sys.stdout, sys.stderr) = (sys.stdout, sys.stderr) != streams, streams
        return _unwritten(error, gone=replaced)  # click replaces streams that nobody reads any more


def _unwritten(error: SystemExit | OSError, *, gone: bool) -> int:
    """The exit code after output could not be written; any other error is raised again.

    A reader that has gone, such as `head`, wants no more; click and rich would exit with 1.
    """
    if gone or BrokenPipeError in (type(error), type(error.__context__)):
        _discard_output()
        return 0
    if not isinstance(error, OSError) or error.errno not in _REFUSED | _UNNAMEABLE:
        raise error
    if error.errno in _UNNAMEABLE:
        click.echo(f"Error: Cannot use {_cut(error.filename)}: {error.strerror}.", err=True)
        return 2
    _discard_output()
    click.echo(f"Error: Cannot write {error.filename or 'the output'}: {error.strerror}.", err=True)
    return 1


def _cut(name: object) -> str:
    text = str(name)
    return text if len(text) <= 100 else f"{text[:99]}…"


def _discard_output() -> None:
    """Throw away the rest of standard output: Python would complain at exit that it cannot write it."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
