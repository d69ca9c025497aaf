"""Evaluation of try-on: paired (own garment) and unpaired, beside baselines without a network.

Paired: the garment is cut from a person, laid out, bent at random (`recipes.laid_out`), and put on the same person;
the photo is the truth. SSIM (Wang et al. 2004) over the whole and over the box of what was changed; the distance of
features of the bundled encoder there. The two other ways get the same joints, the same cut-outs and the same photo with
the old garment painted over: plain pasting (scaled and moved) and a thin-plate spline through the joints.

Unpaired: garments of other people; whether the encoder finds the given one more like what is worn than another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UnfitImageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.evaluation.ssim import ssim
from catalens.geometry import mask_to_box, scale_and_shift
from catalens.images.prepare import resize
from catalens.tasks.embed import Encoder
from catalens.tasks.segment import Parser
from catalens.tasks.tryon import TryOn, bones
from catalens.tasks.tryon.body import come_to_light, shown, undress
from catalens.tasks.tryon.composing import roughly
from catalens.tasks.tryon.garment import Garment
from catalens.tasks.tryon.outline import joints_of_outline
from catalens.tasks.tryon.person import Body
from catalens.taxonomy import garments
from catalens.types import FloatArray, ImageArray, Worn
from recipes.laid_out import Person, lay_out
from recipes.thin_plate import thin_plate

PROTOCOL = (256, 192)
"""(height, width) that pictures are scaled to fit into before they are compared."""
WAYS = ("ours", "thin-plate only", "plain pasting")
CLOTHED = 0.1
"""Share of the region below which the parser is taken to have missed the garment."""
MARGIN = 0.04
"""Air around a garment that is embedded, as a share of its longer side."""


@dataclass(frozen=True)
class Fitting:
    """A person, a garment, the try-on result; baselines where the photo is the ground truth."""

    person: Person
    garment: Garment
    worn: Worn
    others: dict[str, ImageArray]


def paired(model: TryOn, persons: Sequence[Person], *, seed: int = 0) -> Iterator[Fitting]:
    """Try-on of each person's own garment (paired); refused photos are left out."""
    for person, garment in _garments(persons, seed=seed):
        try:
            body = model.read(person.image)
            worn = model.dress(body, garment)
        except UnfitImageError:
            continue
        plate = _plate_map(body, garment)
        yield Fitting(
            person, garment, worn,
            {"thin-plate only": warp_onto(body, garment, plate), "plain pasting": paste_garment(body, garment)},
        )  # fmt: skip


def unpaired(model: TryOn, persons: Sequence[Person], *, seed: int = 1) -> Iterator[tuple[Fitting, Garment]]:
    """Try-on of another person's garment (unpaired), with a further garment of its kind for comparison."""
    every = list(_garments(persons, seed=seed))
    rng = np.random.default_rng(seed)
    for person, own in every:
        others = [garment for other, garment in every if garment.kind == own.kind and other is not person]
        if len(others) < 2:
            continue
        given, wrong = (others[int(row)] for row in rng.choice(len(others), 2, replace=False))
        try:
            worn = model.dress(model.read(person.image), given)
        except UnfitImageError:
            continue
        yield Fitting(person, given, worn, {}), wrong


def _garments(persons: Sequence[Person], *, seed: int) -> Iterator[tuple[Person, Garment]]:
    """One garment a person, of a kind drawn at random from those that they wear; joints by the outline alone."""
    for person in persons:
        rng = np.random.default_rng([seed, person.number])
        kind = person.kinds[int(rng.integers(len(person.kinds)))]
        try:
            laid = lay_out(person.image, person.labels, person.joints, kind, rng)
            joints = joints_of_outline(laid.alpha > 0.5, kind)
        except UnfitImageError:
            continue
        yield person, Garment(laid.colors, laid.alpha, kind, joints)


def scores_of(fittings: Sequence[Fitting], encoder: Encoder) -> dict[str, Estimate]:
    """Metrics of the paired protocol, and number of pixels changed outside the region."""
    rows: dict[str, list[float]] = {}
    for fitting in fittings:
        photo = scale_to_protocol(fitting.person.image)
        box = _box_of(fitting.worn, photo.shape)
        truth = encoder.encode_regions([_cut(photo, box)])[0]
        for way, image in {"ours": fitting.worn.image, **fitting.others}.items():
            small = scale_to_protocol(image)
            alike = ssim(photo, small)
            said = encoder.encode_regions([_cut(small, box)])[0]
            rows.setdefault(f"SSIM, whole, {way}", []).append(float(alike.mean()))
            rows.setdefault(f"SSIM, box of the region, {way}", []).append(float(_cut(alike, box).mean()))
            rows.setdefault(f"distance of encoder features there, {way}", []).append(_apart(truth, said))
        changed = (fitting.worn.image != fitting.person.image).any(2) & ~fitting.worn.region
        rows.setdefault("pixels changed outside the region", []).append(float(changed.sum()))
    found = {name: bootstrap_mean(values) for name, values in rows.items()}
    for way in WAYS[1:]:
        for name, sign in (("SSIM, box of the region", 1), ("distance of encoder features there", -1)):
            gain = sign * (np.array(rows[f"{name}, ours"]) - np.array(rows[f"{name}, {way}"]))
            found[f"{name}: better than {way} by"] = bootstrap_mean(gain)
    return found


