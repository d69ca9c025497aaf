"""Recipe: the bundled face detector, tiny, from random numbers.

    python -m recipes.faces --out runs/faces --minutes 12

A teacher says where faces are on street photos, at two scales; photos of clothes and groceries have none. Each place of
the answer is the middle of a face or not, with the distances to the face's sides (FCOS, Tian et al. 2019).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.errors import NotFoundError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.geometry import iou
from catalens.images.prepare import Preprocess, resize
from catalens.images.read import read_image
from catalens.learning.networks.encoder import trunk_stages
from catalens.learning.networks.export import export_dense, score_rows
from catalens.learning.networks.loop import CHECKPOINT, Run, half_precision, sampled_batches, train
from catalens.learning.networks.pyramid import normalized
from catalens.models.zoo import DEFAULT_FACES
from catalens.tasks.faces import MIN_SCORE, OVERLAP, STRIDE, faces_of
from catalens.tasks.segment import canvas_for
from catalens.types import FloatArray, ImageArray
from recipes.parts import HELD_OUT
from recipes.recipe import RecipeParser, as_command, progress_of, say_held_out

TEACHER = "yunet_n_320.onnx"
WIDTHS, BLOCKS, WIDTH = (16, 32, 64), (1, 1, 2), 48
PREPROCESS = Preprocess(size=(352, 352), fit="letterbox")
VIEW = 224
BATCH, RATE = 16, 2e-3
EMPTY = 0.5
"""Share of the views that show no person: fewer, and fruit and labels are taken for faces."""
LEARNED, CONFIDENT = 0.6, 0.8
"""The teacher's scores from which a face is learned, and from which it counts in the test."""
FACE_PX = (10.0, 110.0)
"""Heights of faces on views, in pixels."""
DATA = (
    "Clothing Co-Parsing photos but each fifth (Apache-2.0); clothing-dataset-small train (CC0) and "
    "GroceryStoreDataset train (MIT), without faces; targets: boxes of YuNet (MIT)"
)


@dataclass(frozen=True)
class Faces:
    """A photo and the faces on it: (N, 4) xyxy and the teacher's scores."""

    image: ImageArray
    boxes: FloatArray
    scores: FloatArray


@dataclass(frozen=True)
class Batch:
    """Views (n, S, S, 3) uint8; of each place (n, 5, S/8, S/8): 1 face, 0 none, -1 not counted; logs of distances."""

    pixels: ImageArray
    targets: FloatArray


class FaceNetwork(nn.Module):
    """(N, 3, H, W) normalised pictures, sides multiples of 32 -> (N, 5, H/8, W/8), as `tasks.faces.faces_of` reads."""

    def __init__(self) -> None:
        super().__init__()
        stages = [nn.Sequential(*layers) for layers in trunk_stages(WIDTHS, BLOCKS)]
        self.fine, self.coarse = nn.Sequential(*stages[:2]), stages[2]
        self.across, self.down = nn.Conv2d(WIDTHS[1], WIDTH, 1), nn.Conv2d(WIDTHS[2], WIDTH, 1)
        self.head = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU(),
            nn.Conv2d(WIDTH, 5, 1),
        )  # fmt: skip
        with torch.no_grad():  # hardly any place is a face: begin by saying so (Lin et al. 2017, section 4.1)
            self.head[3].bias[0] = -4.0  # type: ignore[operator]

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(x)
        coarse = F.interpolate(self.down(self.coarse(fine)), scale_factor=2.0, mode="nearest")
        places: Tensor = self.head(self.across(fine) + coarse)
        return places


def street_faces(data: Path, teachers: Path, *, held_out: bool) -> list[Faces]:
    """The street photos with what the teacher finds on them, each at its own size and at twice that.

    Raises:
        NotFoundError: the teacher or the photos are absent.
    """
    if not (teachers / TEACHER).is_file():
        raise NotFoundError(f"no teacher at {teachers / TEACHER}", cure="docs/data.md says what it is")
    teacher = cv2.FaceDetectorYN.create(str(teachers / TEACHER), "", (320, 320), LEARNED)
    folder = data / "streetstyle"
    if not (folder / "photos.csv").is_file():
        raise NotFoundError(f"no photos to learn from at {folder}", cure="docs/data.md says where they come from")
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (int(row["id"]) % HELD_OUT == 0) == held_out]
    return [_asked(teacher, read_image(folder / row["image"])) for row in rows]


