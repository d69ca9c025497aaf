"""The `catalens` command: its groups put together, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import catalens
from catalens import settings
from catalens.cli import (
    augment,
    catalog,
    check,
    classify,
    demo,
    evaluate,
    explain,
    generate,
    images,
    keep,
    label,
    learn,
    licences,
    models,
    outfit_data,
    outfits,
    regions,
    scene,
    search,
    serve,
    train,
    train_regions,
    tryon,
)
from catalens.cli.output import say, to_stdout
from catalens.errors import CatalensError, FilterError

COMMANDS = (
    catalog.add,
    search.search,
    catalog.show,
    catalog.remove,
    catalog.export,
    catalog.info,
    catalog.doctor,
    keep.erase,
    keep.backup,
    keep.restore,
    keep.audit,
    images.enhance,
    check.check,
    regions.cutout,
    regions.detect,
    regions.segment,
    regions.look,
    outfits.outfit,
    outfits.score,
    outfits.room,
    generate.generate,
    regions.blur_faces,
    tryon.tryon,
    scene.scene,
    classify.classify,
    classify.tag,
    explain.explain,
    augment.augment,
    serve.serve,
    licences.licences,
    demo.demo,
)
train.app.command()(learn.search)
train.app.command()(train_regions.detector)
train.app.command()(train_regions.segmenter)
train.app.command("outfit")(outfit_data.train)
evaluate.app.command("outfit")(outfit_data.evaluate)
train.app.command(name="generator")(generate.train)
evaluate.app.command(name="generator")(generate.evaluate)
GROUPS = (train.app, evaluate.app, label.app, models.app, serve.keys_app)


def application(asked: str = "") -> typer.Typer:
    """All commands; or only the one that is asked for, where there is one of that name.

    Typer reads the options of every command that it is told of, which at a cold start is a tenth of the time.
    """
    made = typer.Typer(
        name="catalens",
        help="Everything a shop does with a product photo.",
        epilog=(
            "Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not found, 4 some rows or pictures failed, 5 findings, "
            "6 refused by limits."
        ),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_root)
    commands = {command.__name__.replace("_", "-"): command for command in COMMANDS}
    groups = {str(group.info.name): group for group in GROUPS}
    every = asked not in commands and asked not in groups
    for name, command in commands.items():
        if every or name == asked:
            made.command(name)(command)
    for name, group in groups.items():
        if every or name == asked:
            made.add_typer(group)
    return made


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"catalens {catalens.__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,  # noqa: ARG001 (its callback does it)
    accept_licence: Annotated[
        str | None,
        typer.Option("--accept-licence", help="Accept this licence of a network of others, before the command."),
    ] = None,
) -> None:
    """Everything a shop does with a product photo."""
    if accept_licence is not None:
        settings.accept_licence(accept_licence)


app = application()

STOPPED = 130
"""Exit code of what was stopped by Ctrl-C: 128 and the signal's number, as shells have it."""


def run() -> None:
    """Run the command line; every error becomes one sentence on stderr and its exit code."""
    try:
        try:
            application(*sys.argv[1:2])()
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
        if settings.debug():
            raise
        say(
            f"catalens: a fault of this program, not of your input: {type(error).__name__}: {error}. "
            "Please report it; CATALENS_DEBUG=1 prints where it happened."
        )
        sys.exit(1)


if __name__ == "__main__":
    run()
