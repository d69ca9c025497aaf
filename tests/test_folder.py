"""Which files of a folder are photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalens.images.folder import photos_in


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], []),
        (["a.txt", "jpg", ".jpg", "._a.jpg", ".cache/a.jpg"], []),
        (
            ["b.JPG", "a.tiff", "a.jpeg", "d/c.webp", "é/ü 1.PNG"],
            ["a.jpeg", "a.tiff", "b.JPG", "d/c.webp", "é/ü 1.PNG"],
        ),
        (["a.jpg", "out/a.jpg", "deep/out/a.jpg"], ["a.jpg", "deep/out/a.jpg"]),
        (["folder.jpg/a.png"], ["folder.jpg/a.png"]),
    ],
    ids=["nothing", "none", "by path", "but out", "a folder is no photo"],
)
def test_photos_in_a_folder(tmp_path: Path, files: list[str], expected: list[str]) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = photos_in(tmp_path, but=tmp_path / "deep" / ".." / "out")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == expected


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert photos_in(tmp_path) == [tmp_path / "a.jpg"]
