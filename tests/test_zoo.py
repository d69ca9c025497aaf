"""Names of networks mean the same for every task, and are resolved in one place."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import cast

import pytest

import catalens
from catalens.errors import CatalensError, ModelError, NotFoundError, UsageError
from catalens.models.card import FILE
from catalens.models.known import find_known, known_networks
from catalens.models.zoo import (
    BUNDLED,
    DEFAULT_FACES,
    DEFAULTS,
    PREFIXES,
    WRITTEN,
    Form,
    Task,
    bundled_cards,
    find_card,
    loaded_once,
    resolve,
)

HOUSE = Path(catalens.__file__).parent
ALL: tuple[Form, ...] = ("card", "hf", "onnx", "openvino", "torch", "keras", "application")


@pytest.mark.parametrize("task", DEFAULTS)
@pytest.mark.parametrize("name", [None, BUNDLED])
def test_no_name_is_the_bundled_network_of_each_task(task: Task, name: str | None) -> None:
    found = resolve(name, task=task, forms=("card",))
    assert (found.form, found.name, found.own_card().name) == ("card", DEFAULTS[task], DEFAULTS[task])


def test_a_task_may_have_another_default() -> None:
    assert resolve(None, task="detect", forms=("card",), default=DEFAULT_FACES).name == DEFAULT_FACES


@pytest.mark.parametrize("task", ["embed", "segment", "matte", "detect", "classify"])
@pytest.mark.parametrize(
    ("name", "form", "place"),
    [
        ("onnx:nets/a.onnx", "onnx", "nets/a.onnx"),
        ("openvino:a.xml", "openvino", "a.xml"),
        ("torch:a.pt", "torch", "a.pt"),
        ("keras:a.keras", "keras", "a.keras"),
        ("keras:MobileNetV2", "application", "MobileNetV2"),
        ("hf:{folder}", "hf", "{folder}"),
    ],
)
def test_a_form_means_the_same_for_every_task(task: Task, name: str, form: str, place: str, tmp_path: Path) -> None:
    found = resolve(name.format(folder=tmp_path), task=task, forms=ALL)
    assert (found.form, found.place, found.card, found.known) == (form, place.format(folder=tmp_path), None, None)


@pytest.mark.parametrize("name", ["siglip2-base", "google/siglip2-base-patch16-224", "hf:siglip2-base"])
def test_a_known_network_is_found_by_its_names(name: str) -> None:
    found = resolve(name, task="embed", forms=ALL)
    assert (found.form, found.place) == ("hf", "google/siglip2-base-patch16-224")
    assert found.known is not None
    assert found.known.key == "siglip2-base"
    assert resolve(name, task="classify", forms=ALL).task == "embed"  # which serves to classify by words


def test_a_folder_with_a_card_is_found(tmp_path: Path) -> None:
    card = find_card(DEFAULT_FACES)
    for name in (FILE, card.weights.name):
        (tmp_path / name).write_bytes((card.weights.parent / name).read_bytes())
    found = resolve(str(tmp_path), task="detect", forms=("card",))
    assert found.own_card().identity == card.identity


@pytest.mark.parametrize(
    ("name", "task", "forms", "error", "words"),
    [
        ("", "embed", ALL, NotFoundError, "no network called ''"),
        ("hf:", "segment", ALL, NotFoundError, "names no network"),
        ("nothing-like-it", "segment", ALL, NotFoundError, "Name one of catalens-parser-s"),
        ("catalens-parsr-s", "segment", ("card",), NotFoundError, "Perhaps catalens-parser-s"),
        ("onnx:a.onnx", "outfit", ("card",), UsageError, "not loaded from onnx:FILE. Name a bundled network or a fo"),
        ("hf:a/b", "matte", ("card", "onnx"), UsageError, "not loaded from hf:OWNER/NAME or hf:FOLDER"),
        ("keras:MobileNetV2", "segment", ("card", "torch"), UsageError, "not loaded from keras:NAME"),
        ("catalens-parser-s", "detect", ALL, ModelError, "is for 'segment', not for 'detect'"),
        ("catvton", "segment", ALL, UsageError, "catvton is for 'tryon', not for 'segment'. Take one of catalens-par"),
        ("siglip2-base", "tryon", ("card", "known"), UsageError, "is for 'embed', not for 'tryon'"),
        ("hf:google/siglip2-base-patch16-224", "detect", ALL, UsageError, "is for 'embed', not for 'detect'"),
        ("hf:/nowhere/at/all", "embed", ALL, NotFoundError, "no folder '/nowhere/at/all'"),
        ("hf:a/b", "embed", ALL, UsageError, "--accept-licence unknown"),
        ("jina-clip-v2", "embed", ALL, UsageError, "--accept-licence CC-BY-NC-4.0"),
        ("catvton:/nowhere", "tryon", ("known",), NotFoundError, "Write catvton:FOLDER"),
    ],
)
def test_what_is_refused(
    name: str, task: Task, forms: tuple[Form, ...], error: type[CatalensError], words: str
) -> None:
    with pytest.raises(error, match=words):
        resolve(name, task=task, forms=forms)


def test_a_file_by_itself_is_no_name(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"x")
    with pytest.raises(ModelError, match="Say of which kind"):
        resolve(str(path), task="segment", forms=ALL)


def test_a_network_that_another_library_runs_is_exported_first() -> None:
    found = resolve("jina-clip-v2", task="embed", forms=ALL, accept_licence="CC-BY-NC-4.0")
    with pytest.raises(ModelError, match="not in Transformers alone"):
        found.in_transformers()


def test_the_registry_is_one_and_whole() -> None:
    keys = [one.key for one in known_networks()]
    assert keys == sorted(set(keys))
    assert {one.task for one in known_networks()} == {
        "embed", "tryon", "paint", "matte", "detect", "outline", "refine",
    }  # fmt: skip
    assert {"siglip2-base", "catvton", "sdxl"} <= set(keys)
    assert not set(keys) & set(bundled_cards())
    for one in known_networks():
        assert all(find_known(name) is one for name in (one.key, *one.aliases, *([one.hub] if one.hub else [])))
        assert one.commercial != bool(one.forbids)
        assert one.source
        assert one.hub.count("/") == (0 if one.files else 1)


def test_prefixes_are_read_nowhere_else() -> None:
    """A string such as "onnx:" in code outside the resolver would be a second one."""
    prefixes = {f"{one}:" for one in PREFIXES}
    assert prefixes <= {form.split("FILE")[0].split("OWNER")[0] for form in WRITTEN.values()} | {"hf:"}
    found = []
    for path in HOUSE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        found += [
            f"{path.relative_to(HOUSE)}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and node.value in prefixes
            and path.name != "zoo.py"
            # f"hf:{place}" writes a name and reads none
            and not any(isinstance(one, ast.JoinedStr) and node in one.values for one in ast.walk(tree))
        ]
    assert not found


def test_a_network_is_loaded_once_however_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[str | None, str]] = []

    @loaded_once("usual")
    def load(name: str | None = None, *, device: str = "auto") -> object:
        loaded.append((name, device))
        return object()

    first = load()
    assert load(None) is load("usual") is load(BUNDLED) is load(device="auto") is first
    assert load(device="cpu") is not first
    monkeypatch.setenv("CATALENS_DEVICE", "cpu")
    assert load() is not first
    assert loaded == [("usual", "auto"), ("usual", "cpu"), ("usual", "auto")]


def test_tasks_name_their_forms() -> None:
    from catalens.tasks import cutout, detect, embed, foreign_classifier, generate, segment

    for module in (cutout, detect, embed, foreign_classifier, generate, segment):
        forms = cast(tuple[Form, ...], module.FORMS)
        assert forms[0] == "card"
        assert set(forms) <= set(WRITTEN)
