"""The two-stage detector: its boxes against values worked out by hand, its scores, a step of training, what ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens import geometry
from catalens.errors import ModelError
from catalens.evaluation.detection import Truth, detection_scores, proposal_recall
from catalens.images.prepare import Preprocess
from catalens.models.zoo import find_card
from catalens.tasks.two_stage import TwoStageDetector
from catalens.types import Detections, FloatArray
from tests.painted import matte_folder

torch = pytest.importorskip("torch")
from catalens.learning.networks import boxes as B  # noqa: E402, N812
from catalens.learning.networks.detector import DetectorNetwork  # noqa: E402

SMALL = {"widths": (8, 8, 8, 8), "blocks": (0, 0, 0, 0)}


def test_anchors_by_hand() -> None:
    found = B.anchors((4.0,), (1.0, 4.0), stride=8, grid=(1, 2))
    assert found.tolist() == [[2, 2, 6, 6], [3, 0, 5, 8], [10, 2, 14, 6], [11, 0, 13, 8]]


sides = st.floats(1, 300)
corners = st.floats(-50, 400)
box = st.tuples(corners, corners, sides, sides).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


@given(st.lists(st.tuples(box, box), min_size=1, max_size=5))
def test_a_box_is_read_as_it_was_written(pairs: list[tuple[tuple[float, ...], tuple[float, ...]]]) -> None:
    mine, reference = (torch.tensor(one) for one in zip(*pairs, strict=True))
    said = B.encode(mine, reference)
    reachable = (said[:, 2:] < B.LARGEST_STEP).all(1)
    torch.testing.assert_close(B.decode(said, reference)[reachable], mine[reachable], rtol=1e-3, atol=0.05)


def test_shift_and_growth_by_hand() -> None:
    reference = torch.tensor([[0.0, 0.0, 10.0, 20.0]])
    said = B.encode(torch.tensor([[5.0, 0.0, 15.0, 40.0]]), reference)
    torch.testing.assert_close(said, torch.tensor([[0.5, 0.5, 0.0, float(np.log(2))]]))
    assert torch.isfinite(B.decode(torch.tensor([[0.0, 0.0, 1e9, 1e9]]), reference)).all()


@settings(max_examples=30)
@given(st.lists(st.tuples(box, st.floats(0, 1)), min_size=1, max_size=12))
def test_suppression_is_that_of_geometry(found: list[tuple[tuple[float, ...], float]]) -> None:
    boxes = np.array([one for one, _ in found], np.float32)
    scores = np.array([score for _, score in found], np.float32)
    mine = B.suppressed(torch.from_numpy(boxes), torch.from_numpy(scores), threshold=0.5)
    assert mine.tolist() == geometry.nms(boxes, scores, threshold=0.5).tolist()


def test_regions_of_a_slope_have_its_values() -> None:
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(24.0), indexing="ij")
    features = torch.stack([x + 0.5, y + 0.5])[None]  # each place says where its middle lies
    found = B.roi_align(features, torch.tensor([[16.0, 16.0, 144.0, 80.0]]), torch.tensor([0]), scale=1 / 8, size=2)
    # The region covers 2..18 across and 2..10 down: bins of 8 and of 4, whose middles are their means.
    torch.testing.assert_close(found[0, 0], torch.tensor([[6.0, 14.0], [6.0, 14.0]]))
    torch.testing.assert_close(found[0, 1], torch.tensor([[4.0, 4.0], [8.0, 8.0]]))


def test_each_region_is_read_from_its_own_picture() -> None:
    features = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
    rois = torch.tensor([[0.0, 0.0, 16.0, 16.0]] * 3)
    found = B.roi_align(features, rois, torch.tensor([1, 0, 1]), scale=0.25, size=1)
    assert found.flatten().tolist() == [1, 0, 1]


def test_which_anchor_stands_for_what() -> None:
    references = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60], [0, 0, 10, 8]])
    objects = torch.tensor([[0.0, 0, 10, 10], [48, 48, 70, 70]])
    owner, state = B.matched(references, objects, right=0.7, wrong=0.3, each_has_one=False)
    assert state.tolist() == [1, -1, 0, 1]
    assert owner[[0, 3]].tolist() == [0, 0]
    _, state = B.matched(references, objects, right=0.7, wrong=0.3, each_has_one=True)
    assert state.tolist() == [1, -1, 1, 1]  # the second object takes the nearest
    _, state = B.matched(references, torch.zeros(0, 4), right=0.7, wrong=0.3, each_has_one=True)
    assert state.tolist() == [0, 0, 0, 0]


def test_a_sample_keeps_its_share() -> None:
    state = torch.tensor([1] * 50 + [0] * 50 + [-1] * 50)
    rows = B.sampled(state, count=40, share=0.25)
    assert len(rows) == 40
    assert (state[rows] == 1).sum() == 10
    assert (state[rows] >= 0).all()


def detections(*found: tuple[str, float, tuple[float, ...]]) -> Detections:
    return Detections(
        np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        tuple(name for name, _, _ in found),
        (100, 100),
    )


def truth(*objects: tuple[str, tuple[float, ...]]) -> Truth:
    boxes: FloatArray = np.array([box for _, box in objects], np.float32).reshape(-1, 4)
    return Truth(boxes, tuple(name for name, _ in objects))


A, FAR = (0, 0, 10, 10), (50, 50, 60, 60)


@pytest.mark.parametrize(
    ("found", "ap50"),
    [
        (detections(), 0.0),
        (detections(("top", 0.9, A)), 1.0),
        (detections(("top", 0.9, FAR), ("top", 0.8, A)), 0.5),  # a wrong one before the right one
        (detections(("top", 0.9, A), ("top", 0.8, A)), 1.0),  # twice the same, after it
        (detections(("bag", 0.9, A)), 0.0),
        (detections(("top", 0.9, (0, 0, 10, 6))), 1.0),  # IoU 0.6
        (detections(("top", 0.9, (0, 0, 10, 4))), 0.0),
    ],
)
def test_average_precision_by_hand(found: Detections, ap50: float) -> None:
    scores = detection_scores([found], [truth(("top", A))])
    assert scores.ap50.value == pytest.approx(ap50)
    assert scores.by_class["top"].value == pytest.approx(ap50)


def test_average_precision_over_thresholds_and_classes() -> None:
    scores = detection_scores(
        [detections(("top", 0.9, (0, 0, 10, 6)), ("bag", 0.9, FAR)), detections()],
        [truth(("top", A), ("bag", FAR)), truth()],
    )
    assert scores.by_class["bag"].value == 1
    assert scores.ap50.value == 1
    assert scores.ap.value == pytest.approx((3 / 10 + 1) / 2)  # IoU 0.6 is right at 0.5, 0.55 and 0.6
    assert detection_scores([], []).ap50.value == 0


def test_recall_of_proposals() -> None:
    proposals = [np.array([FAR, A], np.float32), np.empty((0, 4), np.float32)]
    truths = [truth(("top", A), ("bag", FAR)), truth(("top", A))]
    assert proposal_recall(proposals, truths, count=1, threshold=0.5) == (1, 3)
    assert proposal_recall(proposals, truths, count=9, threshold=0.5) == (2, 3)


def test_a_step_learns_and_empty_pictures_are_no_trouble() -> None:
    torch.manual_seed(0)
    network = DetectorNetwork(2, **SMALL)
    x = torch.randn(2, 3, 64, 96)
    objects = [
        (torch.tensor([[8.0, 8, 40, 50]]), torch.tensor([1])),
        (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)),
    ]
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    totals = []
    for _ in range(12):
        losses = network.losses(x, objects)
        assert set(losses) == {"objects", "anchors", "classes", "boxes"}
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.8 * totals[0]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_what_ships_says_what_was_learned(precision: str, tmp_path: Path) -> None:
    from catalens.learning.networks.export import export_detector

    torch.manual_seed(1)
    network = DetectorNetwork(3, **SMALL).eval()
    with torch.no_grad():
        network.label.weight.mul_(60)
    photos = [np.random.default_rng(row).integers(0, 255, (64, 96, 3), np.uint8) for row in range(4)]
    spec = Preprocess(size=(64, 96))
    export_detector(
        network, tmp_path, name="small", classes=("a", "b", "c"), preprocess=spec, photos=photos,
        training={"data": "noise"}, precision=precision,  # type: ignore[arg-type]
    )  # fmt: skip
    detector = TwoStageDetector(find_card(str(tmp_path)))
    for size in ((64, 96), (96, 64), (20, 300)):
        image = np.random.default_rng(7).integers(0, 255, (*size, 3), np.uint8)
        found = detector(image)
        assert found.size == size
        assert (found.boxes >= 0).all()
        assert (found.boxes[:, 2] <= size[1]).all()
        boxes, scores = detector.proposals(image)
        assert len(boxes) == len(scores) <= 100
    if precision == "float32":
        x, _ = spec.apply(photos[0])
        with torch.no_grad():
            wanted = network(torch.from_numpy(x)[None])
        answers = detector._network(x[None])
        np.testing.assert_allclose(answers[1], wanted[1].numpy(), atol=1e-4)
        np.testing.assert_allclose(answers[0], wanted[0].numpy(), atol=0.05)


def test_a_network_for_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not for 'detect'"):
        TwoStageDetector(find_card(matte_folder(tmp_path)))
