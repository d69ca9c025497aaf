"""Write descriptions of products into a catalog, as proposals to review."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalens.catalog import Catalog
from catalens.errors import CatalensError, UsageError
from catalens.learning.tagging import BATCH, current, is_filled, photo_of
from catalens.options import Describe, check
from catalens.storage.merge import PREDICTED_BY, PROBABILITY
from catalens.tasks.describe import Description
from catalens.types import AttributeValue, Failure, Product, Progress, Where

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "kind": ("category", "product_type", "kind"),
    "color": ("color", "colour"),
    "pattern": ("pattern",),
    "sleeves": ("sleeves", "sleeve_length", "sleeve"),
}
"""What is described -> names under which a shop may say it; the first is written where it says none."""

Describer = Callable[[Path], Description]


@dataclass(frozen=True)
class DescribeReport:
    """What became of the products.

    Args:
        described: sku -> the attributes that were written.
        nothing: products of which nothing was known that the shop does not say; without_photo.
        failed: photos that could not be described.
    """

    described: Mapping[str, Mapping[str, AttributeValue]] = field(default_factory=dict)
    nothing: int = 0
    without_photo: int = 0
    failed: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "described": {sku: dict(values) for sku, values in self.described.items()},
            "nothing new": self.nothing,
            "without photo": self.without_photo,
            "failed": [failure.to_dict() for failure in self.failed],
        }


def describe_catalog(
    catalog: Catalog,
    describe: Describer,
    *,
    by: str,
    fields: Sequence[str] = Describe.fields.default,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> DescribeReport:
    """Describe the first picture of each product, and write what the shop does not say itself.

    Beside each value stands `..._predicted_by`, and `..._probability` where there is one: find what is to be reviewed
    with a filter on it. Setting a value by hand takes these away. What was proposed before is proposed anew.

    Args:
        describe: photo -> its description.
        by: who described, for `..._predicted_by`.
        fields: some of alt (`alt_text_en` ...), title (`proposed_title_en` ...), attributes (category, color, pattern,
            sleeves).

    Raises:
        UsageError: another field.
        CatalogBusyError, StorageError: the catalog cannot be written; what was written before stays.
    """
    check(Describe.fields, fields)
    if not fields:
        raise UsageError("no fields are named", cure=f"take some of {', '.join(Describe.fields.allowed)}")
    products = list(catalog.products())
    described: dict[str, Mapping[str, AttributeValue]] = {}
    failed: list[Failure] = []
    nothing = without_photo = 0
    for start in range(0, len(products), BATCH):
        changed = []
        for product in products[start : start + BATCH]:
            photo = photo_of(product)
            if photo is None:
                without_photo += 1
                continue
            try:
                found = describe(photo)
            except CatalensError as error:
                failed.append(Failure(Where(str(photo)), product.sku, error.what, error.cure))
                continue
            now = current(catalog, product.sku)
            values = {} if now is None else dict(_proposed(now, found, fields, by))
            nothing += not values
            if now is not None and values:
                described[product.sku] = values
                changed.append(replace(now, attributes={**now.attributes, **values}))
        if changed and not dry_run:
            catalog.add(changed)
        if progress is not None:
            progress(min(start + BATCH, len(products)), len(products), "describing products")
    return DescribeReport(described, nothing, without_photo, tuple(failed))


def _proposed(
    product: Product, found: Description, fields: Sequence[str], by: str
) -> Iterator[tuple[str, AttributeValue]]:
    """Values that the shop does not say, each with what stands beside it."""
    values: dict[str, tuple[AttributeValue, float | None]] = {}
    if "alt" in fields:
        values |= {f"alt_text_{language}": (text, None) for language, text in found.alt.items() if text}
    if "title" in fields:
        values |= {f"proposed_title_{language}": (text, None) for language, text in found.title.items() if text}
    for name, same in ATTRIBUTES.items() if "attributes" in fields else ():
        stated = [one for one in found.attributes if one.name == name]
        if stated and not any(is_filled(product, other) for other in same):
            words = tuple(one.value for one in stated)
            values[same[0]] = (words[0] if len(words) == 1 else words, stated[0].confidence)
    for name, (value, confidence) in values.items():
        if not is_filled(product, name):
            yield name, value
            yield name + PREDICTED_BY, by
            if confidence is not None:
                yield name + PROBABILITY, round(confidence, 4)
