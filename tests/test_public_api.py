"""The public names are few, sorted and light to import; verbs and results are even."""

from __future__ import annotations

import base64
import inspect
import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import catalens
from catalens.errors import UnfitImageError
from catalens.images.read import read_image
from catalens.notebook import ROWS, SIDE, html_of
from catalens.show import Shown
from catalens.tasks.cutout import cutout_of
from catalens.tasks.listing import CheckedPhoto, Findings
from catalens.trust.explain import ClassExplanation, Neighbor
from catalens.trust.saliency import Faithfulness
from catalens.types import AddReport, Detections, Failure, ImageArray, Labels, Masks, Match, Matches, Where, Worn
from tests.fakes import FakeEncoder

NAMES = [
    "CatalensError",
    "Catalog",
    "Detections",
    "Encoder",
    "Labels",
    "Masks",
    "Match",
    "Matches",
    "Product",
    "Variant",
    "__version__",
    "blur_faces",
    "check",
    "classify",
    "compatibility",
    "cutout",
    "describe",
    "detect",
    "encoder",
    "enhance",
    "errors",
    "explain_class",
    "explain_match",
    "generate",
    "look",
    "open",
    "read_image",
    "scene",
    "segment",
    "try_on",
]
HEAVY = [
    "PIL",
    "cv2",
    "faiss",
    "httpx",
    "numpy",
    "onnxruntime",
    "rich",
    "scipy",
    "sklearn",
    "sqlite3",
    "torch",
    "typer",
]


def test_public_names_are_these() -> None:
    assert catalens.__all__ == NAMES == sorted(NAMES)
    assert len(NAMES) <= 30


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(catalens, name)
    assert name in dir(catalens)
    if name != "__version__":
        assert value.__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sarch'"):
        _ = catalens.sarch


