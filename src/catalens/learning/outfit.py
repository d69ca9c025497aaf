"""Recipe: the bundled outfit network, which says whether garments go together and what would go with them.

    python -m catalens.learning.outfit --out runs/outfit --minutes 4

What people wear together goes together; a garment of the same kind from another photo mostly does not. A small
transformer over the set of garments (Vaswani et al. 2017; without positions, so that their order says nothing), and
beside it each pair of them, learn to tell the two apart, and what vector a missing garment has (as in
OutfitTransformer, Sarkar et al. 2022). What pairs of garments tell in closed form (`training.pairs`) is added: from a
thousand outfits it is the better half. Both are shipped as one network. Beside it a control learns from light and focus
alone: it must stay at chance, or the figures mean nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.evaluation.intervals import Estimate
from catalens.evaluation.outfits import Judge, Rows, Wardrobe, drawn_trial, outfit_figures, simple_judges
from catalens.learning.export import LICENSE, OPSET, PREPROCESS, export_onnx, sha256, write_card
from catalens.learning.loop import CHECKPOINT, Run, drawn, train
from catalens.learning.outfit_lesson import BATCH, Batch, Drawer
from catalens.learning.pairs import PADDING, Pairs, learned_pairs
from catalens.learning.recipe import RecipeParser, as_command, progress_of, say_held_out
from catalens.learning.worn import ALL, BRIGHTNESS, FOCUS, Worn, worn_together
from catalens.models.card import Card, Score
from catalens.models.zoo import DEFAULT_OUTFIT
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.outfit import KINDS
from catalens.types import FloatArray

WIDTH, HEADS, LAYERS, COLOR_DIM = 96, 4, 1, 448
BLIND, DROPOUT = 0.35, 0.25
"""Of the inputs, and inside."""
RATE = 1e-3
VERSIONS = 2
NETWORKS = 1
"""Such networks, begun from other random numbers, of which the mean is taken."""
TEMPERATURE = 0.08
WANTED_WEIGHT = 0.5
TIMES = 5
"""That garments of each outfit held out are exchanged."""
PARTS = 4
"""Of the outfits, each judged by pairs learned from the others, so that what these say is weighed as it deserves."""
SHARES = (1.25, 0.7)
"""Of the network's logit and that of the pairs in their sum, by logistic regression on a fifth of the photos that was
left out of what is learned from."""
LOOKED_FOR = 0.5
"""What the pairs' direction counts beside the network's, chosen there, too."""
DATA = (
    "garments cut from Clothing Co-Parsing photos but each fifth, by masks or, without, by the bundled parser and the "
    "photo's tags (Apache-2.0)"
)


class OutfitNetwork(nn.Module):
    """vectors (N, L, D), colors (N, L, 448), kinds (N, L) -> logits (N,), and of each place a vector (N, L, D).

    A kind k is a garment of kind k, K + k one that is looked for, 2 K nothing.
    """

    def __init__(self, dim: int, *, color_dim: int = COLOR_DIM) -> None:
        super().__init__()
        self.items = nn.Linear(dim, WIDTH)
        self.colors = nn.Linear(color_dim, WIDTH, bias=False)
        self.kinds = nn.Embedding(PADDING + 1, WIDTH)
        self.blind = nn.Dropout(BLIND)
        self.blocks = nn.ModuleList(_Block() for _ in range(LAYERS))
        self.norm, self.before = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.verdict, self.wanted = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, dim)
        self.pairs = nn.Sequential(nn.Linear(2 * WIDTH + 2, WIDTH), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(WIDTH, 1))

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        present = kinds < len(KINDS)
        begun, x = self.seen(vectors, colors, kinds)
        weight = present[..., None].float()
        together = (x * weight).sum(1) / weight.sum(1).clamp(min=1)
        beside = self._of_pairs(self.before(begun), vectors, colors, present)
        return self.verdict(together)[:, 0] + beside, self.wanted(x)

    def seen(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        """(N, L, WIDTH) each place by itself, and with what is beside it."""
        here = (self.items(self.blind(vectors)) + self.colors(self.blind(colors))) * (kinds < len(KINDS))[..., None]
        begun = here + self.kinds(kinds)
        x = begun
        for block in self.blocks:
            x = block(x, kinds < PADDING)
        return begun, self.norm(x)

    def _of_pairs(self, x: Tensor, vectors: Tensor, colors: Tensor, present: Tensor) -> Tensor:
        """(N,) mean over all pairs of garments of what each says; the order in a pair says nothing."""
        one, other = x[:, :, None], x[:, None]
        alike = torch.stack([vectors @ vectors.transpose(1, 2), colors @ colors.transpose(1, 2)], -1)
        said = self.pairs(torch.cat([one * other, (one - other).abs(), alike], -1))[..., 0]  # (N, L, L)
        weight = (present[:, :, None] & present[:, None]).float() * (1 - torch.eye(x.shape[1]))
        mean: Tensor = (said * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)
        return mean


class _Block(nn.Module):
    """Attention among what is there, then a hidden layer; both beside the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.asks = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.hidden = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        count, length, _ = x.shape
        query, key, value = self.asks(self.before(x)).reshape(count, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        likeness = query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        weights = likeness.masked_fill(~there[:, None, None], -1e4).softmax(-1)
        x = x + self.drop(self.out((weights @ value).transpose(1, 2).reshape(count, length, WIDTH)))
        y: Tensor = x + self.drop(self.hidden(self.between(x)))
        return y


class Together(nn.Module):
    """The mean of networks (of the logits, and of the vectors at unit length) and what pairs tell, weighed."""

    def __init__(self, networks: Sequence[OutfitNetwork], pairs: Pairs) -> None:
        super().__init__()
        self.networks, self.pairs = nn.ModuleList(networks), pairs

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        said = [network(vectors, colors, kinds) for network in self.networks]
        logits = torch.stack([one for one, _ in said]).mean(0)
        wanted = torch.stack([F.normalize(one, dim=-1) for _, one in said]).mean(0)
        beside, asked = self.pairs(vectors, colors, kinds)
        return SHARES[0] * logits + SHARES[1] * beside, wanted + LOOKED_FOR * F.normalize(asked, dim=-1)[:, None]


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


def taught(
    wardrobe: Wardrobe, *, out: Path, minutes: float, seed: int, rate: float = RATE, resume: bool = False
) -> Taught:
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
        batches = drawn(Drawer(wardrobe).draw, seed=seed + number)
        train(run, batches, out=out / str(number), minutes=minutes / NETWORKS, rate=rate)
        average = run.average.network.to("cpu")
        assert isinstance(average, OutfitNetwork)
        made.append(average)
        steps += run.step
    return Taught(Together(made, weighed_pairs(wardrobe, seed=seed)).eval(), steps)


def weighed_pairs(wardrobe: Wardrobe, *, seed: int) -> Pairs:
    """Pairs whose logits are as sure as those of pairs learned from other outfits may be."""
    said, truth = [], []
    for part in range(PARTS):
        others = replace(wardrobe, outfits=[one for n, one in enumerate(wardrobe.outfits) if n % PARTS != part])
        mine = replace(wardrobe, outfits=wardrobe.outfits[part::PARTS])
        trial = drawn_trial(mine, seed=seed)
        said.append(judge_of(learned_pairs(others), wardrobe)(trial.outfits))
        truth.append(trial.truth)
    pairs = learned_pairs(wardrobe)
    pairs.weigh(np.concatenate(said), np.concatenate(truth))
    return pairs


@dataclass(frozen=True)
class Taught:
    """Networks and how many batches they saw."""

    network: Together
    steps: int


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("outfit", __doc__)
    parser.add_shared("--out")
    parser.add_argument("--cache", type=Path, help="folder for cuts and vectors, to be used again; in --out if absent")
    parser.add_argument("--encoder", help="name or folder of the encoder; the bundled one if absent")
    parser.add_argument("--minutes", type=float, default=4.0, help="time for training; the control gets a third of it")
    parser.add_shared("--rate", "--seed", "--threads", "--resume", "--data")
    parser.set_defaults(rate=RATE)
    given = parser.read(arguments)
    encoder = load_encoder(given.encoder, threads=given.threads)
    with progress_of("cutting garments") as progress:
        worn = worn_together(
            given.data, encoder=encoder, cache=given.cache or given.out / "cache", versions=VERSIONS,
            seed=given.seed, progress=progress,
        )  # fmt: skip
    learned, held = worn.wardrobe(held_out=False), worn.wardrobe(held_out=True)
    found = taught(learned, out=given.out, minutes=given.minutes, seed=given.seed, rate=given.rate, resume=given.resume)
    trial = drawn_trial(held, seed=given.seed, times=TIMES)
    figures = {"": outfit_figures(trial, judge_of(found.network, held))}
    for name, judge in simple_judges(held, learned=learned).items():
        figures[f"{name} only"] = outfit_figures(trial, judge)
    control, control_held = (_seen_only(worn, one, ALL) for one in (learned, held))
    cheat = taught(
        control, out=given.out / "control", minutes=given.minutes / 3, seed=given.seed, rate=given.rate,
        resume=given.resume,
    )  # fmt: skip
    figures["light and focus only"] = outfit_figures(trial, judge_of(cheat.network, control_held))
    for name, columns in {"focus only": FOCUS, "brightness only": BRIGHTNESS}.items():
        control, control_held = (_seen_only(worn, one, columns) for one in (learned, held))
        pairs = weighed_pairs(control, seed=given.seed)
        figures[name] = outfit_figures(trial, judge_of(pairs, control_held))
    scores = {_called(name, figure): one for name, some in figures.items() for figure, one in some.items()}
    say_held_out(scores)
    export(found.network, given.out, dim=worn.vectors.shape[2], name=DEFAULT_OUTFIT, scores=scores, training={
        "data": DATA,
        "start": "random numbers",
        "encoder": encoder.name,
        **given.training(f"{given.minutes:g} minutes on cpu, {given.threads} threads, {found.steps * BATCH} outfits"),
        "held out": f"each fifth of the street photos: {len(held.outfits)} outfits",
    })  # fmt: skip


def _called(name: str, figure: str) -> str:
    figure = {"AUC": "worn together or not, AUC", "fill in the blank": "fill in the blank, 4 choices"}[figure]
    return f"{name}: {figure}" if name else figure


def _seen_only(worn: Worn, wardrobe: Wardrobe, columns: slice) -> Wardrobe:
    """Garments of which nothing but some statistics are seen, each number with mean 0 and deviation 1."""
    some = worn.statistics[..., columns]
    flat = some.reshape(-1, some.shape[2])
    scaled = np.asarray((some - flat.mean(0)) / np.maximum(flat.std(0), 1e-6), np.float32)
    return replace(wardrobe, vectors=np.zeros((*some.shape[:2], 1), np.float32), colors=scaled)


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


if __name__ == "__main__":
    sys.exit(main())
