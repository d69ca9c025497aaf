"""Adversarial training of a generator: losses, one training step of generator and critic, export.

Non-saturating logistic losses (Goodfellow et al. 2014), a penalty on the critic's slope at real pictures (R1, Mescheder
et al. 2018, every few steps as in StyleGAN2), augmentation that adapts, an average of the generator's weights. With an
encoder the generator also makes given pictures again (VAE-GAN, Larsen et al. 2016): hours on a GPU become minutes on a
CPU, for the forms are there before the critic asks for detail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.images.prepare import Preprocess
from catalens.learning.generator.augment import Augmentation
from catalens.learning.generator.network import LATENT, Shape
from catalens.learning.generator.pictures import Pictures, Words
from catalens.learning.networks.encoder import Average
from catalens.learning.networks.export import LICENSE, OPSET, export_onnx, sha256, write_card
from catalens.learning.networks.loop import CHECKPOINT, Learner, Part, sampled_batches, train
from catalens.models.card import Card, Score
from catalens.types import FloatArray, ImageArray, IntArray

SLOPE_EVERY = 16
"""Steps between penalties on the critic's slope; each then counts as much as all that were left out."""
AVERAGE = 0.998
"""Decay of the average of the generator's weights: over some 500 steps, for runs are short."""
LONGEST_STEP = 2.0
"""The norm that the makers' gradient is cut to."""
LEVELS = 3
"""Sizes at which a picture made again is held against the given one."""


@dataclass(frozen=True)
class Plan:
    """How a contest goes.

    Args:
        betas: of Adam; slope: weight of the penalty on the critic's slope, 0 for none; is_adaptive: whether the critic
            sees augmented pictures.
        critic_rate: its learning rate, where it is not that of the generator, which falls.
        likeness: weight of the distance to the given picture; kept: share of it that stays once there is a critic,
            who finds blur; spread: weight of the distance of the latents from a normal distribution. All three only
            with an encoder.
        told: weight of telling the kind (Odena et al. 2017), where the critic does.
    """

    betas: tuple[float, float] = (0.0, 0.99)
    slope: float = 1.0
    is_adaptive: bool = True
    critic_rate: float | None = None
    likeness: float = 10.0
    kept: float = 1.0
    spread: float = 0.01
    told: float = 0.0


Batch = tuple[Tensor, Tensor]
"""Pictures (N, C, S, S) in -1..1, and their words (N, L)."""


