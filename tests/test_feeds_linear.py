"""No parser of strangers' text runs away: sixteen times the text costs some sixteen times the work."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalens.errors import CatalensError
from catalens.feeds import encodings, open_feed
from catalens.feeds import text as text_files
from catalens.feeds.bigcommerce import _options as bigcommerce_options
from catalens.feeds.delimited import Records
from catalens.feeds.encodings import guess_encoding, is_nearly_utf8
from catalens.feeds.magento import _pairs as magento_pairs
from catalens.feeds.markup import plain_text
from catalens.feeds.pictures import address_of, split
from catalens.feeds.prices import Convention, price_of
from catalens.feeds.tolerant import delimiter_in, mended_xml

SHAPES: dict[str, Callable[[int], str]] = {
    "blanks in a number": lambda n: "1" + " " * n + "x1",
    "quotes and commas": lambda n: 'x","aa,b\n' * (n // 9),
    "quotes": lambda n: '"' * n,
    "quote and line": lambda n: '"a\n' * (n // 3),
    "tags with open quotes": lambda n: '<a b="' * (n // 6),
    "tags with two quotes": lambda n: "<a b='\"" * (n // 7),
    "open tags": lambda n: "<" * n,
    "unclosed tags": lambda n: "<p " * (n // 3),
    "comments": lambda n: "<!--" * (n // 4),
    "scripts": lambda n: "<script>" * (n // 8),
    "silent elements that close": lambda n: "<style></style" * (n // 14),
    "cdata": lambda n: "<![CDATA[" * (n // 9),
    "doctypes": lambda n: "<!DOCTYPE a" * (n // 11),
    "items": lambda n: "<item>" * (n // 6),
    "item ends": lambda n: "</item>" * (n // 7),
    "items in one another": lambda n: "<item><a>" * (n // 9),
    "empty items": lambda n: "<item/>" * (n // 7),
    "items and comments": lambda n: "<item><!-- " * (n // 11),
    "ampersands": lambda n: "&" * n,
    "numbered entities": lambda n: "&#9" * (n // 3),
    "entities": lambda n: "&amp" * (n // 4),
    "objects": lambda n: '{"a":' * (n // 5),
    "arrays": lambda n: "[" * n,
    "digits": lambda n: "1" * n,
    "digits and marks": lambda n: "1.1," * (n // 4),
    "digits and blanks": lambda n: "1 1 " * (n // 4),
    "commas": lambda n: "a,b " * (n // 4),
    "semicolons": lambda n: ";" * n,
    "bars": lambda n: "a=b|" * (n // 4),
    "pairs": lambda n: ",a=" * (n // 3),
    "options": lambda n: "[S]a=b,[S" * (n // 9),
    "addresses": lambda n: "http://" * (n // 7),
    "blanks": lambda n: " " * n,
    "lines": lambda n: "\n" * n,
    "letters": lambda n: "a" * n,
    "hashes": lambda n: "# " * (n // 2),
    "strange letters": lambda n: "é ü" * (n // 3),
}  # fmt: skip


def _read(folder: Path, name: str, text: str) -> None:
    source = folder / name
    source.write_text(text, encoding="utf-8", newline="")
    try:
        for _ in open_feed(source):
            pass
    except CatalensError:
        pass


def _records(text: str) -> None:
    for _ in Records(iter(text.splitlines(keepends=True)), ","):
        pass


def _in_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _csv(folder: Path, text: str) -> None:
    cell = _in_cell(text)
    _read(folder, "a.csv", f"sku,title,description,price,image,color\nA,{cell},{cell},{cell},{cell},{cell}\n")


def _shopify(folder: Path, text: str) -> None:
    cell = _in_cell(text)
    _read(folder, "a.csv", f"Handle,Title,Body (HTML),Variant Price,Image Src,Tags\nA,x,{cell},{cell},{cell},{cell}\n")


PARSERS: dict[str, Callable[[Path, str], object]] = {
    "price": lambda folder, text: price_of(text),
    "convention": lambda folder, text: Convention.of([text]),
    "HTML": lambda folder, text: plain_text(text),
    "HTML in quotes": lambda folder, text: plain_text(f'<p a="{text}'),
    "pictures": lambda folder, text: [address_of(name) for name in split(text)],
    "records": lambda folder, text: _records(text),
    "delimiter": lambda folder, text: delimiter_in(text.splitlines(keepends=True)[:20]),
    "XML mended": lambda folder, text: mended_xml(text),
    "encoding": lambda folder, text: (guess_encoding(text.encode("cp1252", "replace")), is_nearly_utf8(text.encode())),
    "Magento": lambda folder, text: list(magento_pairs(text)),
    "BigCommerce": lambda folder, text: bigcommerce_options(text),
    "a CSV cell": _csv,
    "Shopify": _shopify,
    "CSV": lambda folder, text: _read(folder, "b.csv", "sku,title,image\n" + text),
    "XML": lambda folder, text: _read(folder, "b.xml", "<rss>" + text),
    "XML item": lambda folder, text: _read(folder, "c.xml", f"<rss><item><id>1</id><title>{text}</title></item></rss>"),
    "JSON": lambda folder, text: _read(folder, "d.json", '{"sku": "a", "x": ' + text),
    "JSON Lines": lambda folder, text: _read(folder, "d.jsonl", '{"sku": "a"}\n' + text),
    "page": lambda folder, text: _read(folder, "e.html", f'<html><script type="application/ld+json">{text}'),
}
SMALL = 4_000
"""Characters at first; what is linear takes some milliseconds for them."""
FLOOR = 0.03
"""Seconds of processor: what takes less is too short to compare."""


def _cost(parse: Callable[[Path, str], object], folder: Path, text: str) -> float:
    began = time.process_time()
    parse(folder, text)
    return time.process_time() - began


@pytest.mark.parametrize("parser", PARSERS)
def test_work_grows_as_the_text_does(parser: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (encodings, text_files):  # the small text, too, is larger than the first sample of a file
        monkeypatch.setattr(module, "SAMPLE", SMALL // 4)
    parse = PARSERS[parser]
    slow = []
    for shape, text in SHAPES.items():
        _cost(parse, tmp_path, text(100))
        small, large = (_cost(parse, tmp_path, text(n)) for n in (SMALL, 16 * SMALL))
        if large <= 48 * max(small, FLOOR):
            continue
        # A parser may take another way for a long text, which costs more a character: what counts then is its growth
        # on that way. Four times the text is four times the work where it is linear, sixteen times where quadratic.
        middle = max(_cost(parse, tmp_path, text(4 * SMALL)) for _ in range(2))
        large = min(large, _cost(parse, tmp_path, text(16 * SMALL)))
        if large > 9 * middle:
            slow.append(f"{shape}: {middle:.3f} s, four times as much {large:.3f} s")
    assert not slow
