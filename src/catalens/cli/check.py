"""`catalens check`: may these photos go online?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens import options
from catalens.cli.options import AsJson, existing, option
from catalens.cli.output import progress_bar, say, write, write_json

if TYPE_CHECKING:
    from catalens.search.listing import Against
    from catalens.tasks.listing import CheckedPhoto

FINDINGS = 5
LEVELS = options.Check.fail_on.allowed


def check(
    photos: Annotated[Path, typer.Argument(help="Photo, or folder of photos.", metavar="PHOTO|FOLDER")],
    rules: Annotated[
        str, option(options.Check.rules, also="FILE.toml", more="Separate several with commas.")
    ] = ",".join(options.Check.rules.default),
    fix: Annotated[Path | None, typer.Option(help="Folder to write repaired photos to.")] = None,
    fail_on: Annotated[str, option(options.Check.fail_on)] = options.Check.fail_on.default,
    network: Annotated[
        bool,
        typer.Option("--network", help="Find the product and people with networks: slower, for uneven backgrounds."),
    ] = False,
    read_text: Annotated[bool, option(options.Check.read_text, "--read-text")] = options.Check.read_text.default,
    catalog: Annotated[
        Path | None, typer.Option("--catalog", "-c", help="Also look for duplicates and categories in this catalog.")
    ] = None,
    category: Annotated[str | None, option(options.Check.category)] = options.Check.category.default,
    as_json: AsJson = False,
) -> None:
    """Check photos against the rules of marketplaces; each finding gives the value, the limit and the fix."""
    from catalens.tasks.listing import check_folder

    alpha_of = confidence_of = None
    if network:
        from catalens.tasks.cutout import cutter

        alpha_of, confidence_of = cutter().alpha, cutter().confidence
    packs = [name.strip() for name in rules.split(",") if name.strip()]
    with progress_bar() as progress:
        found = list(
            check_folder(
                photos,
                rules=packs,
                fix=fix,
                category=category,
                alpha_of=alpha_of,
                confidence_of=confidence_of,
                people=network,
                read_text=read_text,
                progress=progress,
            )
        )
    against = _looked_up(found, catalog, category)
    found = [one.of(said.goods) if said.goods else one for one, said in zip(found, against, strict=True)]
    if as_json:
        rows = ({"in catalog": said.twin, "looks like": said.looks_like} for said in against)
        write_json([{**one.to_dict(), **row} for one, row in zip(found, rows, strict=True)])
    else:
        for one, said in zip(found, against, strict=True):
            failure = one.failure
            lines = [f"error: {failure.why}; {failure.cure}"] if failure else [str(finding) for finding in one.findings]
            lines += [str(rule) for rule in one.not_judged if rule.level != "advice"]
            lines += list(one.refused)
            lines += [f"looks the same as {one.same_as}"] if one.same_as is not None else []
            lines += [str(said)] if str(said) else []
            for line in (
                lines if len(found) == 1 else [" | ".join(lines)] if lines else []
            ):  # a line a photo of a folder
                write(f"{one.repaired or one.path}: {line}")
        bad, repaired = sum(one.has_error for one in found), sum(one.repaired is not None for one in found)
        say(f"{len(found)} {'photo' if len(found) == 1 else 'photos'}, {bad} with errors, {repaired} repaired")
        untold = sum(one.measures is not None and one.measures.fill is None for one in found)
        if untold:
            cure = "" if network else "; --network finds it"
            say(f"{untold} where product and background cannot be separated: fill and cut_off not judged{cure}")
    if fail_on in ("warning", "advice") and any(map(str, against)):
        raise typer.Exit(FINDINGS)
    levels = LEVELS[: LEVELS.index(fail_on) + 1] if fail_on != "never" else ()
    if levels and any(one.failure or any(level in levels for level in _levels(one)) for one in found):
        raise typer.Exit(FINDINGS)


def _levels(one: CheckedPhoto) -> Sequence[str]:
    """Of what a photo breaks, and of what could not be judged: neither has passed."""
    return [finding.level for finding in one.findings] + [rule.level for rule in one.not_judged]


def _looked_up(found: list[CheckedPhoto], catalog: Path | None, category: str | None) -> list[Against]:
    """What the catalog says of each photo that could be read."""
    from catalens.search.listing import Against, hold_against

    if catalog is None:
        return [Against()] * len(found)
    with existing(catalog) as shop:
        return [
            Against() if one.failure is not None else hold_against(shop.search, one.path, category=category)
            for one in found
        ]
