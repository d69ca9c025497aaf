"""The public names are few, sorted and light to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import catalens

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
    "classify",
    "compatibility",
    "cutout",
    "detect",
    "encoder",
    "enhance",
    "errors",
    "explain_class",
    "explain_match",
    "generate",
    "open",
    "read_image",
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
    assert len(NAMES) <= 25


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
