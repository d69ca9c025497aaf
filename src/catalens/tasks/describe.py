"""Describe the product on a photo: attributes that are likely right, and from them an alt text and a title.

Recognisers give raw scores; `describing.toml` says from which score on a statement was right often enough on photos
that it was calibrated on (`recipes/describe.py`). What is below is not stated: a description never says more than is
known.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from catalens import options, taxonomy
from catalens.errors import UsageError
from catalens.features.color_names import COLOR_NAMES
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image
from catalens.show import Shown
from catalens.tasks.attributes import PATTERNS
from catalens.tasks.colors import product_colors
from catalens.tasks.embed import Encoder
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.reading import TextReader, read_text, text_reader
from catalens.tasks.segment import parser
from catalens.tasks.zero_shot import COMMON_LABELS, SHARPNESS, known_labels, label_vectors
from catalens.taxonomy import Known, alt_text, title
from catalens.types import FloatArray, ImageArray

SIDE = 256
"""Longest side at which a photo is looked at, but for its text, in pixels."""
SLEEVES = {"long-sleeved": "long", "short-sleeved": "short", "sleeveless": "none"}
"""What the encoder is asked -> what is stated."""
PERSON = ("skin", "hair")
SECOND_COLOR = 0.25
"""Share of the product from which a color beside the largest is named."""
BRIGHT = frozenset({"red", "orange", "yellow", "green", "blue", "purple", "pink"})
"""Colors that are calibrated together; each other one by itself."""
_KEPT: dict[tuple[str, tuple[str, ...]], tuple[list[str], FloatArray]] = {}
_CALIBRATION = Path(__file__).parent / "describing.toml"


@dataclass(frozen=True, slots=True)
class Stated:
    """One attribute of the product.

    Args:
        name: kind, color, pattern, sleeves, setting or text; value: in English.
        confidence: how often such a statement was right where it was calibrated, 0..1; of a text the reader's own; None
            of what a model of yours said.
        share: of a color: its share of the product's area.
    """

    name: str
    value: str
    confidence: float | None
    share: float | None = None

    def to_dict(self) -> dict[str, object]:
        share = {} if self.share is None else {"share": round(self.share, 3)}
        confidence = None if self.confidence is None else round(self.confidence, 3)
        return {"name": self.name, "value": self.value, "confidence": confidence, **share}


@dataclass(frozen=True)
class Description(Shown):
    """What is stated of a photo.

    Args:
        attributes: kind, colors (the largest first), pattern, sleeves, setting, text, as far as they are known.
        alt, title: language -> text; "" where neither kind nor color is known.
        notes: what to know about it.
    """

    attributes: tuple[Stated, ...] = ()
    alt: Mapping[str, str] = field(default_factory=dict)
    title: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Description({'; '.join(f'{one.name}={one.value}' for one in self.attributes) or 'nothing is known'})"

    def to_dict(self) -> dict[str, object]:
        return {
            "attributes": [one.to_dict() for one in self.attributes],
            "alt": dict(self.alt),
            "title": dict(self.title),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Signals:
    """Raw scores of a photo.

    Args:
        kinds, patterns, sleeves: value -> probability among those that were asked.
        colors: name -> share of the product's area, the largest first.
        color_words: name -> probability that the encoder gives its word among all of them.
        person: share of the picture that shows skin or hair.
    """

    kinds: Mapping[str, float]
    patterns: Mapping[str, float]
    sleeves: Mapping[str, float]
    colors: Mapping[str, float]
    color_words: Mapping[str, float]
    person: float

    def color_score(self, name: str) -> float:
        """How sure a color is, 0..1, by the pixels and by the encoder."""
        return (self.colors.get(name, 0.0) + self.color_words.get(name, 0.0)) / 2

    def kind_candidates(self) -> list[tuple[str, float]]:
        """The likeliest kind and the wider kinds of it, with the probability of all kinds below each."""
        lineages = {name: one.lineage for name in self.kinds if (one := taxonomy.named(name)) is not None}
        best = max(self.kinds, key=lambda name: self.kinds[name])
        return [
            (wide, sum(self.kinds[name] for name, lineage in lineages.items() if wide in lineage))
            for wide in lineages.get(best, ())
        ]


def signals_of(image: ImageArray, *, encoder: Encoder) -> Signals:
    """Raw scores of a picture of any size, HWC uint8."""
    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    small = resize(image, (max(1, round(height * scale)), max(1, round(width * scale)))) if scale < 1 else image
    (vector,) = encoder.encode_images([small])
    kinds, patterns, sleeves, color_words = (
        _likely(vector, words, encoder) for words in (COMMON_LABELS, PATTERNS, tuple(SLEEVES), COLOR_NAMES)
    )
    parts = parser()(small)
    person = np.isin(parts.labels, [code for code, name in enumerate(parts.names) if name in PERSON])
    return Signals(
        kinds,
        patterns,
        sleeves,
        {one.name: one.area for one in product_colors(small)},
        color_words,
        float(person.mean()),
    )


def _likely(vector: FloatArray, words: tuple[str, ...], encoder: Encoder) -> dict[str, float]:
    """Word -> its probability for a picture's vector (D,) among those of the words that the encoder knows."""
    names, vectors = _words(words, encoder)
    logits = SHARPNESS * (vectors @ vector)
    likely = np.exp(logits - logits.max())
    return dict(zip(names, (likely / likely.sum()).tolist(), strict=True))


