"""Pages and sheets hold everything themselves, and text in them is never markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalens.errors import StorageError, UsageError
from catalens.images.draw import Tile, contact_sheet, save_image, thumbnail
from catalens.search.page import Section, matches_page, matches_sheet, report_page, save_matches
from catalens.types import Match, Matches

PHOTO = np.full((30, 50, 3), 90, np.uint8)


@pytest.fixture
def matches(tmp_path: Path) -> Matches:
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    evil = '<script>alert("x")</script>'
    return Matches(
        (
            Match(
                "A",
                0.9,
                {"deep": 0.6, "color": 0.3},
                "Red bag",
                {"price": 12.5, "category": "bags"},
                tmp_path / "a.png",
            ),
            Match("B", 0.4, {"text": 0.4}, evil, {"color": evil, "price": 3}, tmp_path / "gone.png"),
            Match("C", 0.1, {"liked": 0.1}),
        ),
        query=f"words {evil}",
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


def test_a_page_of_nothing() -> None:
    assert "No products found" in matches_page(Matches())
    assert report_page([], title="Empty", intro="").count("<section") == 0


def test_a_page_stands_alone_and_runs_nothing(matches: Matches) -> None:
    page = matches_page(matches, query_picture=PHOTO)
    found = tags(page)
    assert not [tag for tag, _ in found if tag in {"script", "link", "iframe", "object"}]
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    images = [attributes for tag, attributes in found if tag == "img"]
    assert len(images) == 2  # the query's and A's; B's file is gone, C has none
    assert all(attributes["alt"] for attributes in images)
    assert sum(tag == "li" for tag, _ in found) == 3
    assert "12.50" in page


def test_a_report_has_a_heading_for_each_search(matches: Matches) -> None:
    page = report_page([Section("One", matches, PHOTO), Section("Two", Matches())], title="Report", intro="Hello")
    assert sum(tag == "h2" for tag, _ in tags(page)) == 2
    assert sum(tag == "h1" for tag, _ in tags(page)) == 1


@pytest.mark.parametrize("name", ["page.html", "sheet.png", "sheet.jpg", "sheet.webp"])
def test_results_are_saved_by_the_ending(matches: Matches, tmp_path: Path, name: str) -> None:
    save_matches(matches, tmp_path / name, query_picture=PHOTO)
    if name != "page.html":
        with Image.open(tmp_path / name) as sheet:
            assert sheet.size == matches_sheet(matches, query_picture=PHOTO).shape[1::-1]
            assert not sheet.getexif()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_what_cannot_be_saved_is_said(matches: Matches, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.html, \.htm, \.jpg, \.jpeg, \.png, \.webp"):
        save_matches(matches, tmp_path / "page.pdf")
    with pytest.raises(StorageError):
        save_matches(matches, tmp_path / "none" / "page.html")
    with pytest.raises(StorageError):
        save_image(tmp_path / "none" / "a.png", PHOTO)


def test_sheets_of_none_one_and_many() -> None:
    empty, one, many = (contact_sheet([Tile(PHOTO, "caption " * 20)] * n, title="Title " * 50) for n in (0, 1, 7))
    assert empty.shape[1] == one.shape[1] < many.shape[1]
    assert one.shape[0] < many.shape[0]
    assert contact_sheet([Tile(None, "caption", "note", chosen=True)], title="").dtype == np.uint8


def test_thumbnails_keep_the_proportion() -> None:
    small = thumbnail(PHOTO, (20, 20))
    assert small.shape == (20, 20, 3)
    assert (small[0, 0].tolist(), small[10, 10].tolist()) == ([255, 255, 255], [90, 90, 90])
