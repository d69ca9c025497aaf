"""Cells of feeds as values: names of attributes, numbers, prices, lists, pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalens.types import AttributeValue, Failure, PictureSource, Where

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
_PRICE = re.compile(r"(?P<before>[^\d.,\s-]*)\s*(?P<number>-?\d[\d.,\s]*)\s*(?P<after>\D*)")
_CODES = frozenset({"sku", "id", "gtin", "ean", "upc", "isbn", "mpn", "barcode", "zip", "item_group_id", "handle"})
_SAME = {
    "colour": "color",
    "brand_name": "brand",
    "vendor": "brand",
    "manufacturer": "brand",
    "product_type": "category",
}


def attribute_name(column: str) -> str:
    """Lower case with underscores; spellings of color, brand and category become these names."""
    name = re.sub(r"\W+", "_", column.strip().lower()).strip("_")
    return _SAME.get(name, name)


def value_of(name: str, text: str) -> AttributeValue:
    """A number where the text is one and is no code (a leading zero or a code's name keeps it text)."""
    if name in _CODES or len(text) > 15 or not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def price_of(text: str) -> tuple[float, str] | None:
    """Amount and currency ("" where there is none) of texts such as 15.00 USD, $1,299.90 or 12,50 EUR."""
    found = _PRICE.fullmatch(text.strip())
    if found is None:
        return None
    digits = re.sub(r"\s", "", found["number"])
    decimal = max(digits.rfind("."), digits.rfind(","))
    if decimal >= 0 and len(digits) - decimal - 1 != 3:
        digits = re.sub(r"[.,]", "", digits[:decimal]) + "." + digits[decimal + 1 :]
    elif digits.count(".") != 1 or digits.count(","):
        digits = re.sub(r"[.,]", "", digits)
    try:
        return float(digits), (found["before"] or found["after"]).strip()
    except ValueError:
        return None


def prices(texts: Mapping[str, str]) -> dict[str, AttributeValue]:
    """Attributes of price cells: the amount, and `currency` where one is written; what is no price stays text."""
    found: dict[str, AttributeValue] = {}
    for name, text in texts.items():
        amount = price_of(text)
        if amount is None:
            found[name] = text
            continue
        found[name] = amount[0]
        if amount[1] and "currency" not in found:
            found["currency"] = amount[1]
    return found


def is_price(name: str) -> bool:
    """Whether an attribute of this name holds a price."""
    return name == "price" or name.endswith("_price") or name.startswith("price_")


def lowest_price(each: Iterable[Mapping[str, AttributeValue]]) -> dict[str, AttributeValue]:
    """The price of a product by those of its variants: the lowest; nothing where none has one."""
    amounts = [price for price in (attributes.get("price") for attributes in each) if isinstance(price, float)]
    return {"price": min(amounts)} if amounts else {}


def attributes_of(cells: Iterable[tuple[str, str]]) -> dict[str, AttributeValue]:
    """Attributes of (column, text) pairs; empty texts are no attributes."""
    found: dict[str, AttributeValue] = {}
    for column, text in cells:
        name = attribute_name(column)
        if not text or not name:
            continue
        if is_price(name):
            found.update(prices({name: text}))
        else:
            found.setdefault(name, value_of(name, text))
    return found


def is_there(path: Path) -> bool:
    """Whether the path is a file; any text may come here, also what no file can be called."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a feed's picture paths start from.

    A path that leaves the folder by `..` is refused. A path that starts with a slash is taken from the folder; where
    `absolute` is allowed it may also name a file anywhere.
    """

    folders: tuple[Path, ...]
    absolute: bool = False

    @classmethod
    def of(cls, source: Path, media: Path | None, *, absolute: bool = False, beside: tuple[str, ...] = ()) -> Pictures:
        """The media folder if given, else the feed's own folder and those named `beside` in it."""
        here = source.parent.absolute()
        own = [here / name for name in beside if (here / name).is_dir()]
        return cls((media.absolute(),) if media is not None else (*own, here), absolute)

    def find(self, text: str, where: Where) -> PictureSource | Failure:
        """The picture that a cell names, or why there is none."""
        if text.startswith(("http://", "https://")):
            return PictureSource(text, where)
        relative = os.path.normpath(text.lstrip("/\\").replace("\\", "/")) if text.strip("/\\. ") else ".."
        if "\0" in text or relative.startswith(".."):
            return Failure(where, text, "the path leads out of the media folder", "give paths inside it")
        candidates = [folder / relative for folder in self.folders]
        if self.absolute and text.startswith("/"):
            candidates.append(Path(text))
        for path in candidates:
            if is_there(path):
                return PictureSource(str(path), where)
        return Failure(
            where, text, f"no such file in {self.folders[0]}", "copy it there, or name its folder with --media"
        )

    def find_all(self, texts: Iterable[tuple[str, Where]]) -> tuple[tuple[PictureSource, ...], list[Failure]]:
        """All pictures named, each once, and those that are not there."""
        found = [self.find(text, where) for text, where in dict(texts).items() if text]
        sources = {item.location: item for item in found if isinstance(item, PictureSource)}
        return tuple(sources.values()), [item for item in found if isinstance(item, Failure)]
