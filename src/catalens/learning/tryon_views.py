"""Views that try-on learns from: a person, and what they wear as if it lay in a shop.

A garment is cut from a photo by its mask, laid out with spread sleeves and straight legs (each bone of the body onto
that of a standing one), then bent and moved at random. The network has to bring it back onto the person, whose own
garment was taken off. So it learns from plain photos, without pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import UnfitImageError
from catalens.geometry import apply_to_points, compose, scale_and_shift
from catalens.learning import pose_teacher
from catalens.learning.parts import HELD_OUT
from catalens.learning.worn import labelled_photos
from catalens.models.parts import CLASSES
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.body import TAKEN_OFF, VIEW, Undressed, seen, undress, view_of
from catalens.tasks.tryon.bones import Joints, map_between
from catalens.tasks.tryon.outline import joints_of_outline
from catalens.types import FloatArray, ImageArray, Progress

KINDS = tuple(TAKEN_OFF)
CANVAS = (256, 256)
"""(height, width) that garments are laid out on."""
AREA = 0.012
"""Smallest share of the photo that a garment has to have."""
COVERED = {"top": 0.55, "outerwear": 0.45, "dress": 0.5, "trousers": 0.5, "skirt": 0.4}
"""Share of the torso, or of the thighs, that a garment has to cover: else little of it is seen."""
SEEN = 0.3
"""The teacher's score from which it is believed that a joint is there."""
MISTAKEN = 0.03
"""How far off joints are taken to be found, in lengths of the torso (standard deviation)."""
WIDER = 0.15
"""By how much a region may be wider than usual, in lengths of the torso."""
UNSAID = 255
"""A place of which nothing is asked."""
FLATTER = (1.0, 1.35)
"""How much wider a garment lies than it is seen from the front on a body, which is round."""
BENT = 0.035
"""How far a laid out garment is bent, as a share of the canvas (standard deviation at nine points)."""

Labels = NDArray[np.uint8]
Number = TypeVar("Number", np.uint8, np.float32)


@dataclass(frozen=True)
class Person:
    """A street photo: its number, HWC uint8, HxW of `CLASSES`, (12, 2) joints, the kinds of garments to learn from."""

    number: int
    image: ImageArray
    labels: Labels
    joints: Joints
    kinds: tuple[str, ...]

    @property
    def is_held_out(self) -> bool:
        return self.number % HELD_OUT == 0


@dataclass(frozen=True)
class Laid:
    """A garment as it might lie in a shop: HWC uint8; HxW float32 in 0..1 where it is; (12, 2) its joints."""

    colors: ImageArray
    alpha: FloatArray
    joints: Joints


@dataclass(frozen=True)
class View:
    """What the network is given and what it shall answer, all of `VIEW`.

    Args:
        person: with the own garment taken off; garment: HWC uint8 and HxW in 0..1, roughly in place.
        target: HWC uint8; classes: HxW, 0 garment, 1 what is drawn anew, 2 what is kept, `UNSAID`.
    """

    person: Undressed
    garment: tuple[ImageArray, FloatArray]
    target: ImageArray
    classes: Labels


def people(data: Path, *, teachers: Path, cache: Path, progress: Progress | None = None) -> list[Person]:
    """The street photos on which shoulders and hips are seen; kept in `cache` for the next time.

    Raises:
        NotFoundError: the photos or the teacher are absent.
    """
    kept = cache / "people.npz"
    if not kept.is_file():
        _ask(data, teachers, kept, progress)
    with np.load(kept) as found:
        images, labels, sizes = found["images"], found["labels"], found["sizes"]
        joints, numbers = found["joints"], found["numbers"]
    rows = []
    for row, (height, width) in enumerate(sizes.tolist()):
        points, scores = joints[row, 5:, :2], joints[row, 5:, 2]
        if (scores[[0, 1, 6, 7]] < SEEN).any() or points[0, 0] < points[1, 0]:
            continue
        mine = labels[row, :height, :width]
        kinds = tuple(kind for kind in KINDS if _serves(mine, points, scores, kind))
        if kinds:
            rows.append(Person(int(numbers[row]), images[row, :height, :width], mine, points.copy(), kinds))
    return rows


def _ask(data: Path, teachers: Path, kept: Path, progress: Progress | None) -> None:
    ask = pose_teacher.load(teachers)
    photos = labelled_photos(data)
    height, width = np.max([labels.shape for _, _, labels in photos], axis=0)
    images = np.full((len(photos), height, width, 3), 255, np.uint8)
    every = np.zeros((len(photos), height, width), np.uint8)
    joints = np.zeros((len(photos), 17, 3), np.float32)
    for row, (_, image, labels) in enumerate(photos):
        images[row, : labels.shape[0], : labels.shape[1]] = image
        every[row, : labels.shape[0], : labels.shape[1]] = labels
        pose = ask(image)
        joints[row] = np.column_stack([pose.points, pose.scores])
        if progress is not None:
            progress(row + 1, len(photos), "asking where joints are")
    kept.parent.mkdir(parents=True, exist_ok=True)
    numbers, sizes = [number for number, _, _ in photos], [labels.shape for _, _, labels in photos]
    np.savez(kept, images=images, labels=every, sizes=sizes, joints=joints, numbers=numbers)


