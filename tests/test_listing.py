"""Listing photos against rules: what each measure sees, what a pack says, what a repair cures."""

from __future__ import annotations

import io
import os
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import NotFoundError, UsageError
from catalens.images.decode import Header
from catalens.images.read import read_image
from catalens.tasks.listing import (
    bundled_packs,
    check,
    check_folder,
    fix,
    fixed_photo,
    judge,
    measure,
    measures,
    read_rules,
)
from catalens.tasks.listing.goods import is_apparel, is_of
from catalens.types import FloatArray, ImageArray, Masks

WHITE = (255, 255, 255)


def photo(
    *,
    size: tuple[int, int] = (1600, 1600),
    ground: tuple[int, int, int] = WHITE,
    box: tuple[float, ...] = (0.05, 0.05, 0.95, 0.95),
) -> ImageArray:
    """A red product with texture on an even ground; the box as shares of the sides."""
    image = np.full((*size, 3), ground, np.uint8)
    left, top, right, bottom = (round(share * side) for share, side in zip(box, (size[1], size[0]) * 2, strict=True))
    y, x = np.mgrid[top:bottom, left:right]
    image[top:bottom, left:right] = np.stack([150 + 60 * ((x // 24 + y // 24) % 2), y * 0 + 30, y * 0 + 40], -1)
    return image


def encoded(image: ImageArray, format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, quality=95)
    return buffer.getvalue()


def measured(image: ImageArray, **header: object) -> object:
    return measure(image, Header("JPEG", image.shape[:2], 1000), name="a.jpg")


def breaks(image: ImageArray, pack: str, *, format: str = "JPEG") -> set[str]:
    return {finding.rule.name for finding in check(encoded(image, format), rules=[pack])}


def test_every_pack_can_be_read_and_says_where_its_rules_are_written() -> None:
    assert {"amazon", "ebay", "etsy", "google", "meta", "shopify", "vtex", "walmart"} <= set(bundled_packs())
    rules = read_rules(bundled_packs())
    assert all(rule.source.startswith("https://") and rule.cure for rule in rules)
    assert read_rules([]) == ()


def test_a_good_photo_has_no_errors() -> None:
    for pack in bundled_packs():
        levels = {finding.level for finding in check(encoded(photo(size=(2100, 2100)), "JPEG"), rules=[pack])}
        assert "error" not in levels, pack


@pytest.mark.parametrize(
    ("image", "pack", "rule"),
    [
        (photo(size=(90, 200)), "google", "smallest"),
        (photo(size=(200, 200)), "google", "smallest, worn"),
        (photo(ground=(254, 254, 254)), "amazon", "white"),
        (photo(ground=(250, 250, 250)), "amazon", "white"),
        (photo(ground=(90, 120, 90)), "amazon", "white"),
        (photo(box=(0.3, 0.3, 0.7, 0.7)), "amazon", "fill"),
        (photo(box=(0.3, 0.3, 1.0, 0.9)), "amazon", "whole"),
        (photo(size=(400, 400)), "amazon", "smallest"),
        (photo(size=(900, 600)), "amazon", "zoom"),
        (photo(size=(5200, 700)), "vtex", "largest"),
        (photo(size=(600, 600)), "etsy", "first photo"),
    ],
)
def test_what_is_wrong_is_found(image: ImageArray, pack: str, rule: str) -> None:
    assert rule in breaks(image, pack)
    assert rule not in breaks(photo(size=(2100, 2100)), pack)


@settings(max_examples=20)
@given(st.tuples(*[st.integers(245, 255)] * 3).filter(lambda color: color != WHITE))
def test_nearly_white_is_never_white(color: tuple[int, int, int]) -> None:
    image = photo(size=(300, 300), ground=color, box=(0.2, 0.2, 0.8, 0.8))
    assert measure(image, Header("PNG", (300, 300), 1)).pure_white == 0


def test_a_format_a_pack_does_not_take_and_an_ending_that_lies(tmp_path: Path) -> None:
    assert "format" in breaks(photo(), "amazon", format="WEBP")
    (tmp_path / "photo.png").write_bytes(encoded(photo(size=(600, 600)), "JPEG"))
    assert "ending" in {finding.rule.name for finding in check(tmp_path / "photo.png", rules=["google"])}


def test_a_frame_is_seen_and_an_even_ground_is_none() -> None:
    plain = photo(size=(600, 600), box=(0.2, 0.2, 0.8, 0.8))
    assert not measure(plain, Header("PNG", (600, 600), 1)).framed
    plain[:12], plain[-12:], plain[:, :12], plain[:, -12:] = 0, 0, 0, 0
    assert measure(plain, Header("PNG", (600, 600), 1)).framed


def test_letters_beside_the_product_are_seen() -> None:
    image = photo(size=(600, 600), box=(0.2, 0.1, 0.8, 0.6))
    before = measure(image, Header("PNG", (600, 600), 1)).overlaid_text
    cv2.putText(image, "SUMMER SALE -50%", (60, 520), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (10, 10, 10), 4)
    # The letters are unlike the ground as the product is: told apart by an alpha of the product alone.
    product = np.zeros((512, 512), np.float32)
    product[50:310, 100:410] = 1
    after = measure(image, Header("PNG", (600, 600), 1), alpha_of=lambda _: product).overlaid_text
    assert before < 0.004 < after


@pytest.mark.parametrize("blur", [0, 4, 12])
def test_a_blurred_photo_is_less_sharp(blur: int) -> None:
    image = photo(size=(600, 600))
    sharp = measure(image, Header("PNG", (600, 600), 1)).sharpness
    if blur:
        blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.uint8)
        assert measure(blurred, Header("PNG", (600, 600), 1)).sharpness < 0.15 < sharp


def test_noise_is_about_what_was_added() -> None:
    rng = np.random.default_rng(0)
    even = np.clip(150 + rng.normal(0, 8, (400, 400)), 0, 255).astype(np.uint8)
    found = measure(np.dstack([even] * 3), Header("PNG", (400, 400), 1)).noise
    assert found == pytest.approx(8, rel=0.15)


@pytest.mark.parametrize("size", [(1, 1), (3, 140), (40, 1900)], ids=str)
def test_odd_pictures_are_measured_too(size: tuple[int, int]) -> None:
    assert check(encoded(np.full((*size, 3), 7, np.uint8)), rules=bundled_packs())


def test_a_rule_of_tomorrow_is_a_warning_today() -> None:
    rules = [rule for rule in read_rules(["google"]) if rule.since is not None]
    small = measure(photo(size=(400, 400)), Header("JPEG", (400, 400), 1000))
    assert [one.level for one in judge(small, rules, today=date(2027, 1, 30))] == ["warning"]
    assert [one.level for one in judge(small, rules, today=date(2027, 1, 31))] == ["error"]


@pytest.mark.parametrize(
    ("category", "worn"),
    [
        ("", None),
        ("166", True),
        ("2271", None),  # dresses, for who has the taxonomy
        ("Apparel & Accessories > Clothing > Dresses", True),
        ("apparel & accessories", True),
        ("服饰与配饰 > 服装", True),
        ("Furniture > Chairs", False),
        ("电子产品", False),
        ("Default Category/Men/Tops/Jackets", True),
        ("Dresses", True),
        ("T-Shirts", True),
        ("hat", True),
        ("Top", True),
        ("Table top", None),
        ("连衣裙", True),
        ("Scarves, Belts", True),
        ("Belt sanders", None),
        ("Laptop", None),
        ("Shirting boards", None),
        ("沙发", None),
    ],
)
def test_categories_of_what_is_worn(category: str, worn: bool | None) -> None:
    assert is_apparel(category) is worn


@pytest.mark.parametrize(
    ("category", "level"),
    [(None, "advice"), ("Dresses", "error"), ("Furniture", None), ("Laptop", "advice")],
)
def test_a_rule_for_what_is_worn(tmp_path: Path, category: str | None, level: str | None) -> None:
    data = encoded(photo(size=(200, 200)))
    findings = {one.rule.name: one for one in check(data, rules=["google"], category=category)}
    assert (findings["smallest, worn"].level if level else None) == level
    assert ("smallest, worn" in findings) == (level is not None)
    assert "smallest" not in findings  # 100 pixels are enough for all else
    (tmp_path / "a.png").write_bytes(data)
    (one,) = check_folder(tmp_path, rules=["google"], category=category)
    assert one.findings == tuple(findings.values())
    (unsaid,) = check_folder(tmp_path, rules=["google"])
    assert category is None or unsaid.of(category).findings == one.findings


@pytest.mark.parametrize(
    "text",
    [
        *("", "rules = 3", "rules = []", "[[rules", "\x00"),
        *(
            f"[[rules]]\nmeasure = {rule}"
            for rule in (
                "'size'\nat_least = 3",
                "'fill'",
                "'fill'\nat_least = 'big'",
                "'fill'\nat_least = true",
                "'fill'\none_of = ['a']",
                "'format'\nat_least = 3",
                "'format'\none_of = 'JPEG'",
                "'framed'\nis = 0",
                "'fill'\nat_most = 1\nfrom = 'soon'",
                "'fill'\nat_most = 1\nfrom = 2027-01-31T00:00:00",
                "'fill'\nat_most = 1\nat_lest = 0",
                "'fill'\nat_most = 1\ngoods = 'food'",
            )
        ),
    ],
)
def test_a_pack_that_cannot_be_understood(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UsageError, match="holds no rules"):
        read_rules([str(tmp_path / "mine.toml")])
    with pytest.raises(NotFoundError, match="no rules called"):
        read_rules(["amazone"])


def test_a_pack_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[rules]]\nmeasure = "fill"\nat_most = 0.5\nlevel = "warning"\n')
    (finding,) = check(encoded(photo(size=(300, 300))), rules=[str(tmp_path / "mine.toml")])
    assert (finding.rule.pack, finding.rule.name, finding.level) == ("mine", "fill", "warning")
    assert read_rules(["google", "google"]) == read_rules(["google"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    (photos / "deep").mkdir(parents=True)
    small = photo(size=(2400, 1800), ground=(243, 243, 240), box=(0.3, 0.3, 0.7, 0.7))
    (photos / "a.webp").write_bytes(encoded(small, "WEBP"))
    (photos / "b.jpg").write_bytes(encoded(photo(size=(1700, 1700)), "JPEG"))
    (photos / "deep" / "c.jpg").write_bytes(encoded(photo(size=(1600, 1600)), "JPEG"))
    (photos / "d.jpg").write_bytes(b"no photo")
    return photos


def test_a_folder_its_twins_and_its_broken_files(folder: Path) -> None:
    found = {one.path.name: one for one in check_folder(folder, rules=["amazon"])}
    assert found["d.jpg"].failure is not None
    assert found["c.jpg"].same_as == folder / "b.jpg"
    assert found["a.webp"].same_as is None
    assert {name for name, one in found.items() if one.has_error} == {"a.webp", "d.jpg"}


def test_products_of_one_shape_are_no_twins(tmp_path: Path) -> None:
    red = photo(size=(600, 600))
    for name, image in (("a", red), ("b", red[::2, ::2]), ("c", red[..., ::-1])):
        (tmp_path / f"{name}.jpg").write_bytes(encoded(image, "JPEG"))
    found = {one.path.stem: one.same_as for one in check_folder(tmp_path)}
    assert found == {"a": None, "b": tmp_path / "a.jpg", "c": None}


def test_pale_clothes_on_white_are_kept_and_the_white_made_pure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "cutter", lambda: pytest.fail("a network may lose what is pale"))
    image = photo(size=(1200, 1200), ground=(254, 254, 254), box=(0.1, 0.1, 0.9, 0.6))
    image[700:, 200:1000], image[800:900, 300:900] = (205, 232, 215), (225, 225, 228)  # to the edge; a pale stripe
    image[:, :60] = 255
    outline = measures.outline(image)
    assert outline[1000, 600] == outline[850, 600] == outline[300, 600] == 1
    assert outline[50, 600] == outline[1000, 1150] == outline[1000, 30] == 0
    assert "white" in breaks(image, "amazon")
    data, _, findings = fix(encoded(image), rules=["amazon"])
    assert "white" not in {finding.rule.name for finding in findings}
    assert np.abs(read_image(data)[1000, 600].astype(int) - (205, 232, 215)).max() < 6


@pytest.mark.parametrize(("share", "left"), [(0.0, False), (0.5, True), (1.0, True)])
def test_a_doubtful_outline_is_not_followed(share: float, left: bool) -> None:
    image = photo(size=(1200, 1200), ground=(120, 150, 120))

    def alpha_of(image: ImageArray) -> FloatArray:
        alpha = (image[..., 0] > image[..., 1]).astype(np.float32)
        alpha[: round(share * len(alpha))] *= 0.5
        return alpha

    data, _, findings = fix(encoded(image), rules=["amazon"], alpha_of=alpha_of)
    assert ("white" in {finding.rule.name for finding in findings}) == left
    corner = read_image(data)[5, 5].astype(int)
    assert np.abs(corner - ((120, 150, 120) if left else WHITE)).max() < 6


def test_what_was_repaired_passes(folder: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.rglob("*.*")}
    found = {one.path.name: one for one in check_folder(folder, rules=["amazon", "vtex"], fix=tmp_path / "out")}
    repaired = found["a.webp"].repaired
    assert repaired == tmp_path / "out" / "a.jpg"
    assert not found["a.webp"].has_error
    assert not [one for one in check(repaired, rules=["amazon", "vtex"]) if one.level == "error"]
    assert found["c.jpg"].repaired is None
    assert {path.name: path.read_bytes() for path in folder.rglob("*.*")} == before
    for photos in (folder, folder / "a.webp"):
        with pytest.raises(UsageError, match="never overwritten"):
            list(check_folder(photos, fix=folder))
    with pytest.raises(UsageError, match="no folder"):
        list(check_folder(folder, fix=folder / "b.jpg"))
    assert {path.name: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_photos_that_differ_only_in_their_endings_are_all_repaired(tmp_path: Path) -> None:
    pale = photo(size=(1200, 1200), ground=(243, 243, 240))
    for name, format in (("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("b.png", "PNG")):
        (tmp_path / name).write_bytes(encoded(pale, format))
    repaired = [one.repaired for one in check_folder(tmp_path, rules=["amazon"], fix=tmp_path / "out")]
    assert [path.name for path in repaired if path is not None] == ["a.jpg", "a.png.jpg", "a.webp.jpg", "b.jpg"]
    assert sorted(path for path in (tmp_path / "out").iterdir()) == sorted(path for path in repaired if path)


def test_a_photo_that_is_gone_is_named_and_the_rest_are_checked(folder: Path) -> None:
    (folder / "a.gif").symlink_to(folder / "nowhere.gif")
    found = {one.path.name: one for one in check_folder(folder)}
    assert found["a.gif"].failure is not None
    assert found["b.jpg"].failure is None


@pytest.mark.parametrize("rules", [[], "google"])
def test_without_rules_nothing_is_found_good(rules: list[str] | str) -> None:
    with pytest.raises(UsageError, match="google"):
        check(encoded(photo()), rules=rules)


def test_nothing_is_enlarged(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(photo(size=(300, 300), ground=(230, 230, 230))))
    (one,) = check_folder(tmp_path / "a.png", rules=["amazon"], fix=tmp_path / "out")
    assert "smallest" in {finding.rule.name for finding in one.findings}
    assert "white" not in {finding.rule.name for finding in one.findings}


def test_what_nothing_can_be_done_for_is_not_written(tmp_path: Path) -> None:
    small = encoded(photo(size=(300, 300), box=(0.03, 0.03, 0.97, 0.97)))
    (tmp_path / "a.png").write_bytes(small)
    (one,) = check_folder(tmp_path, rules=["amazon"], fix=tmp_path / "out")
    assert one.repaired is None
    assert {finding.rule.name for finding in one.findings} == {"smallest", "zoom"}
    assert not (tmp_path / "out").exists()
    assert fix(small, rules=["amazon"])[:2] == (small, ".png")


def test_what_was_repaired_inside_the_folder_is_no_photo_of_it(folder: Path) -> None:
    first, again = ([one.path for one in check_folder(folder, rules=["amazon"], fix=folder / "out")] for _ in "12")
    assert first == again


def test_a_pipe_is_not_waited_for_and_a_broken_photo_is_called_by_its_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "text.png").write_bytes(b"no picture")
    pipe, text = check_folder(tmp_path)
    assert pipe.failure is not None
    assert "no regular file" in pipe.failure.why
    assert text.failure is not None
    assert "text.png" in text.failure.why


def test_the_command_exits_with_five_on_findings(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["check", str(folder), "--rules", "amazon"]).exit_code == 5
    assert run(app, ["check", str(folder), "--rules", "amazon", "--fail-on", "never"]).exit_code == 0
    good = ["check", str(folder / "b.jpg"), "--rules", "amazon"]
    assert run(app, good).exit_code == 0
    assert '"findings": []' in run(app, [*good, "--json"]).stdout
    with pytest.raises(NotFoundError):
        list(check_folder(tmp_path / "nowhere"))


def test_an_uneven_ground_is_cut_away_and_both_checks_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Network:
        def alpha(self, image: ImageArray) -> FloatArray:
            red = image[..., 0].astype(int) - image[..., 1]
            return (red > 60).astype(np.float32)

        def confidence(self, image: ImageArray, alpha: FloatArray) -> float:
            return 1.0

    monkeypatch.setattr(measures, "cutter", Network)
    image = photo(size=(1500, 1500), box=(0.1, 0.1, 0.9, 0.9))
    stripes = np.where((np.arange(1500) // 60 % 2)[:, None, None], (60, 60, 70), (200, 200, 190)).astype(np.uint8)
    image = np.where((image == 255).all(2, keepdims=True), stripes, image)
    (tmp_path / "a.jpg").write_bytes(encoded(image, "JPEG"))
    # Without a network nobody can tell where the product ends: not that it is cut off, nor how much it fills.
    assert breaks(image, "amazon") == {"white"}
    (one,) = check_folder(tmp_path / "a.jpg", rules=["amazon"], fix=tmp_path / "out")
    assert one.findings == ()
    assert one.repaired is not None
    assert check(one.repaired, rules=["amazon"]) == ()


def on_floor(image: ImageArray) -> ImageArray:
    image[1300:] = (90, 70, 50)
    return image


def bands(size: int = 1600) -> ImageArray:
    image = np.full((size, size, 3), WHITE, np.uint8)
    image[300:1200, :], image[:, 500:900] = (200, 120, 90), (60, 60, 160)
    return image


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (photo(box=(0.3, 0.3, 0.9, 0.9)), {"fill": 0.6, "cut_off": False, "pure_white": 1.0}),
        (photo(box=(0.3, 0.0, 0.9, 0.9)), {"fill": 0.9, "cut_off": True, "pure_white": 1.0}),
        (on_floor(photo(box=(0.3, 0.3, 0.7, 0.9))), {"fill": None, "cut_off": None}),
        (on_floor(photo(ground=(200, 200, 200))), {"fill": None, "cut_off": None, "pure_white": 0.0}),
        (bands(), {"fill": None, "cut_off": None, "pure_white": None}),  # its border is white in part
        (np.full((600, 600, 3), 255, np.uint8), {"fill": None, "cut_off": None, "pure_white": None, "blank": True}),
        (np.full((600, 600, 3), 9, np.uint8), {"fill": None, "cut_off": None, "pure_white": 0.0, "blank": True}),
    ],
    ids=["inside", "at an edge", "on a floor", "on a floor, not white", "across", "white", "black"],
)
def test_what_cannot_be_told_is_not_judged(image: ImageArray, found: dict[str, object]) -> None:
    told = measured(image)
    for name, value in found.items():
        assert getattr(told, name) == (pytest.approx(value, abs=0.01) if isinstance(value, float) else value), name
    rules = [rule for rule in read_rules(["amazon"]) if rule.measure in found and found[rule.measure] is None]
    assert not judge(told, rules)  # type: ignore[arg-type]


def test_a_shadow_at_the_edge_is_no_product() -> None:
    image = photo(box=(0.2, 0.2, 0.8, 0.8))
    image[700:800, :20] = 200
    assert measured(image).cut_off is False  # type: ignore[attr-defined]


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_an_empty_picture_is_a_placeholder(shade: int) -> None:
    for pack in ("amazon", "ebay", "google", "meta", "walmart"):
        assert "placeholder" in breaks(np.full((600, 600, 3), shade, np.uint8), pack), pack


class Parts:
    """A parser that sees what it is told: parts as (name, top, bottom) in shares of the height."""

    def __init__(self, *seen: tuple[str, float, float]) -> None:
        self._seen = seen

    def __call__(self, image: ImageArray) -> Masks:
        names = ("background", "skin", "hair", "top", "trousers")
        labels = np.zeros(image.shape[:2], np.uint8)
        for name, top, bottom in self._seen:
            labels[round(top * len(labels)) : round(bottom * len(labels)), 150:350] = names.index(name)
        return Masks(labels, names)


@pytest.mark.parametrize(
    ("seen", "whole"),
    [
        ([], False),
        ([("top", 0.3, 1.0)], False),  # nobody wears it
        ([("skin", 0.1, 0.2), ("top", 0.2, 0.8), ("trousers", 0.8, 1.0)], True),  # a model's legs may be cut
        ([("skin", 0.1, 0.2), ("top", 0.2, 0.3), ("trousers", 0.3, 1.0)], False),
        ([("skin", 0.1, 1.0)], False),  # nothing is worn: it is about what is seen
    ],
)
def test_of_a_model_what_is_worn_must_be_whole(
    monkeypatch: pytest.MonkeyPatch, seen: list[tuple[str, float, float]], whole: bool
) -> None:
    monkeypatch.setattr(measures, "parser", lambda: Parts(*seen))
    assert ("whole" not in breaks(photo(box=(0.3, 0.1, 0.7, 1.0)), "amazon")) == whole


def test_people_are_looked_for_where_it_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_person", lambda _: 0.2)
    data = encoded(photo(size=(2100, 2100)), "JPEG")
    assert not check(data, rules=["amazon"])
    assert [one.rule.name for one in check(data, rules=["amazon"], people=True)] == ["nobody"]
    (tmp_path / "mine.toml").write_text('[[rules]]\nmeasure = "person"\nat_most = 0.01\n')
    assert [one.value for one in check(data, rules=[str(tmp_path / "mine.toml")])] == [0.2]


def certain(image: ImageArray, alpha: FloatArray) -> float:
    return 1.0


def red(image: ImageArray) -> FloatArray:
    return (image[..., 0].astype(int) - image[..., 1] > 60).astype(np.float32)


def fading(image: ImageArray) -> FloatArray:
    """An outline that loses half of the product once its ground is white."""
    alpha = red(image)
    if (image[0] == 255).all():
        alpha[:, : alpha.shape[1] // 2] = 0
    return alpha


def unknown_on_white(image: ImageArray) -> FloatArray:
    return np.ones(image.shape[:2], np.float32) if (image[0] == 255).all() else red(image)


GREEN = (120, 150, 120)


@pytest.mark.parametrize(
    ("image", "alpha_of", "confidence", "left", "said"),
    [
        (photo(), red, 1.0, set(), None),
        (photo(ground=GREEN), red, 1.0, set(), None),
        (photo(ground=GREEN), red, 0.2, {"white"}, "doubtful"),
        (photo(ground=GREEN), fading, 1.0, {"white"}, "product would change"),
        (photo(ground=GREEN), unknown_on_white, 1.0, {"white"}, "could not be judged"),
        (photo(size=(1000, 1000), box=(0.4, 0.4, 0.7, 0.7)), red, 1.0, {"fill"}, "smallest"),
        (photo(size=(2000, 2000), box=(0.2, 0.2, 0.8, 0.8)), red, 1.0, set(), None),
    ],
    ids=["good", "white", "doubt", "lost in part", "not judged", "too small", "closer"],
)
def test_a_repair_keeps_the_product_and_the_other_rules(
    tmp_path: Path, image: ImageArray, alpha_of: measures.AlphaOf, confidence: float, left: set[str], said: str | None
) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(image, "JPEG"))
    before = check(tmp_path / "a.jpg", rules=["amazon"], alpha_of=alpha_of)
    (one,) = check_folder(
        tmp_path / "a.jpg",
        rules=["amazon"],
        fix=tmp_path / "out",
        alpha_of=alpha_of,
        confidence_of=lambda *_: confidence,
    )
    assert {finding.rule.name for finding in one.findings} == left
    assert (one.repaired is not None) == (bool(before) and not left)
    assert (not one.refused) == (said is None)
    assert said is None or said in one.refused[0]
    if left:
        assert one.findings == tuple(before)
        assert not (tmp_path / "out").exists()


def test_an_error_that_cannot_be_judged_after_a_repair_stays_one(tmp_path: Path) -> None:
    """The format is repaired; JPEG is what makes the made-up outline blind."""
    image = photo(box=(0.3, 0.3, 0.7, 0.7))
    seen = []

    def blind(image: ImageArray) -> FloatArray:
        seen.append(image)
        return red(image) if len(seen) < 3 else np.ones(image.shape[:2], np.float32)

    (tmp_path / "a.webp").write_bytes(encoded(image, "WEBP"))
    (one,) = check_folder(tmp_path, rules=["amazon"], fix=tmp_path / "out", alpha_of=blind, confidence_of=certain)
    assert one.measures is not None
    assert one.measures.fill is None
    assert "fill" in {finding.rule.name for finding in one.findings}
    assert one.has_error


def test_findings_do_not_depend_on_repairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "outline_confidence", certain)
    for name, image in (("a", bands()), ("b", on_floor(photo())), ("c", photo(ground=(200, 200, 200)))):
        (tmp_path / f"{name}.jpg").write_bytes(encoded(image, "JPEG"))
    plain = list(check_folder(tmp_path, rules=["amazon"]))
    fixed = list(check_folder(tmp_path, rules=["amazon"], fix=tmp_path / "out"))
    for one, other in zip(plain, fixed, strict=True):
        assert other.repaired is not None or (one.findings, one.not_judged) == (other.findings, other.not_judged)


def test_what_was_not_judged_has_not_passed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(bands(), "JPEG"))
    (one,) = check_folder(tmp_path, rules=["amazon"])
    assert one.findings == ()
    assert {"white", "fill", "whole"} <= {rule.name for rule, _ in one.not_judged}
    result = CliRunner().invoke(app, ["check", str(tmp_path), "--rules", "amazon"])
    assert result.exit_code == 5
    assert "not judged: amazon fill" in result.stdout
    assert CliRunner().invoke(app, ["check", str(tmp_path), "--rules", "ebay"]).exit_code == 0


@pytest.mark.parametrize(
    ("category", "goods", "found"),
    [
        ("Shoes", ("shoes",), True),
        ("Sneakers", ("shoes", "bags"), True),
        ("Luggage & Bags > Suitcases", ("apparel", "bags"), True),
        ("Furniture > Chairs", ("apparel", "bags"), False),
        ("Furniture > Chairs", ("furniture",), True),
        ("Dresses", ("furniture",), False),
        ("SKU 4711", ("furniture",), None),
        ("", ("apparel", "bags"), None),
    ],
)
def test_goods_of_a_category(category: str, goods: tuple[str, ...], found: bool | None) -> None:
    assert is_of(category, goods) is found


@pytest.mark.parametrize(
    ("size", "category", "found"),
    [
        ((2000, 1500), "Dresses", {}),
        ((2000, 1500), "Furniture > Chairs", {"square": "advice", "advised size": "advice"}),
        ((2200, 2200), "Furniture > Chairs", {}),
        ((2200, 2200), "Dresses", {"upright, fashion": "warning"}),
        ((2200, 2200), "Luggage & Bags > Suitcases", {"upright, fashion": "warning"}),
        ((2200, 2200), None, {"upright, fashion": "advice"}),
        ((700, 525), "Dresses", {"zoom": "warning", "zoom, fashion": "warning", "smallest, fashion": "error"}),
    ],
)
def test_sizes_of_a_department(size: tuple[int, int], category: str | None, found: dict[str, str]) -> None:
    findings = check(encoded(photo(size=size), "JPEG"), rules=["walmart"], category=category)
    assert {one.rule.name: one.level for one in findings} == found


def test_a_crop_keeps_the_shape_that_a_department_needs(tmp_path: Path) -> None:
    image = photo(size=(4000, 3000), box=(0.2, 0.2, 0.8, 0.8))
    names = {one.rule.name for one in check(encoded(image), rules=["amazon", "walmart"], category="Dresses")}
    assert names == {"fill"}
    for category, aspect in (("Dresses", 0.75), ("Furniture > Chairs", 1.0), (None, 1.0)):
        data, _, findings = fix(encoded(image), rules=["amazon", "walmart"], category=category, alpha_of=red)
        height, width = read_image(data).shape[:2]
        assert width / height == pytest.approx(aspect, abs=0.01)
        assert {one.level for one in findings} <= {"advice"}


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_photo_that_passes_keeps_every_byte(tmp_path: Path, format: str) -> None:
    data = encoded(photo(), format)
    assert fix(data, rules=["amazon"])[0] == data
    (tmp_path / "a.jpg").write_bytes(data)
    (one,) = check_folder(tmp_path, rules=["ebay"], fix=tmp_path / "out")
    assert (one.repaired, one.refused, one.passed) == (None, (), True)
    assert not (tmp_path / "out").exists()


def test_a_wrong_name_is_cured_by_a_name(tmp_path: Path) -> None:
    data = encoded(photo(), "JPEG")
    (tmp_path / "a.png").write_bytes(data)
    (one,) = check_folder(tmp_path, rules=["amazon"], fix=tmp_path / "out")
    assert one.repaired == tmp_path / "out" / "a.jpg"
    assert one.repaired.read_bytes() == data
    assert one.passed


def test_a_crop_of_600_pixels_to_343_is_refused(tmp_path: Path) -> None:
    image = photo(size=(600, 600), box=(0.25, 0.25, 0.7517, 0.7517))  # 301 pixels: 0.88 of 343
    before = check(encoded(image), rules=["amazon"])
    fixed = fixed_photo(encoded(image), rules=["amazon"])
    assert fixed.data == encoded(image)
    assert tuple(fixed.findings) == tuple(before)
    assert "343" in fixed.refused[0]
    assert "amazon smallest" in fixed.refused[0]


def test_a_file_that_would_break_another_rule_is_not_written(tmp_path: Path) -> None:
    """Noise takes more bytes as JPEG than the limit that its lossy WebP keeps."""
    noise = np.random.default_rng(0).integers(0, 255, (700, 700, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "WEBP", quality=5)
    (tmp_path / "a.webp").write_bytes(buffer.getvalue())
    (tmp_path / "mine.toml").write_text(
        '[[rules]]\nmeasure = "format"\none_of = ["JPEG"]\n'
        f'[[rules]]\nmeasure = "bytes"\nat_most = {len(buffer.getvalue())}\n'
    )
    (one,) = check_folder(tmp_path / "a.webp", rules=[str(tmp_path / "mine.toml")], fix=tmp_path / "out")
    assert [finding.rule.name for finding in one.findings] == ["format"]
    assert one.repaired is None
    assert "breaks another rule" in one.refused[0]


def test_an_error_that_is_not_judged_any_more_stays_one_when_its_category_is_known(tmp_path: Path) -> None:
    image, seen = photo(box=(0.3, 0.3, 0.7, 0.7)), []

    def blind(image: ImageArray) -> FloatArray:
        seen.append(image)
        return red(image) if len(seen) < 3 else np.ones(image.shape[:2], np.float32)

    (tmp_path / "a.webp").write_bytes(encoded(image, "WEBP"))
    (one,) = check_folder(tmp_path, rules=["amazon"], fix=tmp_path / "out", alpha_of=blind, confidence_of=certain)
    assert one.of("Dresses").has_error
    assert "fill" in {finding.rule.name for finding in one.of("Dresses").findings}


def test_what_was_not_judged_is_listed_with_what_is_broken() -> None:
    found = check(encoded(bands(), "JPEG"), rules=["amazon"])
    assert tuple(found) == ()
    assert not found.passed
    listed = found.to_dict()["not_judged"]
    assert isinstance(listed, list)
    assert {one["rule"] for one in listed} >= {"white", "fill", "whole"}
    assert {one["level"] for one in listed if one["rule"] == "fill"} == {"error"}
    assert check(encoded(photo()), rules=["amazon"]).passed