def _words(words: tuple[str, ...], encoder: Encoder) -> tuple[list[str], FloatArray]:
    """Those of the words that the encoder knows, and their vectors (C, D); kept for the next photo."""
    key = (encoder.name, words)
    if key not in _KEPT:
        if len(_KEPT) >= 64:
            _KEPT.clear()
        _KEPT[key] = _read_words(words, encoder)
    return _KEPT[key]


def _read_words(words: tuple[str, ...], encoder: Encoder) -> tuple[list[str], FloatArray]:
    names, _ = known_labels(list(words), encoder) if encoder.has_text else (list(words), ())
    return names, label_vectors(names, encoder=encoder)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one attribute: the lowest score at which it is stated, and how often statements of some scores were right."""

    least: float
    scores: Sequence[float]
    right: Sequence[float]

    def confidence(self, score: float) -> float | None:
        """How often such a statement was right; None where it is not to be made."""
        return None if score < self.least else float(np.interp(score, self.scores, self.right))


def color_key(name: str) -> str:
    """Name of the calibration of a color."""
    return "color bright" if name in BRIGHT else f"color {name}"


@cache
def calibrations() -> tuple[str, Mapping[str, Calibration]]:
    """The encoder that they were made with, and attribute -> calibration; an attribute that lacks is never stated."""
    table: dict[str, Any] = tomllib.loads(_CALIBRATION.read_text("utf-8"))
    return table["encoder"], {
        name: Calibration(row["least"], row["scores"], row["right"])
        for name, row in table.get("attributes", {}).items()
    }


def stated(signals: Signals) -> tuple[Stated, ...]:
    """The attributes that are likely right."""
    known = calibrations()[1]
    found: list[Stated] = []

    def add(name: str, value: str, score: float, *, by: str = "", share: float | None = None) -> bool:
        calibration = known.get(by or name)
        confidence = None if calibration is None else calibration.confidence(score)
        if confidence is not None:
            found.append(Stated(name, value, confidence, share))
        return confidence is not None

    for place, (kind, score) in enumerate(signals.kind_candidates()):
        if add("kind", kind, score, by="wider kind" if place else "kind"):
            break
    kind_of = taxonomy.kind(found[0].value) if found else None
    for place, (color, share) in enumerate(list(signals.colors.items())[:2]):
        if place == 0 or share >= SECOND_COLOR:
            add("color", color, signals.color_score(color), by=color_key(color), share=share)
    if kind_of is None or kind_of.is_worn:
        pattern, score = max(signals.patterns.items(), key=lambda one: one[1])
        add("pattern", pattern, score)
    if kind_of is not None and "top" in kind_of.lineage:
        sleeves, score = max(signals.sleeves.items(), key=lambda one: one[1])
        add("sleeves", SLEEVES[sleeves], score)
    if not add("setting", "worn", signals.person, by="worn") and kind_of is not None and kind_of.is_worn:
        add("setting", "flat", 1 - signals.person, by="flat")
    return tuple(found)


def known_of(attributes: Sequence[Stated]) -> Known:
    """What phrases are made of."""
    first = {one.name: one.value for one in reversed(attributes)}
    return Known(
        kind=first.get("kind", ""),
        colors=tuple(one.value for one in attributes if one.name == "color"),
        pattern=first.get("pattern", ""),
        sleeves=first.get("sleeves", ""),
        setting=first.get("setting", ""),
        text=first.get("text", ""),
    )


def with_texts(attributes: Sequence[Stated], languages: Sequence[str], notes: tuple[str, ...] = ()) -> Description:
    """A description of these attributes."""
    known = known_of(attributes)
    alt, titles = ({one: make(known, one) for one in languages} for make in (alt_text, title))
    return Description(tuple(attributes), alt, titles, notes)


def check_languages(languages: Sequence[str]) -> None:
    """Refuse languages that there are no phrases of.

    Raises:
        UsageError: which there are.
    """
    options.check(options.Describe.languages, languages, name="languages")
    if not languages:
        raise UsageError("no language is named", cure=f"take some of {', '.join(taxonomy.languages())}")


def describe(
    image: ImageLike,
    *,
    languages: Sequence[str] = options.Describe.languages.default,
    read: bool = options.Describe.read_text.default,
    encoder: Encoder | None = None,
    reader: TextReader | None = None,
) -> Description:
    """Describe the product on a photo.

    Args:
        image: path, bytes, open file, array or PIL picture.
        languages: of alt text and title: some of en, zh, de, es, fr.
        read: also read the text on it (extra `ocr`).
        encoder: of pictures and words; the default one where None.
        reader: of text; that of the extra where None.

    Raises:
        UsageError: another language.
        MissingExtraError: `read` without the extra.
        NotFoundError, ImageError: as of `read_image`; ModelError: the encoder knows no words.
    """
    check_languages(languages)
    encoder = encoder or load_encoder()
    pixels = read_image(image)
    attributes = list(stated(signals_of(pixels, encoder=encoder)))
    if read:
        lines = read_text(pixels, min_confidence=0.8, reader=reader or text_reader())
        largest = sorted(lines, key=lambda line: line.box[1] - line.box[3])[:1]
        attributes += [Stated("text", line.text, line.confidence) for line in largest]
    made_with = calibrations()[0]
    notes = (
        ()
        if encoder.name == made_with
        else (f"confidences were calibrated with the encoder {made_with}, not with {encoder.name}",)
    )
    return with_texts(attributes, languages, notes)
