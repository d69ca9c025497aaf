"""Garments that were worn together: cut from street photos, each on white, each in a light and focus of its own.

Two cuts of one photo share its light, its blur and its white balance, and a network could go by these. So each cut gets
other ones, by itself; `statistics_of` is what a control network gets, which must learn nothing from them alone.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import features
from catalens.errors import NotFoundError
from catalens.evaluation.outfits import Wardrobe
from catalens.geometry import mask_to_box
from catalens.images.read import read_image
from catalens.models.parts import CLASSES
from catalens.models.zoo import DEFAULT_PARSER, find_card
from catalens.tasks.embed import Encoder
from catalens.tasks.outfit import KINDS
from catalens.tasks.segment import parser
from catalens.types import FloatArray, ImageArray, Progress
from recipes.parts import HELD_OUT, SIDE, allowed, masked_photos, parts_of

SMALLEST = 0.0035
"""Share of the photo below which a garment is too small to be judged."""
MARGIN = 0.08
TOGETHER = 32
"""Garments that are embedded in one call."""
STATISTICS = 4
"""Brightness, sharpness, noise, longer side: what light and focus tell. White balance and a garment's color are one
number; a cut's proportions are the garment's own, or its wearer's pose."""
ALL, BRIGHTNESS, FOCUS = slice(STATISTICS), slice(1), slice(1, STATISTICS)
"""Of these: brightness is the garment's own as well as the light's, focus says nothing of a garment."""
FINEST = (42.0, 50.0)
"""Pixels of a cut's longer side that are left, between these: less than nearly all cuts have (95 % have 55), so that
neither the focus of a photo nor how far away somebody stood is told."""


@dataclass(frozen=True)
class Worn:
    """Garments of all photos, in rows.

    Args:
        photos: (N,) number of the photo that each was cut from; kinds: (N,) rows of `tasks.outfit.KINDS`.
        vectors: (N, V, D) of the encoder, of V versions in other light; colors: (N, V, 448).
        statistics: (N, V, 4) of the versions themselves.
    """

    photos: NDArray[np.int64]
    kinds: NDArray[np.int64]
    vectors: FloatArray
    colors: FloatArray
    statistics: FloatArray

    def wardrobe(self, *, held_out: bool) -> Wardrobe:
        """Outfits: the garments of each photo that shows two or more."""
        found = []
        for photo in np.unique(self.photos).tolist():
            rows = np.flatnonzero(self.photos == photo)
            if len(rows) > 1 and (photo % HELD_OUT == 0) == held_out:
                found.append(rows)
        light = self.statistics[..., BRIGHTNESS].mean((1, 2))
        return Wardrobe(self.kinds, self.vectors, self.colors, found, light)


@dataclass(frozen=True)
class Cuts:
    """Garments of all photos: (N,) numbers of the photos, (N,) rows of `tasks.outfit.KINDS`, and each one's PNG."""

    photos: NDArray[np.int64]
    kinds: NDArray[np.int64]
    files: Sequence[bytes]


def worn_together(
    data: Path, *, encoder: Encoder, cache: Path, versions: int, seed: int, progress: Progress | None = None
) -> Worn:
    """Cut and embed; both are kept in `cache`: another encoder embeds what was cut for the one before.

    Raises:
        NotFoundError: the photos are absent.
    """
    said = hashlib.sha256(f"{encoder.name} {versions} {seed} 5".encode()).hexdigest()[:16]
    kept = cache / f"worn-{said}.npz"
    if kept.is_file():
        with np.load(kept) as found:
            return Worn(**{name: found[name] for name in found.files})
    cuts = cut_garments(data, cache=cache, progress=progress)
    rng = np.random.default_rng(seed)
    vectors, colors, statistics = [], [], []
    for start in range(0, len(cuts.files), TOGETHER):
        files = cuts.files[start : start + TOGETHER]
        shown = [jittered(cut, rng) for cut in map(_decoded, files) for _ in range(versions)]
        vectors.append(encoder.encode_images(shown).reshape(len(files), versions, -1))
        described = np.stack([features.describe(one)["color"] for one in shown])
        colors.append(described.astype(np.float32).reshape(len(files), versions, -1))
        measured = np.stack([statistics_of(one) for one in shown])
        statistics.append(measured.astype(np.float32).reshape(len(files), versions, -1))
        if progress is not None:
            progress(start + len(files), len(cuts.files), "embedding garments")
    worn = Worn(cuts.photos, cuts.kinds, np.concatenate(vectors), np.concatenate(colors), np.concatenate(statistics))
    np.savez(kept, **vars(worn))
    return worn