def test_importing_the_package_brings_in_nothing_heavy() -> None:
    code = (  # what was there before is the interpreter's, or a tool's that measures it
        "import sys; before = set(sys.modules); import catalens; "
        f"print([name for name in {HEAVY!r} if name in set(sys.modules) - before])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_help_brings_in_no_network_and_no_index() -> None:
    code = (
        "import sys; sys.argv = ['catalens', '--help']\n"
        "from catalens.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('cv2', 'faiss', 'onnxruntime', 'PIL', 'torch') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().splitlines()[-1] == "[]"


VERBS = {
    "blur_faces": "image",
    "check": "image",
    "classify": "images",
    "compatibility": "images",
    "cutout": "image",
    "describe": "image",
    "detect": "image",
    "enhance": "image",
    "explain_class": "image",
    "explain_match": "image",
    "look": "image",
    "scene": "image",
    "segment": "image",
    "try_on": "image",
}
"""Public functions that take a picture, and what their first argument is called."""


@pytest.mark.parametrize(("name", "first"), VERBS.items())
def test_the_first_argument_is_the_picture(name: str, first: str) -> None:
    one, *others = inspect.signature(getattr(catalens, name)).parameters.values()
    assert one.name == first
    assert one.default is inspect.Parameter.empty
    second: dict[str, list[str]] = {
        "scene": ["background"],
        "try_on": ["garment"],
        "explain_match": ["product"],
        "explain_class": ["classifier"],
    }
    options = [other.name for other in others if other.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert options == second.get(name, [])


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red bag, about, on white: a file without loss, so that its pixels are the array's."""
    image = np.full((128, 96, 3), 255, np.uint8)
    cv2.rectangle(image, (24, 60), (72, 108), (180, 30, 40), -1)
    cv2.ellipse(image, (48, 60), (16, 24), 0, 180, 360, (120, 20, 30), 5)
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(image).save(path)
    return path


def as_array(path: Path) -> ImageArray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def as_pil(path: Path) -> Image.Image:
    return Image.fromarray(as_array(path))


TYPES: dict[str, Callable[[Path], Any]] = {
    "str": str,
    "Path": Path,
    "bytes": Path.read_bytes,
    "open file": lambda path: io.BytesIO(path.read_bytes()),
    "array": as_array,
    "PIL": as_pil,
}


def fitted(image: Any) -> object:
    with pytest.raises(UnfitImageError) as error:  # it is read, and shows no person
        catalens.try_on(image, np.zeros((40, 40, 3), np.uint8))
    return str(error.value)


@pytest.fixture(scope="module")
def shop(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[catalens.Catalog]:
    with catalens.open(tmp_path_factory.mktemp("shop") / "shop", encoder=FakeEncoder()) as catalog:
        catalog.add(photo)
        yield catalog


CALLS: dict[str, Callable[[Any, catalens.Catalog], Any]] = {
    "blur_faces": lambda image, _: catalens.blur_faces(image),
    "check": lambda image, _: [(one.rule.name, one.value) for one in catalens.check(image)],
    "classify": lambda image, _: catalens.classify(image, labels=["bag", "shoe"]),
    "cutout": lambda image, _: catalens.cutout(image),
    "detect": lambda image, _: catalens.detect(image).to_dict(),
    "describe": lambda image, _: catalens.describe(image).to_dict(),
    "encoder": lambda image, _: catalens.encoder().encode_images([image]),
    "enhance": lambda image, _: catalens.enhance(image),
    "explain_match": lambda image, _: catalens.explain_match(
        image, np.zeros((40, 40, 3), np.uint8), encoder=FakeEncoder()
    ).to_dict(),
    "look": lambda image, shop: catalens.look(image, catalog=shop).to_dict()["size"],
    "read_image": lambda image, _: catalens.read_image(image),
    "scene": lambda image, _: catalens.scene(image, "#eeeeee").to_dict(),
    "search": lambda image, shop: [(match.sku, match.score) for match in shop.search(image)],
    "segment": lambda image, _: catalens.segment(image).labels,
    "try_on": lambda image, _: fitted(image),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_verb_takes_every_type_and_says_the_same(
    call: Callable[[Any, catalens.Catalog], Any], photo: Path, shop: catalens.Catalog
) -> None:
    answers = {name: call(given(photo), shop) for name, given in TYPES.items()}
    for name, answer in answers.items():
        np.testing.assert_equal(answer, answers["Path"], err_msg=name)


def test_one_picture_has_labels_and_a_list_a_list(photo: Path) -> None:
    labels = ["bag", "shoe"]
    one = catalens.classify(photo, labels=labels)
    assert isinstance(one, Labels)
    assert catalens.classify([], labels=labels) == []
    stack: Any = np.stack([as_array(photo)] * 2)
    for several in ([photo, photo], (photo, photo), stack):
        found = catalens.classify(several, labels=labels)
        assert [each.names for each in found] == [one.names] * 2
        np.testing.assert_allclose([each.scores for each in found], [one.scores] * 2, atol=1e-4)


def test_a_look_in_a_catalog_by_its_folder(photo: Path, shop: catalens.Catalog, built_shop: Path) -> None:
    assert catalens.look(photo, catalog=str(built_shop)).image.shape == (128, 96, 3)
    with pytest.raises(catalens.errors.NotFoundError):
        catalens.look(photo, catalog=built_shop / "none")


EVIL = "<script>alert('1')</script>"


def shown_results(photo: Path, shop: catalens.Catalog) -> Iterator[Any]:
    """One result of each type, with a text in it that would be a program."""
    image = read_image(photo)
    match = Match("sku", 0.5, {"deep": 0.5}, title=EVIL, picture=photo)
    yield Matches((match,) * (ROWS + 2), EVIL, 1.0, (EVIL,))
    yield Matches()
    yield match
    yield catalens.Product(EVIL, Where(EVIL), EVIL, attributes={EVIL: (EVIL, "b")})
    yield Labels((EVIL, "b"), (0.9, 0.1), notes=(EVIL,))
    yield Detections(np.array([[1, 2, 60, 70]], np.float32), np.ones(1, np.float32), (EVIL,), (128, 96))
    yield Detections.empty((4, 4000))
    yield Masks(np.eye(400, dtype=np.uint8), ("background", EVIL))
    yield Worn(image, image[..., 0] < 255, (EVIL,), "top")
    yield AddReport(failed=(Failure(Where(EVIL), EVIL, EVIL, EVIL),), feed=EVIL, notes=(EVIL,))
    yield catalens.look(photo, catalog=shop)
    yield shop.outfits(photo)
    yield shop.room(image)
    yield catalens.check(photo)
    yield CheckedPhoto(Path(EVIL), None, Findings(), failure=Failure(Where(EVIL), EVIL, EVIL, EVIL))
    yield catalens.scene(photo, "#ffffff")
    yield cutout_of(image, np.asarray(image[..., 1] < 255, np.float32))
    yield catalens.explain_match(photo, photo, encoder=FakeEncoder(), parts={EVIL: 0.5})
    heat = np.zeros(image.shape[:2], np.float32)
    learned_from = (Neighbor(EVIL, 0.5), Neighbor(str(photo), 1.0))
    faith = Faithfulness(*[0.5] * len(fields(Faithfulness)))
    yield ClassExplanation(image, EVIL, 0.5, (EVIL,), "cam", heat, faith, learned_from)


def test_results_are_data_a_line_and_a_small_piece_of_html(photo: Path, built_shop: Path) -> None:
    with catalens.open(built_shop, readonly=True) as shop:
        results = list(shown_results(photo, shop))
    for result in results:
        assert isinstance(result.to_dict(), dict)
        assert "array(" not in repr(result)
        html = result._repr_html_()
        assert "<script" not in html, type(result)
        assert html.startswith("<div>")
        assert len(html) < 400_000
        for data in re.findall(r"base64,([^\"]+)", html):
            with Image.open(io.BytesIO(base64.b64decode(data))) as thumbnail:
                assert max(thumbnail.size) <= SIDE


def test_every_result_has_its_own_html() -> None:
    plain = html_of.dispatch(object)
    results = {getattr(sys.modules[one.__module__], one.__name__) for one in Shown.__subclasses__()}
    assert len(results) > 15
    assert [result for result in results if html_of.dispatch(result) is plain] == []
    assert html_of("<b>") == "<pre>&#x27;&lt;b&gt;&#x27;</pre>"
