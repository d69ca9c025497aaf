"""JSON of products: JSON Lines, an array or a document; what `catalens catalog export` writes comes back whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from catalens.errors import FeedError
from catalens.feeds.base import Notes, Options, Reading, Sample
from catalens.feeds.cells import Reader
from catalens.feeds.draft import Draft, grouped
from catalens.feeds.objects import draft_of, unwrapped
from catalens.feeds.pictures import Pictures
from catalens.feeds.text import LINE_CAP, encoding_note, encoding_of, physical_lines
from catalens.json_text import parse_json
from catalens.types import Failure, Where

ARRAY_CAP = 64 * 1024 * 1024
"""Bytes of a document that is one array or object, since it is held in memory."""


class JsonLinesFeed:
    """Keys that are no field become attributes; `attributes` may also hold them."""

    name = "jsonlines"

    def recognises(self, sample: Sample) -> bool:
        return sample.head.lstrip("\ufeff \r\n\t").startswith(("{", "["))

    def read(self, source: Path, options: Options) -> Reading:
        encoding = encoding_of(source, options.encoding)
        notes = Notes(list(encoding_note(source, encoding, options.encoding)))
        name = options.name or source.name
        reader = Reader(name, Pictures.of(options.beside or source, options.media, absolute=True), notes)
        drafts = _drafts(values(source, encoding, name), name, options.mapping)
        return Reading(self.name, notes, reader.products(grouped(drafts)))


def values(source: Path, encoding: str, name: str) -> Iterator[tuple[int, object]]:
    """(Line, value or failure) of JSON Lines, or (ordinal, value) of the products of one document."""
    first = next((text for text in physical_lines(source, encoding) if text.strip()), "")
    if not _is_whole(first) or first.lstrip("\ufeff ").startswith("["):
        found = _document(source, encoding, must=first.lstrip("\ufeff ").startswith("["))
        if found is not None:
            yield from enumerate(found, start=1)
            return
    for line, text in enumerate(physical_lines(source, encoding), start=1):
        where = Where(name, line)
        if len(text) > LINE_CAP:
            yield line, Failure(where, "line", f"more than {LINE_CAP} characters", "split it")
        elif text.strip("\ufeff \t\r\n"):
            try:
                inside = unwrapped(parse_json(text.strip("\ufeff \t\r\n,")))
            except ValueError as error:
                yield line, Failure(where, "line", f"not JSON: {error}", "write one object per line")
                continue
            yield from ((line, value) for value in inside)


def _is_whole(text: str) -> bool:
    try:
        parse_json(text.strip("\ufeff \t\r\n,"))
    except ValueError:
        return False
    return True


def _document(source: Path, encoding: str, *, must: bool) -> list[object] | None:
    """The products of a file that is one JSON value; None where it is none, an error where it must be."""
    if source.stat().st_size > ARRAY_CAP:
        if not must:
            return None
        raise FeedError(f"{source} is one JSON array of more than {ARRAY_CAP // 2**20} MB", cure="write JSON Lines")
    try:
        return unwrapped(parse_json(source.read_text(encoding, errors="replace").lstrip("\ufeff")))
    except ValueError as error:
        if not must:
            return None
        raise FeedError(f"{source} is not JSON: {error}", cure="write one object per line") from None


def _drafts(found: Iterable[tuple[int, object]], name: str, mapping: Mapping[str, str]) -> Iterator[Draft | Failure]:
    for line, value in found:
        where = Where(name, line)
        if isinstance(value, Failure):
            yield value
        elif not isinstance(value, Mapping):
            yield Failure(where, "line", "no JSON object", "write one object per line")
        else:
            yield from object_drafts(value, line, where, mapping)


def object_drafts(
    value: Mapping[str, object], line: int, where: Where, mapping: Mapping[str, str]
) -> Iterator[Draft | Failure]:
    """The draft of one object, of a group a variant; variants that are nothing are named."""
    draft = draft_of({str(key): item for key, item in value.items() if not _is_no_number(item)}, line, mapping=mapping)
    if not draft.sku and not draft.title:
        yield Failure(where, "line", "no sku", 'give every object a "sku"')
        return
    for number, variant in enumerate(draft.variants):
        if not (variant.sku or variant.title or variant.cells):
            what = f"{draft.sku}, variant {number + 1}"
            yield Failure(where, what, "no object with a sku", "give it a sku")
    draft.variants = [one for one in draft.variants if one.sku or one.title or one.cells]
    if draft.group and not draft.variants:
        group, draft.group = draft.group, ""
        yield Draft(line, group=group, variants=[draft])
    else:
        draft.group = ""
        yield draft


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
