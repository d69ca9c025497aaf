"""How generators learn: a contest of small networks, its pictures, and one on photos of one's own."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import NotFoundError, UsageError
from catalens.images.draw import save_image
from catalens.tasks.generate import generator
from catalens.types import ImageArray
from recipes.dcgan import DCGAN, DcganCritic, DcganGenerator

pytest.importorskip("torch", reason="torch is in the train extra")

import torch

from catalens.learning.generator import train as generator_own
from catalens.learning.generator.augment import MOST, Augmentation
from catalens.learning.generator.gan import (
    ExportedGenerator,
    GanTraining,
    Plan,
    latents_of,
    reconstruction_loss,
    sample,
    train_gan,
)
from catalens.learning.generator.network import (
    Critic,
    Encoder,
    Shape,
    StyleGenerator,
)
from catalens.learning.generator.pictures import Pictures, on_white
from catalens.learning.networks import loop
from catalens.learning.networks.loop import CHECKPOINT
from recipes import generator_fashion
from recipes.generator_clothes import beside_nearest
from recipes.generator_pictures import RENDERED, color_of, rendered_pictures, rendered_spec, words_of
from recipes.generator_weave import Woven
from recipes.synthetic import COLORS

RUNNER = CliRunner()
SMALL = Shape((2, 2, 2), 4, (8, 8))


def squares(count: int, *, side: int = 32) -> Pictures:
    """Squares on white: dresses are tall, coats wide; red or blue."""
    images = np.full((count, side, side, 3), 255, np.uint8)
    words = np.array([(row % 2, row // 2 % 2, 0) for row in range(count)], np.int64)
    for image, (kind, color, _) in zip(images, words, strict=True):
        area = (slice(4, -4), slice(12, -12)) if kind == 0 else (slice(12, -12), slice(4, -4))
        image[area] = (200, 20, 20) if color == 0 else (20, 20, 200)
    return Pictures(images, words)


@torch.no_grad()
def distance(made: torch.nn.Module, pictures: Pictures) -> float:
    words = torch.from_numpy(pictures.words)
    return float(reconstruction_loss(made(torch.zeros(len(words), 64), words), pictures.tensor(slice(None))))


def test_a_contest_learns_stops_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count(step=0.02)  # seconds by the number of questions, so that a busy machine makes as many steps
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    torch.manual_seed(0)
    pictures, network = squares(16), Encoder(SMALL)
    made = StyleGenerator(SMALL)
    made.begin_with(pictures.tints(2), 1.0)
    plan = Plan(betas=(0.5, 0.99), kept=0.5, told=0.5)
    contest = GanTraining(made, Critic(SMALL, tells_kinds=True), plan, encoder=network)
    before = distance(made, pictures)
    train_gan(contest, pictures, out=tmp_path, minutes=0.02, begin=0.01, rate=2e-3, batch=8, seed=0, resume=False)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {"likeness", "spread", "critic", "fooled"} <= set(log[-1])
    assert distance(made, pictures) < before
    again = GanTraining(StyleGenerator(SMALL), Critic(SMALL, tells_kinds=True), Plan(), encoder=Encoder(SMALL))
    again.load(tmp_path / CHECKPOINT)
    assert (again.step, again.seconds) == (contest.step, contest.seconds)
    middles, roots = latents_of(network, squares(200), kinds=2)
    assert (middles.shape, roots.shape) == ((2, 64), (2, 64, 64))
    shown = sample(ExportedGenerator(contest.average.network, middles, roots), pictures.words, seed=1)
    assert shown.shape == (16, 32, 32, 3)
    assert shown.dtype == np.uint8
    with pytest.raises(NotFoundError):
        again.load(tmp_path / "nothing.pt")


def test_dcgan_takes_a_step() -> None:
    torch.manual_seed(0)
    contest = GanTraining(DcganGenerator((10,), width=4), DcganCritic((10,), width=4), DCGAN)
    batch = torch.rand(8, 1, 28, 28) * 2 - 1, torch.arange(8)[:, None]
    assert set(contest.learn(batch, rate=2e-4)) == {"critic", "fooled", "augmented"}
    made = contest.generator(torch.randn(3, 64), torch.tensor([[0], [1], [9]]))
    assert made.shape == (3, 1, 28, 28)
    assert float(made.detach().abs().max()) <= 1


@pytest.mark.parametrize(("shape", "side"), [(SMALL, 32), (generator_fashion.SHAPE, 28)])
def test_sides_of_networks(shape: Shape, side: int) -> None:
    words = torch.zeros(4, len(shape.counts), dtype=torch.long)
    made = StyleGenerator(shape)(torch.randn(4, 64), words)
    assert shape.side == side
    assert made.shape == (4, shape.channels, side, side)
    assert Critic(shape)(made, words).shape == (4, 1)
    assert Critic(shape, tells_kinds=True)(made, words).shape == (4, 1 + shape.counts[0])
    mean, spread = Encoder(shape)(made, words)
    assert mean.shape == spread.shape == (4, 64)


class LikesLight(torch.nn.Module):
    """A critic that takes light pictures for real, and all for the kind that was asked for."""

    def forward(self, pictures: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        kinds = torch.nn.functional.one_hot(words[:, 0], 10) * 20.0
        return torch.cat([1000 * pictures.mean((1, 2, 3))[:, None], kinds], 1)


def test_the_critic_picks_what_it_takes_for_real() -> None:
    contest = generator_fashion.contest_of("style", seed=0)
    contest.critic = LikesLight()
    shipped, words = ExportedGenerator(contest.generator), np.arange(5)[:, None]
    drawn = [sample(shipped, words, seed=4 + turn) for turn in range(generator_fashion.OF)]
    lightest = np.stack(drawn).mean((2, 3, 4)).argmax(0)
    picked = generator_fashion.picked(contest, shipped, words, seed=4)
    assert picked.shape == (5, 28, 28, 1)
    for row, turn in enumerate(lightest.tolist()):
        assert (picked[row] == drawn[turn][row]).all()


@torch.no_grad()
def test_sharpening_steepens_outlines() -> None:
    torch.manual_seed(0)
    made, words = StyleGenerator(SMALL), torch.zeros(2, 3, dtype=torch.long)
    before = made(torch.ones(2, 64), words)
    made.sharpen(amount=0.0, blur=1.0)
    assert torch.allclose(made(torch.ones(2, 64), words), before)
    made.sharpen(amount=2.0, blur=1.0)
    after = made(torch.ones(2, 64), words)
    assert after.diff(dim=2).abs().mean() > before.diff(dim=2).abs().mean()


def test_woven_patterns_leave_plain_products_alone() -> None:
    torch.manual_seed(0)
    shape = Shape(RENDERED.counts, 4, (8, 8))
    woven = Woven(StyleGenerator(shape), colors=RENDERED.colors, patterns=RENDERED.patterns)
    latents = torch.randn(6, woven.latent)
    words = torch.tensor([[4, 0, pattern] for pattern in range(6)])
    made = woven(latents[:1].expand(6, -1), words)
    assert made.shape == (6, 3, 32, 32)
    assert woven.is_plain(words).tolist() == [True, False, False, False, False, True]
    plain = woven.generator(latents[:1, :64], words[:1])
    assert torch.allclose(made[:1], plain, atol=1e-5)
    assert not torch.allclose(made[1], made[0], atol=1e-3)


def test_augmentation_follows_the_critic() -> None:
    augment, pictures = Augmentation(), torch.rand(4, 3, 16, 16)
    assert augment(pictures) is pictures
    for _ in range(8):
        augment.adjust(torch.ones(5000))
    assert augment.share == MOST
    assert augment(pictures).shape == pictures.shape
    assert not torch.equal(augment(pictures), pictures)
    for _ in range(8):
        augment.adjust(-torch.ones(5000))
    assert augment.share == 0


def test_unlikeness_by_hand() -> None:
    white, grey = torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    assert float(reconstruction_loss(white, white)) == 0
    assert float(reconstruction_loss(white, grey)) == pytest.approx(1)  # an even difference has no edges


def test_rendered_pictures_are_kept(tmp_path: Path) -> None:
    first, words = rendered_pictures(2, seed=3, cache=tmp_path)
    again, _ = rendered_pictures(2, seed=3, cache=tmp_path)
    assert np.array_equal(first, again)
    assert words.tolist() == words_of([rendered_spec(0, seed=3), rendered_spec(1, seed=3)]).tolist()
    assert (words < RENDERED.counts).all()
    empty, none = rendered_pictures(0, seed=3, cache=tmp_path)
    assert (len(empty), none.shape) == (0, (0, 3))


def test_a_photo_on_white_and_its_color() -> None:
    photo = np.full((90, 120, 3), 255, np.uint8)
    photo[20:70, 30:80] = (36, 86, 180)
    found = on_white(photo)
    assert found is not None
    picture, cover = found
    assert picture.shape == (128, 128, 3)
    assert (picture[0] == 255).all()
    assert COLORS[color_of(picture, cover)] == "blue"


def test_nearest_pictures_are_shown_below() -> None:
    learned = squares(8, side=128).images
    sheet = beside_nearest(learned[:4], learned)
    assert sheet.shape == (4 * 128, 2 * 128, 3)
    assert np.array_equal(sheet[:128], sheet[128:256])


def test_a_generator_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator_own, "WIDTHS", (8, 8, 8, 8))
    data, out = tmp_path / "data", tmp_path / "mine"
    for number in range(20):
        image: ImageArray = np.full((64, 64, 3), 255, np.uint8)
        image[10:54, (16 + number % 3) : 46] = (200, 30, 10 * number)
        folder = data / ("bag" if number % 2 else "cap")
        folder.mkdir(parents=True, exist_ok=True)
        save_image(folder / f"{number}.png", image)
    (data / "cap" / "broken.png").write_bytes(b"no picture")
    asked = ["train", "generator", "--data", str(data), "--out", str(out), "--minutes", "0.02"]
    result = RUNNER.invoke(app, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["failed"]) == 1
    assert generator(str(out)).kinds == ("bag", "cap")
    with pytest.raises(UsageError, match="not trained with a color"):
        generator(str(out)).make(kind="bag", color="red")
    measured = RUNNER.invoke(
        app, ["evaluate", "generator", "--data", str(data), "--model", str(out), "-n", "8", "--json"]
    )
    assert measured.exit_code == 0, measured.output
    assert {"FID", "precision", "recall", "features", "warning"} <= set(json.loads(measured.stdout))
    few = RUNNER.invoke(
        app, ["train", "generator", "--data", str(data / "cap"), "--label-column", "kind", "--out", str(out)]
    )
    assert isinstance(few.exception, UsageError)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_to_compare_with(count: int) -> None:
    with pytest.raises(UsageError, match="at least two"):
        generator_own.measured(squares(count), n=4, seed=0)
