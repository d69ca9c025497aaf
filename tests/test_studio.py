"""The studio page and the widget in a real browser: what a merchandiser does, a shopper, and hostile texts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
pytest.importorskip("playwright.sync_api", reason="playwright is in the dev extra")
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

import catalens
from catalens.server.app import create_app
from catalens.server.services.options import ServeOptions
from catalens.types import ImageArray, Product, Where, Worn

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
HOSTILE = [
    "<script>document.title='broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "\"><svg onload=document.title='broken'>",
    "javascript:document.title='broken'",
    "{{7*7}} ${7*7} <b>bold</b>",
]
SHOTS = os.environ.get("CATALENS_SHOTS")
"""Folder for pictures of the page, where somebody wants to look at them."""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def serve(options: ServeOptions) -> tuple[uvicorn.Server, threading.Thread, str]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(options), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    return server, thread, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def address(built_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = Path(shutil.copytree(built_shop, tmp_path_factory.mktemp("studio") / "shop"))
    with catalens.open(folder) as shop:
        shop.add(
            [
                Product(f"hostile-{n}", Where("x"), text, text, {"category": text, "color": text})
                for n, text in enumerate(HOSTILE)
            ]
        )
    server, thread, address = serve(ServeOptions(folder, origins=("null",)))
    yield address
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if not ours(request.url, address) else None)
    page.goto(address)
    yield page
    context.close()
    assert not wrong  # no error in a script, no request to anybody else


def ours(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:", "about:"))


@pytest.fixture(scope="module")
def photo(export: Path) -> Path:
    return min((export / "queries").glob("*.jpg"))


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def test_photo_to_matches_to_product_to_why(page: Page, photo: Path) -> None:
    page.set_input_files("input[type=file] >> nth=0", photo)
    expect(page.locator(".results .card:not(.ghost)").first).to_be_visible()
    expect(page.locator(".photo img")).to_be_visible()
    expect(page.locator(".results")).to_contain_text("products in")
    shot(page, "photo-1440")
    page.locator(".results .card").first.click()
    expect(page.locator(".facts h1")).not_to_be_empty()
    page.get_by_role("button", name="Why this match?").click()
    expect(page.locator(".pair figure")).to_have_count(2)
    shot(page, "product-1440")
    page.go_back()
    expect(page.locator(".results .card:not(.ghost)").first).to_be_visible()  # the search is still there


def test_words_filters_and_weights(page: Page) -> None:
    page.get_by_label("Words", exact=True).fill("dress")
    page.get_by_role("button", name="Search", exact=True).click()
    cards = page.locator(".results .card:not(.ghost)")
    expect(cards.first).to_be_visible()
    page.locator("#facet-category").get_by_role("checkbox", name="dresses").check()
    expect(page.locator(".results .card .small").first).to_contain_text("dress", ignore_case=True)
    page.get_by_text("What counts").click()
    page.locator("#w-text").fill("0.9")
    expect(page.locator(".slider output").filter(has_text="0.90")).to_be_visible()
    page.get_by_label("Words", exact=True).fill("zzzzqqq")
    page.locator("#facet-category").get_by_role("checkbox", name="dresses").uncheck()
    expect(page.locator(".results")).not_to_contain_text("broken")


@pytest.mark.parametrize(("width", "language"), [(1440, "en-US"), (390, "zh-CN"), (1440, "zh-CN"), (390, "en-US")])
def test_several_values_of_a_facet_are_kept_by_a_reload(
    browser: Browser, address: str, width: int, language: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=language)
    page = context.new_page()
    page.goto(address)
    if width < 821:
        page.locator("summary").first.click()
    values = page.locator("#facet-category input[type=checkbox]")
    expect(values.nth(1)).to_be_visible()
    chosen = [values.nth(place).get_attribute("value") for place in (0, 1)]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "/v1/search" in request.url else None)
    values.nth(0).check()
    values.nth(1).check()
    cards = page.locator(".results .card:not(.ghost)")
    expect(cards.first).to_be_visible()
    assert f'"category" in ("{chosen[0]}", "{chosen[1]}")' in asked[-1]
    count = page.locator(".results .quiet").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, f"facets-{width}-{language}")
    page.reload()
    expect(cards.first).to_be_visible()
    expect(page.locator("#facet-category input:checked")).to_have_count(2)
    assert page.locator(".results .quiet").first.inner_text().split(" ")[0] == count.split(" ")[0]
    context.close()


def test_what_was_understood_is_shown_and_taken_away(page: Page) -> None:
    page.get_by_label("Words", exact=True).fill("dress not red under 1000")
    page.get_by_role("button", name="Search", exact=True).click()
    chips = page.locator(".chips .chip")
    expect(chips).to_have_text(["not red ×", "under 1000 ×"])
    page.get_by_role("button", name="Remove: red").click()
    expect(chips).to_have_text(["under 1000 ×"])
    expect(page.get_by_label("Words", exact=True)).to_have_value("dress under 1000")
    page.locator("#sort").select_option("price")
    expect(page.locator(".results .card:not(.ghost)").first).to_be_visible()
    shot(page, "understood-1440")


def test_a_bad_file_is_told(page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff no picture")
    page.set_input_files("input[type=file] >> nth=0", broken)
    expect(page.get_by_role("alert")).to_contain_text("broken header")


def test_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_label("Words", exact=True).focus()
    page.keyboard.type("shirt")
    page.keyboard.press("Enter")
    expect(page.locator(".results .card:not(.ghost)").first).to_be_visible()
    page.locator(".results .card").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".facts h1")).to_be_visible()


def test_both_languages_and_both_lights(page: Page) -> None:
    page.get_by_role("button", name="中文").click()
    expect(page.locator("nav")).to_contain_text("商品库")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("button", name="浅色或深色").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_role("button", name="English").click()
    expect(page.locator("nav")).to_contain_text("Catalog")


def test_a_feed_goes_in_with_its_bad_rows(page: Page, tmp_path: Path) -> None:
    feed = tmp_path / "new.jsonl"
    feed.write_text(json.dumps({"sku": "N-1", "title": "New lamp"}) + "\nno json\n", "utf-8")
    page.get_by_role("link", name="Feeds").click()
    expect(page.locator("#blur")).to_be_visible()
    page.set_input_files("input[type=file] >> nth=0", feed)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".panel .state").first).to_have_text("done", timeout=15_000)
    expect(page.locator(".panel table")).to_contain_text("not JSON")
    page.get_by_role("link", name="Catalog", exact=True).click()
    expect(page.locator("h1")).to_contain_text("46 products")


def test_a_listing_photo_is_checked_and_repaired(page: Page, photo: Path) -> None:
    page.get_by_role("link", name="Listing photos").click()
    expect(page.locator("fieldset:has(input[value=amazon])")).to_be_visible()
    page.set_input_files("input[type=file] >> nth=0", photo)
    expect(page.locator(".findings li").first).to_be_visible()
    page.get_by_role("button", name="Repair what is possible").click()
    expect(page.locator(".compare img").first).to_be_visible()
    shot(page, "check-1440")


def worn_by(person: ImageArray, garment: ImageArray, *, kind: str, model: str | None = None) -> Worn:
    """What try-on answers, without its networks."""
    region = np.zeros(person.shape[:2], bool)
    region[: len(region) // 2] = True
    return Worn(np.where(region[..., None], garment.mean((0, 1)), person).astype(np.uint8), region, ("a note",), kind)


def test_a_garment_is_tried_on(page: Page, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalens.server.routes.tryon.try_on", worn_by)
    page.get_by_role("link", name="Try on").click()
    expect(page.locator(".drop")).to_have_count(2)
    page.set_input_files(".image input[type=file] >> nth=0", photo)
    page.set_input_files(".garment input[type=file] >> nth=0", photo)
    expect(page.locator(".compare img")).to_have_count(2)
    expect(page.locator(".notes")).to_contain_text("a note")
    page.locator(".compare").scroll_into_view_if_needed()
    page.locator("input[type=range]").fill("80")
    page.locator("#kind").select_option("dress")
    expect(page.locator(".compare img")).to_have_count(2)
    assert (page.locator("a[download]").get_attribute("href") or "").startswith("data:image/jpeg;base64,")
    shot(page, "tryon-1440")
    page.get_by_role("link", name="Generate").click()
    expect(page.locator("form input[name=kind]")).to_be_visible()


@pytest.mark.parametrize("view", ["catalog", "review", "models", "system"])
def test_other_views_open(page: Page, view: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#/{view}")
    expect(page.locator(".view h1").first).to_be_visible()
    shot(page, f"{view}-1440")


def test_hostile_texts_stay_texts(page: Page) -> None:
    for number, text in enumerate(HOSTILE):
        page.goto(f"{page.url.split('#')[0]}#/product/hostile-{number}")
        expect(page.locator(".facts h1")).to_have_text(text)
    page.goto(f"{page.url.split('#')[0]}#/catalog")
    expect(page.locator(".rows .card").first).to_be_visible()  # of the catalog: the product's page has cards too
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(".card .title", has_text="<script>")).to_be_attached()
    assert "broken" not in page.title()


def test_on_a_phone_nothing_runs_over(browser: Browser, address: str, photo: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(address)
    page.set_input_files("input[type=file] >> nth=0", photo)
    expect(page.locator(".results .card:not(.ghost)").first).to_be_visible()
    shot(page, "photo-390")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_with_keys_the_page_asks_for_one(browser: Browser, built_shop: Path, tmp_path: Path) -> None:
    from catalens.server.services.api_keys import ApiKeys

    folder = Path(shutil.copytree(built_shop, tmp_path / "shop"))
    options = ServeOptions(folder)
    _, secret = ApiKeys(options.keys).create(scopes=["search", "read", "analyse"])
    server, thread, address = serve(options)
    page = browser.new_page()
    page.goto(address)
    page.get_by_label("Key").fill(secret)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".fields .field").first).to_be_visible()
    page.close()
    server.should_exit = True
    thread.join()


def test_the_widget_works_in_another_page(
    browser: Browser, address: str, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "index.html"
    shop.write_text(
        f'<script type="module" src="{address}/widget.js"></script>'
        f'<catalens-search endpoint="{address}" link="#/p/{{sku}}"></catalens-search>',
        "utf-8",
    )
    page = browser.new_page()
    page.goto(shop.as_uri())
    page.get_by_role("searchbox").fill("shirt")
    page.keyboard.press("Enter")
    expect(page.locator("catalens-search li a").first).to_be_visible()
    page.set_input_files("catalens-search input[type=file]", photo)
    expect(page.locator("catalens-search li img").first).to_be_visible()
    shot(page, "widget")
    monkeypatch.setattr("catalens.server.routes.tryon.try_on", worn_by)
    page.evaluate("document.querySelector('catalens-search').setAttribute('tryon', 'nothing, shirt')")
    page.get_by_role("searchbox").press("Enter")
    with page.expect_file_chooser() as choosing:
        page.locator("catalens-search button.wear").first.click()
    choosing.value.set_files(photo)
    expect(page.locator("catalens-search dialog img")).to_be_visible()
    expect(page.locator("catalens-search dialog")).to_contain_text("a note")
    shot(page, "widget-tryon")
    page.get_by_role("button", name="Close").click()
    href = page.locator("catalens-search li a").first.get_attribute("href", timeout=1000)
    assert href is not None
    assert href.startswith("#/p/")
    page.close()


LINKS = {
    "https://shop.example/a": "https://shop.example/a",
    "/p/a?b=c#d": "/p/a?b=c#d",
    "a b": "a b",
    "javascript:document.title='broken'": "#",
    "java\tscript:document.title='broken'": "#",
    "\x01 jAva\nscript:document.title='broken'": "#",
    "data:text/html,<script>document.title='broken'</script>": "#",
    "vbscript:a": "#",
    "blob:https://shop.example/a": "#",
}
"""Address of a product -> where the widget's link leads with `own-links`."""