def _serves(labels: Labels, joints: Joints, scores: FloatArray, kind: str) -> bool:
    """Whether a garment of this kind is seen well enough to learn from."""
    upper = kind in {"top", "outerwear", "dress"}
    if (upper and (scores[2:6] < 0.2).any()) or (kind not in {"top", "outerwear"} and (scores[8:12] < 0.2).any()):
        return False
    mine = labels == CLASSES.index(kind)
    if mine.mean() < AREA:
        return False
    drawn = bones.limbs_drawn(joints, labels.shape) > 0
    thighs = bones.limbs_drawn(np.concatenate([joints[:10], joints[8:10]]), labels.shape)[3:].any(0)
    place = drawn[0] if upper else thighs
    return bool(mine[place].mean() >= COVERED[kind]) if place.any() else False


def lay_out(image: ImageArray, labels: Labels, joints: Joints, kind: str, rng: np.random.Generator) -> Laid:
    """Cut a garment from a person and lay it out, bent and moved at random.

    Raises:
        UnfitImageError: nothing of it is left.
    """
    size = 76.0 if kind in {"trousers", "skirt", "dress"} else 80.0
    canvas = bones.standing(size, arms=float(rng.uniform(0.25, 1.05)), at=(CANVAS[1] / 2, 32.0))
    stretch = np.array([rng.uniform(*FLATTER), rng.uniform(0.92, 1.1)], np.float32)
    canvas = (canvas - CANVAS[1] / 2) * stretch + CANVAS[1] / 2
    canvas = canvas + rng.normal(size=canvas.shape).astype(np.float32) * 0.03 * size
    back = map_between(kind, canvas, joints, CANVAS)
    mask = (labels == CLASSES.index(kind)).astype(np.float32)
    alpha = _read(cv2.GaussianBlur(mask, (0, 0), 0.8), back, border=0)
    alpha = np.where(_doubled(kind, canvas, joints, back), 0, alpha).astype(np.float32)
    colors = _read(_grown(image, mask > 0.5), back)
    bend = _bend(rng)
    moved = bones.grid(CANVAS).astype(np.float32) + bend
    colors, alpha = _read(colors, moved), _read(alpha, moved, border=0)
    places = np.clip(canvas.astype(int), 0, np.array(CANVAS[::-1]) - 1)
    canvas = canvas - bend[places[:, 1], places[:, 0]]
    found = canvas + rng.normal(size=canvas.shape).astype(np.float32) * MISTAKEN * size
    if rng.random() < 0.7:  # as it will be: by the outline alone
        found = joints_of_outline(alpha > 0.5, kind)
    elif (alpha > 0.5).sum() < 100:
        raise UnfitImageError("nothing is left of the garment")
    return Laid(np.asarray(colors, np.uint8), np.asarray(alpha, np.float32), found)