class GanTraining(Learner[Batch]):
    """A generator and a critic in training; what `loop.train` teaches and keeps.

    Args:
        encoder: lets the generator make given pictures again; is_plain: (N, L) words -> (N,) which of them it can.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        plan: Plan,
        *,
        encoder: nn.Module | None = None,
        is_plain: Callable[[Tensor], Tensor] = lambda words: words[:, 0] >= 0,
    ) -> None:
        self.is_plain = is_plain
        self.generator, self.critic, self.encoder = generator, critic, encoder
        self.plan = plan
        self.average = Average(generator, decay=AVERAGE)
        self.augment = Augmentation()
        self._makers = nn.ModuleList([generator] if encoder is None else [generator, encoder])
        self._maker = torch.optim.Adam(self._makers.parameters(), betas=plan.betas)
        self._judge = torch.optim.Adam(critic.parameters(), betas=plan.betas)
        self.is_judged = True
        """Whether there is a critic yet; before, pictures are only made again."""

    def learn(self, batch: Batch, *, rate: float) -> dict[str, float]:
        """One step of both; returns the losses."""
        for optimizer, its in ((self._maker, rate), (self._judge, self.plan.critic_rate or rate)):
            for group in optimizer.param_groups:
                group["lr"] = its
        pictures, words = batch
        losses, made, asked = self._generated(pictures, words)
        shown: dict[str, Tensor] = dict(losses)
        if self.is_judged:
            shown["critic"] = self._critic_step(pictures, words, made.detach(), asked)
            self.critic.requires_grad_(requires_grad=False)
            said = self.critic(self._augmented(made), asked)
            losses["fooled"] = shown["fooled"] = F.softplus(-said[:, 0]).mean()
            losses |= self._class_loss(said, asked)
            self.critic.requires_grad_(requires_grad=True)
        self._maker.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._makers.parameters(), LONGEST_STEP)
        self._maker.step()
        self.step += 1
        self.average.update(self.generator, step=self.step)
        return {**{name: float(loss.detach()) for name, loss in shown.items()}, "augmented": self.augment.share}

    def _generated(self, pictures: Tensor, words: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Reconstruction losses, and generated pictures for the critic with their labels."""
        count, latent = len(pictures), latent_of(self.generator)
        if self.encoder is None:
            return {}, self.generator(torch.randn(count, latent), words), words
        mean, spread = self.encoder(pictures, words)
        latents = torch.cat(
            [mean + torch.randn_like(mean) * (0.5 * spread).exp(), torch.randn(count, latent - LATENT)], 1
        )
        losses = {"spread": 0.5 * self.plan.spread * (mean**2 + spread.exp() - 1 - spread).sum(1).mean()}
        if not self.is_judged:
            losses["likeness"] = self.plan.likeness * reconstruction_loss(self.generator(latents, words), pictures)
            return losses, pictures, words
        # Half of what the critic sees was made again, half is new, of words in another order.
        half = count // 2
        asked = torch.cat([words, words.roll(1, 0)[:half]])
        made = self.generator(torch.cat([latents, torch.randn(half, latent)]), asked)
        plain = self.is_plain(words)
        if plain.any():
            weight = self.plan.likeness * self.plan.kept
            losses["likeness"] = weight * reconstruction_loss(made[:count][plain], pictures[plain])
        return losses, made[half:], asked[half:]

    def _augmented(self, pictures: Tensor) -> Tensor:
        return self.augment(pictures) if self.plan.is_adaptive else pictures

    def _critic_step(self, pictures: Tensor, words: Tensor, made: Tensor, asked: Tensor) -> Tensor:
        """One step of the critic."""
        on_real = self.critic(self._augmented(pictures), words)
        on_made = self.critic(self._augmented(made), asked)
        loss: Tensor = F.softplus(-on_real[:, 0]).mean() + F.softplus(on_made[:, 0]).mean()
        total = torch.stack([loss, *self._class_loss(on_real, words).values()]).sum()
        if self.plan.slope and self.step % SLOPE_EVERY == 0:
            total = total + 0.5 * self.plan.slope * SLOPE_EVERY * self._gradient_penalty(pictures, words)
        self._judge.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self._judge.step()
        if self.plan.is_adaptive:
            self.augment.adjust(on_real[:, 0])
        return loss

    def _class_loss(self, said: Tensor, words: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the predicted class, where the critic predicts classes and one was given."""
        kinds = said[:, 1:]
        if not kinds.shape[1]:
            return {}
        return {"told": self.plan.told * F.cross_entropy(kinds, words[:, 0], ignore_index=kinds.shape[1])}

    def _gradient_penalty(self, pictures: Tensor, words: Tensor) -> Tensor:
        """Mean squared length of the critic's gradient at real pictures."""
        given = self._augmented(pictures).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic(given, words)[:, 0].sum(), given, create_graph=True)
        return gradient.square().sum((1, 2, 3)).mean()

    def parts(self) -> Mapping[str, Part]:
        """What learns, by its name in a checkpoint."""
        return {
            "makers": self._makers,
            "critic": self.critic,
            "average": self.average.network,
            "maker": self._maker,
            "judge": self._judge,
            "augmented": self.augment,
        }


def train_gan(
    gan: GanTraining, pictures: Pictures, *, out: Path, minutes: float, begin: float = 0.0, rate: float, batch: int,
    seed: int, resume: bool,
) -> None:  # fmt: skip
    """Let a contest run until the minutes are over, those of the run that is gone on with included.

    Args:
        begin: minutes in which there is no critic, and only plain pictures are shown, to be made again.

    Raises:
        NotFoundError: there is nothing to go on with.
    """
    if resume:
        gan.load(out / CHECKPOINT)
    plain = pictures.of(np.flatnonzero(gan.is_plain(torch.from_numpy(pictures.words)).numpy()))
    for is_judged, shown, until in ((False, plain, begin), (True, pictures, minutes)):
        if gan.seconds < 60 * until:
            gan.is_judged = is_judged
            batches = sampled_batches(partial(shown.draw, batch), seed=seed + gan.step)
            train(gan, batches, out=out, minutes=until, rate=rate)


def latent_of(generator: nn.Module) -> int:
    """Numbers of a latent that a generator takes."""
    latent = generator.latent
    assert isinstance(latent, int)
    return latent


