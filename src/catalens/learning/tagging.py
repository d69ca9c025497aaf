"""Write a classifier's predictions into the products of a catalog, with their probability, for review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from catalens.catalog import Catalog
from catalens.errors import CatalensError, NotFoundError, UsageError
from catalens.feeds.exported import FIRST_COLUMNS
from catalens.storage.merge import PREDICTED_BY, PROBABILITY
from catalens.tasks.classifier import Classifier
from catalens.types import AttributeValue, Failure, Labels, Product, Progress, Where

OWN = frozenset({*FIRST_COLUMNS, "pictures"})
"""What a product has beside its attributes."""
BATCH = 64


@dataclass(frozen=True, slots=True)
class Tagged:
    """One product's prediction."""

    sku: str
    value: AttributeValue
    probability: float


@dataclass(frozen=True)
class TagReport:
    """What became of the products: tagged; unknown or below the least probability; filled already and left so; without
    a photo. `replaced`: those tagged that a person had filled with something else.
    """

    tagged: tuple[Tagged, ...] = ()
    doubtful: int = 0
    filled: int = 0
    replaced: int = 0
    without_photo: int = 0
    failed: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "tagged": [
                {"sku": one.sku, "value": one.value, "probability": round(one.probability, 4)} for one in self.tagged
            ],
            "doubtful": self.doubtful,
            "filled": self.filled,
            "replaced": self.replaced,
            "without_photo": self.without_photo,
            "failed": [failure.to_dict() for failure in self.failed],
        }


def tag_catalog(
    catalog: Catalog,
    classifier: Classifier,
    *,
    field: str,
    only_missing: bool = False,
    min_score: float = 0.0,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> TagReport:
    """Classify the first picture of each product and write the answer into its attributes.

    Beside `field` it writes `field_probability` and `field_predicted_by`. A product whose answer is unknown, or below
    `min_score`, stays as it is. What a person wrote is replaced unless `only_missing`; what was predicted before and
    is still marked so counts as missing.

    Raises:
        UsageError: an empty field, one of the product's own such as sku, one that ends like those beside it, or one
            of numbers, such as a price, for labels that are none.
        CatalogBusyError, StorageError: the catalog cannot be written; what was written before stays.
    """
    if not field.strip() or field in OWN or field.endswith((PROBABILITY, PREDICTED_BY)):
        raise UsageError(f"{field!r} is no attribute to write", cure="name one such as category")
    report = TagReport()
    products = list(catalog.products())
    numbers = [product for product in products if _is_number(product.attributes.get(field))]
    if numbers and not all(_reads_as_number(name) for name in classifier.classes):
        raise UsageError(
            f"{field} is a number, as in {numbers[0].attributes[field]} of {numbers[0].sku}, and no label",
            cure="name another attribute",
        )
    for start in range(0, len(products), BATCH):
        chunk = products[start : start + BATCH]
        report = _tag_some(catalog, classifier, chunk, report, field, only_missing, min_score, dry_run)
        if progress is not None:
            progress(min(start + BATCH, len(products)), len(products), "tagging products")
    return report


def _tag_some(
    catalog: Catalog,
    classifier: Classifier,
    products: list[Product],
    report: TagReport,
    field: str,
    only_missing: bool,
    min_score: float,
    dry_run: bool,
) -> TagReport:
    asked = [product for product in products if not (only_missing and is_filled(product, field))]
    seen = [(product, photo_of(product)) for product in asked]
    with_photo = [(product, photo) for product, photo in seen if photo is not None]
    tagged, changed, failed = [], [], list(report.failed)
    doubtful, replaced = report.doubtful, report.replaced
    for seen_product, answer in list(_answers(classifier, with_photo, failed)):
        if answer.unknown or answer.scores[0] < min_score:
            doubtful += 1
            continue
        product = current(catalog, seen_product.sku)
        if product is None:
            continue  # removed meanwhile
        value: AttributeValue = answer.names if classifier.thresholds is not None else answer.best
        tagged.append(Tagged(product.sku, value, answer.scores[0]))
        replaced += is_filled(product, field) and product.attributes[field] != value
        beside: dict[str, AttributeValue] = {
            field + PROBABILITY: round(answer.scores[0], 4),
            field + PREDICTED_BY: classifier.name,
        }
        changed.append(replace(product, attributes={**product.attributes, field: value, **beside}))
    if changed and not dry_run:
        catalog.add(changed)
    return TagReport(
        report.tagged + tuple(tagged),
        doubtful,
        report.filled + len(products) - len(asked),
        replaced,
        report.without_photo + len(seen) - len(with_photo),
        tuple(failed),
    )


def _is_number(value: AttributeValue | None) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reads_as_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def current(catalog: Catalog, sku: str) -> Product | None:
    """The current product: changes that others made meanwhile are kept."""
    try:
        return catalog.get(sku)
    except NotFoundError:
        return None


def _answers(
    classifier: Classifier, seen: list[tuple[Product, Path]], failed: list[Failure]
) -> Iterator[tuple[Product, Labels]]:
    for product, photo in seen:
        try:
            yield product, classifier.classify([photo])[0]
        except CatalensError as error:
            failed.append(Failure(Where(str(photo)), product.sku, error.what, error.cure))


def is_filled(product: Product, field: str) -> bool:
    """Whether a person filled it: what is marked as predicted may be predicted anew."""
    is_predicted = bool(product.attributes.get(field + PREDICTED_BY))
    return product.attributes.get(field) not in (None, "", ()) and not is_predicted


def photo_of(product: Product) -> Path | None:
    """The first picture of a product that is a file."""
    sources = [*product.pictures, *(picture for variant in product.variants for picture in variant.pictures)]
    return next((Path(source.location) for source in sources if not source.is_remote), None)