def test_own_links_lead_to_web_pages_only(browser: Browser, address: str) -> None:
    page = browser.new_page()
    matches = [{"sku": str(number), "title": "a", "attributes": {"url": url}} for number, url in enumerate(LINKS)]
    page.route("**/v1/search", lambda route: route.fulfill(json={"matches": matches}))
    page.goto(f"{address}/docs")
    page.evaluate(
        """address => import(address + "/widget.js").then(() => {
        document.body.innerHTML = "<catalens-search own-links></catalens-search>";
    })""",
        address,
    )
    page.get_by_role("searchbox").fill("shirt")
    page.keyboard.press("Enter")
    links = page.locator("catalens-search li a")
    expect(links).to_have_count(len(LINKS))
    assert [one.get_attribute("href") for one in links.all()] == list(LINKS.values())
    for one in links.all():
        one.evaluate("one => one.getAttribute('href') === '#' && one.click()")
    assert page.title() != "broken"
    page.close()


def test_the_page_is_small_and_its_policy_strict(address: str) -> None:
    import httpx

    from catalens.server.routes.page import WEB

    assert sum(len(one.read_bytes()) for one in WEB.iterdir()) < 150_000
    answer = httpx.get(address)
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    assert "style=" not in answer.text
    assert httpx.get(f"{address}/studio/..%2Fapp.py").status_code == 404
    assert httpx.get(f"{address}/studio/nothing.js").status_code == 404
