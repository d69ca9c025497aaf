"""What many tests share: a small rendered shop, and the catalog made of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import hypothesis
import pytest

import catalens

hypothesis.settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks/, not in tests
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a rendered shop: products.csv, photos/, queries/. Read only."""
    from recipes.synthetic import write_shop

    folder = tmp_path_factory.mktemp("export")
    write_shop(folder, n=40, seed=1, size=(160, 160))
    return folder


@pytest.fixture(scope="session")
def built_shop(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the catalog of that shop. Read only: tests that write take `shop_folder`."""
    folder = tmp_path_factory.mktemp("built") / "shop"
    with catalens.open(folder) as shop:
        shop.add(export / "products.csv")
    return folder


@pytest.fixture
def shop_folder(built_shop: Path, tmp_path: Path) -> Path:
    """A copy of that catalog, to change."""
    return Path(shutil.copytree(built_shop, tmp_path / "shop"))
