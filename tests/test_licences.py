"""Licences of what is in use: expressions, the inventory, lists of allowed ones, and what the base may need."""

from __future__ import annotations

import json
import re
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import ModelError, NotFoundError, UsageError
from catalens.models.known import known_networks
from catalens.models.licence import is_allowed, is_expression
from catalens.models.zoo import DEFAULTS, WEIGHTS, Form, bundled_cards, find, find_card, resolve
from catalens.tasks.embed import encoder
from catalens.trust.datasets import datasets, learned_from
from catalens.trust.licences import BASE, Part, findings, inventory, licence_of, networks, packages

PERMISSIVE = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND", "ISC", "MIT", "MIT-0",
        "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
FILE_LEVEL = {"certifi": "MPL-2.0"}
"""Reciprocal for its own files only: Mozilla's list of root certificates, which httpx reads unchanged."""
DATA_PAGE = Path(__file__).parent.parent / "docs" / "data.md"


@pytest.mark.parametrize(
    ("licence", "allowed", "passes"),
    [
        ("", "", False),
        ("MIT", "", False),
        ("MIT", "MIT", True),
        ("mit", "MIT", True),
        ("MIT OR GPL-3.0-only", "MIT", True),
        ("MIT AND GPL-3.0-only", "MIT", False),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", "MIT Apache-2.0", True),
        ("MIT OR Apache-2.0 AND GPL-3.0-only", "Apache-2.0", False),  # AND binds closer
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0", True),
        ("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-only WITH GCC-exception-3.1", True),
        ("GPL-3.0-only WITH GCC-exception-3.1", "MIT", False),
        ("GPL-2.0+", "GPL-2.0", False),
        ("unknown", "MIT", False),
        ("unknown", "unknown", True),
        ("unknown OR MIT", "unknown", True),
        ("CreativeML Open RAIL-M", "CreativeML OpenRAIL-M", False),
        ("(MIT", "MIT", False),
        ("MIT)", "MIT", False),
        ("MIT AND", "MIT", False),
        ("MIT Apache-2.0", "MIT Apache-2.0", False),
        ("(" * 5_000 + "MIT" + ")" * 5_000, "MIT", False),
    ],
)
def test_expressions(licence: str, allowed: str, passes: bool) -> None:
    names = [allowed] if " WITH " in allowed or "RAIL" in allowed else allowed.split()
    assert is_allowed(licence, names) is passes


def test_a_licence_that_is_no_expression_must_be_listed_word_for_word() -> None:
    assert is_allowed("CreativeML Open RAIL-M", ["CreativeML Open RAIL-M"])
    assert not is_expression("CreativeML Open RAIL-M")
    assert not is_expression("unknown")


def described(tmp_path: Path, *lines: str) -> Distribution:
    folder = tmp_path / "thing-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", "Name: thing", "Version: 1.0", *lines]) + "\n")
    return Distribution.at(folder)


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ((), "unknown"),
        (("License-Expression: MIT AND 0BSD",), "MIT AND 0BSD"),
        (("License: Apache 2.0",), "Apache-2.0"),
        (("License: PSFL",), "PSF-2.0"),
        (("License: see the file",), "unknown"),
        (("License: Proprietary",), "unknown"),
        (("Classifier: License :: OSI Approved :: MIT License",), "MIT"),
        (("Classifier: License :: OSI Approved",), "unknown"),
        (("Classifier: License :: Other/Proprietary License",), "unknown"),
        (
            (
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: Apache Software License",
            ),
            "Apache-2.0 AND MIT",
        ),
        (
            (
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: Free for non-commercial use",
            ),
            "unknown",
        ),
        (
            (
                "License: \n        long text\n        of a licence",
                "Classifier: License :: OSI Approved :: BSD License",
            ),
            "BSD-3-Clause",
        ),
    ],
)
def test_what_a_package_says_of_itself(tmp_path: Path, lines: tuple[str, ...], licence: str) -> None:
    assert licence_of(described(tmp_path, *lines)) == licence


