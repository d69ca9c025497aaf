"""Paths that were typed: photos told from words, addresses refused, the name that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalens.errors import UsageError
from catalens.images.paths import looks_like_photo, nothing_at, refuse_address


@pytest.mark.parametrize(
    ("text", "is_meant_so"),
    [
        ("", False),
        ("dress", False),
        ("red dress", False),
        ("black/white", False),
        ("red.dress", False),
        ("a\0b", False),
        ("24/7", False),
        ("连衣裙", False),
        ("x.jpg", True),
        ("X.JPEG", True),
        ("x.jgp", True),
        ("x.pgn", True),
        ("x.heic", True),
        ("./shoe", True),
        ("../shoe", True),
        ("~/shoe", True),
        ("/srv/shoe", True),
        ("C:\\photos\\shoe", True),
        ("fotos/x.bild", True),
        ("my photo.jpg", True),
    ],
)
def test_what_was_meant_as_a_photo(text: str, is_meant_so: bool) -> None:
    assert looks_like_photo(text) is is_meant_so


def test_a_name_in_a_folder_that_is_there_was_meant_as_a_photo(tmp_path: Path) -> None:
    assert looks_like_photo(f"{tmp_path}/shoe")


@pytest.mark.parametrize(
    ("source", "cure"),
    [
        ("https://example.org/a.jpg", "curl -L -O https://example.org/a.jpg"),
        (Path("https://example.org/a.jpg"), "curl -L -O https://example.org/a.jpg"),
        ("s3://bucket/a.csv", "aws s3 cp s3://bucket/a.csv ."),
        ("gs://bucket/a.csv", "gcloud storage cp gs://bucket/a.csv ."),
        ("ftp://example.org/a.csv", "copy it to this machine"),
    ],
)
def test_addresses_are_refused_with_the_command_that_gets_them(source: str | Path, cure: str) -> None:
    with pytest.raises(UsageError) as refused:
        refuse_address(source, what="feed")
    assert cure in refused.value.cure


@pytest.mark.parametrize("source", ["", "a.csv", "C:/a.csv", "C:\\a.csv", "a: b", "colour:red"])
def test_what_is_no_address_passes(source: str) -> None:
    refuse_address(source, what="feed")


def test_the_name_that_was_meant_is_said(tmp_path: Path) -> None:
    (tmp_path / "Shoe-7.JPG").touch()
    assert nothing_at(tmp_path / "shoe7.jpg").cure == f"did you mean {tmp_path / 'Shoe-7.JPG'}?"
    assert nothing_at(tmp_path / "bag.jpg").cure == "check the path"
    assert "no folder" in nothing_at(tmp_path / "none" / "bag.jpg").cure
