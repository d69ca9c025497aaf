"""Recipe: the bundled pose network, small, from random numbers.

    python -m recipes.pose --out runs/pose --minutes 10

A teacher says where the joints are on street photos. For each joint the network says of each place how likely it is the
one, and how likely the joint is nowhere on the picture: one choice among all of these (cross-entropy over places, as in
Papandreou et al. 2017, with a place of its own for "nowhere").
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
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.errors import NotFoundError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.images.prepare import Preprocess
from catalens.images.read import read_image
from catalens.learning.networks.encoder import trunk_stages
from catalens.learning.networks.export import export_dense, score_rows
from catalens.learning.networks.loop import CHECKPOINT, Run, sampled_batches, train
from catalens.learning.networks.pyramid import normalized
from catalens.models.parts import JOINTS, MIRRORED
from catalens.models.zoo import DEFAULT_POSE
from catalens.tasks.pose import Pose, joints_of, likely_places
from catalens.tasks.segment import canvas_for
from catalens.types import FloatArray, ImageArray
from recipes import pose_teacher
from recipes.parts import HELD_OUT
from recipes.recipe import RecipeParser, as_command, progress_of, say_held_out

WIDTHS, BLOCKS, WIDTH = (24, 48, 96, 128), (1, 1, 2, 1), 48
PREPROCESS = Preprocess(size=(224, 160), fit="letterbox")
STRIDE = 4
SPREAD = 1.2
"""Standard deviation of what counts as the right place, in places."""
BATCH, RATE = 16, 2e-3
LEARNED, CONFIDENT = 0.25, 0.4
"""The teacher's scores from which a joint is there, and from which it counts in the test."""
NEAR = 0.2
"""PCK: a joint is right within this share of the length of the torso (Yang and Ramanan 2013)."""
DATA = (
    "Clothing Co-Parsing photos but each fifth (Apache-2.0); targets: joints of MoveNet single pose Lightning "
    "(Apache-2.0)"
)


@dataclass(frozen=True)
class Posed:
    """A street photo by its number, and the joints that the teacher sees on it."""

    number: int
    image: ImageArray
    pose: Pose


@dataclass(frozen=True)
class Batch:
    """Views (n, H, W, 3) uint8; (n, 17, 3) float32: x, y in pixels of the view, and 1 there, 0 nowhere, -1 unsaid."""

    pixels: ImageArray
    joints: FloatArray


def posed_photos(data: Path, teachers: Path, *, held_out: bool) -> list[Posed]:
    """The street photos with what the teacher sees on them.

    Raises:
        NotFoundError: the teacher or the photos are absent.
    """
    folder = data / "streetstyle"
    if not (folder / "photos.csv").is_file():
        raise NotFoundError(f"no photos to learn from at {folder}", cure="docs/data.md says where they come from")
    ask = pose_teacher.load(teachers)
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (int(row["id"]) % HELD_OUT == 0) == held_out]
    found = []
    for row in rows:
        image = read_image(folder / row["image"])
        found.append(Posed(int(row["id"]), image, ask(image)))
    return found


