"""The same call through the library, the command and HTTP gives the same answer."""

from __future__ import annotations

import base64
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

import catalens
from catalens.cli.main import app as commands
from catalens.models.zoo import CLOSE_FACES, DEFAULT_MATTE, DEFAULT_POSE, NAMER, THINGS, WEIGHTS, bundled_cards
from catalens.server.app import create_app
from catalens.server.services.allowed_models import allow_models
from catalens.server.services.options import ServeOptions
from catalens.styling.outfit import score_photos
from catalens.tasks import listing
from catalens.tasks.faces import blur_faces
from catalens.tasks.scene import scene
from catalens.tasks.tryon import TryOn
from catalens.trust.explain import explain_match
from catalens.types import ImageArray, Worn

Answer = Any


@dataclass(frozen=True)
class Call:
    """One call in its three forms, and what of their answers must be the same."""

    library: Callable[[catalens.Catalog, Path], Answer]
    command: tuple[str, ...]
    """PHOTO stands for the photo, OUT for a picture to write, FOLDER for a folder; empty where there is no command."""
    route: str
    fields: Mapping[str, Any] | Callable[[catalens.Catalog, Path], Mapping[str, Any]]
    same: Callable[[Answer], Answer]
    photo: bool = True
    more: Mapping[str, str] = field(default_factory=dict)
    """Further pictures that the request carries: name -> what stands for it."""


def matches(answer: Answer) -> Answer:
    return [(one["sku"], round(one["score"], 4)) for one in answer["matches"]]


def boxes(answer: Answer) -> Answer:
    return [(one["label"], *(round(edge) for edge in one["box"])) for one in answer["detections"]]


def labels(answer: Answer) -> Answer:
    return [(one["name"], round(one["score"], 4)) for one in answer["labels"]]


def findings(answer: Answer) -> Answer:
    return sorted((one["rule"], one["level"]) for one in answer["findings"])


def parts(answer: Answer) -> Answer:
    return [(one["name"], round(one["area"], 3)) for one in answer["parts"]]


def looks(answer: Answer) -> Answer:
    return [(one["label"], [match["sku"] for match in one["matches"]]) for one in answer["parts"]]


def outfits(answer: Answer) -> Answer:
    return [([item["name"] for item in one["items"]], one["score"], one["parts"]) for one in answer["outfits"]]


def goods(answer: Answer) -> Answer:
    return {kind: [(one["name"], one["score"]) for one in some] for kind, some in answer["goods"].items()}


def cosine(answer: Answer) -> Answer:
    return round(answer["cosine"], 3), [round(pair["share"], 3) for pair in answer["pairs"]]


def scored(answer: Answer) -> Answer:
    return answer["score"] and round(answer["score"], 4), answer["kinds"], answer["reasons"], answer["notes"]


def vectors(answer: Answer) -> Answer:
    rows = [one["embedding"] for one in answer["data"]] if isinstance(answer, dict) else answer
    return np.round(np.asarray(rows, np.float64), 4).tolist()


def pixels(answer: Answer) -> Answer:
    """A picture as an array, the bytes of its file, the path of its file, or a data URL."""
    if isinstance(answer, dict):
        answer = base64.b64decode(answer["image"].partition(",")[2])
    if not isinstance(answer, np.ndarray):
        answer = np.asarray(Image.open(BytesIO(answer) if isinstance(answer, bytes) else answer))
    return answer.shape, answer.tobytes()


def made(answer: Answer) -> Answer:
    """Several pictures."""
    if isinstance(answer, dict):
        answer = [one.get("path") or one for one in answer["pictures"]]
    return [pixels(one) for one in answer]


def roughly(answer: Answer) -> Answer:
    """A picture that went through JPEG: its mean color in eight columns, which is what differs by much if anything."""
    if isinstance(answer, dict):
        answer = base64.b64decode(answer["image"].partition(",")[2])
    image = answer if isinstance(answer, np.ndarray) else catalens.read_image(answer)
    return image.shape, np.round(image.mean((0, 1)) / 8).tolist()


