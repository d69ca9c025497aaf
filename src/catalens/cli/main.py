"""The `catalens` command: its table of commands put together, and the one place where errors become exit codes."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import catalens
from catalens import settings
from catalens.cli.commands import EVERY_DAY, GROUPED, GROUPS, VERBS, Verb
from catalens.cli.meant import Guided
from catalens.cli.output import say, to_stdout, write
from catalens.cli.renamed import command_at, renamed
from catalens.errors import CatalensError, FilterError, UnusablePackageError, is_package_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT_HELP = """\
Everything a shop does with a product photo. Three examples:

  catalens add products.csv --catalog shop       make a catalog of a shop's export, or of a folder of photos
  catalens search photo.jpg --catalog shop       find what looks like a photo; or: catalens search red dress
  catalens cutout photo.jpg product.png          cut the product out of its background

catalens --help lists all commands; catalens demo searches a sample shop."""


class Commands(TyperGroup):
    """The commands; old names and options are translated, and a mistyped name is answered with the nearest ones."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:
            write(*SHORT_HELP.split("\n"))
            raise typer.Exit(2)
        words, notes = renamed(args)
        for note in notes:
            say(note)
        return super().parse_args(ctx, words)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            near = nearest(args[0])
            hint = f" Did you mean: {' or '.join(f'catalens {name}' for name in near)}?" if near else ""
            ctx.fail(f"No such command: {args[0]!r}.{hint} catalens --help lists all.")
        return super().resolve_command(ctx, args)


def nearest(word: str) -> list[str]:
    """Commands, with their groups, that a mistyped word may stand for; the likeliest first, three at most."""
    names: dict[str, list[str]] = {}
    for verb in VERBS:
        names.setdefault(verb.name, []).append(verb.name)
    for group in GROUPS:
        names.setdefault(group.name, []).append(group.name)
        for verb in group.verbs:
            names.setdefault(verb.name, []).append(f"{group.name} {verb.name}")
    return [full for name in difflib.get_close_matches(word.lower(), names) for full in names[name]][:3]


def application(words: Sequence[str] | None = None) -> typer.Typer:
    """The commands: all of them, or what the words of a command line need.

    Reading the options of every command takes most of the time of a start: those that are not called are only named.
    """
    made = typer.Typer(
        name="catalens",
        cls=Commands,
        help="Everything a shop does with a product photo.",
        epilog=(
            "Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not found, 4 some rows or pictures failed, 5 findings, "
            "6 refused by limits."
        ),
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_root)
    asked = None if words is None else _called(words)
    for verb in VERBS:
        if asked is None or verb.name == asked[0] or not _is_command(asked[0]):
            _register(made, verb, load=asked is None or verb.name == asked[0], panel=EVERY_DAY)
    for group in GROUPS:
        if asked is None or group.name == asked[0] or not _is_command(asked[0]):
            under = typer.Typer(name=group.name, help=group.help, no_args_is_help=True)
            under.callback()(_stub)
            for verb in group.verbs:
                _register(under, verb, load=asked is None or asked == (group.name, verb.name))
            made.add_typer(under, rich_help_panel=GROUPED)
    return made


def _called(words: Sequence[str]) -> tuple[str, str]:
    """The command, or the group and the command in it, that a command line names; "" where it names none."""
    now, _ = renamed(words)
    rest = now[command_at(now) :]
    group, verb = (*rest[:2], "", "")[:2]
    return group, verb


def _is_command(name: str) -> bool:
    return any(name == one.name for one in (*VERBS, *GROUPS))


def _register(app: typer.Typer, verb: Verb, *, load: bool, panel: str | None = None) -> None:
    function: Callable[..., Any] = verb.load() if load else _stub
    help = None if load else verb.help
    app.command(verb.name, cls=Guided, help=help, short_help=verb.help, rich_help_panel=panel)(function)


def _stub() -> None:
    """Stand for a command that is named in an overview and not called."""


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"catalens {catalens.__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[  # noqa: ARG001 (its callback does it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    accept_licence: Annotated[
        str | None,
        typer.Option("--accept-licence", help="Accept the licence of a published network."),
    ] = None,
) -> None:
    """Everything a shop does with a product photo."""
    if accept_licence is not None:
        settings.accept_licence(accept_licence)


def __getattr__(name: str) -> typer.Typer:
    """`app`: all commands; made when it is asked for, since a command line needs one of them."""
    if name != "app":
        raise AttributeError(name)
    return application()


STOPPED = 130
"""Exit code of what was stopped by Ctrl-C: 128 and the signal's number, as shells have it."""


def run() -> None:
    """Run the command line; every error becomes one sentence on stderr and its exit code."""
    try:
        try:
            application(None if settings.completing() else sys.argv[1:])(prog_name="catalens")
        finally:
            with to_stdout():
                sys.stdout.flush()
    except CatalensError as error:
        # A filter's error shows where in the filter, on lines of its own.
        for line in f"catalens: {error}".split("\n") if isinstance(error, FilterError) else [f"catalens: {error}"]:
            say(line)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as ended:  # the command line makes an exit of an interrupt
        if isinstance(ended, SystemExit) and ended.code != STOPPED:
            raise
        say("catalens: stopped; what was acknowledged is kept, and the same command goes on from there.")
        sys.exit(STOPPED)
    except Exception as error:
        if isinstance(error, ImportError) and is_package_missing(error) and not settings.debug():
            unusable = UnusablePackageError.of(error)
            say(f"catalens: {unusable}")
            sys.exit(unusable.exit_code)
        if settings.debug():
            raise
        say(
            f"catalens: a fault of this program, not of your input: {type(error).__name__}: {error}. "
            "Please report it; CATALENS_DEBUG=1 prints where it happened."
        )
        sys.exit(1)


if __name__ == "__main__":
    run()