def reconstruction_loss(made: Tensor, given: Tensor) -> Tensor:
    """Mean absolute difference at several sizes, and of the steps between neighbors, which are the edges."""
    total = torch.zeros(())
    for level in range(LEVELS):
        if level:
            made, given = F.avg_pool2d(made, 2), F.avg_pool2d(given, 2)
        difference = made - given
        total = total + difference.abs().mean()
        for axis in (2, 3):
            total = total + 0.5 * difference.diff(dim=axis).abs().mean()
    return total / LEVELS


class ExportedGenerator(nn.Module):
    """Latents (N, L) from a normal distribution and words (N, L) -> pictures (N, S, S, C) uint8.

    Args:
        middles: (K, LATENT); roots: (K, LATENT, LATENT); of each kind, where its latents lie: samples from there are
            likelier pictures than from where the training pushed them to lie (Ghosh et al. 2020).
    """

    def __init__(
        self, generator: nn.Module, middles: FloatArray | None = None, roots: FloatArray | None = None
    ) -> None:
        super().__init__()
        self.generator, self.latent = generator, latent_of(generator)
        self.middles = None if middles is None else nn.Parameter(torch.from_numpy(middles), requires_grad=False)
        self.roots = None if roots is None else nn.Parameter(torch.from_numpy(roots), requires_grad=False)

    def forward(self, latents: Tensor, words: Tensor) -> Tensor:
        if self.middles is not None and self.roots is not None:
            kinds, form = words[:, 0], latents[:, :LATENT]
            form = self.middles[kinds] + (self.roots[kinds] @ form[:, :, None])[:, :, 0]
            latents = torch.cat([form, latents[:, LATENT:]], 1)
        pictures: Tensor = self.generator(latents, words).clamp(-1, 1)
        return ((pictures + 1) * 127.5).round().permute(0, 2, 3, 1).to(torch.uint8)


@torch.no_grad()
def latents_of(encoder: nn.Module, pictures: Pictures, *, kinds: int) -> tuple[FloatArray, FloatArray]:
    """Where the latents of each kind lie: middles (K, LATENT), and roots of their covariances."""
    found, words = [], torch.from_numpy(pictures.words)
    for start in range(0, len(pictures.words), 256):
        mean, spread = encoder(pictures.tensor(slice(start, start + 256)), words[start : start + 256])
        found.append((mean + torch.randn_like(mean) * (0.5 * spread).exp()).numpy())
    latents = np.concatenate(found).astype(np.float64)
    middles, roots = np.zeros((kinds, LATENT)), np.tile(np.eye(LATENT), (kinds, 1, 1))
    for kind in range(kinds):
        rows = latents[pictures.words[:, 0] == kind]
        if len(rows) > LATENT:
            values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
            middles[kind], roots[kind] = rows.mean(0), (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return middles.astype(np.float32), roots.astype(np.float32)


@torch.no_grad()
def sample(shipped: ExportedGenerator, words: IntArray, *, seed: int, truncation: float = 1.0) -> ImageArray:
    """(N, L) words -> (N, S, S, C) uint8."""
    shipped.eval()
    latents = torch.from_numpy(np.random.default_rng(seed).standard_normal((len(words), shipped.latent), np.float32))
    asked = torch.from_numpy(words)
    parts = [slice(start, start + 128) for start in range(0, len(words), 128)]
    made = [shipped(truncation * latents[rows], asked[rows]) for rows in parts]
    return np.asarray(torch.cat(made).numpy(), np.uint8)


def export(
    shipped: ExportedGenerator,
    folder: Path,
    *,
    name: str,
    words: Words,
    scores: tuple[Score, ...],
    training: dict[str, str],
) -> Path:
    """Write `network.onnx` and `card.toml`; the words are the card's classes, each as "list:word".

    Returns:
        The card's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights, shape = folder / "network.onnx", shipped.generator.shape
    assert isinstance(shape, Shape)
    lists = len(shape.counts)
    export_onnx(
        shipped, (torch.zeros(2, shipped.latent), torch.zeros(2, lists, dtype=torch.int64)), weights,
        inputs=["latents", "words"], outputs=["pictures"],
        axes={one: {0: "n"} for one in ("latents", "words", "pictures")},
    )  # fmt: skip
    side = shape.side
    preprocess = Preprocess(size=(side, side), std=(0.5, 0.5, 0.5))
    parameters = sum(p.numel() for p in shipped.parameters())
    return write_card(
        Card(
            name, "generate", weights, sha256(weights), preprocess, shipped.latent, LICENSE, parameters, OPSET,
            "float32", training, scores, classes=words.classes,
        )
    )  # fmt: skip
