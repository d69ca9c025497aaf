"""Metric table of try-on methods, with the protocol that makes tables comparable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catalens.errors import CatalensError, UsageError
from catalens.evaluation.generation import KID_SCALE, GenerationScores, generation_scores
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.evaluation.ssim import ssim
from catalens.evaluation.tryon_data import Pair
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.tasks.embed import Encoder
from catalens.types import Failure, FloatArray, ImageArray, Progress, Where, Worn

Wear = Callable[[ImageArray, ImageArray, str], Worn]
"""Person, garment, kind -> worn."""
FEWEST = 5
"""Fewest pictures for FID and KID."""


@dataclass(frozen=True)
class Protocol:
    """What two tables must have in common to be compared.

    Args:
        setting: paired or unpaired.
        resolution: (height, width) that pictures are read at, drawn at and compared at.
        features: of the perceptual distance, FID and KID: the encoder's name.
        feature_size: (height, width) to which its card scales a picture.
        repaint: whether pixels outside the region are the photo's own.
    """

    setting: str
    resolution: tuple[int, int]
    features: str
    feature_size: tuple[int, int]
    repaint: bool

    def to_dict(self) -> dict[str, object]:
        return {
            "setting": self.setting,
            "resolution": "x".join(map(str, self.resolution)),
            "repaint": "yes" if self.repaint else "no",
            "features": self.features,
            "FID resize": f"{'x'.join(map(str, self.feature_size))}, area average, as the encoder's card says",
            "KID scale": KID_SCALE,
        }


@dataclass(frozen=True)
class TryOnTable:
    """Metrics. SSIM and perceptual distance need ground truth; FID and KID at least five pictures."""

    protocol: Protocol
    ssim: Estimate | None
    perceptual: Estimate | None
    generation: GenerationScores | None
    failed: tuple[Failure, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "protocol": self.protocol.to_dict(),
            "SSIM": self.ssim and self.ssim.to_dict(),
            "perceptual distance": self.perceptual and self.perceptual.to_dict(),
            "distributions": self.generation and self.generation.to_dict(),
            "failed": [one.to_dict() for one in self.failed],
        }

    def lines(self) -> list[str]:
        """Printable lines: settings, metrics, caveats."""
        found = [f"{name:<20} {value}" for name, value in self.protocol.to_dict().items()]
        found.append("")
        if self.ssim is not None and self.perceptual is not None:
            found += [f"{'SSIM':<20} {self.ssim}", f"{'perceptual distance':<20} {self.perceptual}"]
        if self.generation is not None:
            kid = self.generation.kid
            found.append(f"{'FID':<20} {self.generation.fid:.3f} n={self.generation.made}")
            found.append(f"{f'KID x {KID_SCALE}':<20} {kid.value:.3f} [{kid.low:.3f}, {kid.high:.3f}]")
            found += [f"note: {self.generation.warning}"] * (self.generation.warning is not None)
        else:
            found.append(f"note: FID and KID need at least {FEWEST} pictures")
        return found


def tryon_table(
    pairs: Sequence[Pair],
    wear: Wear,
    *,
    encoder: Encoder,
    setting: str,
    resolution: tuple[int, int] = (512, 384),
    seed: int = 0,
    progress: Progress | None = None,
) -> TryOnTable:
    """Run try-on on every pair and compute the metrics.

    A photo that cannot be read, or that try-on refuses, is named and left out of all figures.

    Raises:
        UsageError: no pairs, or a resolution below 32.
    """
    if not pairs:
        raise UsageError("no pairs to measure on", cure="check the folder, the layout and the split")
    if min(resolution) < 32:
        raise UsageError(f"resolution is {resolution[0]}x{resolution[1]}", cure="give at least 32x32, as in 512x384")
    rows: dict[str, list[FloatArray]] = {"made": [], "real": []}
    alike: list[float] = []
    apart: list[float] = []
    failed: list[Failure] = []
    repaint = True
    for done, pair in enumerate(pairs, start=1):
        try:
            person, truth = _at(pair.person, resolution), _at(pair.truth or pair.person, resolution)
            worn = wear(person, read_image(pair.garment), pair.kind)
        except CatalensError as error:
            failed.append(Failure(Where(str(pair.person)), pair.garment.name, error.what, error.cure))
            continue
        repaint &= bool((worn.image[~worn.region] == person[~worn.region]).all())
        made, real = encoder.encode_images([worn.image, truth])
        rows["made"].append(made)
        rows["real"].append(real)
        if pair.truth is not None:
            alike.append(float(ssim(worn.image, truth).mean()))
            apart.append(float(1 - made @ real))
        if progress is not None:
            progress(done, len(pairs), "dressing")
    protocol = Protocol(setting, resolution, encoder.name, encoder.size, repaint)
    table = TryOnTable(protocol, None, None, None, tuple(failed))
    if alike:
        table = replace(table, ssim=bootstrap_mean(alike, seed=seed), perceptual=bootstrap_mean(apart, seed=seed))
    if len(rows["made"]) >= FEWEST:
        real_rows, made_rows = np.stack(rows["real"]), np.stack(rows["made"])
        table = replace(table, generation=generation_scores(real_rows, made_rows, features=encoder.name, seed=seed))
    return table


def _at(path: Path, resolution: tuple[int, int]) -> ImageArray:
    return resize(read_image(path), resolution)
