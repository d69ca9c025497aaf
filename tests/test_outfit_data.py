"""Outfits of others: tables, Polyvore Outfits, Shop the Look; and how they are measured."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import FeedError, NotFoundError, UsageError
from catalens.evaluation.outfit_data import prepare, read_outfit_data, read_shop_the_look
from catalens.evaluation.outfits import Trial, Wardrobe, outfit_figures, sample_trial, simple_judges
from catalens.evaluation.room_data import scene_figures


def painted(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((48, 40, 3), 255, np.uint8)
    image[6:42, 8:32] = np.random.default_rng(seed).integers(0, 255, 3)
    cv2.imwrite(str(path), image)


@pytest.fixture
def polyvore(tmp_path: Path) -> Path:
    """Two outfits to learn from, two to be asked of; item 6 has no picture."""
    kinds = [("tops", "11"), ("bottoms", "8"), ("shoes", "41")]
    for item in range(12):
        if item != 6:
            painted(tmp_path / "images" / f"{item}.jpg", item)
    meta = {
        str(item): {"semantic_category": kinds[item % 3][0], "category_id": kinds[item % 3][1]} for item in range(12)
    }
    (tmp_path / "polyvore_item_metadata.json").write_text(json.dumps(meta))
    (tmp_path / "categories.csv").write_text("11,blouse,tops\n8,midi skirt,bottoms\n41,pumps,shoes\n")
    folder = tmp_path / "disjoint"
    folder.mkdir()

    def sets(first: int) -> str:
        def items(number: int) -> list[dict[str, object]]:
            return [{"item_id": str(3 * number + place), "index": place + 1} for place in range(3)]

        return json.dumps([{"set_id": str(number), "items": items(number)} for number in (first, first + 1)])

    (folder / "train.json").write_text(sets(0))
    (folder / "test.json").write_text(sets(2))
    (folder / "compatibility_test.txt").write_text("1 3_1 3_2 3_3\n0 3_1 2_2 2_3\n1 2_1 2_2 2_3\n")
    question = {"question": ["3_1", "3_2"], "blank_position": 3, "answers": ["2_3", "3_3"]}
    (folder / "fill_in_blank_test.json").write_text(json.dumps([question]))
    return tmp_path


def test_polyvore(polyvore: Path) -> None:
    data = read_outfit_data(polyvore)
    assert [data.things[str(item)].kind for item in range(3)] == ["top", "skirt", "shoes"]
    assert data.learned == [["0", "1", "2"], ["3", "4", "5"]]
    assert data.asked[1] == (["9", "7", "8"], 0)
    assert data.questions == [(["9", "10"], ["8", "11"], 1)]
    found = prepare(data, encoder=catalens.encoder(), learn=True)
    assert [one.what for one in found.failed] == ["6"]
    assert [len(rows) for rows in found.trial.outfits] == [3, 3, 2]  # the last lacks the thing without a picture
    assert len(found.learned.outfits) == 2
    with pytest.raises(UsageError, match="split"):
        read_outfit_data(polyvore, split="both")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        ("disjoint/test.json", "{", FeedError), ("disjoint/test.json", "{}", FeedError),
        ("disjoint/compatibility_test.txt", "yes 3_1", FeedError), ("disjoint/train.json", None, NotFoundError),
        ("categories.csv", None, NotFoundError), ("polyvore_item_metadata.json", None, NotFoundError),
    ],
)  # fmt: skip
def test_broken_polyvore(polyvore: Path, file: str, text: str | None, error: type[Exception]) -> None:
    (polyvore / file).unlink() if text is None else (polyvore / file).write_text(text)
    with pytest.raises(error):
        read_outfit_data(polyvore)


def test_a_table(tmp_path: Path) -> None:
    rows = ["outfit,image,kind"]
    for outfit in range(6):
        for place, kind in enumerate(("top", "Jeans", "")):
            painted(tmp_path / f"{outfit}-{place}.png", outfit)
            rows.append(f"o{outfit},{outfit}-{place}.png,{kind}")
    table = tmp_path / "outfits.csv"
    table.write_text("\n".join(rows))
    data = read_outfit_data(table)
    assert (len(data.learned), len(data.held_out)) == (4, 2)
    assert data.things["0-1.png"].kind == "trousers"
    assert len(prepare(data, encoder=catalens.encoder(), learn=False).trial.questions) == 2
    told = CliRunner().invoke(app, ["evaluate", "outfit", "--data", str(table)])
    assert told.exit_code == 0, told.output
    assert "AUC, network: " in told.output
    for text, match in (("outfit,kind\n", "image"), ("outfit,image,kind\na,b.png,sofa\n", "sofa")):
        table.write_text(text)
        with pytest.raises(FeedError, match=match):
            read_outfit_data(table)
    table.write_text("outfit,image\n")
    with pytest.raises(UsageError, match="no outfit"):
        prepare(read_outfit_data(table), encoder=catalens.encoder(), learn=False)


def test_figures_by_hand() -> None:
    rows = [np.array([row]) for row in range(4)]
    scores = np.array([0.9, 0.4, 0.5, 0.1], np.float32)
    trial = Trial(rows, [1, 1, 0, 0], [([rows[0], rows[2]], 0), ([rows[1], rows[2]], 0)])
    found = outfit_figures(trial, lambda outfits: scores[[int(one[0]) for one in outfits]])
    assert found["AUC"].value == pytest.approx(0.75)  # of four pairs of a right and a wrong one, three are in order
    assert found["fill in the blank"].value == 0.5
    assert outfit_figures(Trial([], [], []), lambda _: np.empty(0, np.float32)) == {}


def test_drawn_trials_exchange_things_of_the_same_kind() -> None:
    kinds = np.array([0, 5, 0, 5, 0, 5])
    table = np.eye(6, 8, dtype=np.float32)[:, None]
    wardrobe = Wardrobe(
        kinds, table, np.ones((6, 1, 448), np.float32), [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
    )
    trial = sample_trial(wardrobe, seed=0)
    for right, wrong in zip(trial.outfits[:3], trial.outfits[3:], strict=True):
        assert (kinds[right] == kinds[wrong]).all()
        assert (right != wrong).any()
    assert {place for _, place in trial.questions} == {0}
    for name, judge in simple_judges(wardrobe, learned=wardrobe).items():
        assert judge(trial.outfits).shape == (6,), name


@pytest.mark.parametrize(("is_light_known", "able"), [(False, 59), (True, 6)])  # all others; a tenth of sixty
def test_a_thing_is_exchanged_for_another_about_as_bright(*, is_light_known: bool, able: int) -> None:
    kinds, table = np.tile([0, 5], 60), np.ones((120, 1, 8), np.float32)
    light = np.random.default_rng(2).permutation(120).astype(np.float32)
    outfits = [np.array([row, row + 1]) for row in range(0, 120, 2)]
    wardrobe = Wardrobe(kinds, table, table, outfits, light if is_light_known else None)
    rows = np.repeat(np.arange(120)[:, None], 1000, 1)
    others = wardrobe.others(rows, np.random.default_rng(0))
    assert (others != rows).all()
    assert (kinds[others] == kinds[rows]).all()
    ranks = np.argsort(np.argsort(light.reshape(60, 2), axis=0), axis=0).ravel()
    for row, found in enumerate(others):
        assert len(np.unique(found)) == able
        assert abs(ranks[found] - ranks[row]).max() <= able


@pytest.mark.parametrize("outfits", [[], [np.array([0, 1])]])
def test_what_has_no_other_stays(outfits: list[np.ndarray]) -> None:
    table = np.ones((2, 1, 8), np.float32)
    wardrobe = Wardrobe(np.array([0, 5]), table, table, outfits, np.zeros(2, np.float32))
    rows = np.concatenate([*outfits, np.empty(0, np.int64)])
    assert wardrobe.others(rows, np.random.default_rng(0)).tolist() == rows.tolist()


def test_shop_the_look(tmp_path: Path) -> None:
    lines = []
    for number in range(5):
        painted(tmp_path / "images" / f"p{number}.jpg", number)
        painted(tmp_path / "images" / f"s{number}.jpg", number)
        lines.append(json.dumps({"product": f"p{number}", "scene": f"s{number}", "bbox": [0.1, 0.1, 0.4, 0.4]}))
    (tmp_path / "home.json").write_text("\n".join(lines))
    (tmp_path / "home-cat.json").write_text(json.dumps({f"p{number}": "Home Decor|Lamps" for number in range(5)}))
    (tmp_path / "images" / "s4.jpg").unlink()
    assert read_shop_the_look(tmp_path)[1].box == (0.1, 0.1, 0.4, 0.4)
    figures, failed = scene_figures(tmp_path, encoder=catalens.encoder())
    assert len(failed) == 1
    assert figures["both"]["4 choices"].n == 4
    told = CliRunner().invoke(app, ["evaluate", "outfit", "--data", str(tmp_path), "--json"])
    assert told.exit_code == 0, told.output
    (tmp_path / "home.json").write_text('{"product": 1}')
    with pytest.raises(FeedError):
        read_shop_the_look(tmp_path)