def worn_by(_: TryOn, person: ImageArray, garment: ImageArray, *, kind: str) -> Worn:
    """What try-on answers, without its networks: another picture for each kind."""
    region = np.zeros(person.shape[:2], bool)
    region[: len(region) // (2 if kind == "dress" else 4)] = True
    return Worn(np.where(region[..., None], 20, person).astype(np.uint8), region, (), kind)


def a_top(shop: catalens.Catalog) -> str:
    return next(one.sku for one in shop.products() if one.attributes["type"] in ("shirt", "t-shirt", "sweater"))


def nearest(shop: catalens.Catalog, photo: Path) -> str:
    return shop.search(photo, k=1)[0].sku


def explained(shop: catalens.Catalog, photo: Path) -> Answer:
    picture = shop.picture(shop.pictures(nearest(shop, photo))[0].hash)
    return explain_match(photo, picture, encoder=shop.encoder()).to_dict()


def photos_of(photo: Path) -> list[Path]:
    return sorted(photo.parent.glob("*.jpg"))[:3]


def data_url(photo: Path) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}"


CALLS = {
    "search by photo": Call(
        lambda shop, photo: shop.search(image=photo, k=4).to_dict(),
        ("search", "PHOTO", "-k", "4", "--json", "--catalog", "SHOP"),
        "/v1/search", {"k": "4"}, matches,
    ),
    "search by words": Call(
        lambda shop, _: shop.search(text="red dress", k=4, where="price<90").to_dict(),
        ("search", "--text", "red dress", "-k", "4", "--where", "price<90", "--json", "--catalog", "SHOP"),
        "/v1/search", {"text": "red dress", "k": "4", "where": "price<90"}, matches, photo=False,
    ),
    "words of which one is not known": Call(
        lambda shop, _: shop.search(text="red платье", k=4).to_dict(),
        ("search", "red платье", "-k", "4", "--json", "--catalog", "SHOP"),
        "/v1/search", {"text": "red платье", "k": "4"},
        lambda answer: [*matches(answer), *answer["notes"]], photo=False,
    ),
    "misspelled words": Call(
        lambda shop, _: shop.search(text="red derss", k=4).to_dict(),
        ("search", "red derss", "-k", "4", "--json", "--catalog", "SHOP"),
        "/v1/search", {"text": "red derss", "k": "4"},
        lambda answer: [*matches(answer), answer["corrected"], answer["matches"][0]["reasons"]], photo=False,
    ),
    "words as they are typed": Call(
        lambda shop, _: shop.search(text="red derss", k=4, spelling=False, language="de").to_dict(),
        ("search", "red derss", "-k", "4", "--exact", "--language", "de", "--json", "--catalog", "SHOP"),
        "/v1/search", {"text": "red derss", "k": "4", "spelling": "false", "language": "de"},
        lambda answer: [*matches(answer), answer["corrected"], *answer["notes"]], photo=False,
    ),
    "detect": Call(
        lambda _, photo: catalens.detect(photo, min_score=0.3).to_dict(),
        ("detect", "PHOTO", "--min-score", "0.3", "--json"),
        "/v1/detect", {"min_score": "0.3"}, boxes,
    ),
    "classify": Call(
        lambda _, photo: catalens.classify([photo], labels=["dress", "shoes", "bag"])[0].to_dict(),
        ("classify", "PHOTO", "--labels", "dress,shoes,bag", "--json"),
        "/v1/classify", {"labels": "dress,shoes,bag"}, labels,
    ),
    "segment": Call(
        lambda _, photo: catalens.segment(photo).to_dict(), ("segment", "PHOTO", "--json"), "/v1/segment", {}, parts,
    ),
    "check": Call(
        lambda _, photo: {"findings": [one.to_dict() for one in listing.check(photo, rules=["amazon"])]},
        ("check", "PHOTO", "--rules", "amazon", "--json", "--fail-on", "never"),
        "/v1/check", {"rules": "amazon"}, findings,
    ),
    "check by two packs and a category": Call(
        lambda _, photo: {
            "findings": [one.to_dict() for one in listing.check(photo, rules=["ebay", "etsy"], category="Furniture")]
        },
        ("check", "PHOTO", "--rules", "ebay,etsy", "--category", "Furniture", "--json", "--fail-on", "never"),
        "/v1/check", {"rules": "ebay,etsy", "category": "Furniture"}, findings,
    ),
    "check as it comes": Call(
        lambda _, photo: {"findings": [one.to_dict() for one in listing.check(photo)]},
        ("check", "PHOTO", "--json", "--fail-on", "never"), "/v1/check", {}, findings,
    ),
    "fix": Call(
        lambda _, photo: listing.fix(photo.read_bytes(), rules=["amazon"])[0],
        ("check", "PHOTO", "--rules", "amazon", "--fix", "FOLDER", "--fail-on", "never"),
        "/v1/fix", {"rules": "amazon"}, pixels,
    ),
    "search with all that can be said": Call(
        lambda shop, photo: shop.search(
            photo, "red", like=[nearest(shop, photo)], k=5, offset=1, min_score=0.1, where="price<200",
            weights={"color": 0.9, "deep": 0.1}, group=False,
        ).to_dict(),
        ("search", "PHOTO", "--text", "red", "--like", "NEAREST", "-k", "5", "--offset", "1", "--min-score", "0.1",
         "--where", "price<200", "--weights", "color=0.9,deep=0.1", "--each-picture", "--json", "--catalog", "SHOP"),
        "/v1/search",
        lambda shop, photo: {
            "text": "red", "like": nearest(shop, photo), "k": 5, "offset": 1, "min_score": 0.1, "where": "price<200",
            "weights": '{"color": 0.9, "deep": 0.1}', "group": "false",
        },
        matches,
    ),
    "look": Call(
        lambda shop, photo: shop.look(photo, k=2, min_score=0.2, where="price>0").to_dict(),
        ("look", "PHOTO", "-k", "2", "--min-score", "0.2", "--where", "price>0", "--json", "--catalog", "SHOP"),
        "/v1/look", {"k": 2, "min_score": 0.2, "where": "price>0"}, looks,
    ),
    "outfit": Call(
        lambda shop, _: shop.outfits(
            a_top(shop), k=2, budget=400, wishes=["work"], colors="neutral", kinds=["shoes", "bag"]
        ).to_dict(),
        ("outfit", "TOP", "-k", "2", "--budget", "400", "--style", "work", "--colors", "neutral", "--kind", "shoes",
         "--kind", "bag", "--json", "--catalog", "SHOP"),
        "/v1/outfit",
        lambda shop, _: {
            "sku": a_top(shop), "k": 2, "budget": 400, "wishes": ["work"], "colors": "neutral",
            "kinds": ["shoes", "bag"],
        },
        outfits, photo=False,
    ),
    "room": Call(
        lambda shop, photo: shop.room(photo, k=1, kinds=["lamp", "chair"], wishes=["wood"]).to_dict(),
        ("room", "PHOTO", "-k", "1", "--kind", "lamp", "--kind", "chair", "--style", "wood", "--json",
         "--catalog", "SHOP"),
        "/v1/room", {"k": 1, "kinds": "lamp,chair", "wishes": "wood"}, goods,
    ),
    "score": Call(
        lambda _, photo: score_photos(photos_of(photo)).to_dict(),
        ("score", "PHOTOS", "--json"),
        "/v1/score", lambda _, photo: {"images": [data_url(one) for one in photos_of(photo)]}, scored, photo=False,
    ),
    "classify by common labels": Call(
        lambda _, photo: catalens.classify([photo], top=2)[0].to_dict(),
        ("classify", "PHOTO", "--top", "2", "--json"), "/v1/classify", {"top": 2}, labels,
    ),
    "cutout": Call(
        lambda _, photo: catalens.cutout(photo, shadow="soft"),
        ("cutout", "PHOTO", "OUT", "--shadow", "soft"), "/v1/cutout", {"shadow": "soft", "format": "png"}, pixels,
    ),
    "enhance": Call(
        lambda _, photo: catalens.enhance(catalens.read_image(photo), sigma=5, balance=0, lift=0.6, sharpness=0.8),
        ("enhance", "PHOTO", "OUT", "--sigma", "5", "--balance", "0", "--lift", "0.6", "--sharpness", "0.8"),
        "/v1/enhance", {"sigma": 5, "balance": 0, "lift": 0.6, "sharpness": 0.8, "format": "png"}, pixels,
    ),
    "blur faces": Call(  # of a photo without any: noise differs each time
        lambda _, photo: blur_faces(photo, min_score=0.9)[0],
        ("blur-faces", "PHOTO", "OUT", "--min-score", "0.9"),
        "/v1/blur-faces", {"min_score": 0.9, "format": "png"}, pixels,
    ),
    "try on": Call(
        lambda _, photo: catalens.try_on(photo, photo, kind="dress").image,
        ("tryon", "PHOTO", "PHOTO", "OUT", "--kind", "dress"), "/v1/tryon", {"kind": "dress"}, roughly,
        more={"garment": "PHOTO"},
    ),
    "scene": Call(
        lambda _, photo: scene(photo, "rustic table", place=(0.4, 0.9), scale=0.7, harmony=0, shadow=0.5).image,
        ("scene", "PHOTO", "--prompt-or-photo", "rustic table", "--place", "0.4,0.9", "--scale", "0.7",
         "--harmony", "0", "--shadow", "0.5", "OUT"),
        "/v1/scene",
        {"background": "rustic table", "place": "0.4,0.9", "scale": 0.7, "harmony": 0, "shadow": 0.5, "format": "png"},
        pixels,
    ),
    "scene on a photo": Call(
        lambda _, photo: scene(photo, photo, horizon=0.2).image,
        ("scene", "PHOTO", "--prompt-or-photo", "PHOTO", "--horizon", "0.2", "OUT"),
        "/v1/scene", {"horizon": 0.2, "format": "png"}, pixels, more={"scene": "PHOTO"},
    ),
    "generate": Call(
        lambda *_: catalens.generate(kind="dress", color="red", n=2, seed=3, truncation=0.5),
        ("generate", "FOLDER", "--kind", "dress", "--color", "red", "-n", "2", "--seed", "3", "--truncation", "0.5",
         "--json"),
        "/v1/generate", {"kind": "dress", "color": "red", "n": 2, "seed": 3, "truncation": 0.5}, made, photo=False,
    ),
    "explain": Call(
        explained, ("explain", "PHOTO", "NEAREST", "--catalog", "SHOP", "--json"),
        "/v1/explain", lambda shop, photo: {"sku": nearest(shop, photo)}, cosine,
    ),
    "embeddings": Call(
        lambda *_: catalens.encoder().encode_texts(["red dress", "wooden chair"]),
        (), "/v1/embeddings", {"input": ["red dress", "wooden chair"]}, vectors, photo=False,
    ),
}  # fmt: skip


