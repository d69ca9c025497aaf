"""Outfits: the network's answers, completing one from a catalog, and what cannot be completed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import ModelError, NotFoundError, UsageError
from catalens.models.zoo import DEFAULT_PARSER, find_card
from catalens.styling.beam_search import Candidate, PartialOutfit, extended
from catalens.styling.color_harmony import ThingColor, agreement, harmony
from catalens.styling.outfit import OutfitRequest, for_the_occasion, needed, reasons_for, score_photos
from catalens.styling.pieces import EmbeddedItem, OutfitItem, audience, class_named, kind_said
from catalens.styling.preferences import checked, fulfilled
from catalens.tasks.outfit import KINDS, MOST, OutfitModel, Piece, doubts_of, kinds_of, outfit_model

RED, BLUE, GREEN, BLACK = (210, 30, 30), (40, 60, 200), (40, 160, 60), (10, 10, 10)


@pytest.fixture(scope="module")
def shop(built_shop: Path) -> catalens.Catalog:
    return catalens.Catalog.open(built_shop, readonly=True)


def pieces(count: int, *, seed: int = 0) -> list[Piece]:
    rng = np.random.default_rng(seed)
    dim = outfit_model().dim
    found = []
    for number in range(count):
        vector, color = rng.normal(size=dim), np.abs(rng.normal(size=448))
        units = [(one / np.linalg.norm(one)).astype(np.float32) for one in (vector, color)]
        found.append(Piece(KINDS[number % len(KINDS)], *units))
    return found


def test_no_outfits_have_no_scores() -> None:
    assert outfit_model().scores([]).shape == (0,)


def test_the_order_of_things_says_nothing_and_others_beside_neither() -> None:
    three = pieces(3)
    scores = outfit_model().scores([three, three[::-1], pieces(5, seed=1), [three[1], three[0], three[2]]])
    assert scores[0] == pytest.approx(scores[1], abs=1e-5) == pytest.approx(scores[3], abs=1e-5)
    assert scores[0] == pytest.approx(outfit_model().scores([three])[0], abs=1e-5)  # padding counts for nothing
    assert ((scores > 0) & (scores < 1)).all()


def test_what_is_wanted_is_a_direction_that_depends_on_the_outfit_and_on_the_kind() -> None:
    model = outfit_model()
    shoes, bag = model.wanted(pieces(2), ["shoes", "bag"])
    assert shoes.shape == (model.dim,)
    assert np.linalg.norm(shoes) == pytest.approx(1, abs=1e-5)
    assert float(shoes @ bag) < 0.99
    assert float(shoes @ model.wanted(pieces(2, seed=7), ["shoes"])[0]) < 0.9999


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_too_few_and_too_many(count: int) -> None:
    with pytest.raises(UsageError):
        outfit_model().scores([pieces(count)])


def test_wrong_networks_kinds_and_vectors() -> None:
    with pytest.raises(ModelError, match="segment"):
        OutfitModel(find_card(DEFAULT_PARSER))
    with pytest.raises(UsageError, match="no kind"):
        outfit_model().wanted(pieces(1), ["sofa"])
    with pytest.raises(UsageError, match="no kind"):
        Piece("sofa", np.zeros(3, np.float32), np.zeros(3, np.float32))
    with pytest.raises(ModelError, match="vectors"):
        outfit_model().scores([[Piece("top", np.zeros(3, np.float32), np.zeros(448, np.float32))]])


def test_it_knows_the_vectors_of_the_bundled_encoder() -> None:
    assert outfit_model().encoder_name == catalens.encoder().name
    assert outfit_model().dim == catalens.encoder().dim
    words = {"shoes": "sneakers", "dress": "dress", "trousers": "jeans"}
    vectors = catalens.encoder().encode_texts(list(words.values()))
    assert kinds_of(vectors, catalens.encoder()) == list(words)


@pytest.mark.parametrize(
    ("colors", "how", "said"),
    [
        ([("top", BLACK, "black"), ("shoes", (250, 250, 250), "white")], "neutral", "quiet colors"),
        ([("top", RED, "red"), ("shoes", BLACK, "black")], "accent", "one accent, red top"),
        ([("top", RED, "red"), ("shoes", (22, 32, 70), "navy")], "accent", "among quiet colors: navy shoes"),
        ([("top", RED, "red"), ("bag", (200, 60, 20), "orange")], "analogous", "neighbors"),
        ([("top", RED, "red"), ("bag", (0, 150, 150), "turquoise")], "complementary", "opposites"),
        ([("top", RED, "red"), ("bag", GREEN, "green"), ("shoes", BLACK, "black")], "contrast", "with black shoes"),
    ],
)
def test_how_colors_stand(colors: list[tuple[str, tuple[int, int, int], str]], how: str, said: str) -> None:
    found = harmony([ThingColor(*one) for one in colors])
    assert found[0] == how
    assert said in found[1]


def test_colors_that_viewers_like_together() -> None:
    assert agreement([RED]) == 1
    # Two greys of L* 50, by hand from the paper's formula: 0.392 - 0.127 - 0.005 - 0.009 = 0.251, of -1.2 to 1.3.
    assert agreement([(119, 119, 119)] * 2) == pytest.approx((0.251 + 1.2) / 2.5, abs=0.002)
    assert agreement([RED, GREEN]) == pytest.approx(agreement([GREEN, RED]))
    assert agreement([(250, 240, 220), (220, 235, 250)]) > agreement([RED, GREEN])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", None),
        ("Home decor", None),
        ("top handles", None),
        ("Tees", "top"),
        ("Bras & Tanks", "top"),
        ("Hoodies & Sweatshirts", "outerwear"),
        ("shirt dress", "dress"),
        ("Women > Dresses", "dress"),
        ("Dress shoes", "shoes"),
        ("sneakers for men", "shoes"),
        ("Black Leather Backpack", "bag"),
        ("flip flops", "shoes"),
        ("boot cut jeans", "trousers"),
        ("skirt with belt", "skirt"),
        ("scarves", "scarf"),
        ("Sunglasses", "glasses"),
        ("Glasses", "glasses"),
    ],
)
def test_what_a_text_names(text: str, kind: str | None) -> None:
    assert class_named(text) == kind


def test_what_and_whom_a_product_names() -> None:
    assert kind_said({"category": "apparel", "style": "shirt"}, "Striped") == "top"
    assert kind_said({"category": ["Sale", "Boots"]}, "") == "shoes"
    assert kind_said({"category": "apparel"}, "Red skirt") == "skirt"
    assert audience({"category_path": ["Women/Tops/Tees", "Sale"]}, "") == {"women"}
    assert audience({"gender": "unisex"}, "Men's tee") == {"men"}
    assert audience({"department": "Apparel"}, "Ornament") == frozenset()


@pytest.mark.parametrize(
    ("attributes", "title", "kind"),
    [
        ({"type": "Bra"}, "Lace", None),
        ({"category": "Tops"}, "Sports bra", None),
        ({"category": "Innerwear"}, "White top", None),
        ({"category": "Bras & Tanks"}, "Breathing tank", "top"),
    ],
)
def test_underwear_is_no_top(attributes: dict[str, str], title: str, kind: str | None) -> None:
    assert kind_said(attributes, title) == kind


def test_an_outfit_is_for_one_kind_of_people() -> None:
    vector = np.zeros(1, np.float32)

    def one(name: str, *people: str) -> EmbeddedItem:
        return EmbeddedItem(OutfitItem(name, "top"), vector, vector, audience=frozenset(people))

    def found(begun: EmbeddedItem, *people: str) -> bool:
        pool = [Candidate(one("new", *people), 0, 0, 0)]
        partial = PartialOutfit((one("anybody"), begun))
        return bool(extended([partial], pool, budget=None, reserve=0))

    assert found(one("a"), "women")
    assert found(one("a", "women"))
    assert found(one("a", "men", "women"), "women")
    assert not found(one("a", "men"), "women")
    assert not found(one("a", "women"), "children")


@pytest.mark.parametrize(
    ("wish", "words", "value"),
    [
        ("work", "a shirt for work", 1), ("work", "a network of fishers", 0), ("work", "made for the office", 0.7),
        ("winter", "season: winter", 1), ("winter", "a warm coat", 0.7), ("winter", "for a warm climate", 0),
        ("winter", '"season": "summer"', -0.5),
        ("leather", "leather bag", 1), ("leather", "leatherette", 0),
    ],
)  # fmt: skip
def test_wishes(wish: str, words: str, value: float) -> None:
    assert fulfilled(wish, words) == value


def test_wishes_are_read_once() -> None:
    assert checked(["", " Work ", "work", "fall", "dark  blue"]) == ["work", "autumn", "dark blue"]


def sku_of(shop: catalens.Catalog, *types: str) -> str:
    return next(one.sku for one in shop.products() if one.attributes.get("type") in types)


def test_an_outfit_is_completed(shop: catalens.Catalog) -> None:
    sku = sku_of(shop, "shirt", "t-shirt", "sweater", "blouse")
    found = shop.outfits(sku, k=3)
    assert 1 <= len(found) <= 3
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert one.items[0].name == sku
        kinds = [item.kind for item in one.items]
        assert len(set(kinds)) == len(kinds)
        assert len({item.name for item in one.items}) == len(one.items)
        assert any(set(choice) & set(kinds) for choice in needed("top"))
        assert one.reasons
        assert sum(one.parts.values()) == pytest.approx(one.score, abs=1e-5)
        assert one.to_dict()["price"] == pytest.approx(one.price, abs=0.01)


def test_a_budget_holds_and_one_that_nothing_fits_gives_nothing(shop: catalens.Catalog) -> None:
    sku = sku_of(shop, "shirt", "t-shirt", "sweater", "blouse")
    dear = max(one.price for one in shop.outfits(sku, k=5))
    for one in shop.outfits(sku, k=5, budget=0.8 * dear):
        assert one.price <= 0.8 * dear
    nothing = shop.outfits(sku, budget=0.01)
    assert nothing.items == ()
    assert any("within the budget of 0.01" in note for note in nothing.notes)


def test_kinds_wishes_and_what_is_not_wanted(shop: catalens.Catalog) -> None:
    sku = sku_of(shop, "shirt", "t-shirt", "sweater", "blouse")
    (first, *_) = shop.outfits(sku, kinds=["shoes"], wishes=["  ", "leather"])
    assert [item.kind for item in first.items[1:]] == ["shoes"]
    left = {first.items[1].name}
    assert all(one.items[1].name not in left for one in shop.outfits(sku, kinds=["shoes"], unlike=sorted(left)))


def test_what_is_liked_counts_and_its_opposite(shop: catalens.Catalog) -> None:
    sku = sku_of(shop, "sweater")
    plain = shop.outfits(sku, kinds=["shoes"], k=5)
    low = plain[-1].items[1].name
    liked = shop.outfits(sku, kinds=["shoes"], k=5, like=[low])
    before, after = ({one.items[1].name: one.score for one in some} for some in (plain, liked))
    assert list(after).index(low) < list(before).index(low)
    others = before.keys() & after.keys() - {low}
    assert others
    assert all(after[low] - after[name] > before[low] - before[name] for name in others)
    assert "liked" in liked[0].parts
    assert sum(liked[0].parts.values()) == pytest.approx(liked[0].score, abs=1e-5)
    assert shop.outfits(sku, kinds=["shoes"], colors="neutral", unlike=[low])


def test_what_is_not_worn_is_not_proposed_by_its_look(tmp_path: Path, export: Path) -> None:
    photo = min((export / "photos").glob("BOW*.jpg"), default=min((export / "photos").glob("*.jpg")))
    table = tmp_path / "products.csv"
    table.write_text(
        f"sku,title,type,image\n1,Vitamin E Oil,care,{photo}\n2,Lipstick,care,{photo}\n3,Tee,shirt,{photo}\n"
    )
    with catalens.open(tmp_path / "shop") as shop:
        shop.add(table)
        assert shop.outfits("3").items == ()
        if "VAS" in photo.name:
            with pytest.raises(UsageError, match="1 is nothing of top"):
                shop.outfits("1")


def test_a_photo_and_a_wardrobe(shop: catalens.Catalog, export: Path) -> None:
    photo = min((export / "queries").glob("*.jpg"))
    mine = np.full((80, 60, 3), 255, np.uint8)
    mine[10:70, 15:45] = BLUE
    found = shop.outfits(photo, k=2, own=[mine])
    for one in found:
        assert one.items[0].own
        assert one.items[0].picture == photo


def test_a_photo_of_what_nobody_wears_is_doubted(shop: catalens.Catalog, export: Path) -> None:
    bowl = next(path for path in sorted((export / "photos").glob("*.jpg")) if path.name.startswith("BOW"))
    found = shop.outfits(bowl, k=1, kinds=["shoes"])
    (doubt,) = [note for note in found.notes if note.startswith(bowl.name)]
    assert "looks more like" in doubt


def test_a_wardrobe_of_shoes_only(tmp_path: Path, shop: catalens.Catalog, export: Path) -> None:
    shoes = [
        path for path in sorted((export / "photos").glob("*.jpg")) if path.name[:3] in {"SNE", "BOO", "LOA", "HEE"}
    ]
    with catalens.open(tmp_path / "empty") as empty:
        found = empty.outfits(shoes[0], own=shoes[1:3])
    assert found.items == ()
    assert len(found.notes) >= 2
    assert all("the catalog has none" in note for note in found.notes)


def test_all_of_one_kind(tmp_path: Path, export: Path) -> None:
    with catalens.open(tmp_path / "one") as one:
        one.add(sorted((export / "photos").glob("SNE*.jpg")) or sorted((export / "photos").glob("*.jpg"))[:1])
        sku = next(iter(one.products())).sku
        assert one.outfits(sku, kinds=["dress"]).notes == ("no dress: the catalog has none that fits",)


def test_what_makes_no_sense(shop: catalens.Catalog, tmp_path: Path) -> None:
    for wrong in (
        {"k": 0},
        {"budget": 0},
        {"budget": -5},
        {"budget": float("inf")},
        {"kinds": ["sofa"]},
        {"colors": "loud"},
    ):
        with pytest.raises(UsageError):
            shop.outfits("x", **wrong)
    with pytest.raises(UsageError, match="begin"):
        shop.outfits([])
    with pytest.raises(NotFoundError):
        shop.outfits("no-such-product")
    with pytest.raises(NotFoundError):
        shop.outfits(sku_of(shop, "shirt", "t-shirt", "sweater", "blouse"), like=["no-such-product"])
    with catalens.open(tmp_path / "empty") as empty, pytest.raises(NotFoundError):
        empty.outfits("x")


def test_an_empty_catalog_completes_nothing(tmp_path: Path, export: Path) -> None:
    with catalens.open(tmp_path / "empty") as empty:
        assert empty.outfits(min((export / "queries").glob("*.jpg"))).items == ()


@pytest.mark.parametrize(
    "photos", ["one.jpg", [], [np.zeros((9, 9, 3), np.uint8)], [np.zeros((9, 9, 3), np.uint8)] * 9]
)
def test_compatibility_takes_two_to_eight(photos: object) -> None:
    with pytest.raises(UsageError):
        catalens.compatibility(photos)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (0.5, "cannot say"),
        (0.42, "cannot say"),
        (0.59, "cannot say"),
        (0.2, "seldom"),
        (0.8, "people wear"),
    ],
)
def test_a_verdict_near_a_half_says_nothing(verdict: float, said: str) -> None:
    (reason,) = reasons_for((), verdict)
    assert said in reason
    assert f"{verdict:.2f} of 1" in reason


def test_doubtful_outfits_are_called_so() -> None:
    top, coat, dress = pieces(3)
    assert doubts_of([top, coat, dress]) == ()
    assert [doubt.split(":")[0] for doubt in doubts_of([top, replace(coat, kind="top"), dress])] == [
        "2 of one kind (top), which nobody wears at once"
    ]
    assert len(doubts_of([top, top])) == 2


def test_compatibility_of_photos(export: Path) -> None:
    photos = sorted((export / "photos").glob("*.jpg"))[:3]
    value = catalens.compatibility(photos, kinds=["top", "trousers", "shoes"])
    assert 0 < value < 1
    assert value == catalens.compatibility(photos, kinds=["top", "trousers", "shoes"])
    with pytest.raises(UsageError, match="kinds"):
        catalens.compatibility(photos, kinds=["top"])


def test_commands(built_shop: Path, shop: catalens.Catalog, export: Path) -> None:
    sku = sku_of(shop, "shirt", "t-shirt", "sweater", "blouse")
    told = CliRunner().invoke(app, ["outfit", sku, "--catalog", str(built_shop), "-k", "1"])
    assert told.exit_code == 0, told.output
    assert sku in told.output
    photos = [str(export / "photos" / name) for name in ("SHI-0010-1.jpg", "TRO-0007-1.jpg")]
    scored = CliRunner().invoke(app, ["style", "score", *photos])
    assert scored.exit_code == 0, scored.output
    assert 0 < float(scored.output.split()[0]) < 1
    with pytest.raises(NotFoundError):
        CliRunner().invoke(app, ["outfit", sku, "--catalog", str(built_shop), "--own", "/none"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("begun", "wishes", "kept"),
    [
        ("green kurta", (), ["b"]),
        ("running shorts", (), ["a", "b"]),
        ("green kurta", ("sport",), ["a", "b"]),
    ],
)
def test_shoes_for_sport_stay_with_sport(begun: str, wishes: tuple[str, ...], kept: list[str]) -> None:
    vector = np.zeros(1, np.float32)

    def item(name: str, words: str) -> EmbeddedItem:
        return EmbeddedItem(OutfitItem(name, "shoes"), vector, vector, words=words)

    shoes = [Candidate(item("a", "football boots"), 0, 0, 0), Candidate(item("b", "leather sandals"), 0, 0, 0)]
    request = OutfitRequest(wishes=wishes)
    found = for_the_occasion(shoes, [item("start", begun)], request)
    assert [one.thing.item.name for one in found] == kept
    assert [one.thing.item.name for one in for_the_occasion(shoes[:1], [item("start", begun)], request)] == ["a"]
    assert for_the_occasion([], [item("start", begun)], request) == []


def test_there_is_no_score_of_one_kind_or_of_no_clothes() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    found = score_photos([noise, noise])
    assert (found.value, found.to_dict()["score"], found.reasons) == (None, None, ())
    assert any("one kind" in note for note in found.notes)
    assert any("show the same" in note for note in found.notes)
