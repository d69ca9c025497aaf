"""schema.org's Product as JSON-LD: the blocks of a saved page, or a file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalens.errors import FeedError
from catalens.feeds.base import Notes, Options, Reading, Sample
from catalens.feeds.cells import Reader
from catalens.feeds.draft import Draft, grouped
from catalens.feeds.objects import draft_of, text_of
from catalens.feeds.pictures import Pictures
from catalens.feeds.text import encoding_of
from catalens.json_text import parse_json
from catalens.types import Failure, Where

MOST_BYTES = 64 * 1024 * 1024
"""Of a page or file, since it is held in memory."""
_DEPTH = 30
_SCRIPT = re.compile(r"<script\b([^<>]*)>", re.IGNORECASE)
_TYPES = frozenset({"product", "productgroup", "individualproduct", "productmodel", "vehicle"})
_LD = re.compile(
    r"\"@type\"\s{0,20}:\s{0,20}\[?\s{0,20}\"(?:https?://schema\.org/)?(?:Product|ProductGroup|ItemList)\""
)


class JsonLdFeed:
    """All products of all blocks, also in `@graph`, in lists and in one another; `hasVariant` joins variants."""

    name = "jsonld"

    def recognises(self, sample: Sample) -> bool:
        head = sample.head[:65_536].lstrip("\ufeff \r\n\t")
        if head.startswith("<"):
            return "application/ld+json" in head or head[:500].lower().lstrip().startswith(("<!doctype html", "<html"))
        return head.startswith(("{", "[")) and all(map(_is_typed, _lines(head) or [head]))

    def read(self, source: Path, options: Options) -> Reading:
        if source.stat().st_size > MOST_BYTES:
            raise FeedError(f"{source} has more than {MOST_BYTES >> 20} MB", cure="divide it")
        text = source.read_text(encoding_of(source, options.encoding), errors="replace").lstrip("\ufeff")
        notes, name = Notes(), options.name or source.name
        blocks = list(_blocks(text, name))
        nodes = [
            (line, node) for line, block in blocks if not isinstance(block, Failure) for node in _products(block, 0)
        ]
        broken = [block for _, block in blocks if isinstance(block, Failure)]
        if not nodes and not broken:
            raise FeedError(f"{source} has no Product of schema.org as JSON-LD", cure="save the page of a product")
        reader = Reader(name, Pictures.of(options.beside or source, options.media), notes)
        return Reading(self.name, notes, reader.products([*broken, *grouped(_drafts(nodes, _base(text)))]))


def _is_typed(text: str) -> bool:
    return ("schema.org" in text or bool(_LD.search(text))) and '"@type"' in text


def _lines(text: str) -> list[str]:
    """The lines of JSON Lines, without a last one that a sample cuts; none where it is one document."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.startswith("{") for line in lines) or not lines[0].rstrip(",").endswith("}"):
        return []
    return lines if lines[-1].endswith("}") else lines[:-1]


def _blocks(text: str, name: str) -> Iterator[tuple[int, object]]:
    """(Line, value or failure) of each block."""
    if not text.lstrip().startswith("<"):
        if _lines(text):
            for number, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    yield _parsed(line.strip().rstrip(","), number, name)
        else:
            yield _parsed(text, 1, name)
        return
    lower = text.lower()
    for found in _SCRIPT.finditer(text):
        if "ld+json" not in found[1].lower():
            continue
        end = lower.find("</script", found.end())
        inside = text[found.end() : end if end >= 0 else len(text)]
        yield _parsed(inside, text.count("\n", 0, found.start()) + 1, name)
        if end < 0:
            return


def _parsed(text: str, line: int, name: str) -> tuple[int, object]:
    text = (
        text.strip()
        .removeprefix("<!--")
        .removesuffix("-->")
        .removeprefix("//<![CDATA[")
        .removesuffix("//]]>")
        .strip(" ;\r\n\t")
    )
    try:
        return line, parse_json(text, strict=False)
    except ValueError as error:
        return line, Failure(Where(name, line), "block", f"not JSON: {error}", "fix it there")