def test_what_the_base_needs_is_permissive() -> None:
    base = [part for part in packages() if BASE in part.wanted_by]
    assert {"numpy", "pillow", "onnxruntime"} <= {part.name for part in base}
    refused = {part.name: part.licence for part in findings(base, PERMISSIVE)}
    assert refused == {name: licence for name, licence in FILE_LEVEL.items() if name in {part.name for part in base}}


def test_no_package_of_any_extra_is_agpl_or_non_commercial() -> None:
    for part in packages():
        assert not re.search(r"AGPL|-NC-", part.licence), part


def test_every_bundled_network_has_its_licence_hash_and_origin() -> None:
    weights = {part.name: part for part in inventory() if part.kind == "weights"}
    assert weights.keys() == set(bundled_cards())
    for part in weights.values():
        assert is_allowed(part.licence, PERMISSIVE)
        assert {one.name for one in (WEIGHTS / part.name).glob("*.onnx")} == part.files.keys()
        assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in part.files.values())
        assert any(one.use in {"photos", "weights"} for one in part.datasets), part.name
        assert not findings([part], PERMISSIVE)


def test_a_network_that_began_with_another_learned_from_the_same() -> None:
    encoder_sets = {one.name for one in learned_from(find_card("catalens-encoder-s"))}
    for name in ("catalens-parser-s", "catalens-detector-s"):
        assert encoder_sets <= {one.name for one in learned_from(find_card(name))}


