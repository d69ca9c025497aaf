"""The training loop of fine-tuning, behind `finetune.py`.

A softmax head is fitted on the frozen vectors first and goes on learning together with the network (Kumar et al. 2022,
"Fine-Tuning can Distort Pretrained Features"): training starts from what the frozen network can do. Norms keep the
statistics that they came with. Early stages learn more slowly than late ones (Howard and Ruder 2018, section 3.2),
labels are smoothed (Szegedy et al. 2016, section 7), weights are averaged, the rate falls along a cosine, and the epoch
that did best on photos held out is kept.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.augment import Policy
from catalens.learning.heads import fit
from catalens.learning.labelled import LabelledPhotos
from catalens.learning.mixing import mixed
from catalens.learning.networks.encoder import Average, EncoderNetwork
from catalens.learning.networks.pretrained import network_of
from catalens.learning.split import held_out
from catalens.learning.tuning_dataset import BATCH, TuningDataset
from catalens.models.card import Card
from catalens.tasks.heads import LinearHead
from catalens.types import FloatArray, Progress

STAGE_DECAY = 0.6
"""Each stage learns this much more slowly than the next."""
SMOOTHING, WEIGHT_DECAY, WARM_UP = 0.1, 0.02, 0.1
HELD_OUT, FEWEST_HELD_OUT = 0.15, 10
"""Share of the photos that choose the epoch; where that is too few, the last epoch is kept and none are held out."""
PATIENCE = 12
"""Epochs without a better one after which it ends."""
CHECKPOINT_EVERY_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Settings of a tuning; see `finetune`."""

    minutes: float
    epochs: int
    seed: int
    rate: float
    stages: int | None
    mix: float


@dataclass(frozen=True)
class Epoch:
    """How the averaged network does on the photos held out after so many epochs; nan where none are."""

    epoch: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Tuning:
    """What came out: the network of the best epoch, and how it got there (epoch 0 is the frozen network)."""

    network: EncoderNetwork
    history: tuple[Epoch, ...]
    best: Epoch
    held_out: int
    seconds: float


class Tuned(nn.Module):
    """The network and a linear head on its vectors of unit length."""

    def __init__(self, network: EncoderNetwork, head: nn.Linear) -> None:
        super().__init__()
        self.network = network
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(F.normalize(self.network(x).float()))
        return logits


@dataclass
class _State:
    """All that a checkpoint holds."""

    model: Tuned
    average: Average
    optimizer: torch.optim.Optimizer
    best_weights: dict[str, Tensor]
    history: list[Epoch]
    step: int = 0
    seconds: float = 0.0

    @property
    def best(self) -> Epoch:
        """The epoch with the most photos held out right, and of these the least loss; the last where none are."""
        known = [epoch for epoch in self.history if not math.isnan(epoch.loss)]
        return max(known, key=lambda epoch: (epoch.accuracy, -epoch.loss)) if known else self.history[-1]

    def save(self, path: Path, job: str) -> None:
        state = {
            "job": job,
            "model": self.model.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best_weights": self.best_weights,
            "history": [asdict(epoch) for epoch in self.history],
            "step": self.step,
            "seconds": self.seconds,
        }
        beside = path.with_name(f".new-{path.name}")
        torch.save(state, beside)
        beside.replace(path)

    def load(self, path: Path, job: str) -> None:
        """Go on from a checkpoint of the same job, where there is one."""
        if not path.is_file():
            return
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["job"] != job:
            return
        self.model.load_state_dict(state["model"])
        self.average.network.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best_weights = state["best_weights"]
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.step, self.seconds = state["step"], state["seconds"]


def tune(
    card: Card,
    photos: LabelledPhotos,
    squares: NDArray[np.uint8],
    *,
    plan: Plan,
    policy: Policy,
    checkpoint: Path,
    job: str,
    progress: Progress | None = None,
) -> Tuning:
    """Tune the network of a card.

    Args:
        squares: (N, S, S, 3) the photos, letterboxed and somewhat larger than the network sees.
        checkpoint: file to go on from, if it is of the same `job`, and to write to.
    """
    torch.manual_seed(plan.seed)
    classes = photos.classes
    targets = photos.targets(classes)
    aside = held_out(photos, HELD_OUT, seed=plan.seed)
    if aside.sum() < FEWEST_HELD_OUT:
        aside = np.zeros(len(photos), np.bool_)
    rows = np.flatnonzero(~aside)
    dataset = TuningDataset(squares, targets.astype(np.float32), rows, card.preprocess, policy, plan.seed)
    test = np.flatnonzero(aside)
    state = _start(card, dataset, targets, classes, plan)
    state.load(checkpoint, job)
    if not state.history:
        state.history.append(_validated(state.average.network, dataset, test, epoch=0))
    _learn(state, dataset, test, plan, checkpoint=checkpoint, job=job, progress=progress)
    best = cast(Tuned, state.average.network)
    if len(test):
        best.load_state_dict(state.best_weights)
    return Tuning(best.network.eval(), tuple(state.history), state.best, len(test), state.seconds)


def _start(
    card: Card, dataset: TuningDataset, targets: NDArray[np.bool_], classes: tuple[str, ...], plan: Plan
) -> _State:
    """The network as it comes, with a head fitted on its vectors of the photos to learn from."""
    network = network_of(card)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    vectors = _vectors(network, dataset, dataset.rows)
    fitted = fit(vectors, targets[dataset.rows], classes, kind="softmax", seed=plan.seed).head
    linear = cast(LinearHead, fitted.head)
    head = nn.Linear(card.dim, len(classes))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy((linear.weights * fitted.scale).T))
        head.bias.copy_(torch.from_numpy(linear.bias * fitted.scale + fitted.shift))
    model = Tuned(network, head)
    average = Average(model)
    start = copy.deepcopy(average.network.state_dict())
    return _State(model, average, torch.optim.AdamW(_groups(model, plan), weight_decay=WEIGHT_DECAY), start, [])