def identity_preserved(fittings: Sequence[tuple[Fitting, Garment]], encoder: Encoder, parse: Parser) -> Estimate:
    """Share of pairs in which the worn garment is more similar to the given one than to a wrong one of its kind.

    What is worn is what the parser takes for a garment within the region: bare arms and background are no garment.

    That share is the area under the ROC curve of similarity (Hanley and McNeil 1982), within each pair.
    """
    right = []
    for fitting, wrong in fittings:
        seen = [_worn_alone(fitting.worn, parse), garment_on_white(fitting.garment), garment_on_white(wrong)]
        worn, given, other = encoder.encode_images(seen)
        right.append(float(worn @ given > worn @ other))
    return bootstrap_mean(right)


def paste_garment(body: Body, garment: Garment) -> ImageArray:
    """Baseline: the garment scaled and shifted onto the body's joints, without rotation."""
    chosen = _joints_for(garment.kind)
    here, there = body.joints[chosen].astype(np.float64), garment.joints[chosen].astype(np.float64)
    trunk = slice(0, 4)
    spread = np.maximum(np.ptp(here[trunk], axis=0), 0.2 * bones.size_of(body.joints))
    scale = np.maximum(np.ptp(there[trunk], axis=0), 1.0) / spread
    shift = there[trunk].mean(0) - scale * here[trunk].mean(0)
    matrix = scale_and_shift((float(scale[0]), float(scale[1])), (float(shift[0]), float(shift[1])))
    spots = bones.grid((body.labels.shape[0], body.labels.shape[1]))
    return warp_onto(body, garment, (spots @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32))


def _plate_map(body: Body, garment: Garment) -> FloatArray:
    """(H, W, 2) from the photo to the garment, by a thin-plate spline through the joints."""
    chosen = _joints_for(garment.kind)
    size = body.labels.shape[0], body.labels.shape[1]
    moved = thin_plate(body.joints[chosen], garment.joints[chosen])
    return moved(bones.grid(size).reshape(-1, 2)).reshape(*size, 2)


def warp_onto(body: Body, garment: Garment, back: FloatArray) -> ImageArray:
    """Warp the garment by `back` (H, W, 2) over the inpainted old one; no network."""
    undressed = undress(body.image, body.labels, body.joints, garment.kind)
    colors, alpha = roughly(garment, back)
    cover = (alpha * undressed.region)[..., None]
    behind, _ = come_to_light(body.image, body.labels, undressed, garment.kind)
    return np.asarray(np.round(colors * cover + behind * (1 - cover)), np.uint8)


def _joints_for(kind: str) -> list[int]:
    """Shoulders and hips first, or hips and ankles; then the limbs that the garment hangs on."""
    if garments()[kind].span == "whole":
        return [0, 1, 6, 7, 2, 3, 4, 5, 10, 11]
    return [6, 7, 10, 11, 8, 9] if garments()[kind].legs else [0, 1, 6, 7, 2, 3, 4, 5]


def scale_to_protocol(image: ImageArray) -> ImageArray:
    """HWC uint8 scaled to fit into `PROTOCOL`."""
    scale = min(PROTOCOL[0] / image.shape[0], PROTOCOL[1] / image.shape[1])
    return resize(image, (round(image.shape[0] * scale), round(image.shape[1] * scale)))


def _box_of(worn: Worn, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Where the region's box lies on the scaled picture."""
    box = mask_to_box(worn.region)
    if box is None:
        return slice(0, size[0]), slice(0, size[1])
    left, top, right, bottom = (box * (size[1] / worn.region.shape[1])).tolist()
    return slice(int(top), max(int(np.ceil(bottom)), int(top) + 1)), slice(
        int(left), max(int(np.ceil(right)), int(left) + 1)
    )


def _cut(picture: NDArray[np.generic], box: tuple[slice, slice]) -> NDArray[np.generic]:
    return np.ascontiguousarray(picture[box])


def _apart(a: FloatArray, b: FloatArray) -> float:
    """Mean cosine distance between two feature maps, (h, w, D) each."""
    x, y = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    return float(1 - ((x * y).sum(1) / np.maximum(lengths, 1e-9)).mean())


def garment_on_white(garment: Garment) -> ImageArray:
    """A garment composited on white, cropped: HWC uint8."""
    cover = garment.alpha[..., None]
    return _bounded(np.asarray(np.round(garment.colors * cover + 255 * (1 - cover)), np.uint8), garment.alpha > 0.5)


def _worn_alone(worn: Worn, parse: Parser) -> ImageArray:
    clothed = worn.region & shown(parse(worn.image).labels, garments()[worn.kind].takes_off)
    mask = clothed if clothed.sum() > CLOTHED * worn.region.sum() else worn.region
    return _bounded(np.where(mask[..., None], worn.image, 255).astype(np.uint8), mask)


def _bounded(image: ImageArray, mask: NDArray[np.bool_]) -> ImageArray:
    box = mask_to_box(mask)
    if box is None:
        return image
    left, top, right, bottom = box.astype(int).tolist()
    more = round(MARGIN * max(right - left, bottom - top))
    cut = image[max(top - more, 0) : bottom + more, max(left - more, 0) : right + more]
    return np.ascontiguousarray(cut)
