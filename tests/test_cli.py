"""The commands do what the library does, and every bad input is one sentence with the right exit code."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

import catalens
from catalens.cli.main import application, run
from catalens.errors import StorageError


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    def call(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["catalens", *map(str, words)])
        capsys.readouterr()
        try:
            run()
            code = 0
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def photo(export: Path) -> Path:
    return min((export / "queries").glob("*.jpg"))


def skus(export: Path) -> list[str]:
    with (export / "products.csv").open(newline="", encoding="utf-8") as lines:
        return [row["sku"] for row in csv.DictReader(lines)]


def test_add_prints_the_counts_and_adding_again_changes_nothing(command: Command, export: Path, tmp_path: Path) -> None:
    first = json.loads(command("add", export / "products.csv", "--catalog", tmp_path / "shop", "--json").out)
    again = json.loads(command("add", export / "products.csv", "--catalog", tmp_path / "shop", "--json").out)
    assert (first["added"], first["unchanged"], first["failed"]) == (40, 0, [])
    assert (again["added"], again["unchanged"], again["pictures"]) == (0, 40, 0)


def test_several_sources_go_in_at_once(command: Command, export: Path, tmp_path: Path) -> None:
    result = command("add", export / "products.csv", export / "queries", "-c", tmp_path / "shop", "--json")
    assert result.code == 0
    assert [report["feed"] for report in json.loads(result.out)] == ["table", "folder"]


def test_search_by_photo_is_what_the_library_finds(command: Command, built_shop: Path, photo: Path) -> None:
    result = command("search", photo, "-c", built_shop, "-k", 5, "--where", "price>0", "--json")
    with catalens.Catalog.open(built_shop, readonly=True) as shop:
        expected = shop.search(image=photo, where="price>0", k=5)
    assert [match["sku"] for match in json.loads(result.out)["matches"]] == [match.sku for match in expected]
    assert len(expected) == 5


@pytest.mark.parametrize("suffix", [".html", ".png"])
def test_search_saves_a_page_or_a_sheet(
    command: Command, built_shop: Path, photo: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"page{suffix}"
    assert command("search", photo, "-c", built_shop, "--save", out).code == 0
    if suffix == ".html":
        assert out.read_text("utf-8").count("<img") > 10
    else:
        with Image.open(out) as sheet:
            assert min(sheet.size) > 300


def test_words_find_products_by_their_words(command: Command, built_shop: Path) -> None:
    result = command("search", "bag", "-c", built_shop, "--json")
    matches = json.loads(result.out)["matches"]
    assert matches
    assert all("text" in match["parts"] for match in matches)


def test_show_remove_export_info_doctor(command: Command, export: Path, shop_folder: Path, tmp_path: Path) -> None:
    first, second = skus(export)[:2]
    assert json.loads(command("catalog", "show", first, "-c", shop_folder, "--json").out)["sku"] == first
    assert command("catalog", "remove", first, second, "-c", shop_folder).out == "2 removed\n"
    assert command("catalog", "show", first, "-c", shop_folder).code == 3
    assert json.loads(command("catalog", "info", "-c", shop_folder, "--json").out)["products"] == 38
    lines = command("catalog", "export", "-c", shop_folder, "--format", "jsonl").out.splitlines()
    assert sorted(json.loads(line)["sku"] for line in lines) == sorted(skus(export)[2:])
    back = tmp_path / "back.jsonl"
    assert command("catalog", "export", "-c", shop_folder, "--out", back).code == 0
    assert json.loads(command("add", back, "-c", tmp_path / "copy", "--json").out)["added"] == 38
    doctor = command("catalog", "doctor", "-c", shop_folder)
    assert (doctor.code, doctor.out) == (0, "no problems found\n")


def test_enhance_writes_a_picture_of_the_same_size(command: Command, photo: Path, tmp_path: Path) -> None:
    assert command("photo", "enhance", photo, tmp_path / "out.jpg").code == 0
    with Image.open(photo) as before, Image.open(tmp_path / "out.jpg") as after:
        assert before.size == after.size


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def bomb(path: Path) -> Path:
    Image.new("1", (12_001, 300)).save(path)
    return path


BAD_SOURCES: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "missing": (lambda t: t / "nothing.csv", 3, "nothing.csv"),
    "empty file": (lambda t: write(t / "empty.csv", b""), 4, "empty"),
    "folder without pictures": (lambda t: made(t / "folder"), 4, "picture"),
    "neither sku nor title": (lambda t: write(t / "a.csv", b"kod,nazwa\nA1,blue shoe\n"), 4, "--map title=nazwa"),
    "binary": (lambda t: write(t / "a.csv", bytes(range(256)) * 8), 4, "a.csv"),
    "unknown kind": (lambda t: write(t / "a.xyz", b"hello"), 4, "a.xyz"),
}


@pytest.mark.parametrize("case", BAD_SOURCES)
def test_a_bad_source_is_one_sentence(command: Command, tmp_path: Path, case: str) -> None:
    make, code, mention = BAD_SOURCES[case]
    result = command("add", make(tmp_path), "--catalog", tmp_path / "shop")
    assert (result.code, result.err.count("\n")) == (code, 1), result.err
    assert mention in result.err
    assert "Traceback" not in result.err


BAD_QUERIES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "k of nought": (("bag", "-k", "0"), 2, "k"),
    "nothing asked": ((), 2, "photo"),
    "filter that does not parse": (("bag", "--where", "price <"), 2, "price <"),
    "no such photo": (("nothing.jpg",), 3, "nothing.jpg"),
    "unknown liked product": (("bag", "--like", "no-such-sku"), 3, "no-such-sku"),
    "weights that are no numbers": (("bag", "--weights", "deep=much"), 2, "much"),
    "an unknown part": (("bag", "--weights", "smell=1"), 2, "smell"),
    "words twice": (("bag", "--text", "red"), 2, "twice"),
}


@pytest.mark.parametrize("case", BAD_QUERIES)
def test_a_bad_query_is_said_in_a_sentence(command: Command, built_shop: Path, case: str) -> None:
    words, code, mention = BAD_QUERIES[case]
    result = command("search", *words, "--catalog", built_shop)
    assert result.code == code, result.err
    assert mention in result.err
    assert "Traceback" not in result.err


def test_words_that_pictures_were_not_asked_for_are_said(command: Command, built_shop: Path) -> None:
    result = command("search", "thing", "--catalog", built_shop, "--encoder", "nosuch")
    assert result.code == 0
    assert "in texts alone, not in pictures: no network called 'nosuch'" in result.err


def test_an_unknown_encoder_is_said(command: Command, built_shop: Path, photo: Path) -> None:
    result = command("search", photo, "--encoder", "no-such-encoder", "-c", built_shop)
    assert (result.code, "no-such-encoder" in result.err) == (3, True)


def test_a_file_that_is_no_picture_and_one_that_is_too_large(
    command: Command, built_shop: Path, tmp_path: Path
) -> None:
    assert command("search", write(tmp_path / "a.jpg", b"no picture"), "-c", built_shop).code == 4
    assert command("search", bomb(tmp_path / "b.png"), "-c", built_shop).code == 6


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)])
def test_the_smallest_pictures_are_pictures(
    command: Command, built_shop: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "tiny.png")
    assert command("search", tmp_path / "tiny.png", "-c", built_shop).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("show", "x"),
        ("remove", "x"),
        ("info",),
        ("doctor",),
        ("search", "x"),
        ("export",),
        ("erase", "x"),
        ("backup", "there"),
        ("restore", "nowhere"),
    ],
)
def test_a_catalog_that_is_not_there_is_not_made(command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = command(*words, "--catalog", tmp_path / "none")
    assert result.code == 3
    assert not (tmp_path / "none").exists()


def test_a_catalog_of_a_newer_version_is_left_alone(command: Command, shop_folder: Path, export: Path) -> None:
    with sqlite3.connect(shop_folder / "catalog.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    for words in (("info",), ("add", export / "products.csv"), ("doctor", "--repair")):
        result = command(*words, "--catalog", shop_folder)
        assert result.code == 1
        assert "newer" in result.err


def test_one_bad_row_never_stops_the_rest(command: Command, export: Path, tmp_path: Path) -> None:
    text = (export / "products.csv").read_text("utf-8").rstrip("\n").splitlines()
    broken = tmp_path / "products.csv"
    cells = text[3].count(",") + 1
    broken.write_text("\n".join([*text[:3], "only-a-sku" + "," * (cells + 3), *text[4:]]) + "\n", "utf-8")
    result = command("add", broken, "--media", export, "--catalog", tmp_path / "shop")
    assert result.code == 4
    assert "products.csv:4" in result.err
    assert "39 added" in result.out


def test_a_sentence_instead_of_a_trace_for_a_fault_of_our_own(
    command: Command, built_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(catalens.Catalog, "open", fault)
    result = command("catalog", "info", "--catalog", built_shop)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "ZeroDivisionError: oh" in result.err


@pytest.mark.parametrize("lines", [1, 2000])  # what fits into the buffer is written at the end
def test_a_reader_that_went_away_is_no_error_and_a_full_disk_is_a_sentence(lines: int) -> None:
    code = f"main.application = lambda *_: lambda **_: [output.write('x' * 100) for _ in range({lines})]; main.run()"
    words = [sys.executable, "-c", f"from catalens.cli import main, output; {code}"]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone, Path("/dev/full").open("w") as full:
        left = subprocess.run(words, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)
        stuck = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (left.returncode, left.stderr) == (0, "")
    assert stuck.returncode == StorageError.exit_code
    assert stuck.stderr.startswith("catalens: the answer cannot be written: No space left on device.")


@pytest.mark.parametrize(
    ("asked", "commands", "groups"),
    [
        (["add", "x.csv"], ["add"], []),
        (["blur-faces"], [], ["photo"]),
        (["train"], [], ["train"]),
        (["--accept-licence", "MIT", "show", "x"], [], ["catalog"]),
    ],
)
def test_of_a_command_that_is_asked_for_the_others_are_left_out(
    asked: list[str], commands: list[str], groups: list[str]
) -> None:
    made = application(asked)
    assert [one.name for one in made.registered_commands] == commands
    assert [one.typer_instance.info.name for one in made.registered_groups if one.typer_instance] == groups


EVERY_DAY = [
    "add",
    "check",
    "cutout",
    "demo",
    "describe",
    "look",
    "outfit",
    "read",
    "recolor",
    "search",
    "serve",
    "tryon",
]
GROUPS = {
    "catalog": [
        "audit", "backup", "doctor", "erase", "export", "import", "info", "remove",
        "restore", "searches", "show", "suggest", "tag", "upgrade", "words",
    ],
    "evaluate": ["classifier", "compare", "detector", "generator", "outfit", "search", "segmenter", "tryon"],
    "jobs": ["list", "retry", "show"],
    "keys": ["create", "list", "open", "revoke", "rotate"],
    "label": ["curve", "next"],
    "models": ["advise", "licences", "list", "pull", "show"],
    "photo": ["blur-faces", "classify", "detect", "enhance", "explain", "generate", "scene", "segment"],
    "style": ["room", "score"],
    "train": ["augment", "classifier", "detector", "generator", "outfit", "search", "segmenter"],
}  # fmt: skip


@pytest.mark.parametrize("asked", [None, [], ["--help"], ["serach"], ["add "]])
def test_of_what_is_no_command_all_are_told(asked: list[str] | None) -> None:
    group: Any = typer.main.get_group(application(asked))
    assert sorted(group.commands) == sorted([*EVERY_DAY, *GROUPS])
    assert {name: sorted(group.commands[name].commands) for name in GROUPS} == GROUPS


def test_what_is_stopped_says_so(command: Command, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(catalens, "read_image", stop)
    result = command("train", "augment", photo)
    assert (result.code, result.out) == (130, "")
    assert result.err.startswith("catalens: stopped;")


def test_words_need_no_quotes_and_go_with_a_photo(command: Command, built_shop: Path, photo: Path) -> None:
    def found(*words: object) -> object:
        return json.loads(command("search", *words, "-c", built_shop, "--json").out)["matches"]

    assert found("leather", "bag") == found("leather bag")
    assert found(photo, "leather", "bag") == found(photo, "--text", "leather bag")


def test_a_name_with_spaces_is_a_photo_without_quotes(
    command: Command, built_shop: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my photo.jpg").write_bytes(photo.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert json.loads(command("search", "my", "photo.jpg", "-c", built_shop, "--json").out)["query"] == (
        "photo my photo.jpg"
    )


def test_a_filter_alone_prints_no_score(command: Command, built_shop: Path) -> None:
    lines = command("search", "--where", "price>0", "-c", built_shop).out.splitlines()
    assert lines
    assert not any("0.000" in line or "[" in line for line in lines)


FIRST_HOUR: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such feed": (("add", "missing.csv", "-c", "new"), 3, "no file at missing.csv"),
    "feed with a typing error": (("add", "prodcuts.csv", "-c", "new"), 3, "Did you mean products.csv?"),
    "empty folder": (("add", "empty", "-c", "new"), 4, "no picture in the folder empty"),
    "feed on the web": (("add", "https://example.org/a.csv", "-c", "new"), 2, "curl -L -O https://example.org/a.csv"),
    "feed in a bucket": (("add", "s3://bucket/a.csv", "-c", "new"), 2, "aws s3 cp s3://bucket/a.csv ."),
    "a file's name for a catalog": (("add", "products.csv", "-c", "new.csv"), 2, "a catalog is a folder"),
    "a photo's name with a typing error": (("search", "fotos/a.jgp", "-c", "shop"), 3, "no photo at fotos/a.jgp"),
    "photo on the web": (("search", "https://example.org/a.jpg", "-c", "shop"), 2, "curl"),
    "two photos": (("search", "a.jpg", "b.jpg", "-c", "shop"), 2, "one photo"),
    "empty catalog": (("search", "dress", "-c", "shop"), 0, "is empty; fill it: catalens add SOURCE"),
    "outfit of no photo": (("outfit", "c.jpg", "-c", "shop"), 3, "no photo at c.jpg"),
    "folder without photos": (("photo", "classify", "empty"), 3, "no photos in empty"),
    "folder into a file": (("cutout", "photos", "out.png"), 2, "out.png is no folder"),
    "scope": (("keys", "create", "--scope", "search,foo", "-c", "shop"), 2, "unknown scope 'foo'"),
}


@pytest.mark.parametrize("case", FIRST_HOUR)
def test_errors_of_the_first_hour_are_a_sentence_with_its_cure(
    command: Command, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    words, code, mention = FIRST_HOUR[case]
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "photos/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photo.read_bytes())
    (tmp_path / "products.csv").write_text("sku,title\nA,dress\n")
    (tmp_path / "empty").mkdir()
    catalens.open("shop").close()
    result = command(*words)
    assert result.code == code, result.err
    assert mention in result.err
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "new.csv").exists()


def test_classify_reads_a_folder(command: Command, photo: Path, tmp_path: Path) -> None:
    for name in ("a.jpg", "b/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photo.read_bytes())
    answers = json.loads(command("photo", "classify", tmp_path, "--labels", "bag,shoe", "--json").out)
    assert [answer["photo"] for answer in answers] == [str(tmp_path / "a.jpg"), str(tmp_path / "b" / "c.jpg")]


def test_outfits_and_rooms_are_saved_as_pages(command: Command, built_shop: Path, photo: Path, tmp_path: Path) -> None:
    assert command("outfit", photo, "-c", built_shop, "--save", tmp_path / "outfit.html").code == 0
    assert command("style", "room", photo, "-c", built_shop, "--save", tmp_path / "room.html").code == 0
    assert "<h1>Outfits</h1>" in (tmp_path / "outfit.html").read_text("utf-8")
    assert "<img" in (tmp_path / "room.html").read_text("utf-8")
    assert command("outfit", photo, "-c", built_shop, "--save", tmp_path / "outfit.txt").code == 2