def _groups(model: Tuned, plan: Plan) -> list[dict[str, Any]]:
    """Weights by stage with their share of the rate: heads 1, then `STAGE_DECAY` less for each stage down."""
    stages: list[list[nn.Parameter]] = []
    for layer in model.network.trunk:
        if isinstance(layer, nn.Conv2d):  # every stage begins with one
            stages.append([])
        stages[-1] += layer.parameters()
    learning = stages[-plan.stages :] if plan.stages is not None else stages
    for frozen in stages[: len(stages) - len(learning)]:
        for weight in frozen:
            weight.requires_grad = False
    heads: dict[str, Any] = {"params": [*model.head.parameters(), *model.network.head.parameters()], "share": 1.0}
    return [heads] + [
        {"params": weights, "share": STAGE_DECAY ** (depth + 1)} for depth, weights in enumerate(reversed(learning))
    ]


def _learn(
    state: _State,
    dataset: TuningDataset,
    test: NDArray[np.int64],
    plan: Plan,
    *,
    checkpoint: Path,
    job: str,
    progress: Progress | None,
) -> None:
    """Learn until time or epochs are over, or no epoch gets better."""
    started, saved = time.perf_counter() - state.seconds, state.seconds
    one_label = bool((dataset.targets.sum(1) == 1).all())
    drawn = dataset.batches(state.step)
    while (share := _share(state, dataset, plan)) < 1 and state.history[-1].epoch - state.best.epoch < PATIENCE:
        pixels, targets = (torch.from_numpy(array) for array in next(drawn))
        _step(state, pixels, targets, rate=plan.rate * _cosine_decay(share), plan=plan, one_label=one_label)
        state.seconds = time.perf_counter() - started
        if state.step % dataset.steps == 0 or _share(state, dataset, plan) >= 1:
            epoch = _validated(state.average.network, dataset, test, epoch=math.ceil(state.step / dataset.steps))
            state.history.append(epoch)
            if state.best is epoch:
                state.best_weights = copy.deepcopy(state.average.network.state_dict())
            if state.seconds - saved > CHECKPOINT_EVERY_S:
                saved = state.seconds
                state.save(checkpoint, job)
        if progress is not None:
            progress(int(1000 * _share(state, dataset, plan)), 1000, _description(state))
    drawn.close()  # type: ignore[attr-defined]


def _share(state: _State, dataset: TuningDataset, plan: Plan) -> float:
    """How much of the time or of the epochs is over, whichever is more."""
    return max(state.seconds / (plan.minutes * 60), state.step / (plan.epochs * dataset.steps))


def _cosine_decay(share: float) -> float:
    """A short warm-up, then half a cosine down to nothing."""
    return min(1.0, (share + 1e-3) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * share))


def _description(state: _State) -> str:
    last = state.history[-1]
    return "tuning" if math.isnan(last.accuracy) else f"tuning, {last.accuracy:.1%} of photos held out right"


def _step(state: _State, pixels: Tensor, targets: Tensor, *, rate: float, plan: Plan, one_label: bool) -> None:
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group["share"]
    pixels, targets = mixed(pixels, targets, np.random.default_rng([plan.seed, 7, state.step]), chance=plan.mix)
    # Norms stay in evaluation mode: batches of a user's few photos are no better statistics.
    logits = state.model(pixels.contiguous(memory_format=torch.channels_last))
    if one_label:
        loss = F.cross_entropy(logits, targets, label_smoothing=SMOOTHING)
    else:
        loss = F.binary_cross_entropy_with_logits(logits, targets * (1 - SMOOTHING) + SMOOTHING / 2)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.model.parameters(), 2.0)
    state.optimizer.step()
    state.step += 1
    state.average.update(state.model, step=state.step)


@torch.no_grad()
def _validated(model: nn.Module, dataset: TuningDataset, rows: NDArray[np.int64], *, epoch: int) -> Epoch:
    """Mean loss and accuracy on photos held out; with several labels to a photo, the share of labels that are right."""
    if not len(rows):
        return Epoch(epoch, math.nan, math.nan)
    targets = torch.from_numpy(dataset.targets[rows])
    logits = torch.cat([model(x) for x in _whole(dataset, rows)])
    if bool((dataset.targets.sum(1) == 1).all()):
        right = logits.argmax(1) == targets.argmax(1)
        return Epoch(epoch, float(F.cross_entropy(logits, targets)), float(right.float().mean()))
    right = (logits > 0) == (targets > 0.5)
    return Epoch(epoch, float(F.binary_cross_entropy_with_logits(logits, targets)), float(right.float().mean()))


@torch.no_grad()
def _vectors(network: EncoderNetwork, dataset: TuningDataset, rows: NDArray[np.int64]) -> FloatArray:
    """(N, dim) of unit length."""
    return torch.cat([F.normalize(network(x)) for x in _whole(dataset, rows)]).numpy()


def _whole(dataset: TuningDataset, rows: NDArray[np.int64]) -> Iterator[Tensor]:
    """The photos as they are, in batches as the network takes them."""
    for start in range(0, len(rows), BATCH):
        batch = np.stack([dataset.prepared(np.asarray(dataset.squares[row])) for row in rows[start : start + BATCH]])
        yield torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