def test_data_sets_are_those_of_the_page_that_weights_may_learn_from() -> None:
    page = DATA_PAGE.read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| `")
    ]
    usable = {source: licence for _, _, source, licence, may in rows if may == "yes"}
    photos = {one.source: one.licence for one in datasets() if one.use == "photos" and "own" not in one.source}
    assert photos == {source: {"CC0": "CC0-1.0"}.get(licence, licence) for source, licence in usable.items()}
    for one in datasets():
        if one.use in {"teacher", "weights"}:
            assert re.search(rf"\| {one.name} \|.*\| {one.licence} \|", page), one.name


@pytest.mark.parametrize("one", known_networks(), ids=lambda one: one.key)
def test_known_networks_by_their_name(one: Any) -> None:
    part = networks(one.key)[0]
    assert (part.kind, part.name, part.licence, part.origin) == ("network", one.key, one.license, one.where)
    assert networks(one.where if one.hub else one.key) == networks(one.key)
    assert len(networks(one.key)) == 1 + len(one.needs)


def test_networks_by_other_names(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"weights")
    (part,) = networks(f"onnx:{tmp_path / 'net.onnx'}")
    sha256 = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"  # of sha256sum
    assert (part.licence, part.files) == ("unknown", {"net.onnx": sha256})
    for said, licence, origin in (
        ("size = [8, 8]", "unknown", str(tmp_path / "net.onnx")),
        ('license = "MIT"\norigin = "https://example.com"', "MIT", "https://example.com"),
    ):
        (tmp_path / "net.toml").write_text(said)
        (part,) = networks(f"onnx:{tmp_path / 'net.onnx'}")
        assert (part.licence, part.origin, part.files) == (licence, origin, {"net.onnx": sha256})
        assert find(f"onnx:{tmp_path / 'net.onnx'}").licence == licence
    for nonsense in ("license = 5", "license = [", 'origin = ["a"]'):
        (tmp_path / "net.toml").write_text(nonsense)
        with pytest.raises(ModelError):
            networks(f"onnx:{tmp_path / 'net.onnx'}")
    (tmp_path / "net.toml").unlink()
    assert networks("hf:someone/something")[0].licence == "unknown"
    assert networks("catalens-encoder-s")[0].kind == "weights"
    for name in ("nothing", f"onnx:{tmp_path / 'none.onnx'}", "onnx:"):
        with pytest.raises(NotFoundError):
            networks(name)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("marqo-fashion-clip", "embed"),
        ("hf:someone/something", "embed"),
        ("onnx:net.onnx", "embed"),
        ("keras:MobileNetV2", "classify"),
    ],
)
def test_only_allowed_networks_are_loaded(name: str, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forms: tuple[Form, ...] = ("card", "hf", "onnx", "keras", "application")
    monkeypatch.setenv("CATALENS_ACCEPT_LICENCE", "unknown")
    monkeypatch.setenv("CATALENS_ALLOW_LICENCES", "0BSD, Zlib")
    with pytest.raises(UsageError, match="CATALENS_ALLOW_LICENCES"):
        resolve(name, task=task, forms=forms)
    monkeypatch.setenv("CATALENS_ALLOW_LICENCES", "unknown,apache-2.0,mit")
    assert resolve(name, task=task, forms=forms).name == name


@pytest.mark.parametrize("task", DEFAULTS)
def test_bundled_networks_are_held_to_the_list_too(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALENS_ALLOW_LICENCES", "MIT")
    with pytest.raises(UsageError, match=r"Apache-2\.0"):
        resolve(None, task=task, forms=("card",))
    monkeypatch.setenv("CATALENS_ALLOW_LICENCES", ",")
    with pytest.raises(UsageError, match="it has none"):
        resolve(None, task=task, forms=("card",))
    for every in ("Apache-2.0", "", " "):
        monkeypatch.setenv("CATALENS_ALLOW_LICENCES", every)
        resolve(None, task=task, forms=("card",))


def test_a_network_that_is_kept_is_refused_when_the_list_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder()
    monkeypatch.setenv("CATALENS_ALLOW_LICENCES", "MIT")
    with pytest.raises(UsageError, match=r"Apache-2\.0"):
        encoder()


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["models", "licences", *words])


def test_the_command() -> None:
    everything = {name for part in inventory() for name in re.findall(r"[A-Za-z0-9.+-]+", part.licence)} | {"unknown"}
    table = run()
    assert table.exit_code == 0
    assert "weights\tcatalens-encoder-s\t" in table.stdout
    assert all(len(line.split("\t")) <= 8 for line in table.stdout.splitlines())
    everything |= {one.licence for one in datasets()}
    assert run("--allow", ",".join(everything)).exit_code == 0
    refused = run("--allow", "Apache-2.0", "--json")
    assert refused.exit_code == 5
    answer = json.loads(refused.stdout)
    assert {"numpy", "catalens-encoder-s"} <= set(answer["refused"])  # it learned from photos under MIT and CC0, too
    assert "not allowed: numpy" in refused.stderr
    assert {part["name"] for part in answer["parts"]} >= {"catalens", "catalens-faces-xs"}


def test_the_command_with_a_network_of_others() -> None:
    answer = json.loads(run("--json", "--model", "catvton").stdout)
    others = {part["name"]: part["licence"] for part in answer["parts"] if part["kind"] == "network"}
    assert others["catvton"] == "CC-BY-NC-SA-4.0"
    assert others["stabilityai/sd-vae-ft-mse"] == "unknown"


@pytest.mark.parametrize("words", [("--format", "spdx"), ("--json", "--format", "cyclonedx")])
def test_what_the_command_refuses(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert isinstance(result.exception, UsageError) or result.exit_code == 2


def test_an_empty_list_allows_nothing() -> None:
    parts = [Part("package", "a", "1", "MIT", "PyPI")]
    assert findings(parts, ()) == tuple(parts)
    assert findings((), ()) == ()


def test_a_service_starts_only_with_allowed_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    monkeypatch.setenv("CATALENS_ALLOW_LICENCES", "")  # put back afterwards; the command sets it
    result = CliRunner().invoke(app, ["serve", "--catalog", str(tmp_path), "--allow-licences", "MIT"])
    assert isinstance(result.exception, UsageError)
    assert "Apache-2.0" in str(result.exception)
