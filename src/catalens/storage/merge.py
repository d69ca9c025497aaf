"""What a product is after a change: fields that the change does not mention stay as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from catalens.errors import UsageError
from catalens.storage.records import cleaned
from catalens.types import Attributes, AttributeValue, Product


def patched(
    product: Product,
    sku: str,
    *,
    title: str | None,
    description: str | None,
    attributes: Mapping[str, AttributeValue | None],
) -> Product:
    """The product with some fields of its own, or of one of its variants, set.

    Args:
        sku: the product's, or a variant's.
        title, description: None leaves them.
        attributes: those to set; the value None removes one.

    Raises:
        UsageError: a value of a wrong type, or a description for a variant.
    """
    try:
        if sku == product.sku:
            own = _with(product.attributes, attributes)
            changed = replace(
                product,
                title=product.title if title is None else title,
                description=product.description if description is None else description,
                attributes=own,
            )
            return cleaned(changed)
        if description is not None:
            raise UsageError(f"{sku!r} is a variant, which has no description", cure="describe its product")
        variants = tuple(
            replace(each, title=each.title if title is None else title, attributes=_with(each.attributes, attributes))
            if each.sku == sku
            else each
            for each in product.variants
        )
        return cleaned(replace(product, variants=variants))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"product {sku!r}: {error}", cure="give texts, numbers, true or false, or lists of texts"
        ) from None


def _with(old: Attributes, new: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    found = {name: value for name, value in old.items() if new.get(name, value) is not None}
    return found | {name: value for name, value in new.items() if value is not None}
