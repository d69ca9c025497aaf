"""`catalens models licences`: licence and origin of weights, networks and packages; what a list does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from catalens import options, settings
from catalens.cli.options import AsJson, option
from catalens.cli.output import say, write, write_json
from catalens.errors import UsageError

if TYPE_CHECKING:
    from catalens.trust.licences import Part

FINDINGS = 5
"""Exit code where something is not allowed."""


def licences(
    model: Annotated[list[str] | None, option(options.Licences.model)] = None,
    format: Annotated[str, option(options.Licences.format)] = options.Licences.format.default,
    allow: Annotated[str | None, option(options.Licences.allow)] = None,
    as_json: AsJson = False,
) -> None:
    """List licence and origin of weights, networks in use and installed packages; exit code 5: some not allowed."""
    from catalens.trust.licences import findings, inventory
    from catalens.trust.sbom import cyclonedx

    if as_json and format == "cyclonedx":
        raise UsageError("--json and --format cyclonedx are two documents", cure="give one of them")
    allowed = None if allow is None else settings.licence_names(allow)
    parts = inventory(model or ())
    refused = () if allowed is None else findings(parts, allowed)
    if format == "cyclonedx":
        write_json(cyclonedx(parts))
    elif as_json:
        write_json({"parts": [part.to_dict() for part in parts], "refused": [part.name for part in refused]})
    else:
        _write_table(parts)
    if allowed is None:
        return
    for part in refused:
        learned = "".join(f"; learned from {one.name} ({one.licence})" for one in part.datasets)
        say(f"not allowed: {part.name} {part.version}, {part.licence}{learned}")
    if refused:
        raise typer.Exit(FINDINGS)


def _write_table(parts: tuple[Part, ...]) -> None:
    write("kind\tname\tversion\tlicence\tfor\torigin\tlearned from\tlicence files mention")
    for part in parts:
        learned = ", ".join(f"{one.name} ({one.licence})" for one in part.datasets)
        row = (
            part.kind,
            part.name,
            part.version or "?",
            part.licence,
            ", ".join(part.wanted_by),
            part.origin,
            learned or part.trained_on,
            ", ".join(part.mentions),
        )
        write("\t".join(row).rstrip("\t"))
