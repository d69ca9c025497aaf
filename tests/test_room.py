"""Rooms: what stands in a rendered one, goods for it, and what cannot be furnished."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import UsageError
from catalens.features.color import DominantColor
from catalens.images.draw import save_image
from catalens.styling.room import palette_fit
from catalens.tasks.room import THINGS, things_in_room
from recipes.synthetic import render, sample_shop
from recipes.synthetic.rooms import HEIGHTS, RenderedRoom, rendered_room


@pytest.fixture(scope="module")
def room() -> RenderedRoom:
    home = {one.spec.kind: one for one in sample_shop(160, seed=3)}
    return rendered_room([home[kind] for kind in ("armchair", "vase", "pillow")], seed=4)


@pytest.fixture(scope="module")
def shop(built_shop: Path) -> catalens.Catalog:
    return catalens.Catalog.open(built_shop, readonly=True)


def test_a_rendered_room_is_the_same_each_time_and_knows_what_stands_where(room: RenderedRoom) -> None:
    assert set(HEIGHTS) == set(THINGS)
    assert room.kinds == ("armchair", "vase", "pillow")
    assert (room.boxes[:, 2:] > room.boxes[:, :2]).all()
    assert (room.boxes[:, 3] <= room.image.shape[0]).all()
    empty = rendered_room([], seed=4)
    assert empty.image.shape == (360, 480, 3)
    assert (rendered_room([], seed=4).image == empty.image).all()
    with pytest.raises(UsageError):
        rendered_room([next(one for one in sample_shop(60, seed=3) if one.spec.kind not in HEIGHTS)])


def test_most_of_what_stands_there_is_found() -> None:
    home = {one.spec.kind: one for one in sample_shop(160, seed=3)}
    right = found = there = 0
    for seed, kinds in enumerate((("armchair", "vase", "pillow"), ("sofa", "lamp"), ("table", "chair", "bowl"))):
        room = rendered_room([home[kind] for kind in kinds], seed=seed)
        labels = things_in_room(room.image).labels
        right += sum((Counter(labels) & Counter(kinds)).values())
        found, there = found + len(labels), there + len(kinds)
    assert right >= there / 2
    assert right >= found / 2


def test_a_bare_picture_shows_nothing() -> None:
    assert len(things_in_room(np.full((90, 120, 3), 180, np.uint8))) == 0


@pytest.mark.parametrize(("better", "worse"), [((200, 30, 30), (30, 200, 60)), ((120, 120, 122), (30, 200, 60))])
def test_a_color_fits_that_is_there_or_quiet(better: tuple[int, int, int], worse: tuple[int, int, int]) -> None:
    palette = [DominantColor((240, 235, 225), 0.7, "beige"), DominantColor((205, 30, 35), 0.2, "red")]
    assert 1 >= palette_fit(better, palette) > palette_fit(worse, palette) >= 0


def test_goods_for_a_room(shop: catalens.Catalog, room: RenderedRoom) -> None:
    found = shop.room(room.image, k=2, wishes=["wood"])
    assert found.goods
    assert not set(found.goods) & set(found.things.labels)
    for kind, goods in found.goods.items():
        assert 1 <= len(goods) <= 2
        for one in goods:
            assert one.item.kind == kind
            assert sum(one.parts.values()) == pytest.approx(one.score)
            assert one.reasons
    assert found.price == pytest.approx(sum(goods[0].item.price or 0 for goods in found.goods.values()))
    less = shop.room(room.image, budget=found.price / 2)
    assert less.price <= found.price / 2


def test_what_cannot_be_furnished(shop: catalens.Catalog, tmp_path: Path, room: RenderedRoom) -> None:
    for wrong in ({"k": 0}, {"budget": 0}, {"kinds": ["shoes"]}):
        with pytest.raises(UsageError):
            shop.room(room.image, **wrong)
    bare = np.full((90, 120, 3), 180, np.uint8)
    with catalens.open(tmp_path / "empty") as empty:
        found = empty.room(bare, kinds=["lamp"])
    assert found.goods == {}
    assert len(found.notes) == 2
    assert shop.room(bare, kinds=["vase", "cup", "lamp"], k=1).notes[0].startswith("no known furniture")


def test_a_shop_of_clothes_furnishes_nothing(tmp_path: Path, room: RenderedRoom) -> None:
    worn = [one for one in sample_shop(60, seed=3) if one.spec.kind in {"t-shirt", "dress", "jacket"}][:6]
    pictures = []
    for number, one in enumerate(worn):
        save_image(tmp_path / f"{number}.png", render(one.spec, size=(120, 120)).image)
        row = {"sku": str(number), "title": "Taurus", "category": f"{one.spec.kind}s", "image": f"{number}.png"}
        pictures.append(row)
    table = tmp_path / "products.csv"
    table.write_text("\n".join(map(",".join, [pictures[0], *(row.values() for row in pictures)])), "utf-8")
    with catalens.open(tmp_path / "clothes") as clothes:
        clothes.add(table)
        assert len(clothes) == len(worn)
        found = clothes.room(room.image, kinds=["lamp", "chair"])
    assert found.goods == {}
    assert any("no lamp" in note for note in found.notes)


def test_command(built_shop: Path, tmp_path: Path, room: RenderedRoom) -> None:
    photo = tmp_path / "room.png"
    save_image(photo, room.image)
    told = CliRunner().invoke(
        app, ["style", "room", str(photo), "--catalog", str(built_shop), "--kind", "lamp", "--style", "wood"]
    )
    assert told.exit_code == 0, told.output
    assert "colors: " in told.output