OWN_CALLS = {
    "detect": Call(
        lambda _, photo: catalens.detect(photo, min_score=0.1, model="own-detector").to_dict(),
        ("detect", "PHOTO", "--min-score", "0.1", "--model", "own-detector", "--json"),
        "/v1/detect", {"min_score": "0.1", "model": "own-detector"}, boxes,
    ),
    "detect by parts": Call(
        lambda _, photo: catalens.detect(photo, model="parts").to_dict(),
        ("detect", "PHOTO", "--model", "parts", "--json"), "/v1/detect", {"model": "parts"}, boxes,
    ),
    "segment": Call(
        lambda _, photo: catalens.segment(photo, model="own-parser").to_dict(),
        ("segment", "PHOTO", "--model", "own-parser", "--json"), "/v1/segment", {"model": "own-parser"}, parts,
    ),
    "cutout": Call(
        lambda _, photo: catalens.cutout(photo, model="own-matte"),
        ("cutout", "PHOTO", "OUT", "--model", "own-matte"),
        "/v1/cutout", {"model": "own-matte", "format": "png"}, pixels,
    ),
    "classify": Call(
        lambda _, photo: catalens.classify([photo], model="own-encoder", labels=["dress", "shoes", "bag"])[0].to_dict(),
        ("classify", "PHOTO", "--model", "own-encoder", "--labels", "dress,shoes,bag", "--json"),
        "/v1/classify", {"model": "own-encoder", "labels": "dress,shoes,bag"}, labels,
    ),
    "embeddings": Call(
        lambda _, photo: catalens.encoder("own-encoder").encode_images([photo]),
        (), "/v1/embeddings", lambda _, photo: {"model": "own-encoder", "input": [data_url(photo)]}, vectors,
        photo=False,
    ),
    "blur faces": Call(
        lambda _, photo: blur_faces(photo, min_score=0.9, model="own-faces")[0],
        ("blur-faces", "PHOTO", "OUT", "--min-score", "0.9", "--model", "own-faces"),
        "/v1/blur-faces", {"min_score": 0.9, "model": "own-faces", "format": "png"}, pixels,
    ),
    "try on": Call(
        lambda _, photo: catalens.try_on(photo, photo, kind="dress", model="own-tryon").image,
        ("tryon", "PHOTO", "PHOTO", "OUT", "--kind", "dress", "--model", "own-tryon"),
        "/v1/tryon", {"kind": "dress", "model": "own-tryon"}, roughly, more={"garment": "PHOTO"},
    ),
    "scene": Call(
        lambda _, photo: scene(photo, "rustic table", model="own-matte").image,
        ("scene", "PHOTO", "rustic table", "OUT", "--cutout-model", "own-matte"),
        "/v1/scene", {"background": "rustic table", "model": "own-matte", "format": "png"}, pixels,
    ),
    "generate": Call(  # its card calls a dress so
        lambda *_: catalens.generate(kind="gown", n=2, seed=3, model="own-generator"),
        ("generate", "FOLDER", "--kind", "gown", "-n", "2", "--seed", "3", "--model", "own-generator", "--json"),
        "/v1/generate", {"kind": "gown", "n": 2, "seed": 3, "model": "own-generator"}, made, photo=False,
    ),
    "score": Call(
        lambda _, photo: score_photos(photos_of(photo), model="own-outfit").to_dict(),
        ("score", "PHOTOS", "--model", "own-outfit", "--json"), "/v1/score",
        lambda _, photo: {"images": [data_url(one) for one in photos_of(photo)], "model": "own-outfit"},
        scored, photo=False,
    ),
    "outfit": Call(
        lambda shop, _: shop.outfits(a_top(shop), k=2, model="own-outfit").to_dict(),
        ("outfit", "TOP", "-k", "2", "--model", "own-outfit", "--json", "--catalog", "SHOP"),
        "/v1/outfit", lambda shop, _: {"sku": a_top(shop), "k": 2, "model": "own-outfit"}, outfits, photo=False,
    ),
    "look": Call(
        lambda shop, photo: shop.look(photo, k=2, min_score=0.1, model="own-detector").to_dict(),
        ("look", "PHOTO", "-k", "2", "--min-score", "0.1", "--model", "own-detector", "--json", "--catalog", "SHOP"),
        "/v1/look", {"k": 2, "min_score": 0.1, "model": "own-detector"}, looks,
    ),
}  # fmt: skip
"""With networks other than the default ones, called the same in all three: see `own_networks`."""
OWN = {
    name: "own-matte" if name == DEFAULT_MATTE else f"own-{name.split('-')[1]}"
    for name in bundled_cards()
    if name not in {DEFAULT_POSE, CLOSE_FACES, NAMER, THINGS}  # parts of others
}
SEEN_OTHERWISE = ("detect", "segment", "cutout", "classify", "embeddings", "scene")
"""Calls whose answer depends on the mean of the pixels, which the cards of `own_networks` say otherwise."""


