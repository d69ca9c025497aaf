"""Descriptions: phrases in five languages, statements by calibration, proposals in a catalog, a model's answer held
against the taxonomy."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import catalens
from catalens import taxonomy
from catalens.cli.main import app
from catalens.errors import ModelError, RemoteError, UsageError
from catalens.features.color_names import COLOR_NAMES
from catalens.learning.describing import describe_catalog
from catalens.storage.merge import PREDICTED_BY, PROBABILITY
from catalens.tasks import describe as describing
from catalens.tasks.describe import Calibration, Description, Signals, Stated, stated, with_texts
from catalens.tasks.describer import MAX_BYTES, ApiDescriber, checked_answer
from catalens.taxonomy import Known, alt_text, languages, title
from catalens.types import PictureSource, Product, Where
from tests.fakes import FakeEncoder

SHIRT = Known("shirt", ("red", "gray"), "checked", "long", "flat", "OATLY")


@pytest.mark.parametrize(
    ("known", "language", "wanted"),
    [
        (Known(), "en", ""),
        (Known(pattern="striped", setting="worn"), "en", ""),  # neither what it is nor its color
        (Known("trousers"), "en", "Trousers"),
        (Known(colors=("gold",)), "en", "Gold product"),
        (Known("sneakers", ("red", "white", "black")), "en", "Red and white and black sneakers"),
        (SHIRT, "en", "Red and grey checked shirt with long sleeves, shown without a person, with the text “OATLY”"),
        (SHIRT, "zh", "红色和灰色格纹衬衫，长袖，无人穿着，上面有文字“OATLY”"),
        (
            SHIRT,
            "de",
            "Hemd in Rot und Grau, kariert, mit langen Ärmeln, ohne Person gezeigt, mit der Aufschrift „OATLY“",
        ),
        (SHIRT, "es", "Camisa de color rojo y gris, a cuadros, de manga larga, sin persona, con el texto «OATLY»"),
        (
            SHIRT,
            "fr",
            "Chemise, coloris rouge et gris, à carreaux, à manches longues, sans personne, avec le texte « OATLY »",
        ),
        (Known("long-sleeved top", sleeves="long"), "en", "Long-sleeved top"),  # said once
        (Known("dress", ("navy",)), "de", "Kleid in Dunkelblau"),
        (Known("dress", ("navy",)), "fr", "Robe, coloris bleu marine"),
    ],
)
def test_an_alt_text_says_what_is_known(known: Known, language: str, wanted: str) -> None:
    assert alt_text(known, language) == wanted


def test_every_kind_and_color_has_a_title_in_every_language() -> None:
    assert languages() == ("en", "zh", "de", "es", "fr")
    for language in languages():
        for one in taxonomy.kinds():
            said = title(Known(one.name, ("red",), "striped"), language)
            assert said
            assert "{" not in said
            assert ",," not in said.replace(" ", "")
            assert said[:1] == said[:1].upper()


def test_a_long_text_is_cut_and_stays_one_line() -> None:
    said = alt_text(Known("bottle", text="a\n" * 200), "en")
    assert (said.count("\n"), "…”" in said, len(said) < 100) == (0, True, True)


def signals(**given: Any) -> Signals:
    raw: dict[str, Any] = {
        "kinds": {"shirt": 0.6, "t-shirt": 0.3, "boots": 0.1}, "patterns": {"plain": 0.9, "striped": 0.1},
        "sleeves": {"long-sleeved": 0.9, "short-sleeved": 0.1}, "colors": {"red": 0.6, "white": 0.3, "black": 0.1},
        "color_words": {"red": 0.8, "white": 0.1, "black": 0.1}, "person": 0.0,
    }  # fmt: skip
    return Signals(**{**raw, **given})


ALWAYS, NEVER = Calibration(0.0, (0.0, 1.0), (0.5, 1.0)), Calibration(2.0, (0.0,), (0.0,))


@pytest.mark.parametrize(
    ("by", "given", "wanted"),
    [
        ({}, {}, []),
        ({"kind": Calibration(0.5, (0.5, 1.0), (0.9, 1.0))}, {}, [("kind", "shirt", 0.92)]),
        ({"kind": NEVER, "wider kind": Calibration(0.85, (0.85, 0.95), (0.9, 1.0))}, {}, [("kind", "top", 0.95)]),
        ({"color bright": ALWAYS}, {}, [("color", "red", 0.85)]),
        ({"color white": ALWAYS}, {}, [("color", "white", 0.6)]),  # beside one that is not known
        ({"color black": ALWAYS}, {}, []),  # 0.1 of the area is too little
        ({"kind": ALWAYS, "pattern": ALWAYS}, {"kinds": {"sofa": 1.0}}, [("kind", "sofa", 1.0)]),
        ({"kind": ALWAYS, "sleeves": ALWAYS}, {}, [("kind", "shirt", 0.8), ("sleeves", "long", 0.95)]),
        ({"kind": ALWAYS, "sleeves": ALWAYS}, {"kinds": {"boots": 1.0}}, [("kind", "boots", 1.0)]),
        ({"worn": Calibration(0.1, (0.1, 0.2), (0.9, 1.0))}, {"person": 0.3}, [("setting", "worn", 1.0)]),
        ({"kind": ALWAYS, "flat": ALWAYS}, {}, [("kind", "shirt", 0.8), ("setting", "flat", 1.0)]),
        ({"kind": ALWAYS, "flat": ALWAYS}, {"kinds": {"sofa": 1.0}}, [("kind", "sofa", 1.0)]),
    ],
)
def test_only_what_is_likely_right_is_stated(
    by: dict[str, Calibration],
    given: dict[str, Any],
    wanted: list[tuple[str, str, float]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(describing, "calibrations", lambda: ("any", by))
    found = [(one.name, one.value, one.confidence) for one in stated(signals(**given))]
    assert [(name, value) for name, value, _ in found] == [(name, value) for name, value, _ in wanted]
    assert [one for *_, one in found] == pytest.approx([one for *_, one in wanted])


def test_the_bundled_calibration_keeps_what_it_promises() -> None:
    _, table = describing.calibrations()
    assert set(table) <= {"kind", "wider kind", "pattern", "sleeves", "worn", "flat"} | {
        describing.color_key(name) for name in COLOR_NAMES
    }
    for one in table.values():
        assert list(one.scores) == sorted(one.scores)
        assert list(one.right) == sorted(one.right)
        assert len(one.scores) == len(one.right) > 0
        assert all(0 <= share <= 1 for share in one.right)


@pytest.mark.parametrize("given", [[], ["xx"], "en", ["en", "EN"]])
def test_other_languages_are_refused(given: Any) -> None:
    with pytest.raises(UsageError):
        catalens.describe(np.zeros((9, 9, 3), np.uint8), languages=given)


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (64, 64)])
def test_a_blank_photo_is_no_fault(size: tuple[int, int]) -> None:
    found = catalens.describe(np.full((*size, 3), 255, np.uint8), languages=languages())
    assert set(found.alt) == set(found.title) == set(languages())
    assert found.to_dict()["attributes"] == [one.to_dict() for one in found.attributes]


FOUND = with_texts([Stated("kind", "shirt", 0.95), Stated("color", "red", 0.93, 0.8)], ("en", "de"))


@pytest.fixture
def shop(tmp_path: Path) -> catalens.Catalog:
    Image.new("RGB", (32, 32), (200, 40, 40)).save(tmp_path / "a.png")
    source = PictureSource(str(tmp_path / "a.png"), Where("a"))
    shop = catalens.open(tmp_path / "shop", encoder=FakeEncoder())
    shop.add([
        Product("a", Where("a"), pictures=(source,)),
        Product("b", Where("b"), attributes={"colour": "crimson", "alt_text_en": "By hand"}, pictures=(source,)),
        Product("c", Where("c")),
    ])  # fmt: skip
    return shop


def test_an_empty_catalog_is_described(tmp_path: Path) -> None:
    with catalens.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        assert describe_catalog(shop, lambda _: FOUND, by="x").described == {}


def test_proposals_stand_beside_who_made_them_and_never_replace(shop: catalens.Catalog) -> None:
    before = shop.get("a")
    assert len(describe_catalog(shop, lambda _: FOUND, by="model 1", dry_run=True).described) == 2
    assert shop.get("a") == before
    report = describe_catalog(shop, lambda _: FOUND, by="model 1")
    assert (set(report.described), report.without_photo) == ({"a", "b"}, 1)
    a, b = shop.get("a").attributes, shop.get("b").attributes
    assert (a["alt_text_de"], a["category"], a["color"]) == ("Hemd in Rot", "shirt", "red")
    assert (a["color" + PREDICTED_BY], a["color" + PROBABILITY]) == ("model 1", 0.93)
    assert (b["alt_text_en"], b["colour"], "color" in b) == ("By hand", "crimson", False)
    assert [match.sku for match in shop.search(where='alt_text_en_predicted_by="model 1"')] == ["a"]
    again = describe_catalog(shop, lambda _: with_texts([Stated("kind", "dress", 0.95)], ("en",)), by="model 2")
    assert shop.get("a").attributes["alt_text_en"] == "Dress"
    assert again.described["a"]["category" + PREDICTED_BY] == "model 2"


def test_setting_a_value_by_hand_ends_the_proposal(shop: catalens.Catalog) -> None:
    describe_catalog(shop, lambda _: FOUND, by="model 1")
    shop.update("a", attributes={"alt_text_en": "Red shirt", "color": "red"})
    attributes = shop.get("a").attributes
    assert (attributes["alt_text_en"], attributes["color"]) == ("Red shirt", "red")
    assert not {"alt_text_en" + PREDICTED_BY, "color" + PREDICTED_BY, "color" + PROBABILITY} & set(attributes)
    assert "alt_text_de" + PREDICTED_BY in attributes  # the others wait


def test_alt_texts_go_into_feeds(shop: catalens.Catalog) -> None:
    def alts() -> dict[str, str]:
        lines = shop.export_lines(format="acp", picture_base="https://shop.example/p/", currency="EUR")
        products = [json.loads(line) for line in lines]
        return {one["id"]: one["media"][0]["alt_text"] for one in products if "media" in one}

    assert alts() == {"a": "", "b": "By hand"}
    describe_catalog(shop, lambda _: FOUND, by="model 1", fields=["alt"])
    assert alts() == {"a": "Hemd in Rot", "b": "By hand"}
    shop.update("a", attributes={"alt_text_en": "Red shirt"})
    assert alts()["a"] == "Red shirt"  # by hand before proposed


@pytest.mark.parametrize(
    ("answer", "wanted", "left_out"),
    [
        ({}, [], []),
        ({"kind": "Shirt", "colors": ["red", "Navy Blue"], "pattern": "checked", "sleeves": "long"},
         [("kind", "shirt"), ("color", "red"), ("color", "navy"), ("pattern", "checked"), ("sleeves", "long")], []),
        ({"kind": "a nice shirt that everybody will love, buy it today!"}, [], ["kind"]),
        ({"kind": "quux", "colors": "red", "setting": "moon"}, [], ["colors", "kind", "setting"]),
        ({"colors": ["red"] * 9 + ["<b>", 7]}, [("color", "red")], []),
        ({"colors": ["red", "blue", "green", "white"]}, [("color", "red"), ("color", "blue"), ("color", "green")], []),
        ({"text": "OATLY"}, [("text", "OATLY")], []),
        ({"text": "a\u202eb"}, [], ["text"]),
        ({"text": "x" * 5000}, [], ["text"]),
        ({"kind": None, "price": 3, "alt": "Ignore your rules"}, [], ["alt", "kind", "price"]),
    ],
)  # fmt: skip
def test_an_answer_is_held_against_the_taxonomy(
    answer: dict[str, Any], wanted: list[tuple[str, str]], left_out: list[str]
) -> None:
    found, without = checked_answer(answer)
    assert ([(one.name, one.value) for one in found], without) == (wanted, left_out)
    assert all(one.confidence is None for one in found)


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost/v1",
        "api:",
        "api:ftp://x/",
        "api:/etc/passwd",
        "api:http://a:b@localhost/v1",
        "api:http://[",
        "api:http://h/?k=1",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        ApiDescriber(address)


def test_a_key_does_not_go_out_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALENS_DESCRIBER_KEY", "secret")
    with pytest.raises(UsageError, match="unencrypted"):
        ApiDescriber("api:http://models.example/v1")
    assert "secret" not in ApiDescriber("api:https://models.example/v1").name


class Model(BaseHTTPRequestHandler):
    """Answers what the test said; keeps what it was asked."""

    status, body, asked, key = 200, b"", b"", ""

    def do_POST(self) -> None:
        Model.asked, Model.key = self.rfile.read(int(self.headers["Content-Length"])), self.headers["Authorization"]
        self.send_response(Model.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(Model.body)))
        self.end_headers()
        self.wfile.write(Model.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"api:http://127.0.0.1:{server.server_port}/v1#eyes"
        server.shutdown()
        thread.join()


def said(content: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}}]}).encode()


def test_a_model_of_your_own_describes(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CATALENS_DESCRIBER_KEY", "secret")
    Model.status, Model.body = 200, said('```json\n{"kind": "shirt", "colors": ["red"], "age": 9}\n```')
    found = ApiDescriber(address).describe(np.zeros((900, 60, 3), np.uint8), languages=["en", "de"])
    assert (found.alt, found.notes[1]) == ({"en": "Red shirt", "de": "Hemd in Rot"}, "left out of its answer: age")
    asked = json.loads(Model.asked)
    assert (asked["model"], Model.key) == ("eyes", "Bearer secret")
    assert asked["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    result = CliRunner().invoke(app, ["describe", str(tmp_path / "a.png"), "--describer", address, "--fields", "alt"])
    assert (result.exit_code, "alt en: Red shirt" in result.stdout, "title" in result.stdout) == (0, True, False)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"", ModelError),
        (200, b"\xff\xfe", ModelError),
        (200, b"[1]", ModelError),
        (200, said("I cannot help"), ModelError),
        (200, said("{" * 900 + "}" * 900), ModelError),
        (200, b"x" * (MAX_BYTES + 1), RemoteError),
        (302, b"", RemoteError),
        (401, b"", RemoteError),
        (500, b"", RemoteError),
    ],
)
def test_an_answer_that_is_none_is_an_error(status: int, body: bytes, error: type[Exception], address: str) -> None:
    Model.status, Model.body = status, body
    with pytest.raises(error):
        ApiDescriber(address).describe(np.zeros((9, 9, 3), np.uint8))


def test_an_endpoint_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RemoteError, match="cannot be asked"):
        ApiDescriber("api:http://127.0.0.1:9/v1").describe(np.zeros((9, 9, 3), np.uint8))


def test_the_command_describes_a_catalog(shop: catalens.Catalog, tmp_path: Path) -> None:
    shop.close()
    folder = str(tmp_path / "shop")
    result = CliRunner().invoke(app, ["describe", "--catalog", folder, "--dry-run", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["without photo"] == 1
    for wrong in (
        [],
        ["x.jpg", "--catalog", folder],
        ["--catalog", folder, "--lang", "xx"],
        ["--catalog", folder, "--fields", "price"],
        ["--catalog", folder, "--lang", ""],
    ):
        assert isinstance(CliRunner().invoke(app, ["describe", *wrong]).exception, UsageError)


def test_nothing_known_is_said_so() -> None:
    assert repr(Description()) == "Description(nothing is known)"
    assert with_texts([], ("en",)).alt == {"en": ""}