def _doubled(kind: str, canvas: Joints, joints: Joints, back: FloatArray) -> NDArray[np.bool_]:
    """Where the laid out body would show the arm that lies in front of it, or an arm would show the body."""
    if kind not in {"top", "outerwear", "dress"}:
        return np.zeros(CANVAS, np.bool_)
    step = bones.STEP
    here = bones.grid(CANVAS)[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    there = back[step // 2 :: step, step // 2 :: step].reshape(-1, 2).astype(np.float64)
    unlike = _lower_arms(kind, canvas, joints, here) - _lower_arms(kind, joints, canvas, there)
    coarse = np.abs(unlike).reshape(CANVAS[0] // step, CANVAS[1] // step)
    return np.asarray(cv2.resize(coarse, CANVAS[::-1], interpolation=cv2.INTER_LINEAR) > 0.8, np.bool_)


def _lower_arms(kind: str, target: Joints, source: Joints, points: NDArray[np.float64]) -> FloatArray:
    """(N,) share that the arms have of each point."""
    return np.asarray(bones.weights_of(bones.bones_of(kind, target, source), points)[1:5].sum(0), np.float32)


def _bend(rng: np.random.Generator) -> FloatArray:
    """(H, W, 2) pixels: smooth, with a turn and a stretch."""
    coarse = rng.normal(size=(3, 3, 2)).astype(np.float32) * BENT * CANVAS[0]
    smooth = cv2.resize(coarse, CANVAS[::-1], interpolation=cv2.INTER_CUBIC)
    turn = np.radians(rng.normal() * 4)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) - np.eye(2)
    around = bones.grid(CANVAS) - CANVAS[0] / 2
    return np.asarray(smooth + around @ linear.T, np.float32)


def _grown(image: ImageArray, mask: NDArray[np.bool_]) -> ImageArray:
    """The garment's colors carried a little over its edge, so that a bent one has no rim of the background."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    total = cv2.GaussianBlur(inner, (0, 0), 2.0)[..., None]
    near = cv2.GaussianBlur(image.astype(np.float32) * inner[..., None], (0, 0), 2.0) / np.maximum(total, 1e-3)
    return np.asarray(np.where((inner > 0)[..., None] | (total < 0.02), image, near), np.uint8)


def _read(picture: NDArray[Number], where: FloatArray, *, border: int | None = None) -> NDArray[Number]:
    """Read HxW or HWC at (h, w, 2) xy."""
    mode = cv2.BORDER_REPLICATE if border is None else cv2.BORDER_CONSTANT
    x, y = where[..., 0].astype(np.float32) - 0.5, where[..., 1].astype(np.float32) - 0.5
    read = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=mode, borderValue=[border or 0] * 3)
    return np.asarray(read, picture.dtype)


def in_place(laid: Laid, joints: Joints, kind: str) -> tuple[ImageArray, FloatArray]:
    """A garment roughly on a person's joints, both in pixels of the view."""
    back = map_between(kind, joints, laid.joints, VIEW)
    return np.asarray(_read(laid.colors, back), np.uint8), np.asarray(_read(laid.alpha, back, border=0), np.float32)


def mirrored_person(person: Person) -> Person:
    """The same from the other side."""
    points = person.joints[[1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]].copy()
    points[:, 0] = person.image.shape[1] - points[:, 0]
    image, labels = (np.ascontiguousarray(one[:, ::-1]) for one in (person.image, person.labels))
    return Person(person.number, image, labels, points, person.kinds)


def draw_view(person: Person, kind: str, rng: np.random.Generator) -> View:
    """A view of a person with the own garment laid out, then roughly put in place again.

    Raises:
        UnfitImageError: nothing is left of the garment.
    """
    if rng.random() < 0.5:
        person = mirrored_person(person)
    laid = lay_out(person.image, person.labels, person.joints, kind, rng)
    size = bones.size_of(person.joints)
    mistaken = rng.normal(size=person.joints.shape) * MISTAKEN / 2 * size
    joints = np.asarray(person.joints + mistaken, np.float32)
    matrix = view_of(joints, kind)
    nearer = float(np.exp(rng.normal() * 0.05))
    shift = (1 - nearer) * np.array(VIEW[::-1]) / 2 + rng.normal(size=2) * 3
    jitter = scale_and_shift((nearer, nearer), (float(shift[0]), float(shift[1])))
    view = compose(jitter, matrix)
    target, labels = seen(person.image, view), seen(person.labels, view, nearest=True)
    there = apply_to_points(view, joints)
    # The region's outline must not tell that of the garment.
    undressed = undress(target, labels, there, kind, wider=float(rng.uniform(0, WIDER)))
    colors, alpha = in_place(laid, there, kind)
    return View(undressed, (relit(colors, alpha, rng), alpha), target, classes_of(labels, undressed, kind))


def relit(colors: ImageArray, alpha: FloatArray, rng: np.random.Generator) -> ImageArray:
    """Folds and shades made flatter, as on a shop's photo, and another light; of half of the garments."""
    if rng.random() < 0.5:
        return colors
    weight = np.maximum(cv2.GaussianBlur(alpha, (0, 0), 8), 1e-3)
    grey = cv2.cvtColor(colors, cv2.COLOR_RGB2GRAY).astype(np.float32)
    near = cv2.GaussianBlur(grey * alpha, (0, 0), 8) / weight
    mean = float((grey * alpha).sum() / max(float(alpha.sum()), 1.0))
    flat = np.clip((mean + 8) / (near + 8), 0.75, 1.33) ** rng.uniform(0, 0.8) * np.exp(rng.normal() * 0.06)
    return np.asarray(np.clip(colors * flat[..., None], 0, 255), np.uint8)


def classes_of(labels: Labels, person: Undressed, kind: str) -> Labels:
    """What the network shall say of each place of the region."""
    found = np.full(labels.shape, 2, np.uint8)
    found[np.isin(labels, [CLASSES.index(name) for name in ("skin", "legwear", "accessory")])] = 1
    found[np.isin(labels, [CLASSES.index(name) for name in TAKEN_OFF[kind]])] = UNSAID
    found[labels == CLASSES.index(kind)] = 0
    found[~person.region] = UNSAID
    return found


def draw_batch(persons: Sequence[Person], count: int, rng: np.random.Generator) -> list[View]:
    """Views of people drawn at random, each kind of garment about as often."""
    by_kind = {kind: [person for person in persons if kind in person.kinds] for kind in KINDS}
    shares = np.array([len(by_kind[kind]) ** 0.5 for kind in KINDS])
    found: list[View] = []
    while len(found) < count:
        kind = KINDS[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
        person = by_kind[kind][int(rng.integers(len(by_kind[kind])))]
        try:
            found.append(draw_view(person, kind, rng))
        except UnfitImageError:
            continue  # the garment was hidden or too small
    return found