def cut_garments(data: Path, *, cache: Path, progress: Progress | None = None) -> Cuts:
    """Cut the garments from all photos, by masks or by the bundled parser; kept in `cache`.

    Raises:
        NotFoundError: the photos are absent.
    """
    said = hashlib.sha256(find_card(DEFAULT_PARSER).sha256.encode()).hexdigest()[:16]
    kept = cache / f"cuts-{said}.npz"
    if kept.is_file():
        with np.load(kept) as found:
            ends = np.cumsum(found["sizes"])
            whole = found["files"].tobytes()
            files = [whole[end - size : end] for end, size in zip(ends.tolist(), found["sizes"].tolist(), strict=True)]
            return Cuts(found["photos"], found["kinds"], files)
    rows: list[tuple[int, int]] = []
    made: list[bytes] = []
    photos = labelled_photos(data)
    for done, (number, image, labels) in enumerate(photos, start=1):
        for kind, cut in garments_of(image, labels):
            rows.append((number, kind))
            made.append(cv2.imencode(".png", cut[..., ::-1])[1].tobytes())
        if progress is not None:
            progress(done, len(photos), "cutting garments")
    numbers = np.array(rows, np.int64)
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(
        kept, photos=numbers[:, 0], kinds=numbers[:, 1], sizes=np.array([len(file) for file in made]),
        files=np.frombuffer(b"".join(made), np.uint8),
    )  # fmt: skip
    return Cuts(numbers[:, 0], numbers[:, 1], made)


def _decoded(file: bytes) -> ImageArray:
    return np.asarray(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def labelled_photos(data: Path) -> list[tuple[int, ImageArray, NDArray[np.uint8]]]:
    """Masked photos as they are; of the others what the parser says, where it agrees with the photo's tags."""
    found = [(photo.number, photo.image, photo.labels) for photo in masked_photos(data)]
    listed = data / "streetstyle" / "photos.csv"
    if not listed.is_file():
        raise NotFoundError(f"no photos to learn from at {listed}", cure="docs/data.md says where they come from")
    with listed.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["has_mask"] != "1"]
    parse = parser()
    for row in rows:
        image = read_image(data / "streetstyle" / row["image"], target=SIDE)
        parts = parts_of(row["tags"].split("|"))
        likely = parse.probabilities(image)
        likely[~allowed({*parts, "skin", "hair", "background"})] = 0
        labels = cv2.resize(likely.argmax(0).astype(np.uint8), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        found.append((int(row["id"]), image, np.asarray(labels, np.uint8)))
    return found


def garments_of(image: ImageArray, labels: NDArray[np.uint8]) -> list[tuple[int, ImageArray]]:
    """(kind, the garment alone on white) of what a person wears."""
    found = []
    for kind, name in enumerate(KINDS):
        mask = labels == CLASSES.index(name)
        box = mask_to_box(mask) if mask.mean() > SMALLEST else None
        if box is None:
            continue
        more = MARGIN * float(max(box[2] - box[0], box[3] - box[1]))
        left, top = max(0, int(box[0] - more)), max(0, int(box[1] - more))
        right, bottom = int(box[2] + more) + 1, int(box[3] + more) + 1
        alone = np.where(mask[..., None], image, 255)[top:bottom, left:right]
        found.append((kind, np.ascontiguousarray(alone, np.uint8)))
    return found


def jittered(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Another light, white balance, focus, noise, size and compression; white around it stays white."""
    white = (image == 255).all(2)
    gain = np.exp(rng.normal() * 0.25) * np.exp(rng.normal(size=3) * 0.06)
    gamma = float(np.exp(rng.normal() * 0.12))
    seen = 255 * np.clip((image / 255.0) ** gamma * gain, 0, 1)
    seen[white] = 255
    scale = min(1.0, float(rng.uniform(*FINEST)) / max(image.shape[:2]))
    size = max(6, round(image.shape[1] * scale)), max(6, round(image.shape[0] * scale))
    found = cv2.resize(seen.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    scale = float(rng.uniform(120, 200)) / max(size)
    size = max(8, round(size[0] * scale)), max(8, round(size[1] * scale))
    found = cv2.resize(found, size, interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.7:
        found = cv2.GaussianBlur(found, (0, 0), float(rng.uniform(0.3, 2.0)))
    found = found + rng.standard_normal(found.shape).astype(np.float32) * rng.uniform(0, 6) * (found < 250)
    _, data = cv2.imencode(
        ".jpg", np.clip(found, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 96))]
    )
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def statistics_of(image: ImageArray) -> NDArray[np.float64]:
    """(4,) what light and focus tell of a picture, without what is on it."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    inside = grey < 250
    if not inside.any():
        return np.zeros(STATISTICS)
    edges = np.abs(cv2.Laplacian(grey, cv2.CV_32F))[inside].mean() / (grey[inside].std() + 4)
    noise = np.abs(grey.astype(np.float32) - cv2.medianBlur(grey, 3))[inside].mean()
    return np.array([grey[inside].mean() / 255, np.log(edges + 0.01), np.log1p(noise), np.log(max(grey.shape))])
