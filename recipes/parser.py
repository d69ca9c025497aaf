"""Recipe: the bundled parser, which says of each place of a person's photo what it shows.

    python -m recipes.parser --out runs/parser --encoder runs/encoder --minutes 90

Street photos with masks are learned as they are. Of those without, a teacher says where the person is, and the photo's
tags which parts it may show: a place may then be any of these (partial labels, Cour et al. 2011). So may a photo of one
garment: that garment, or background. With `--earlier`, a parser of before names the places of which it is sure when it
may choose only from what the tags say.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from catalens.learning.networks.encoder import inherit
from catalens.learning.networks.export import export_dense
from catalens.learning.networks.loop import CHECKPOINT, Run, read_checkpoint, sampled_batches, train
from catalens.learning.networks.pyramid import DenseNetwork
from catalens.learning.regions.segmenter import (
    BATCH,
    PREPROCESS,
    RATE,
    SIZE,
    Batch,
    Parsed,
    PhotoSampler,
    card_scores,
    losses_of,
    score,
)
from catalens.models.parts import CLASSES
from catalens.models.zoo import find_card
from catalens.tasks.segment import Parser
from recipes.dressed import GARMENTS
from recipes.parts import clothes_photos, masked_photos, shares, tagged_photos
from recipes.recipe import RecipeParser, as_command, progress_of, size_at

NAME = "catalens-parser-s"
SIZES = ((0.5, (288, 192)), (1.0, SIZE))
"""Of the time until which share, and at which size a network learns: smaller views are more views."""
DATA = (
    "Clothing Co-Parsing: masks of four fifths of the masked photos, tags of the others (Apache-2.0); "
    "clothing-dataset-small train, categories (CC0); "
    "targets: the person's outline by MediaPipe selfie segmentation (Apache-2.0), on photos without masks"
)


def class_weights(photos: Sequence[Parsed]) -> Tensor:
    """(classes,) rare classes more than their share, none more than eight times the background; 1 on average."""
    raw = np.clip(np.maximum(shares(photos), 1e-5) ** -0.35, None, 8.0)
    return torch.tensor(raw / (raw * shares(photos)).sum(), dtype=torch.float32)


@torch.no_grad()
def unweighted(network: DenseNetwork, weights: Tensor) -> DenseNetwork:
    """A copy that answers as if no class had been weighted in training: weights move the answer to each class by their
    logarithm (Menon et al. 2021, Long-tail learning via logit adjustment, section 3).
    """
    plain = copy.deepcopy(network)
    last = plain.head[-1]
    assert isinstance(last, torch.nn.Conv2d)
    assert last.bias is not None
    last.bias -= weights.log()
    return plain


def trunk_of(checkpoint: Path) -> dict[str, Tensor]:
    """The trunk's weights in an encoder run's checkpoint, as `inherit` takes them for a `DenseNetwork`."""
    before = "pictures."
    state: dict[str, Tensor] = read_checkpoint(checkpoint)["average"]
    return {
        f"pyramid.{name.removeprefix(before)}": tensor
        for name, tensor in state.items()
        if name.startswith(f"{before}trunk.")
    }


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("parser", __doc__)
    parser.add_shared("--out", "--minutes")
    parser.add_argument("--encoder", type=Path, help="folder of an encoder's run, whose trunk to begin with")
    parser.add_argument("--start", type=Path, help="folder of an earlier run, whose network to begin with")
    parser.add_argument("--earlier", help="an earlier parser, by name or folder, that labels the photos that have tags")
    parser.add_shared("--rate", "--seed", "--device", "--threads", "--resume", "--data", "--teachers")
    parser.set_defaults(minutes=90.0, rate=RATE)
    given = parser.read(arguments)
    masked = masked_photos(given.data, held_out=False)
    with progress_of("reading photos") as progress:
        earlier = None if given.earlier is None else find_card(given.earlier, task="segment")
        likely = None if earlier is None else Parser(earlier).probabilities
        tagged = tagged_photos(given.data, teachers=given.teachers, earlier=likely, progress=progress)
    network = DenseNetwork(len(CLASSES), presence=True).to(given.device)
    start = "random numbers"
    if given.encoder is not None:
        inherit(network, trunk_of(given.encoder / CHECKPOINT))
        start = "the trunk of the bundled encoder, which began with random numbers"
    weights = class_weights(masked).to(given.device)
    run: Run[Batch] = Run(network, lambda batch: losses_of(network, weights, batch))
    if given.start is not None:
        run.inherit(given.start / CHECKPOINT)
        start = f"a parser of an earlier run ({given.start}), which began with {start}"
    if given.resume:
        run.load(given.out / CHECKPOINT)
    drawer = PhotoSampler((masked, tagged, clothes_photos(given.data)), dyed=GARMENTS)
    sizes = SIZES if given.start is None else SIZES[-1:]

    def at(share: float) -> None:
        drawer.size = size_at(share, sizes)

    batches = sampled_batches(drawer.draw, seed=given.seed + run.step)
    train(run, batches, out=given.out, minutes=given.minutes, rate=given.rate, at=at)
    shipped = unweighted(cast(DenseNetwork, run.average.network.to("cpu")), weights.to("cpu"))
    held = masked_photos(given.data, held_out=True)
    scores = score(shipped, held)
    sys.stderr.write(f"held out: {scores.accuracy} pixels, {scores.largest} mean IoU, {scores.foreground} person\n")
    export_dense(
        shipped, given.out, name=NAME, task="segment", classes=CLASSES, preprocess=PREPROCESS,
        photos=[photo.image for photo in masked[::3]], scores=card_scores(scores),
        training={
            "data": DATA,
            "start": start,
            **({"labels of tagged photos": f"{earlier.name}@{earlier.sha256[:12]}"} if earlier is not None else {}),
            **given.training(given.cost(run.seconds, views=run.step * BATCH)),
            "held out": f"each fifth of the masked photos, {len(held)}; the encoder saw them, tagged",
        },
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
