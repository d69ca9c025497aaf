"""Put a garment on a person: two photos in, the person's photo with the garment out.

The person is parsed and their joints are found; the garment is cut out and laid onto the joints; a network bends it
into place and draws what no bending gives (bare arms, folds, the background that comes to light). All of that goes onto
the photo at its own size; what the garment does not touch keeps its pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.errors import ModelError, UnfitImageError, UsageError
from catalens.geometry import apply_to_points
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image
from catalens.models.card import Card
from catalens.models.device import AUTO
from catalens.models.parts import CLASSES
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.models.zoo import DEFAULT_TRYON, loaded_once, resolve
from catalens.tasks.cutout import cutter
from catalens.tasks.embed import encoder
from catalens.tasks.faces import face_finder
from catalens.tasks.hub_tryon import try_on_by
from catalens.tasks.pose import pose_finder
from catalens.tasks.segment import parser
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.body import (
    OUTER,
    VIEW,
    Mask,
    come_to_light,
    seen,
    undress,
    view_of,
)
from catalens.tasks.tryon.bones import map_between
from catalens.tasks.tryon.composing import compose, network_input, roughly
from catalens.tasks.tryon.doubt import Doubt, evenness
from catalens.tasks.tryon.garment import KINDS, Garment, read_garment
from catalens.tasks.tryon.person import Body, read_body, require_place
from catalens.taxonomy import garments
from catalens.types import ImageArray, Worn

__all__ = ["KINDS", "TryOn", "try_on", "tryon_model"]

LEAST = 0.25
"""Area that a garment needs, in squares of the torso's length."""
FINEST = 768
"""Longer side at which it is decided what of the photo may change, in pixels; enlarged above it."""