def _asked(teacher: cv2.FaceDetectorYN, image: ImageArray) -> Faces:
    boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
    for scale in (1, 2):
        seen = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        teacher.setInputSize(seen.shape[1::-1])
        _, found = teacher.detect(cv2.cvtColor(seen, cv2.COLOR_RGB2BGR))
        if found is not None:
            corners = np.hstack([found[:, :2], found[:, :2] + found[:, 2:4]]) / scale
            boxes.append(corners.astype(np.float32))
            scores.append(found[:, 14])
    every, said = np.concatenate(boxes), np.concatenate(scores)
    first = len(boxes[1]) if len(boxes) > 1 else 0
    # Of a face found at both scales the first is kept.
    new = [row for row in range(first, len(every)) if not (iou(every[row], every[:first]) > OVERLAP).any()]
    kept = [*range(first), *new]
    return Faces(image, every[kept].astype(np.float32), said[kept].astype(np.float32))


def photos_without(data: Path, *, table: str, every: int) -> list[ImageArray]:
    """Photos of clothes and groceries."""
    found = []
    for name in ("clothing", "grocery"):
        listed = data / name / ("val.csv" if name == "grocery" and table != "train.csv" else table)
        with listed.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))[::every]
        found += [read_image(data / name / row["image"], target=VIEW * 2) for row in rows]
    return found


class Drawer:
    """Draws batches of views."""

    def __init__(self, street: Sequence[Faces], empty: Sequence[ImageArray]) -> None:
        self._street = [photo for photo in street if len(photo.boxes)]
        self._empty = empty

    def draw(self, rng: np.random.Generator) -> Batch:
        views = [self._view(rng) for _ in range(BATCH)]
        return Batch(np.stack([pixels for pixels, _ in views]), np.stack([targets for _, targets in views]))

    def _view(self, rng: np.random.Generator) -> tuple[ImageArray, FloatArray]:
        if rng.random() < EMPTY:
            image = self._empty[int(rng.integers(len(self._empty)))]
            side = int(min(image.shape[:2]) * rng.uniform(0.4, 1.0))
            top, left = rng.integers(0, np.array(image.shape[:2]) - side + 1)
            cut = resize(np.ascontiguousarray(image[top : top + side, left : left + side]), (VIEW, VIEW))
            cut = np.ascontiguousarray(np.rot90(cut, int(rng.integers(4))))
            return cut, targets_of(np.empty((0, 4), np.float32), np.empty(0, np.float32))
        photo = self._street[int(rng.integers(len(self._street)))]
        box = photo.boxes[int(rng.integers(len(photo.boxes)))]
        scale = float(np.exp(rng.uniform(*np.log(FACE_PX)))) / float(box[3] - box[1])
        place = rng.uniform(0.15, 0.85, 2) * VIEW
        mirror = rng.random() < 0.5
        shift = place - scale * np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = cv2.warpAffine(photo.image, matrix, (VIEW, VIEW), flags=flags, borderValue=(255, 255, 255))
        boxes = photo.boxes * scale + np.tile(shift, 2).astype(np.float32)
        if mirror:
            pixels = pixels[:, ::-1]
            boxes = np.stack([VIEW - boxes[:, 2], boxes[:, 1], VIEW - boxes[:, 0], boxes[:, 3]], 1)
        light = 1 + rng.normal() * 0.2
        cast = light * (1 + rng.normal(size=3) * 0.05)
        return np.clip(pixels * cast, 0, 255).astype(np.uint8), targets_of(boxes, photo.scores)


def targets_of(boxes: FloatArray, scores: FloatArray) -> FloatArray:
    """(5, S/8, S/8) for the faces of a view: places near a middle are right, the rest of a face not counted."""
    side = VIEW // STRIDE
    targets = np.zeros((5, side, side), np.float32)
    y, x = (np.mgrid[0:side, 0:side] + 0.5) * STRIDE
    for box, score in zip(boxes[np.argsort(-scores)], -np.sort(-scores), strict=True):
        left, top, right, bottom = x - box[0], y - box[1], box[2] - x, box[3] - y
        inside = (np.minimum(np.minimum(left, right), np.minimum(top, bottom)) > 0) & (targets[0] < 1)
        reach = max(0.22 * float(box[3] - box[1]), 0.71 * STRIDE)
        middle = np.hypot(x - (box[0] + box[2]) / 2, y - (box[1] + box[3]) / 2) < reach
        right_here = inside & middle & (score >= LEARNED)
        targets[0][inside & ~right_here] = -1
        targets[0][right_here] = 1
        distances = np.log(np.maximum(np.stack([left, top, right, bottom]), 1) / STRIDE)
        targets[1:][:, right_here] = distances[:, right_here]
    return targets