class PoseNetwork(nn.Module):
    """(N, 3, H, W) normalised pictures, sides multiples of 32 -> (N, 17, H/4, W/4), as `tasks.pose` reads it.

    A thin feature pyramid (Lin et al. 2017).
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(nn.Sequential(*layers) for layers in trunk_stages(WIDTHS, BLOCKS))
        self.across = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in WIDTHS)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU())
            for _ in WIDTHS[1:]
        )
        self.head = nn.Conv2d(WIDTH, len(JOINTS), 1)

    def forward(self, x: Tensor) -> Tensor:
        levels: list[Tensor] = []
        for stage, across in zip(self.stages, self.across, strict=True):
            x = stage(x)
            levels.append(across(x))
        higher = levels.pop()
        for level, smooth in zip(reversed(levels), self.smooth, strict=True):
            higher = smooth(level + F.interpolate(higher, scale_factor=2.0, mode="nearest"))
        places: Tensor = self.head(higher)
        return places


class Drawer:
    """Draws batches of views: the whole person, or nearer; turned a little, in other light, either way round."""

    def __init__(self, photos: Sequence[Posed]) -> None:
        self._photos = photos

    def draw(self, rng: np.random.Generator) -> Batch:
        views = [self._view(rng) for _ in range(BATCH)]
        return Batch(np.stack([pixels for pixels, _ in views]), np.stack([joints for _, joints in views]))

    def _view(self, rng: np.random.Generator) -> tuple[ImageArray, FloatArray]:
        photo = self._photos[int(rng.integers(len(self._photos)))]
        height, width = PREPROCESS.size
        scale = min(height / photo.image.shape[0], width / photo.image.shape[1]) * float(
            np.exp(rng.uniform(-0.35, 0.7))
        )
        middle = photo.pose.points[photo.pose.scores >= LEARNED]
        anchor = middle[int(rng.integers(len(middle)))] if len(middle) else np.array(photo.image.shape[1::-1]) / 2
        if scale * photo.image.shape[0] < 1.1 * height:
            anchor = np.array(photo.image.shape[1::-1]) / 2
        turn = np.radians(rng.normal() * 8)
        linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        place = np.array([width, height]) * (0.5 + rng.normal(size=2) * 0.07)
        matrix = np.column_stack([linear, place - linear @ anchor])
        mirrored = rng.random() < 0.5
        if mirrored:
            matrix[0] = [-matrix[0, 0], -matrix[0, 1], width - matrix[0, 2]]
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pad = (255, 255, 255) if rng.random() < 0.5 else tuple(rng.integers(0, 256, 3).tolist())
        pixels = cv2.warpAffine(photo.image, matrix, (width, height), flags=flags, borderValue=pad)
        cast = (1 + rng.normal() * 0.2) * (1 + rng.normal(size=3) * 0.05)
        points = photo.pose.points @ matrix[:, :2].T + matrix[:, 2]
        inside = ((points >= 0) & (points < (width, height))).all(1)
        there = np.where(photo.pose.scores >= LEARNED, 1.0, -1.0) * 1.0
        joints = np.column_stack([points, np.where(inside, there, 0.0)]).astype(np.float32)
        return np.clip(pixels * cast, 0, 255).astype(np.uint8), joints[list(MIRRORED)] if mirrored else joints


def losses_of(network: nn.Module, device: torch.device, batch: Batch) -> dict[str, Tensor]:
    """Cross-entropy between what the network says of all places and "nowhere", and a small bell at the joint."""
    x = normalized(torch.from_numpy(batch.pixels).to(device)).contiguous(memory_format=torch.channels_last)
    places = network(x)  # in float32: so few channels are no faster in bfloat16 on a CPU
    logits = places.flatten(2)
    nowhere = torch.zeros_like(logits[:, :, :1])
    said = torch.cat([logits, nowhere], 2).log_softmax(2)
    joints = torch.from_numpy(batch.joints).to(device)
    wanted = _bells(joints, (int(places.shape[2]), int(places.shape[3])))
    counted = (joints[..., 2] >= 0).float()
    return {"places": -((wanted * said).sum(2) * counted).sum() / counted.sum().clamp(min=1)}


def _bells(joints: Tensor, grid: tuple[int, int]) -> Tensor:
    """(n, J, 3) -> (n, J, h * w + 1), each summing to 1: a bell around the joint, or all on "nowhere"."""
    across = torch.arange(grid[1], device=joints.device) + 0.5 - joints[..., :1] / STRIDE
    down = torch.arange(grid[0], device=joints.device) + 0.5 - joints[..., 1:2] / STRIDE
    bell = torch.exp(-(down[..., :, None] ** 2 + across[..., None, :] ** 2) / (2 * SPREAD**2)).flatten(2)
    bell = bell / bell.sum(2, keepdim=True).clamp(min=1e-6)
    there = (joints[..., 2:] > 0).float()
    return torch.cat([bell * there, 1 - there], 2)


def score(network: nn.Module, photos: Sequence[Posed]) -> dict[str, Estimate]:
    """PCK against the teacher's confident joints on photos that were never learned from, of all and of some."""
    network.eval()
    right: list[NDArray[np.bool_]] = []
    asked: list[NDArray[np.bool_]] = []
    for photo in photos:
        found = found_by(network, photo.image)
        torso = (photo.pose.points[[5, 6]].mean(0) - photo.pose.points[[11, 12]].mean(0)).astype(np.float64)
        off = np.linalg.norm(found.points - photo.pose.points, axis=1)
        right.append(off <= NEAR * np.linalg.norm(torso))
        asked.append(photo.pose.scores >= CONFIDENT)
    hits, counted = np.stack(right), np.stack(asked)
    groups = np.repeat(np.arange(len(photos)), len(JOINTS)).reshape(hits.shape)
    parts = {"all joints": range(17), "shoulders and hips": (5, 6, 11, 12), "elbows and wrists": (7, 8, 9, 10)}
    scores = {}
    for name, joints in parts.items():
        chosen = counted[:, list(joints)]
        owners = [str(group) for group in groups[:, list(joints)][chosen]]
        scores[f"PCK@{NEAR} of {name}"] = bootstrap_mean(hits[:, list(joints)][chosen], groups=owners)
    return scores


def found_by(network: nn.Module, image: ImageArray) -> Pose:
    """What a network in training sees on a photo."""
    x, placement = canvas_for(PREPROCESS, image.shape[:2]).apply(image)
    with torch.no_grad():
        likely = likely_places(network(torch.from_numpy(x)[None])[0].numpy())
    points, scores = joints_of(likely, stride=STRIDE)
    return Pose(placement.to_original_points(points), scores)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("pose", __doc__)
    parser.add_shared("--out", "--minutes", "--rate", "--seed", "--device", "--threads", "--resume")
    parser.add_shared("--data", "--teachers")
    parser.set_defaults(minutes=10.0, rate=RATE)
    given = parser.read(arguments)
    with progress_of("asking where joints are"):
        photos = posed_photos(given.data, given.teachers, held_out=False)
    network, device = PoseNetwork().to(given.device), torch.device(given.device)
    run: Run[Batch] = Run(network, lambda batch: losses_of(network, device, batch))
    if given.resume:
        run.load(given.out / CHECKPOINT)
    batches = sampled_batches(Drawer(photos).draw, seed=given.seed + run.step)
    train(run, batches, out=given.out, minutes=given.minutes, rate=given.rate)
    shipped = run.average.network.to("cpu")
    scores = score(shipped, posed_photos(given.data, given.teachers, held_out=True))
    say_held_out(scores)
    export_dense(
        shipped, given.out, name=DEFAULT_POSE, task="pose", classes=JOINTS, preprocess=PREPROCESS,
        photos=[photo.image for photo in photos[::4]], scores=score_rows(scores),
        training={
            "data": DATA,
            "start": "random numbers",
            **given.training(given.cost(run.seconds, views=run.step * BATCH)),
            "held out": "each fifth of the street photos",
        },
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