class TryOn:
    """The networks of try-on, loaded once for many calls. Calls from several threads are safe.

    Raises:
        ModelError: the card is for something else, or weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        if card.task != "tryon":
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'tryon'", cure="name a try-on network")
        self._network = OnnxDenseNetwork(card, threads=threads, device=device, dtype=dtype)
        self._parse, self._cut = parser(threads=threads, device=device), cutter(threads=threads, device=device)
        self._encoder = encoder(device=device)
        self._find_pose = pose_finder(threads=threads, device=device)
        self._find_faces = face_finder(threads=threads, device=device)

    def __call__(self, person: ImageArray, garment: ImageArray, *, kind: str = options.TryOn.kind.default) -> Worn:
        """HWC uint8 of a person, HWC uint8 of a garment -> the person with the garment on.

        Raises:
            UsageError: no such kind.
            UnfitImageError: one of the photos cannot serve; the message says which and why.
        """
        if kind not in {"auto", *KINDS}:
            raise UsageError(f"no kind {kind!r}", cure=f"take auto or one of {', '.join(KINDS)}")
        piece = self.cut_out(garment, kind=kind)
        return self.dress(self.read(person), piece)

    def read(self, person: ImageArray) -> Body:
        """HWC uint8 of a person -> their parts and joints, to put several garments on.

        Raises:
            UnfitImageError: nobody, two people, or somebody who is not seen from the front.
        """
        return read_body(person, parse=self._parse, find_pose=self._find_pose, find_faces=self._find_faces)

    def cut_out(self, garment: ImageArray, *, kind: str = options.TryOn.kind.default) -> Garment:
        """HWC uint8 of a garment -> it alone, with its kind and joints, to put on several people.

        Raises:
            UnfitImageError: it shows no garment that can be cut out whole.
        """
        return read_garment(
            garment, kind=kind, parse=self._parse, cut=self._cut, find_pose=self._find_pose, encoder=self._encoder
        )

    def dress(self, body: Body, garment: Garment) -> Worn:
        """Put a garment that was cut out on a person that was read.

        Raises:
            UnfitImageError: the place for the garment is not on the photo, or the result would be doubtful (`doubt`).
        """
        require_place(body, garment.kind)
        image, labels = body.image, body.labels
        region, behind, stays = _changeable(body, garment.kind)
        if region.sum() < LEAST * bones.size_of(body.joints) ** 2:
            raise UnfitImageError(
                f"the place for a garment of kind {garment.kind} is hidden on the person's photo",
                cure="give a photo on which nothing covers it",
            )
        view = view_of(body.joints, garment.kind, labels=labels)
        there = apply_to_points(view, body.joints)
        person = undress(seen(image, view), seen(labels, view, nearest=True), there, garment.kind)
        back = map_between(garment.kind, there, garment.joints, VIEW)
        places = self._network(network_input(person, *roughly(garment, back))[None])[0]
        worn, changed, drawn = compose(image, region, behind, stays, places, view=view, garment=garment, back=back)
        doubt = Doubt(garment.confidence, evenness(back, garment.alpha), 1 - drawn)
        doubt.require()
        notes = (*garment.notes, *body.notes, *_taken_off_too(labels, garment.kind))
        return Worn(worn, changed, notes, garment.kind, doubt.confidence)


@loaded_once(DEFAULT_TRYON)
def tryon_model(name: str | None = None, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> TryOn:
    """The bundled try-on networks, or one of yours by its folder; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        UsageError: an unsupported form or device.
    """
    found = resolve(name, task="tryon", forms=("card",))
    return TryOn(found.own_card(), threads=threads, device=device, dtype=dtype)


def try_on(
    image: ImageLike,
    garment: ImageLike,
    *,
    kind: str = options.TryOn.kind.default,
    model: str | None = options.TryOn.model.default,
    seed: int = options.TryOn.seed.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Worn:
    """Put a garment on a person (experimental: most results are wrong).

    Args:
        image: photo of one person, seen from the front: path, bytes, open file, array or PIL picture.
        garment: photo of a garment, lying or hanging, or worn by somebody else, from whom it is then cut.
        kind: top, dress, trousers, skirt or outerwear; "auto" goes by the garment's photo.
        model: a bundled try-on network (the default where None), a folder with a card, or a large network of others by
            its short name, perhaps with a folder of its files: `catvton:FOLDER`.
        seed: of such a large network; the bundled one draws nothing at random.
        accept_licence: name of a licence that limits commercial use and that you accept for this network.
        device, dtype: device and precision (`models.device`).

    Returns:
        The photo at its own size with the garment on; outside `region` every pixel is the photo's.

    Raises:
        ImageError: a picture cannot be read.
        UnfitImageError: it can, but cannot serve: no person, two people, seen from behind, cut off, no garment; or the
            result would be doubtful.
        UsageError: no such kind; an unsupported form or device; a licence that was not accepted.
        NotFoundError, ModelError, MissingExtraError: the network cannot be found or used.
    """
    options.check(options.TryOn.kind, kind)
    found = resolve(model, task="tryon", forms=("card", "known"), accept_licence=accept_licence)
    photo, piece = read_image(image), read_image(garment)
    if found.form == "known":
        return try_on_by(
            found.name, photo, piece, kind=kind, seed=seed, accept_licence=accept_licence, device=device, dtype=dtype
        )
    return tryon_model(found.name, device=device, dtype=dtype)(photo, piece, kind=kind)


def _changeable(body: Body, kind: str) -> tuple[Mask, ImageArray, Mask]:
    """The region on the whole photo, what is behind, and where that stays under the garment.

    Worked out on a smaller photo where it is large.
    """
    height, width = body.labels.shape
    scale = min(1.0, FINEST / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    image = resize(body.image, size)
    labels = np.asarray(cv2.resize(body.labels, size[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    joints = body.joints * np.array([size[1] / width, size[0] / height], np.float32)
    whole = undress(image, labels, joints, kind)
    behind, stays = come_to_light(image, labels, whole, kind)
    if scale == 1:
        return whole.region, behind, stays
    unknown = _enlarged((behind != image).any(2), (height, width))
    larger = resize(behind, (height, width))
    behind = np.where(unknown[..., None], larger, body.image).astype(np.uint8)
    return _enlarged(whole.region, (height, width)), behind, _enlarged(stays, (height, width))


def _enlarged(mask: Mask, size: tuple[int, int]) -> Mask:
    grown = cv2.resize(mask.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown > 0.5, np.bool_)


def _taken_off_too(labels: NDArray[np.uint8], kind: str) -> tuple[str, ...]:
    """What else had to come off for the garment."""
    one = garments()[kind]
    worn = {name for name in one.takes_off if (labels == CLASSES.index(name)).mean() > 0.01}
    if one.span == "upper" and not one.goes_over and worn.intersection(OUTER):
        return ("the outer garment was taken off",)
    if one.span == "whole" and any(name in garments() and garments()[name].span == "lower" for name in worn):
        return ("what was worn below was taken off",)
    return ()
