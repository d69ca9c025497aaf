"""Fine-tune the encoder on a user's own labelled photos, on a CPU in minutes.

The network comes from the card's ONNX file (`pretrained.py`), so that the wheel and the extra `train` are all it takes.
`tuning.py` is how it learns.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catalens.errors import CatalensError, MissingExtraError, ModelError, StorageError, UsageError
from catalens.evaluation.intervals import bootstrap_mean
from catalens.images.prepare import Preprocess
from catalens.images.read import read_image
from catalens.learning.augment import Policy
from catalens.learning.labelled import LabelledPhotos
from catalens.learning.policies import policy as find_policy
from catalens.models.card import FILE, Card
from catalens.models.zoo import resolve
from catalens.types import ImageArray, Progress

if TYPE_CHECKING:
    from catalens.learning.tuning import Plan, Tuning

MOST_EPOCHS = 40
"""Passes over the photos where `epochs` is not given and the time would allow more."""
MARGIN = 1.15
"""Photos are kept this much larger than the network sees, for turns and crops to have something to take from."""
CHECKPOINT, SQUARES, WEIGHTS = "checkpoint.pt", "squares.npy", "encoder.onnx"
SCORE = "accuracy on the photos that chose the epoch"
BESIDE = ".new-"
"""Beginning of the names of what is written beside and then moved."""


def finetune(
    photos: LabelledPhotos,
    *,
    out: Path,
    encoder: str | None = None,
    minutes: float = 5.0,
    epochs: int | None = None,
    seed: int = 0,
    policy: str = "phone",
    rate: float = 2e-3,
    stages: int | None = None,
    mix: float = 0.2,
    progress: Progress | None = None,
) -> Path:
    """Fine-tune an encoder and write it to `out` as a card of its own (float32; it knows no words any more).

    What was begun in `out` with the same photos and settings goes on from its checkpoint. Photos that cannot be read
    are left out and counted in the card.

    Args:
        minutes: time at most, that of earlier runs included; the learning rate falls to nothing by then.
        epochs: passes over the photos at most.
        policy: of augmentation (`learning.policies`).
        rate: peak learning rate of the last layers.
        stages: how many of the network's stages learn, counted from the last; None for all.
        mix: share (0..1) of the batches whose pictures are mixed with one another.

    Returns:
        `out`, which `catalens.encoder(str(out))` loads.

    Raises:
        UsageError: fewer than two labels, no readable photo, or a number out of range.
        ModelError: the encoder is of another kind than the bundled one.
        MissingExtraError: torch or onnx is not installed.
        StorageError: `out` holds something else or cannot be written.
    """
    wanted = find_policy(policy)
    _check(minutes=minutes, epochs=epochs, rate=rate, stages=stages, mix=mix)
    try:
        from catalens.learning.tuning import Plan, tune
    except ImportError as error:
        raise MissingExtraError.of(error.name or "torch", extra="train") from None
    card = _tunable(encoder)
    plan = Plan(minutes=minutes, epochs=epochs or MOST_EPOCHS, seed=seed, rate=rate, stages=stages, mix=mix)
    _claim(out)
    used, squares = _squares(photos, card, out / SQUARES, progress=progress)
    job = _identity(used, card, wanted, plan)
    tuning = tune(
        card, used, squares, plan=plan, policy=wanted, checkpoint=out / CHECKPOINT, job=job, progress=progress
    )
    _export(tuning, card, out, told=_training_details(used, len(photos) - len(used), tuning, card, wanted, plan))
    for left_over in (CHECKPOINT, SQUARES):
        (out / left_over).unlink(missing_ok=True)
    return out


def _check(*, minutes: float, epochs: int | None, rate: float, stages: int | None, mix: float) -> None:
    whole = all(number is None or number >= 1 for number in (epochs, stages))
    if not (minutes > 0 and rate > 0 and 0 <= mix <= 1 and whole):
        raise UsageError(
            f"got minutes {minutes:g}, epochs {epochs}, rate {rate:g}, stages {stages}, mix {mix:g}",
            cure="give a time and a rate above 0, at least one epoch and stage, and a share in 0..1 to mix",
        )


def _tunable(encoder: str | None) -> Card:
    """The card, if what it describes can be exported again as `learning.networks.export` does it."""
    from catalens.learning.networks.export import PREPROCESS

    card = resolve(encoder, task="embed", forms=("card",)).own_card()
    if card.preprocess != PREPROCESS:
        raise ModelError(
            f"{card.name} takes {card.preprocess.size} pixels, and {PREPROCESS.size} is what can be tuned",
            cure="tune the bundled encoder; others serve with a head on their vectors",
        )
    return card


def _claim(out: Path) -> None:
    """Make the folder, or take one that has nothing in it but what this writes."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in out.iterdir() if not path.name.startswith(BESIDE)}
        others = names - {CHECKPOINT, SQUARES, WEIGHTS, FILE}
    except OSError as error:
        raise StorageError(
            f"{out} cannot be used: {error.strerror}", cure="give a folder that can be written"
        ) from None
    if others:
        raise StorageError(f"{out} holds {sorted(others)[0]}", cure="give a new or empty folder")


