"""People dressed anew: each picture is of one garment, and is called what the photo's own mask calls it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is in the train extra")

from recipes.dressed import SHOTS, SIDE, dressed_people


def write_people(folder: Path, codes: list[int]) -> None:
    """Photos of a person in one garment each, whose mask has this code; the first number held out is 5."""
    street = folder / "streetstyle"
    (street / "masks").mkdir(parents=True)
    (street / "labels.csv").write_text("id,name\n0,null\n38,shirt\n41,skin\n51,t-shirt\n6,bodysuit\n", "utf-8")
    lines = ["id,image,has_mask,tags"]
    rng = np.random.default_rng(0)
    for number, code in enumerate(codes, start=1):
        mask = np.zeros((300, 200), np.uint8)
        mask[20:60, 80:120], mask[60:200, 60:140] = 41, code
        cv2.imwrite(str(street / "masks" / f"{number:04}.png"), mask)
        cv2.imwrite(str(street / f"{number:04}.png"), rng.integers(0, 256, (300, 200, 3), np.uint8))
        lines.append(f"{number:04},{number:04}.png,1,")
    (street / "photos.csv").write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize(
    ("codes", "kinds"),
    [([], []), ([38], ["shirt"]), ([51, 38], ["t-shirt", "shirt"]), ([6], ["top"]), ([38] * 5, ["shirt"] * 4)],
    ids=["nobody", "a shirt", "two", "no name of the vocabulary", "one held out"],
)
def test_a_garment_is_called_what_its_mask_calls_it(codes: list[int], kinds: list[str], tmp_path: Path) -> None:
    write_people(tmp_path, codes)
    squares, photos = dressed_people(1, tmp_path, seed=0)
    assert len(squares) == len(photos) == SHOTS * len(kinds)
    assert all(square.shape == (SIDE, SIDE, 3) for square in squares)
    for photo, kind in zip(photos, np.repeat(kinds, SHOTS), strict=True):
        assert kind in photo.facts["kind"]
        assert {"top", "clothing"} <= photo.facts["kind"]
        assert photo.label == "top"  # what labels are learned by, which are wider
