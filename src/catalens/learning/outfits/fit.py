"""Training of the outfit network (worn outfits against negatives with exchanged garments), and its export.

What people wear together goes together; a garment of the same kind from another photo mostly does not. The network also
learns what vector a missing garment has (as in OutfitTransformer, Sarkar et al. 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.evaluation.intervals import Estimate
from catalens.evaluation.outfits import Judge, Rows, Wardrobe, sample_trial
from catalens.learning.networks.export import LICENSE, OPSET, PREPROCESS, export_onnx, sha256, write_card
from catalens.learning.networks.loop import CHECKPOINT, Run, sampled_batches, train
from catalens.learning.outfits.network import COLOR_DIM, OutfitNetwork, Together
from catalens.learning.outfits.pairs import PADDING, Pairs, learned_pairs
from catalens.learning.outfits.sampler import Batch, OutfitSampler
from catalens.models.card import Card, Score
from catalens.tasks.outfit import KINDS
from catalens.types import FloatArray

RATE = 1e-3
NETWORKS = 1
"""Such networks, begun from other random numbers, of which the mean is taken."""
TEMPERATURE = 0.08
WANTED_WEIGHT = 0.5
PARTS = 4
"""Of the outfits, each judged by pairs learned from the others, so that what these say is weighed as it deserves."""


def losses_of(network: OutfitNetwork, batch: Batch) -> dict[str, Tensor]:
    """Worn together or not; which of 32 garments of the kind is the missing one (InfoNCE, van den Oord et al. 2018)."""
    logits, _ = network(torch.from_numpy(batch.vectors), torch.from_numpy(batch.colors), torch.from_numpy(batch.kinds))
    _, asked = network.seen(*(torch.from_numpy(one) for one in batch.asked))
    found = network.wanted(asked[torch.arange(len(asked)), torch.from_numpy(batch.places)])
    wanted = F.normalize(found, dim=1)
    likeness = torch.einsum("nd,ncd->nc", wanted, torch.from_numpy(batch.candidates)) / TEMPERATURE
    target = torch.zeros(len(likeness), dtype=torch.long)
    return {
        "together": F.binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.truth)),
        "wanted": WANTED_WEIGHT * F.cross_entropy(likeness, target),
    }


def judge_of(network: nn.Module, wardrobe: Wardrobe) -> Judge:
    """What a network says of outfits, each garment in its first version."""
    network.eval()

    def judge(outfits: Sequence[Rows]) -> FloatArray:
        length = max(map(len, outfits))
        rows = np.array([[*one.tolist(), *([-1] * (length - len(one)))] for one in outfits])
        there = rows >= 0
        vectors, colors = (table[rows, 0] * there[..., None] for table in (wardrobe.vectors, wardrobe.colors))
        kinds = np.where(there, wardrobe.kinds[rows], PADDING)
        with torch.no_grad():
            said = network(torch.from_numpy(vectors), torch.from_numpy(colors), torch.from_numpy(kinds))[0]
        return np.asarray(said.numpy(), np.float32)

    return judge


def trained(
    wardrobe: Wardrobe, *, out: Path, minutes: float, seed: int, rate: float = RATE, resume: bool = False
) -> TrainedNetworks:
    """Train networks one after the other, each from other random numbers and for its share of the minutes; and pairs.

    Args:
        resume: go on from the checkpoints in `out`, where there are any.
    """
    made: list[OutfitNetwork] = []
    steps = 0
    for number in range(NETWORKS):
        torch.manual_seed(seed + number)
        network = OutfitNetwork(wardrobe.vectors.shape[2], color_dim=wardrobe.colors.shape[2])
        run: Run[Batch] = Run(network, partial(losses_of, network))
        if resume and (out / str(number) / CHECKPOINT).is_file():
            run.load(out / str(number) / CHECKPOINT)
        batches = sampled_batches(OutfitSampler(wardrobe).draw, seed=seed + number)
        train(run, batches, out=out / str(number), minutes=minutes / NETWORKS, rate=rate)
        average = run.average.network.to("cpu")
        assert isinstance(average, OutfitNetwork)
        made.append(average)
        steps += run.step
    return TrainedNetworks(Together(made, calibrated_pairs(wardrobe, seed=seed)).eval(), steps)


def calibrated_pairs(wardrobe: Wardrobe, *, seed: int) -> Pairs:
    """Pairs whose logits are as sure as those of pairs learned from other outfits may be."""
    said, truth = [], []
    for part in range(PARTS):
        others = replace(wardrobe, outfits=[one for n, one in enumerate(wardrobe.outfits) if n % PARTS != part])
        mine = replace(wardrobe, outfits=wardrobe.outfits[part::PARTS])
        trial = sample_trial(mine, seed=seed)
        said.append(judge_of(learned_pairs(others), wardrobe)(trial.outfits))
        truth.append(trial.truth)
    pairs = learned_pairs(wardrobe)
    pairs.weigh(np.concatenate(said), np.concatenate(truth))
    return pairs


@dataclass(frozen=True)
class TrainedNetworks:
    """Networks and how many batches they saw."""

    network: Together
    steps: int


def export(
    network: Together,
    folder: Path,
    *,
    dim: int,
    name: str,
    scores: dict[str, Estimate],
    training: dict[str, str],
) -> Path:
    """Write `network.onnx` and `card.toml`; float32, for it is small."""
    weights = folder / "network.onnx"
    shapes = torch.zeros(1, 2, dim), torch.zeros(1, 2, COLOR_DIM), torch.zeros(1, 2, dtype=torch.long)
    names = ["vectors", "colors", "kinds"]
    export_onnx(
        network.eval(), shapes, weights, inputs=names, outputs=["logits", "wanted"],
        axes={**{name: {0: "n", 1: "l"} for name in (*names, "wanted")}, "logits": {0: "n"}},
    )  # fmt: skip
    rows = tuple(Score(name, one.value, one.n, one.low, one.high) for name, one in scores.items())
    parameters = sum(p.numel() for p in network.parameters())
    return write_card(
        Card(
            name, "outfit", weights, sha256(weights), PREPROCESS, dim, LICENSE, parameters, OPSET, "float32", training,
            rows, classes=KINDS,
        )
    )  # fmt: skip