@pytest.fixture(scope="module")
def own_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of copies of the bundled networks whose cards differ: darker pictures, other names of classes."""
    root = tmp_path_factory.mktemp("networks")
    for name, own in OWN.items():
        folder = shutil.copytree(WEIGHTS / name, root / own)
        card = (
            (folder / "card.toml")
            .read_text("utf-8")
            .replace("kind:dress", "kind:gown")
            .replace('"background"', '"ground"')
        )
        mean = re.compile(r"^mean = .*$", re.MULTILINE)
        (folder / "card.toml").write_text(mean.sub("mean = [0.7, 0.6, 0.5]", card), "utf-8")
    return root


@pytest.fixture
def own_client(built_shop: Path, own_networks: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.chdir(own_networks)
    with TestClient(create_app(ServeOptions(built_shop, models=allow_models(list(OWN.values()))))) as client:
        yield client


@pytest.mark.parametrize("name", OWN_CALLS)
def test_three_ways_one_answer_of_a_named_network(
    own_client: TestClient, built_shop: Path, export: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TryOn, "__call__", worn_by)
    call = OWN_CALLS[name]
    photo = min((export / "queries").glob("*.jpg"))
    compare(call, own_client, built_shop, photo, tmp_path)
    if name in SEEN_OTHERWISE:
        with catalens.Catalog.open(built_shop, readonly=True) as shop:
            assert call.same(call.library(shop, photo)) != call.same(by_default(call, own_client, shop, photo))


def by_default(call: Call, client: TestClient, shop: catalens.Catalog, photo: Path) -> Answer:
    """What the service answers without `model`."""
    fields = dict(call.fields(shop, photo) if callable(call.fields) else call.fields)
    del fields["model"]
    if call.photo:
        http = client.post(call.route, files={"image": ("a.jpg", photo.read_bytes(), "image/jpeg")}, data=fields)
    else:
        http = client.post(call.route, json=fields)
    return http.json() if http.headers["content-type"] == "application/json" else http.content


@pytest.fixture(scope="module")
def client(built_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(ServeOptions(built_shop))) as client:
        yield client


@pytest.mark.parametrize("name", CALLS)
def test_three_ways_one_answer(
    client: TestClient, built_shop: Path, export: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TryOn, "__call__", worn_by)
    photos = sorted((export / "queries").glob("*.jpg"))
    photo = next(one for one in photos if name != "fix" or can_be_repaired(one))
    compare(CALLS[name], client, built_shop, photo, tmp_path)


def can_be_repaired(photo: Path) -> bool:
    data = photo.read_bytes()
    return listing.fix(data, rules=["amazon"])[0] != data


def compare(call: Call, client: TestClient, built_shop: Path, photo: Path, tmp_path: Path) -> None:
    with catalens.Catalog.open(built_shop, readonly=True) as shop:
        expected = call.same(call.library(shop, photo))
        fields = call.fields(shop, photo) if callable(call.fields) else call.fields
        names = {"TOP": a_top(shop), "NEAREST": nearest(shop, photo)}
    assert expected, "nothing to compare"
    if call.command:
        assert call.same(by_command(call.command, photo, tmp_path, {**names, "SHOP": str(built_shop)})) == expected
    if call.photo:
        image = ("a.jpg", photo.read_bytes(), "image/jpeg")
        http = client.post(call.route, files={"image": image, **dict.fromkeys(call.more, image)}, data=fields)
    else:
        sent = {name: int(one) if isinstance(one, str) and one.isdigit() else one for name, one in fields.items()}
        http = client.post(call.route, json=sent)
    assert http.status_code == 200, http.text
    is_json = http.headers["content-type"] == "application/json"
    assert call.same(http.json() if is_json else http.content) == expected


def by_command(words: tuple[str, ...], photo: Path, folder: Path, names: Mapping[str, str]) -> Answer:
    """What a command prints as JSON, or the picture that it writes."""
    out, into = folder / "out.png", folder / "made"
    known = {"PHOTO": [str(photo)], "PHOTOS": [str(one) for one in photos_of(photo)], "OUT": [str(out)],
             "FOLDER": [str(into)], **{name: [one] for name, one in names.items()}}  # fmt: skip
    said = CliRunner().invoke(commands, [part for word in words for part in known.get(word, [word])])
    assert said.exit_code == 0, said.output
    if "--json" not in words:
        return out if out.is_file() else next(into.iterdir())
    answer = json.loads(said.stdout)
    return answer[0] if isinstance(answer, list) else answer  # of one photo


def test_a_feed_goes_in_three_ways_alike(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    rows = ({"sku": f"sku-{n}", "title": "Oak table", "attributes": {"price": 10.5 * n}} for n in range(3))
    feed.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with catalens.open(tmp_path / "library") as shop:
        shop.add(feed, format="jsonlines", blur_faces=True)
        expected = [(one.sku, one.title, dict(one.attributes)) for one in shop.products()]
    words = ["add", str(feed), "--format", "jsonlines", "--blur-faces", "--catalog", str(tmp_path / "command")]
    assert CliRunner().invoke(commands, words).exit_code == 0
    with catalens.open(tmp_path / "command") as shop:
        assert [(one.sku, one.title, dict(one.attributes)) for one in shop.products()] == expected
    with TestClient(create_app(ServeOptions(tmp_path / "http"))) as client:
        fields = {"format": "jsonlines", "blur_faces": "true"}
        job = client.post("/v1/feeds", files={"feed": ("feed.jsonl", feed.read_bytes())}, data=fields).json()
        while job["state"] in ("waiting", "running"):
            time.sleep(0.02)
            job = client.get(f"/v1/jobs/{job['id']}").json()
        assert job["state"] == "done", job
        found = client.get("/v1/products").json()["products"]
        assert [(one["sku"], one["title"], one["attributes"]) for one in found] == expected
        answer = client.post("/v1/feeds", files={"feed": ("feed.jsonl", b"sku\n1\n")}, data={"format": "xlsx"})
        assert (answer.status_code, "take one of folder" in answer.text.lower()) == (400, True)
