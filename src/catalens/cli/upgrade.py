"""`catalens catalog upgrade`: a catalog of an older version, or of another encoder, brought up to date."""

from __future__ import annotations

from typing import Annotated

import typer

import catalens
from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, Device, EncoderName, Precision, existing
from catalens.cli.output import list_failures, progress_bar, say, write, write_json
from catalens.errors import ImageError
from catalens.models.device import AUTO
from catalens.storage.upgrade import MEASURED, UpgradePlan


def upgrade(
    catalog: CatalogFolder = DEFAULT_CATALOG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost; write nothing.")] = False,
    encoder: EncoderName = None,
    device: Device = AUTO,
    dtype: Precision = AUTO,
    as_json: AsJson = False,
) -> None:
    """Bring a catalog of an older version, or one that another encoder embedded, up to date.

    Says first how many pictures are embedded again and how long that takes; what is interrupted goes on from there.
    """
    with existing(catalog, encoder=encoder, device=device, dtype=dtype) as shop:
        plan = shop.plan_upgrade()
    for line in _costs(plan):
        say(line)
    if dry_run or not plan.is_needed:
        if as_json:
            write_json({"plan": plan.to_dict(), "embedded": 0, "failed": []})
        return
    with catalens.open(catalog, encoder=encoder, device=device, dtype=dtype) as shop, progress_bar() as progress:
        report = shop.upgrade(plan, progress=progress)
    list_failures(report.failed)
    if as_json:
        write_json(report.to_dict())
    else:
        write(f"upgraded: {report.embedded} pictures embedded by {plan.encoder}, {len(report.failed)} failed")
    if report.failed:
        say("pictures whose files are gone are embedded when their source is added again: catalens add SOURCE")
        raise typer.Exit(ImageError.exit_code)


def _costs(plan: UpgradePlan) -> list[str]:
    if not plan.is_needed:
        return ["the catalog is up to date"]
    lines = []
    if plan.tables[0] != plan.tables[1]:
        lines.append(f"its tables are of version {plan.tables[0]}; they become version {plan.tables[1]} at once")
    if plan.pictures:
        took = f"about {max(1, plan.seconds):.0f} s" if plan.seconds < 90 else f"about {plan.seconds / 60:.0f} minutes"
        known = f"{took}, measured on the first {min(MEASURED, plan.pictures)}" if plan.seconds else "none can be read"
        lines.append(
            f"{plan.pictures} of {plan.all} pictures were embedded by {' and '.join(plan.before) or 'no encoder'}; "
            f"embedding them by {plan.encoder}: {known}"
        )
    return lines
