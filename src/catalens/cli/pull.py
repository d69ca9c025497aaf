"""`catalens models pull`: fetch networks by name into the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from catalens.cli.options import AsJson
from catalens.cli.output import progress_bar, say, write, write_json
from catalens.errors import NotFoundError


def pull_models(
    names: Annotated[list[str], typer.Argument(help="Names that `catalens models list` gives.", metavar="NAME...")],
    mirror: Annotated[
        str | None,
        typer.Option(help="Folder or http(s) address of a copy of a cache, asked instead of the makers."),
    ] = None,
    accept_licence: Annotated[
        str | None, typer.Option("--accept-licence", help="Accept the licence of a network by its name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch networks from their makers' addresses: resumed, checked, into a cache (CATALENS_MODELS)."""
    from dataclasses import asdict

    from catalens.models.known import find_known
    from catalens.models.pull import folder_of, pull
    from catalens.models.zoo import bundled_cards, near_names

    wanted = []
    for name in names:
        if name in bundled_cards():
            raise NotFoundError(f"{name} is bundled: there is nothing to fetch")
        found = find_known(name)
        if found is None:
            near = near_names(name)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise NotFoundError(f"no network called {name!r}", cure=f"{hint}`catalens models list` has all")
        wanted.append(found)
    done = []
    for known in wanted:
        with progress_bar() as progress:
            got = pull(known, mirror=mirror, accept_licence=accept_licence, progress=progress)
        done.append({**asdict(got), "folder": str(folder_of(known))})
        if as_json:
            continue
        for file in got.files:
            trust = "" if file.trusted else "  (no hash was known before: trusted on first use, and pinned)"
            write(f"{folder_of(known) / file.name}\t{file.bytes / 1e6:.1f} MB\tsha256:{file.sha256}{trust}")
        say(f"{known.key}: {known.license}. {known.remarks}".rstrip())
    if as_json:
        write_json(done)