def losses_of(network: nn.Module, device: torch.device, batch: Batch) -> dict[str, Tensor]:
    """Focal loss (Lin et al. 2017) over places; absolute difference of log distances where there is a face."""
    x = normalized(torch.from_numpy(batch.pixels).to(device)).contiguous(memory_format=torch.channels_last)
    wanted = torch.from_numpy(batch.targets).to(device)
    with half_precision(device):
        found = network(x)
    found = found.float()
    is_face, counted = wanted[:, 0] > 0.5, wanted[:, 0] > -0.5
    likely = found[:, 0].sigmoid()
    cross = F.binary_cross_entropy_with_logits(found[:, 0], is_face.float(), reduction="none")
    focal = torch.where(is_face, 0.5 * (1 - likely) ** 2, 0.5 * likely**2) * cross
    faces = is_face.sum().clamp(min=1)
    off = ((found[:, 1:] - wanted[:, 1:]).abs() * is_face[:, None]).sum() / (4 * faces)
    return {"places": 4 * (focal * counted).sum() / faces, "sides": off}


def score(network: nn.Module, street: Sequence[Faces], empty: Sequence[ImageArray]) -> dict[str, Estimate]:
    """Recall of the teacher's confident faces (IoU 0.4 or more), and the share of other photos with a false face."""
    network.eval()
    right: list[bool] = []
    for photo in street:
        boxes = _found(network, photo.image)
        asked = photo.boxes[photo.scores >= CONFIDENT]
        right += [bool(len(boxes)) and bool((iou(box, boxes) >= OVERLAP).any()) for box in asked]
    wrong = [len(_found(network, image)) > 0 for image in empty]
    return {
        "recall of the teacher's confident faces": bootstrap_mean(right),
        "product photos with a false face": bootstrap_mean(wrong),
    }


def _found(network: nn.Module, image: ImageArray) -> FloatArray:
    x, placement = canvas_for(PREPROCESS, image.shape[:2]).apply(image)
    with torch.no_grad():
        boxes, _ = faces_of(network(torch.from_numpy(x)[None])[0].numpy(), min_score=MIN_SCORE)
    return placement.to_original_boxes(boxes)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("faces", __doc__)
    parser.add_shared("--out", "--minutes", "--rate", "--seed", "--device", "--threads", "--resume")
    parser.add_shared("--data", "--teachers")
    parser.set_defaults(minutes=12.0, rate=RATE)
    given = parser.read(arguments)
    with progress_of("asking where faces are"):
        street = street_faces(given.data, given.teachers, held_out=False)
    drawer = Drawer(street, photos_without(given.data, table="train.csv", every=2))
    network, device = FaceNetwork().to(given.device), torch.device(given.device)
    run: Run[Batch] = Run(network, lambda batch: losses_of(network, device, batch))
    if given.resume:
        run.load(given.out / CHECKPOINT)
    train(
        run,
        sampled_batches(drawer.draw, seed=given.seed + run.step),
        out=given.out,
        minutes=given.minutes,
        rate=given.rate,
    )
    shipped = run.average.network.to("cpu")
    held = street_faces(given.data, given.teachers, held_out=True)
    scores = score(shipped, held, photos_without(given.data, table="validation.csv", every=1))
    say_held_out(scores)
    export_dense(
        shipped, given.out, name=DEFAULT_FACES, task="detect", classes=("face",), dim=5, preprocess=PREPROCESS,
        photos=[photo.image for photo in street[::5]], scores=score_rows(scores),
        training={
            "data": DATA,
            "start": "random numbers",
            **given.training(given.cost(run.seconds, views=run.step * BATCH)),
            "held out": "each fifth of the street photos; validation photos of clothes and groceries",
        },
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
