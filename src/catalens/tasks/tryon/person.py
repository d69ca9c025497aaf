"""Read the person's photo: one person, seen from the front, with the place for the garment in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import UnfitImageError
from catalens.models.parts import CLASSES
from catalens.tasks.faces import FaceFinder
from catalens.tasks.pose import Pose, PoseFinder
from catalens.tasks.segment import Parser
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.body import hides_legs
from catalens.tasks.tryon.bones import Joints
from catalens.taxonomy import garments
from catalens.types import ImageArray

SMALLEST = 96
"""Shorter side of a photo, in pixels, from which a person can be made out."""
SURE, GUESSED = 0.25, 0.12
"""Scores from which shoulders and hips are there; from which the other joints are."""
PERSON = 0.02
"""Smallest share of the photo that a person has to have."""
ALIKE = 0.6
"""Height of a second face, in heights of the first, from which there are two people."""
SITTING = 0.55
"""How far the knees are below the hips, in lengths of the torso, below which somebody sits."""
SIDEWAYS = 0.22
"""Distance of the shoulders, in lengths of the torso, below which somebody is seen from the side."""
TURNS = (2, 1, 3)
"""Quarters of a turn after which a face is looked for, where none stands upright: the pose network finds
people upright on photos that are upside down, too."""
CURE = "give a photo of one person, standing, seen from the front"


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A photo HWC uint8 of one person: HxW of `CLASSES`, other people left out; (12, 2) joints."""

    image: ImageArray
    labels: NDArray[np.uint8]
    joints: Joints
    notes: tuple[str, ...] = ()


def read_body(image: ImageArray, *, parse: Parser, find_pose: PoseFinder, find_faces: FaceFinder) -> Body:
    """Who is on a photo.

    Raises:
        UnfitImageError: nobody, two people, somebody who is not seen from the front, or a photo that is turned.
    """
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST:
        raise UnfitImageError(
            f"the person's photo has {width}x{height} pixels, which is too few",
            cure=f"give one with at least {SMALLEST} on each side",
        )
    labels, pose = parse(image).labels, find_pose(image)
    if not shows_person(labels, pose):
        raise UnfitImageError("the photo shows no person whose shoulders and hips are seen", cure=CURE)
    faces = find_faces(image)
    heights = np.sort(faces.boxes[:, 3] - faces.boxes[:, 1])[::-1]
    if len(heights) > 1 and heights[1] > ALIKE * heights[0]:
        raise UnfitImageError("the photo shows more than one person", cure="cut it so that it shows only one")
    if not len(faces) and any(len(find_faces(np.ascontiguousarray(np.rot90(image, turns)))) for turns in TURNS):
        raise UnfitImageError("the person's photo does not stand upright", cure="turn it")
    joints = joints_of(pose)
    size = bones.size_of(joints)
    across = float(joints[0, 0] - joints[1, 0])
    if across < 0 and not len(faces):
        raise UnfitImageError("the photo shows the person from behind", cure=CURE)
    notes = ("the person is seen from the side: fronts of garments are squeezed",) if across < SIDEWAYS * size else ()
    return Body(image, _alone(labels, joints), joints, notes)


def require_place(body: Body, kind: str) -> None:
    """Whether what a garment of a kind covers is on the photo.

    Raises:
        UnfitImageError: it is not.
    """
    one, size, bottom = garments()[kind], bones.size_of(body.joints), body.image.shape[0]
    hips, knees = float(body.joints[6:8, 1].mean()), float(body.joints[8:10, 1].mean())
    if one.legs:
        if knees > bottom + 0.1 * size:
            raise UnfitImageError(
                "the photo ends above the knees", cure="give one that shows the person down to the feet"
            )
        if knees - hips < SITTING * size:
            raise UnfitImageError(
                "the person sits, or the legs are not seen from the front", cure="give a photo of somebody standing"
            )
    if one.span == "upper" and not one.goes_over and hides_legs(body.labels, body.joints):
        raise UnfitImageError(
            "a long coat hides what the person wears below a top", cure="give a photo without it, or try a coat on"
        )
    if one.arms and hips > bottom + 0.35 * size:
        raise UnfitImageError("the photo ends above the hips", cure="give one that shows the whole upper body")


def shows_person(labels: NDArray[np.uint8], pose: Pose) -> bool:
    """Whether there is somebody with skin or hair, and with shoulders and hips."""
    bare = np.isin(labels, [CLASSES.index("skin"), CLASSES.index("hair")]).mean()
    trunk = min(pose.score(f"{side} {name}") for side in ("left", "right") for name in ("shoulder", "hip"))
    return bool((labels > 0).mean() >= PERSON and bare >= 0.1 * PERSON and trunk >= SURE)


def joints_of(pose: Pose) -> Joints:
    """The twelve joints of the body; limbs that are not seen hang straight down."""
    points, scores = pose.points[5:].copy(), pose.scores[5:]
    size = bones.size_of(points)
    lengths = {2: bones.UPPER_ARM, 4: bones.FOREARM, 8: bones.THIGH, 10: bones.SHIN}
    for first, length in lengths.items():
        for joint in (first, first + 1):
            if scores[joint] < GUESSED:
                points[joint] = points[joint - 2] + np.array([0, length * size])
    return np.asarray(points, np.float32)


def _alone(labels: NDArray[np.uint8], joints: Joints) -> NDArray[np.uint8]:
    """Labels without people in the background: what is not connected with the body, or too far from it."""
    _, parts = cv2.connectedComponents((labels > 0).astype(np.uint8), connectivity=8)
    drawn = bones.limbs_drawn(joints, (labels.shape[0], labels.shape[1])).max(0) > 0
    mine = np.unique(parts[drawn])
    size = bones.size_of(joints)
    near = cv2.dilate(drawn.astype(np.uint8), np.ones((2 * max(1, round(0.35 * size)) + 1,) * 2, np.uint8)) > 0
    kept = np.isin(parts, mine[mine > 0]) | near
    return np.where(kept, labels, 0).astype(np.uint8)
