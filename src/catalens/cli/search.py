"""`catalens search`: by photo, by words, by both, by liked and disliked products."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

import catalens
from catalens import options
from catalens.cli.options import (
    DEFAULT_CATALOG,
    AsJson,
    CatalogFolder,
    Device,
    EncoderName,
    Precision,
    existing,
    numbers,
    option,
)
from catalens.cli.output import refuse_overwrite, say, warn_missing_glyphs, write, write_json
from catalens.errors import UsageError
from catalens.types import Facet, Match, Matches


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(help="Path of a photo, words, or a photo and words.", metavar="[PHOTO] [WORDS]..."),
    ] = None,
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, option(options.Search.k, "-k")] = options.Search.k.default,
    text: Annotated[str | None, option(options.Search.text)] = options.Search.text.default,
    spelling: Annotated[bool, option(options.Search.spelling, "--spelling/--exact")] = options.Search.spelling.default,
    language: Annotated[str | None, option(options.Search.language)] = options.Search.language.default,
    where: Annotated[str | None, option(options.Search.where)] = options.Search.where.default,
    like: Annotated[list[str] | None, option(options.Search.like, more="May be repeated.")] = None,
    unlike: Annotated[list[str] | None, option(options.Search.unlike, more="May be repeated.")] = None,
    offset: Annotated[int, option(options.Search.offset)] = options.Search.offset.default,
    min_score: Annotated[float | None, option(options.Search.min_score)] = options.Search.min_score.default,
    weights: Annotated[list[str] | None, option(options.Search.weights)] = None,
    group: Annotated[bool, option(options.Search.group, "--group/--each-picture")] = options.Search.group.default,
    facets: Annotated[list[str] | None, option(options.Search.facets, more="May be repeated.")] = None,
    sort: Annotated[str, option(options.Search.sort)] = options.Search.sort.default,
    understand: Annotated[
        bool, option(options.Search.understand, "--understand/--as-written")
    ] = options.Search.understand.default,
    floor: Annotated[bool, option(options.Search.floor, "--floor/--no-floor")] = options.Search.floor.default,
    meaning: Annotated[bool, option(options.Search.meaning, "--meaning/--no-meaning")] = options.Search.meaning.default,
    encoder: EncoderName = options.Network.encoder.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    save: Annotated[
        Path | None, typer.Option(help="Also write a page (.html) or a contact sheet (.png, .jpg, .webp).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find similar products, best first, each with the parts of its score."""
    photo, words = _photo_and_words(query or [])
    if words and text:
        raise UsageError("words came twice, as the query and as --text", cure="give them once")
    refuse_overwrite(save, *([] if photo is None else [photo]))
    with existing(catalog, encoder=encoder, device=device, dtype=dtype) as shop:
        matches = shop.search(
            image=photo,
            text=words or text,
            spelling=spelling,
            language=language,
            like=like or (),
            unlike=unlike or (),
            where=where,
            k=k,
            offset=offset,
            min_score=min_score,
            weights=numbers(weights or [], option="--weights", example="deep=1,color=0.5"),
            group=group,
            facets=[name for one in facets or () for name in one.split(",")],
            sort=cast("options.Sort", sort),
            understand=understand,
            floor=floor,
            meaning=meaning,
        )
    if matches.understood:
        say(f"understood: {', '.join(map(str, matches.understood))}")
    for note in matches.notes:
        say(note)
    if save is not None:
        _save(matches, save, photo=photo)
    if as_json:
        write_json(matches.to_dict())
    else:
        _tell(matches)


def _photo_and_words(query: list[str]) -> tuple[Path | None, str | None]:
    """The photo and the words of a query whose words need no quotes; a photo's name may have spaces, too.

    Raises:
        UsageError: two photos, or an empty text; NotFoundError: no photo at what looks like its path.
    """
    from catalens.search.query import photo_or_words  # with it come the networks

    if not query:
        return None, None
    if len(query) == 1 or Path(" ".join(query)).is_file():
        return photo_or_words(" ".join(query))
    read = [photo_or_words(word) for word in query if word.strip()]
    photos = [photo for photo, _ in read if photo is not None]
    if len(photos) > 1:
        raise UsageError(
            f"expected one photo and got {' and '.join(map(str, photos))}", cure="search by each of them on its own"
        )
    return (photos[0] if photos else None), " ".join(word for _, word in read if word) or None


def _save(matches: Matches, out: Path, *, photo: Path | None) -> None:
    from catalens.search.page import PAGES, save_matches

    save_matches(matches, out, query_picture=None if photo is None else catalens.read_image(photo, target=800))
    say(f"written: {out}")
    if out.suffix.lower() not in PAGES:
        warn_missing_glyphs({match.title: match.sku for match in matches})


def _tell(matches: Matches) -> None:
    if not matches:
        say("no products found")
    for facet in matches.facets:
        say(f"{facet.name}: {', '.join(_counts(facet))}{' ...' if facet.more else ''}")
    for rank, match in enumerate(matches, start=1):
        score = f"  {match.score:.3f}" if match.parts else ""  # a filter alone ranks nothing
        parts = f"  [{_parts(match)}]" if match.parts else ""
        write(f"{rank:>3}{score}  {match.sku}  {match.title}{_details(match)}{parts}")


def _counts(facet: Facet) -> list[str]:
    ranges = [f"{low:g} to {high:g} ({count})" for low, high, count in facet.ranges]
    return ranges or [f"{value} ({count})" for value, count in facet.values]


def _details(match: Match) -> str:
    shown = [match.attributes[name] for name in ("category", "color", "price") if name in match.attributes]
    return "".join(f" | {', '.join(value) if isinstance(value, tuple) else value}" for value in shown)


def _parts(match: Match) -> str:
    return " ".join(f"{name} {value:.2f}" for name, value in match.parts.items())
