"""The recipes of pose and try-on, on a painted person: shapes, what is learned from, and what is said without data."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is in the train extra")

from catalens.errors import NotFoundError  # noqa: E402
from catalens.models.parts import CLASSES, JOINTS, MIRRORED  # noqa: E402
from catalens.tasks.pose import joints_of, likely_places  # noqa: E402
from catalens.tasks.tryon import bones  # noqa: E402
from catalens.tasks.tryon.body import VIEW  # noqa: E402
from catalens.tasks.tryon.composing import ANSWERED, PLANES  # noqa: E402
from recipes import pose, tryon  # noqa: E402
from recipes.laid_out import Person, lay_out, standing  # noqa: E402
from recipes.tryon_networks import TryOnNetwork, composed, sampled  # noqa: E402
from recipes.tryon_protocol import scale_to_protocol  # noqa: E402
from recipes.tryon_views import UNSAID, draw_batch, draw_view, mirrored_person  # noqa: E402

CPU = torch.device("cpu")


def person(number: int = 1) -> Person:
    """Somebody in a blue top and black trousers before a grey wall."""
    joints = standing(100, arms=0.35, at=(150, 110))
    labels = np.zeros((448, 300), np.uint8)
    whole = np.round(joints).astype(int)

    def limb(name: str, pairs: tuple[tuple[int, int], ...], width: int) -> None:
        for start, end in pairs:
            cv2.line(labels, whole[start].tolist(), whole[end].tolist(), CLASSES.index(name), width)

    limb("trousers", bones.LEGS, 36)
    limb("skin", (bones.ARMS[1], bones.ARMS[3]), 16)
    limb("top", (bones.ARMS[0], bones.ARMS[2]), 26)
    cv2.fillPoly(
        labels, [whole[[0, 1, 7, 6]] + np.array([[14, -8], [-14, -8], [-16, 10], [16, 10]])], CLASSES.index("top")
    )
    cv2.circle(labels, (150, 70), 24, CLASSES.index("skin"), -1)
    paint = np.full((len(CLASSES), 3), 150, np.uint8)
    for name, color in (("skin", (205, 160, 140)), ("top", (40, 60, 190)), ("trousers", (25, 25, 30))):
        paint[CLASSES.index(name)] = color
    return Person(number, paint[labels], labels, joints, ("top", "trousers"))


def test_a_garment_is_laid_out_with_its_own_colors() -> None:
    someone = person()
    for kind in someone.kinds:
        laid = lay_out(someone.image, someone.labels, someone.joints, kind, np.random.default_rng(0))
        there = laid.alpha > 0.9
        assert 0.01 < there.mean() < 0.5
        wanted = someone.image[someone.labels == CLASSES.index(kind)].mean(0)
        np.testing.assert_allclose(laid.colors[there].mean(0), wanted, atol=12)
        assert laid.joints.shape == (bones.COUNT, 2)


def test_a_view_says_what_was_worn_where() -> None:
    view = draw_view(person(), "top", np.random.default_rng(0))
    assert view.target.shape == (*VIEW, 3)
    blue = view.target[view.classes == 0]
    assert blue.mean(0)[2] > 150
    assert set(np.unique(view.classes)) <= {0, 1, 2, UNSAID}
    assert (view.classes[~view.person.region] == UNSAID).all()
    # Nothing of the own garment is left to copy from.
    hidden = view.person.filled[view.person.region & ~view.person.known].astype(int)
    assert (hidden[:, 2] - hidden[:, 0] > 60).mean() < 0.02


def test_a_person_twice_mirrored_is_the_same() -> None:
    someone = person()
    again = mirrored_person(mirrored_person(someone))
    np.testing.assert_array_equal(again.labels, someone.labels)
    np.testing.assert_allclose(again.joints, someone.joints, atol=1e-4)


@pytest.mark.parametrize("count", [1, 3])
def test_the_network_answers_for_every_place_and_begins_with_the_garment_as_it_is(count: int) -> None:
    batch = tryon.batch_of(draw_batch([person()], count, np.random.default_rng(0)))
    x, photo, known, _ = tryon.tensors_of(batch, CPU)
    assert x.shape == (count, PLANES, *VIEW)
    network = TryOnNetwork().eval()
    with torch.no_grad():
        places = network(x)
        picture, _, _ = composed(places, x, photo, known)
    assert places.shape == (count, ANSWERED, *VIEW)
    assert float(places[:, :2].abs().max()) == 0
    outside = x[:, 7:8] == 0
    assert torch.equal((picture * outside), (photo * outside))


def test_no_flow_reads_a_picture_as_it_is_and_a_pixel_s_flow_moves_it_by_one() -> None:
    pictures = torch.rand(2, 3, 16, 12)
    torch.testing.assert_close(sampled(pictures, torch.zeros(2, 2, 16, 12)), pictures)
    right = torch.zeros(2, 2, 16, 12)
    right[:, 0] = 1
    torch.testing.assert_close(sampled(pictures, right)[..., :-1], pictures[..., 1:])


def test_one_step_of_each_part_learns() -> None:
    torch.manual_seed(0)
    batch = tryon.batch_of(draw_batch([person()], 2, np.random.default_rng(0)))
    network = TryOnNetwork()
    lesson = tryon.Lesson(network, CPU)
    lesson.told(0.5)
    for losses in (tryon.bend_losses(network, CPU, batch), lesson.losses(batch)):
        assert set(losses) <= set(tryon.WEIGHTS)
        torch.stack([tryon.WEIGHTS[name] * loss for name, loss in losses.items()]).sum().backward()
        assert all(torch.isfinite(loss) for loss in losses.values())
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.draw.parameters())


@pytest.mark.parametrize("recipe", [pose, tryon])
def test_without_photos_the_command_ends_with_a_sentence(
    recipe: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--out", str(tmp_path / "out"), "--data", str(tmp_path), "--teachers", str(tmp_path), "--threads", "1"]
    assert recipe.main(given) == NotFoundError.exit_code  # type: ignore[attr-defined]
    assert "no " in capsys.readouterr().err


def test_joints_are_where_they_are_likeliest() -> None:
    logits = np.full((len(JOINTS), 12, 9), -12.0, np.float32)
    logits[0, 3, 5] = logits[1, 11, 0] = 6.0
    points, scores = joints_of(likely_places(logits), stride=4)
    np.testing.assert_allclose(points[:2], [(22, 14), (2, 46)], atol=0.1)
    assert (scores[:2] > 0.9).all()
    assert (scores[2:] < 0.01).all()
    assert sorted(MIRRORED) == list(range(len(JOINTS)))
    assert [MIRRORED[other] for other in MIRRORED] == list(range(len(JOINTS)))


def test_bells_sum_to_one_and_what_is_not_there_is_nowhere() -> None:
    joints = torch.tensor([[[10.0, 8.0, 1.0], [10.0, 8.0, 0.0]]])
    bells = pose._bells(joints, (6, 5))
    torch.testing.assert_close(bells.sum(2), torch.ones(1, 2))
    assert bells[0, 1, -1] == 1
    assert int(bells[0, 0].argmax()) == 1 * 5 + 2


def test_pictures_are_compared_as_large_as_fits_into_the_protocol() -> None:
    assert scale_to_protocol(np.zeros((60, 50, 3), np.uint8)).shape == (230, 192, 3)
