"""The recipe of the outfit network: what it draws, that it learns from a table, and that what it wrote is used."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from catalens.learning.outfits.fit import export, losses_of

pytest.importorskip("torch", reason="torch is in the train extra")

import torch

import catalens
from catalens.errors import NotFoundError, UsageError
from catalens.evaluation.outfits import Wardrobe
from catalens.learning.outfits.fit import calibrated_pairs
from catalens.learning.outfits.network import OutfitNetwork, Together
from catalens.learning.outfits.pairs import PADDING, learned_pairs
from catalens.learning.outfits.sampler import BATCH, OutfitSampler
from catalens.learning.outfits.train import train_outfit
from catalens.models.parts import CLASSES
from catalens.tasks.outfit import KINDS, Piece, outfit_model
from recipes.worn import garments_of, jittered, statistics_of


@pytest.fixture
def wardrobe() -> Wardrobe:
    """Ten outfits of a top and shoes, and a bag in each second: garment i has only its own number set."""
    kinds: list[int] = []
    outfits = []
    for number in range(10):
        mine = [0, 5, 6] if number % 2 else [0, 5]
        outfits.append(np.arange(len(kinds), len(kinds) + len(mine)))
        kinds += mine
    table = np.eye(len(kinds), dtype=np.float32)
    return Wardrobe(
        np.array(kinds), np.stack([table, table], 1), np.full((len(kinds), 2, 448), 448**-0.5, np.float32), outfits
    )


def test_what_is_drawn(wardrobe: Wardrobe) -> None:
    batch = OutfitSampler(wardrobe).draw(np.random.default_rng(0))
    whole = {tuple(sorted(rows.tolist())) for rows in wardrobe.outfits}
    assert batch.truth.tolist() == [1] * (BATCH // 2) + [0] * (BATCH // 2)
    for vectors, kinds, truth in zip(batch.vectors, batch.kinds, batch.truth, strict=True):
        there = kinds < PADDING
        rows = vectors[there].argmax(1)
        assert (wardrobe.kinds[rows] == kinds[there]).all()
        assert not vectors[~there].any()
        assert any(set(rows.tolist()) <= set(one) for one in whole) == bool(truth)
    each = np.arange(BATCH // 2)
    wanted = batch.candidates[:, 0].argmax(1)
    assert (batch.asked[2][each, batch.places] == len(KINDS) + wardrobe.kinds[wanted]).all()
    assert not batch.asked[0][each, batch.places].any()
    others = batch.candidates[:, 1:].argmax(2)
    assert (wardrobe.kinds[others] == wardrobe.kinds[wanted][:, None]).all()
    assert (others != wanted[:, None]).all()


@pytest.fixture
def tied() -> Wardrobe:
    """Of each of 120 outfits the two garments have the same number (-1..1) in the first place, and chance in others."""
    rng = np.random.default_rng(0)
    style = np.repeat(rng.uniform(-1, 1, 120), 2)
    vectors = rng.normal(size=(240, 2, 6)).astype(np.float32)
    vectors[..., 0] = style[:, None]
    outfits = [np.array([2 * number, 2 * number + 1]) for number in range(120)]
    return Wardrobe(np.tile([0, 5], 120), vectors, np.zeros((240, 2, 3), np.float32), outfits)


def test_pairs_learn_what_outfits_share(tied: Wardrobe) -> None:
    pairs = calibrated_pairs(tied, seed=0)

    def said(*styles: float) -> tuple[float, np.ndarray]:
        vectors = torch.zeros(1, len(styles), 6)
        vectors[0, :, 0] = torch.tensor(styles)
        logits, asked = pairs(vectors, torch.zeros(1, len(styles), 3), torch.tensor([[0, 5, 0][: len(styles)]]))
        return float(logits), asked[0].numpy()

    alike, opposed = said(0.9, 0.9)[0], said(0.9, -0.9)[0]
    assert alike > 0.5 > -0.5 > opposed
    assert said(-0.9, -0.9)[0] == pytest.approx(alike, abs=0.5)
    assert said(0.9, -0.9)[0] == pytest.approx(said(-0.9, 0.9)[0], abs=0.5)
    direction = said(0.9)[1]
    assert direction.argmax() == abs(direction).argmax() == 0
    assert said(-0.9)[1].argmin() == 0


def test_pairs_learn_nothing_from_chance(tied: Wardrobe) -> None:
    rng = np.random.default_rng(1)
    mixed = Wardrobe(tied.kinds, rng.permutation(tied.vectors), tied.colors, tied.outfits)
    assert float(calibrated_pairs(mixed, seed=0).gain) < 0.3 * float(calibrated_pairs(tied, seed=0).gain)


def test_what_is_shipped_says_what_was_learned(tied: Wardrobe, tmp_path: Path) -> None:
    torch.manual_seed(0)
    colors = np.full((240, 2, 448), 448**-0.5, np.float32)
    both = Together([OutfitNetwork(6)], learned_pairs(Wardrobe(tied.kinds, tied.vectors, colors, tied.outfits))).eval()
    export(both, tmp_path, dim=6, name="tied", scores={}, training={"encoder": "none"})
    model = outfit_model(str(tmp_path))
    outfits = [tied.outfits[0], np.array([0, 3, 7])]
    pieces = [[Piece(KINDS[tied.kinds[row]], tied.vectors[row, 0], colors[row, 0]) for row in rows] for rows in outfits]
    for rows, mine in zip(outfits, pieces, strict=True):  # alone and beside a longer one: padding says nothing
        with torch.no_grad():
            logits, _ = both(*(torch.from_numpy(one[None]) for one in (
                tied.vectors[rows, 0], colors[rows, 0], tied.kinds[rows]
            )))  # fmt: skip
        assert model.scores([mine])[0] == pytest.approx(float(torch.sigmoid(logits)), abs=1e-5)
    assert model.scores(pieces) == pytest.approx([float(model.scores([one])[0]) for one in pieces], abs=1e-5)
    assert np.linalg.norm(model.wanted(pieces[0], ["bag"]), axis=1) == pytest.approx(1)


def test_losses_are_those_of_chance_at_first(wardrobe: Wardrobe) -> None:
    torch.manual_seed(0)
    losses = losses_of(OutfitNetwork(wardrobe.vectors.shape[2]), OutfitSampler(wardrobe).draw(np.random.default_rng(0)))
    assert float(losses["together"].detach()) == pytest.approx(np.log(2), abs=0.3)
    assert all(torch.isfinite(one) for one in losses.values())


def test_cuts_show_the_garment_alone_and_get_a_light_of_their_own() -> None:
    image = np.full((120, 80, 3), 90, np.uint8)
    labels = np.zeros((120, 80), np.uint8)
    assert garments_of(image, labels) == []
    labels[20:70, 20:60] = CLASSES.index("top")
    ((kind, cut),) = garments_of(image, labels)
    assert KINDS[kind] == "top"
    assert (cut[0] == 255).all()
    assert (cut == 90).any()
    rng = np.random.default_rng(0)
    first, second = jittered(cut, rng), jittered(cut, rng)
    assert first.shape[2] == 3
    assert not np.array_equal(statistics_of(first), statistics_of(second))


def test_own_outfits(tmp_path: Path) -> None:
    rows = ["outfit,image,kind"]
    rng = np.random.default_rng(0)
    for outfit in range(30):
        for kind in ("top", "shoes"):
            image = np.full((32, 32, 3), 255, np.uint8)
            image[4:28, 4:28] = rng.integers(0, 255, 3)
            cv2.imwrite(str(tmp_path / f"{outfit}-{kind}.png"), image)
            rows.append(f"{outfit},{outfit}-{kind}.png,{kind}")
    table = tmp_path / "outfits.csv"
    table.write_text("\n".join(rows))
    found = train_outfit(table, out=tmp_path / "mine", minutes=0.005)
    assert found.outfits == 24
    assert found.figures["AUC"].n == 6
    model = outfit_model(str(tmp_path / "mine"))
    assert model.encoder_name == catalens.encoder().name
    table.write_text("\n".join(rows[:30]))
    with pytest.raises(UsageError, match="at least 20"):
        train_outfit(table, out=tmp_path / "few", minutes=0.005)
    with pytest.raises(UsageError, match="minutes"):
        train_outfit(table, out=tmp_path / "none", minutes=0)
    with pytest.raises(NotFoundError):
        train_outfit(tmp_path / "nothing", out=tmp_path / "none")