def _products(value: object, depth: int) -> Iterator[Mapping[str, object]]:
    """Products anywhere in a block; those inside one of them as its variants do not come again."""
    if depth > _DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _products(item, depth + 1)
    elif isinstance(value, Mapping):
        kinds = value.get("@type")
        names = {str(kind).rpartition("/")[2].lower() for kind in (kinds if isinstance(kinds, list) else [kinds])}
        if names & _TYPES:
            yield value
            return
        for item in value.values():
            if isinstance(item, list | Mapping):
                yield from _products(item, depth + 1)


def _drafts(nodes: list[tuple[int, Mapping[str, object]]], base: str) -> Iterator[Draft | Failure]:
    for line, node in nodes:
        draft = _draft(node, line, base)
        group = node.get("isVariantOf")
        if isinstance(group, Mapping) and (key := text_of(group.get("productGroupID")) or text_of(group.get("@id"))):
            yield Draft(line, title=text_of(group.get("name")), group=key, variants=[draft])
        else:
            yield draft


def _draft(node: Mapping[str, object], line: int, base: str) -> Draft:
    flat = {
        str(key): value
        for key, value in node.items()
        if not str(key).startswith("@")
        and key not in {"offers", "review", "hasVariant", "isVariantOf", "aggregateRating"}
    }
    flat["image"] = [_image(item) for item in _several(node.get("image"))]
    draft = draft_of(
        {key: value for key, value in flat.items() if key not in {"additionalProperty", "productGroupID"}}, line
    )
    draft.sku = next(
        (
            text
            for key in ("sku", "productGroupID", "productID", "mpn", "gtin13", "gtin", "@id", "url")
            if (text := text_of(node.get(key)))
        ),
        "",
    )
    draft.page = draft.page or base
    for item in _several(node.get("additionalProperty")):
        if isinstance(item, Mapping) and (name := text_of(item.get("name"))):
            draft.cells.append((name, text_of(item.get("value"))))
    draft.cells = [
        (name, value) for name, value in draft.cells if name not in {"sku", "productID"} or value != draft.sku
    ]
    draft.cells += _offer(node.get("offers"))
    rating = node.get("aggregateRating")
    if isinstance(rating, Mapping) and text_of(rating.get("ratingValue")):
        draft.cells.append(("rating", text_of(rating["ratingValue"])))
    draft.variants = [
        _draft(item, line, draft.page) for item in _several(node.get("hasVariant")) if isinstance(item, Mapping)
    ]
    return draft


def _several(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _image(value: object) -> object:
    """The address of an ImageObject is `contentUrl`, else `url`."""
    if isinstance(value, Mapping):
        return text_of(value.get("contentUrl")) or text_of(value.get("url")) or text_of(value.get("@id"))
    return value


def _offer(value: object) -> list[tuple[str, object]]:
    """Price, currency and availability of the first offer that has a price; the lowest of an aggregate."""
    for offer in _several(value):
        if not isinstance(offer, Mapping):
            continue
        prices = _several(offer.get("priceSpecification"))
        inner = next((item for item in prices if isinstance(item, Mapping)), {})
        price = text_of(offer.get("price")) or text_of(offer.get("lowPrice")) or text_of(inner.get("price"))
        if not price:
            nested = _offer(offer.get("offers"))
            if nested:
                return nested
            continue
        currency = text_of(offer.get("priceCurrency")) or text_of(inner.get("priceCurrency"))
        stock = text_of(offer.get("availability")).rpartition("/")[2]
        return [
            (name, text) for name, text in (("currency", currency), ("price", price), ("availability", stock)) if text
        ]
    return []


def _base(text: str) -> str:
    """The address that relative ones of a page start from."""
    head = text[:200_000]
    for pattern in (
        r"<base\b[^<>]{0,200}href=[\"']([^\"'<>]{1,500})",
        r"<link\b[^<>]{0,200}rel=[\"']canonical[\"'][^<>]{0,200}href=[\"']([^\"'<>]{1,500})",
    ):
        if found := re.search(pattern, head, re.IGNORECASE):
            return found[1]
    return ""
