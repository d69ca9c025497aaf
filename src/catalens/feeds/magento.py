"""Magento's product CSV: configurable products, their variants in rows of their own, HTML, `additional_attributes`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalens.feeds.base import Item, Reading, Sample
from catalens.feeds.cells import Pictures, attribute_name, attributes_of, lowest_price, prices, value_of
from catalens.feeds.markup import plain_text
from catalens.feeds.tables import Row, Table
from catalens.types import AttributeValue, Failure, PictureSource, Product, Variant, Where

_COLUMNS = ("price", "special_price", "weight", "url_key", "attribute_set_code", "product_type")
_NEXT_ATTRIBUTE = re.compile(r",(?=[A-Za-z0-9_]+=)")
_ROOT = "Default Category"


class MagentoFeed:
    """A configurable product and its simple rows are one product with variants; other rows are products themselves."""

    name = "magento"

    def recognises(self, sample: Sample) -> bool:
        columns = set(sample.header)
        return {"sku", "product_type"} <= columns and bool(
            columns & {"additional_attributes", "configurable_variations"}
        )

    def read(self, source: Path, *, media: Path | None, mapping: Mapping[str, str] | None) -> Reading:  # noqa: ARG002
        table = Table(source)
        beside = ("media", "media/catalog/product", "pub/media/catalog/product")
        return Reading(self.name, table.notes, _Export(table, Pictures.of(source, media, beside=beside)).items())


class _Export:
    """All rows of an export by sku: a configurable product comes after the rows of its variants."""

    def __init__(self, table: Table, pictures: Pictures) -> None:
        self._table, self._pictures = table, pictures
        self._rows: dict[str, Row] = {}
        self._broken: list[Failure] = []
        for row in table.rows():
            if isinstance(row, Failure):
                self._broken.append(row)
            else:
                self._take(row)

    def _take(self, row: Row) -> None:
        sku, where = row["sku"], self._table.where(row, "sku")
        if not sku:
            self._broken.append(Failure(where, "row", "no sku", "give every product a sku"))
        elif row["store_view_code"]:
            why = f"a translation for the store view {row['store_view_code']}; only the default texts are read"
            self._broken.append(Failure(where, sku, why, "export without store views"))
        elif sku in self._rows:
            why = f"the sku came before, on line {self._rows[sku].line}"
            self._broken.append(Failure(where, sku, why, "give every product a sku of its own"))
        else:
            self._rows[sku] = row

    def items(self) -> Iterator[Item]:
        yield from self._broken
        variants_of = {
            sku: _variations(row) for sku, row in self._rows.items() if row["product_type"] == "configurable"
        }
        claimed = {variant for variations in variants_of.values() for variant in variations if variant in self._rows}
        for sku, row in self._rows.items():
            if sku not in claimed:
                yield from self._product(row, variants_of.get(sku, {}))

    def _product(self, row: Row, variations: Mapping[str, Mapping[str, str]]) -> Iterator[Item]:
        pictures, failures = self._found(row)
        attributes = _attributes(row)
        variants = []
        for sku, options in variations.items():
            own = self._rows.get(sku)
            if own is None:
                where = self._table.where(row, "configurable_variations")
                failures.append(Failure(where, sku, "the variant has no row of its own", "export all rows"))
                continue
            found, dead = self._found(own)
            failures += dead
            variants.append(Variant(sku, own["name"], _variant_attributes(own, options, attributes), found))
        attributes = {**lowest_price(variant.attributes for variant in variants), **attributes}
        yield Product(
            sku=row["sku"],
            where=self._table.where(row),
            title=plain_text(row["name"]),
            description=plain_text(row["description"] or row["short_description"]),
            attributes=attributes,
            pictures=pictures,
            variants=tuple(variants),
        )
        yield from failures

    def _found(self, row: Row) -> tuple[tuple[PictureSource, ...], list[Failure]]:
        named: list[tuple[str, Where]] = [(row["base_image"], self._table.where(row, "base_image"))]
        more = row["additional_images"].split(",")
        named += [(text.strip(), self._table.where(row, "additional_images")) for text in more]
        return self._pictures.find_all(named)


def _variations(row: Row) -> dict[str, dict[str, str]]:
    """Variant sku -> its options, of `sku=A,size=XS,color=Black|sku=B,...`."""
    found: dict[str, dict[str, str]] = {}
    for text in row["configurable_variations"].split("|"):
        options = dict(_pairs(text))
        sku = options.pop("sku", "").strip()
        if sku:
            found[sku] = options
    return found


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """`a=b,c=d`, where a value may have commas in it."""
    for pair in _NEXT_ATTRIBUTE.split(text):
        name, equals, value = pair.partition("=")
        if equals and name.strip() and value.strip():
            yield name.strip(), value.strip()


def _attributes(row: Row) -> dict[str, AttributeValue]:
    found = attributes_of((column, row[column]) for column in _COLUMNS if column not in {"product_type"})
    if row["product_type"]:
        found["product_type"] = row["product_type"]
    paths = [path.removeprefix(_ROOT).strip("/") for path in row["categories"].split(",")]
    paths = [path for path in paths if path]
    if paths:
        found["category"] = max(paths, key=lambda path: path.count("/")).rpartition("/")[2]
        found["category_path"] = tuple(paths)
    for name, text in _pairs(row["additional_attributes"]):
        values = [value for value in text.split("|") if value]
        key = attribute_name(name)
        found[key] = value_of(key, text) if len(values) < 2 else tuple(values)
    return found


def _variant_attributes(
    row: Row, options: Mapping[str, str], parent: Mapping[str, AttributeValue]
) -> dict[str, AttributeValue]:
    """Options and price of a variant, and what else differs from its parent: the rest of its row repeats that."""
    own = {
        name: value for name, value in _attributes(row).items() if parent.get(name) != value and name != "product_type"
    }
    chosen = {attribute_name(name): value_of(attribute_name(name), value) for name, value in options.items()}
    return {**own, **chosen, **(prices({"price": row["price"]}) if row["price"] else {})}