def _squares(
    photos: LabelledPhotos, card: Card, path: Path, *, progress: Progress | None
) -> tuple[LabelledPhotos, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """The photos that can be read; and all of them as (N, S, S, 3) in a file that is mapped, not held in memory."""
    side = round(card.preprocess.size[0] * MARGIN)
    square = Preprocess(size=(side, side), fit="letterbox", pad=card.preprocess.pad)
    kept: list[int] = []
    try:
        mapped = np.lib.format.open_memmap(path, "w+", np.uint8, (max(1, len(photos)), side, side, 3))
        for row, photo in enumerate(photos.paths):
            image = _read(photo, side)
            if image is not None:
                mapped[len(kept)] = square.place(image)[0]
                kept.append(row)
            if progress is not None:
                progress(row + 1, len(photos), "reading photos")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}", cure="free some space") from None
    used = photos.of(kept)
    if len(used.classes) < 2:
        path.unlink(missing_ok=True)
        raise UsageError(
            f"{len(used)} of {len(photos)} photos can be read, with {len(used.classes)} labels",
            cure="give photos of at least two labels",
        )
    return used, mapped[: len(kept)]


def _read(photo: Path, side: int) -> ImageArray | None:
    """The picture; None where it cannot be read: the caller counts it, and whoever embeds the photos names it."""
    try:
        return read_image(photo, target=side)
    except CatalensError:
        return None


def _identity(photos: LabelledPhotos, card: Card, policy: Policy, plan: Plan) -> str:
    """Names a job: a checkpoint of another one is not gone on with. The time is left out, for it may be prolonged."""
    rows = [[str(path), *labels] for path, labels in zip(photos.paths, photos.labels, strict=True)]
    said = [card.identity, policy.describe(), {**asdict(plan), "minutes": 0}, rows]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _training_details(
    photos: LabelledPhotos, unread: int, tuning: Tuning, card: Card, policy: Policy, plan: Plan
) -> dict[str, str]:
    """What the card says of the training."""
    counts = ", ".join(f"{name} {count}" for name, count in photos.counts().items())
    unread_words = f"; {unread} could not be read" if unread else ""
    stages = "all" if plan.stages is None else f"the last {plan.stages}"
    found = {
        "data": f"{len(photos)} photos of the user ({counts}){unread_words}; before: {card.training.get('data', '')}",
        "start": f"{card.identity}, fine-tuned; before: {card.training.get('start', '')}",
        "settings": f"policy {policy.name}, rate {plan.rate:g}, stages {stages}, mixed {plan.mix:g}",
        "seed": str(plan.seed),
        "cost": f"{tuning.seconds / 60:.1f} minutes, {len(tuning.history) - 1} epochs",
    }
    if tuning.held_out:
        before, after = tuning.history[0].accuracy, tuning.best
        found["chosen"] = (
            f"epoch {after.epoch}, by {tuning.held_out} photos held out: accuracy {before:.3f} before, "
            f"{after.accuracy:.3f} after"
        )
    return found


def _score(tuning: Tuning) -> str:
    """The card's accuracy, a little inflated: the epoch was chosen on the same photos."""
    if not tuning.held_out:
        return ""
    right = round(tuning.best.accuracy * tuning.held_out)
    one = bootstrap_mean(np.arange(tuning.held_out) < right)
    lines = [f'name = "{SCORE}"', f"value = {one.value:.4f}", f"n = {one.n}"]
    return "\n".join(["", "[[scores]]", *lines, f"interval = [{one.low:.4f}, {one.high:.4f}]", ""])


def _export(tuning: Tuning, card: Card, out: Path, *, told: Mapping[str, str]) -> None:
    """Write beside, then move: the card last, so that a folder with a card is whole."""
    from catalens.learning.networks.export import export_encoder

    with tempfile.TemporaryDirectory(prefix=BESIDE, dir=out) as folder:
        written = export_encoder(tuning.network, Path(folder), training=told, name=f"{card.name}-tuned")
        written.write_text(written.read_text("utf-8") + _score(tuning), "utf-8")
        (out / FILE).unlink(missing_ok=True)
        written.with_name(WEIGHTS).replace(out / WEIGHTS)
        written.replace(out / FILE)
