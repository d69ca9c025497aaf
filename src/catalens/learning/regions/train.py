"""Train a detector or a parser on a user's annotated photos: a folder with a network and its card.

The trunk begins with what the bundled encoder learned; all else with random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import nn

from catalens.errors import CatalensError, NotFoundError, UsageError
from catalens.evaluation.annotations import read_annotations
from catalens.evaluation.label_maps import read_label_map
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.learning.learned import Learned
from catalens.learning.networks.detector import DetectorNetwork
from catalens.learning.networks.encoder import inherit
from catalens.learning.networks.export import export_dense, export_detector
from catalens.learning.networks.loop import CHECKPOINT, Run, sampled_batches, train
from catalens.learning.networks.pretrained import network_of
from catalens.learning.networks.pyramid import DenseNetwork
from catalens.learning.regions import detector, segmenter
from catalens.learning.regions.detector import Labelled, view
from catalens.learning.regions.segmenter import UNKNOWN, Parsed
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.types import Failure, ImageArray, Where

LONGEST = 640
"""Longer side that photos are kept at, in pixels."""
HELD_OUT = 0.15
FEWEST = 8
"""Photos below which there is nothing to learn from."""

T = TypeVar("T")


def train_detector(
    data: Path, *, out: Path, photos: Path | None = None, minutes: float, seed: int = 0, resume: bool = False
) -> Learned:
    """Train a two-stage detector on a COCO file or a folder of VOC files.

    Raises:
        NotFoundError, FeedError: no label files.
        UsageError: too few photos with boxes.
    """
    annotations = read_annotations(data, photos=photos)
    annotations.check_has_boxes(data)
    names = tuple(sorted({label for one in annotations.photos for label in one.truth.labels}))
    found: list[Labelled] = []
    failed = list(annotations.failed)
    for one in annotations.photos:
        try:
            image = read_image(one.path)
        except CatalensError as error:
            failed.append(Failure(Where(str(data)), str(one.path), error.what, error.cure))
            continue
        size = _size(image)
        grow = np.array([size[1] / image.shape[1], size[0] / image.shape[0]] * 2, np.float32)
        labels = np.array([names.index(label) for label in one.truth.labels], np.int64)
        found.append(Labelled(resize(image, size), one.truth.boxes * grow, labels))
    taught, held = _split(found, seed, failed)
    torch.manual_seed(seed)
    network = DetectorNetwork(len(names))
    _with_trunk(network.pyramid)
    run: Run[detector.Batch] = Run(network, lambda batch: detector.losses_of(network, torch.device("cpu"), batch))
    if resume:
        run.load(out / CHECKPOINT)

    def draw(rng: np.random.Generator) -> detector.Batch:
        views = [view(taught[int(rng.integers(len(taught)))], detector.SIZE, rng) for _ in range(detector.BATCH)]
        return detector.Batch(np.stack([one.image for one in views]), views)

    train(run, sampled_batches(draw, seed=seed + run.step), out=out, minutes=minutes, rate=detector.RATE)
    scores, recalls = detector.score(run.average.network, held, names)
    export_detector(
        run.average.network, out, name=out.name, classes=names, preprocess=detector.PREPROCESS,
        photos=[one.image for one in taught], scores=detector.card_scores(scores, recalls),
        training=_training_details(len(taught), len(held), run, minutes, seed),
    )  # fmt: skip
    return Learned(out, {"AP": str(scores.ap), "AP50": str(scores.ap50)}, len(taught), tuple(failed))


def train_segmenter(
    maps: Path, *, photos: Path, names: Sequence[str], out: Path, minutes: float, seed: int = 0, resume: bool = False
) -> Learned:
    """Train a parser on label maps: 8-bit .png files, named like their photos; 255 is not counted.

    Args:
        names: of the codes, the background first.

    Raises:
        NotFoundError: no label maps.
        UsageError: too few of them, or too few names.
    """
    files = sorted(maps.glob("*.png"))
    if not files:
        raise NotFoundError(f"no label maps in {maps}", cure="give .png files of one channel")
    if not 2 <= len(names) < UNKNOWN:
        raise UsageError(f"got {len(names)} names", cure="name the background and at least one thing")
    found, failed = [], []
    for number, file in enumerate(files, start=1):
        try:
            found.append(_mapped(file, photos, len(names), number))
        except CatalensError as error:
            failed.append(Failure(Where(str(file)), file.name, error.what, error.cure))
    taught, held = _split(found, seed, failed)
    torch.manual_seed(seed)
    network = DenseNetwork(len(names), presence=True)
    _with_trunk(network.pyramid)
    weights = torch.ones(len(names))
    run: Run[segmenter.Batch] = Run(network, lambda batch: segmenter.losses_of(network, weights, batch))
    if resume:
        run.load(out / CHECKPOINT)
    drawer = segmenter.PhotoSampler((taught, (), ()))
    train(run, sampled_batches(drawer.draw, seed=seed + run.step), out=out, minutes=minutes, rate=segmenter.RATE)
    scores = segmenter.score(run.average.network, held, names)
    export_dense(
        run.average.network, out, name=out.name, task="segment", classes=names, preprocess=segmenter.PREPROCESS,
        photos=[one.image for one in taught], scores=segmenter.card_scores(scores),
        training=_training_details(len(taught), len(held), run, minutes, seed),
    )  # fmt: skip
    figures = {"pixels": str(scores.accuracy), "mean IoU": str(scores.largest)}
    return Learned(out, figures, len(taught), tuple(failed))


def _mapped(file: Path, photos: Path, classes: int, number: int) -> Parsed:
    image, labels = read_label_map(file, photos=photos)
    labels = np.where(labels < classes, labels, UNKNOWN).astype(np.uint8)
    size = _size(image)
    small = np.asarray(cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    return Parsed(resize(image, size), small, np.ones(classes, np.bool_), number)


def _size(image: ImageArray) -> tuple[int, int]:
    scale = min(1.0, LONGEST / max(image.shape[:2]))
    return max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))


def _split(photos: Sequence[T], seed: int, failed: Sequence[Failure]) -> tuple[list[T], list[T]]:
    """Those to learn from, and those held out."""
    if len(photos) < FEWEST:
        why = f" ({failed[0].what}: {failed[0].why}; {len(failed)} left out in all)" if failed else ""
        raise UsageError(f"{len(photos)} photos can be used{why}", cure=f"label at least {FEWEST}")
    order = np.random.default_rng(seed).permutation(len(photos)).tolist()
    count = max(1, round(HELD_OUT * len(photos)))
    return [photos[row] for row in order[count:]], [photos[row] for row in order[:count]]


def _with_trunk(pyramid: nn.Module) -> None:
    encoder = network_of(find_card(DEFAULT_ENCODER, task="embed"))
    inherit(pyramid, {name: tensor for name, tensor in encoder.state_dict().items() if name.startswith("trunk.")})


def _training_details(
    taught: int, held: int, run: Run[detector.Batch] | Run[segmenter.Batch], minutes: float, seed: int
) -> dict[str, str]:
    return {
        "data": f"{taught} photos of the user; {held} more held out for the scores",
        "start": f"the trunk of {find_card(DEFAULT_ENCODER).origin}; all else with random numbers",
        "cost": f"{run.seconds / 60:.1f} of {minutes:g} minutes, {run.step} steps",
        "seed": str(seed),
    }
