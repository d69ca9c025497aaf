"""Readiness of a catalog for a channel: which fields lack, are wrong, and could be filled from photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalens.errors import UsageError
from catalens.feeds.channels import CHANNELS, Field, fault_of, value_in
from catalens.feeds.offers import offers_of
from catalens.types import Product

FILLABLE = {"color": "color", "pattern": "pattern", "product_type": "category"}
"""Field -> attribute that a photo can say."""
EXAMPLES = 3


@dataclass(slots=True)
class FieldReport:
    """What offers say in one field: how many lack it, how many are wrong in it and why, with examples of their skus."""

    name: str
    need: str
    missing: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    fillable: bool = False
    examples: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        return {
            "field": self.name, "need": self.need, "missing": self.missing, "wrong": self.wrong,
            "fillable": self.fillable, "examples": self.examples,
        }  # fmt: skip

    def __str__(self) -> str:
        said = [f"missing in {self.missing}"] if self.missing else []
        said += [f"{why} in {count}" for why, count in self.wrong.items()]
        more = "; can be filled from photos (--fill)" if self.fillable and self.missing else ""
        return f"{self.name} ({self.need}): {', '.join(said)}{more}; such as {', '.join(self.examples)}"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Offers of a catalog, those with all that is required and nothing wrong, and the fields that lack something."""

    channel: str
    offers: int
    ready: int
    fields: tuple[FieldReport, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "format": self.channel, "offers": self.offers, "ready": self.ready,
            "fields": [one.to_dict() for one in self.fields],
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"Readiness({self.channel}: {self.ready} of {self.offers} ready)"


def readiness(products: Iterable[Product], channel: str, *, picture_base: str = "", currency: str = "") -> Readiness:
    """Look at each offer of products as the feed of a channel would have it. Arguments as of `channel_lines`.

    Raises:
        UsageError: another channel.
    """
    if channel not in CHANNELS:
        raise UsageError(f"no feed {channel!r}", cure=f"name one of {', '.join(CHANNELS)}")
    fields = CHANNELS[channel].fields
    reports = {one.name: FieldReport(one.name, one.need, fillable=one.source in FILLABLE) for one in fields}
    offers = ready = 0
    for product in products:
        for offer in offers_of(product, picture_base=picture_base, currency=currency):
            offers += 1
            faults = [_judged(one, value_in(one, offer), reports[one.name], str(offer.fields["id"])) for one in fields]
            ready += not any(faults)
    told = tuple(one for one in reports.values() if one.wrong or (one.missing and one.need != "optional"))
    order = ("required", "apparel", "advised", "optional")
    return Readiness(channel, offers, ready, tuple(sorted(told, key=lambda one: order.index(one.need))))


def _judged(known: Field, text: str, report: FieldReport, sku: str) -> bool:
    """Whether an offer cannot go into the feed because of a field; the report counts it."""
    why = fault_of(known, text) if text else ""
    if text and not why:
        return False
    if why:
        report.wrong[why] = report.wrong.get(why, 0) + 1
    else:
        report.missing += 1
    if len(report.examples) < EXAMPLES:
        report.examples.append(sku)
    return bool(why) or known.need == "required"
