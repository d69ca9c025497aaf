"""Views that try-on learns from: a person, and what they wear as if it lay in a shop.

A garment is cut from a photo by its mask, laid out with spread sleeves and straight legs (each bone of the body onto
that of a standing one), then bent and moved at random. The network has to bring it back onto the person, whose own
garment was taken off. So it learns from plain photos, without pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from catalens.errors import UnfitImageError
from catalens.geometry import apply_to_points, compose, scale_and_shift
from catalens.models.parts import CLASSES
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.body import BARE, ON_ARMS, VIEW, Undressed, seen, shown, undress, view_of
from catalens.tasks.tryon.bones import Joints, map_between
from catalens.taxonomy import garments, rules
from catalens.types import FloatArray, ImageArray, Progress
from recipes import pose_teacher
from recipes.laid_out import MISTAKEN, Labels, Laid, Person, lay_out, sampled_at
from recipes.worn import labelled_photos

KINDS = tuple(garments())
AREA = 0.012
"""Smallest share of the photo that a garment has to have."""
COVERED = {name: float(said["covered"]) for name, said in rules()["garments"].items()}
"""Share of the torso, or of the thighs, that a garment has to cover: else little of it is seen."""
SEEN = 0.3
"""The teacher's score from which it is believed that a joint is there."""
WIDER = 0.15
"""By how much a region may be wider than usual, in lengths of the torso."""
UNSAID = 255
"""A place of which nothing is asked."""


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
    one = garments()[kind]
    if (one.arms and (scores[2:6] < 0.2).any()) or (one.legs and (scores[8:12] < 0.2).any()):
        return False
    mine = labels == CLASSES.index(kind)
    if mine.mean() < AREA:
        return False
    drawn = bones.limbs_drawn(joints, labels.shape) > 0
    thighs = bones.limbs_drawn(np.concatenate([joints[:10], joints[8:10]]), labels.shape)[3:].any(0)
    place = drawn[0] if one.arms else thighs
    return bool(mine[place].mean() >= COVERED[kind]) if place.any() else False


def in_place(laid: Laid, joints: Joints, kind: str) -> tuple[ImageArray, FloatArray]:
    """A garment roughly on a person's joints, both in pixels of the view."""
    back = map_between(kind, joints, laid.joints, VIEW)
    return np.asarray(sampled_at(laid.colors, back), np.uint8), np.asarray(
        sampled_at(laid.alpha, back, border=0), np.float32
    )


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
    found[shown(labels, (*BARE, *ON_ARMS))] = 1
    found[shown(labels, garments()[kind].takes_off)] = UNSAID
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
