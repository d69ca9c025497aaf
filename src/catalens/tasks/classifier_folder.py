"""A classifier on the disk: a folder with a card and plain arrays, never a pickle; written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from catalens.errors import ModelError, NotFoundError, StorageError, UsageError
from catalens.models.card import FILE, CardTable, check_file, read_table, score_of
from catalens.models.device import AUTO
from catalens.models.untrusted import read_arrays
from catalens.tasks.classifier import Classifier, Examples, Unknown
from catalens.tasks.embed import Encoder, encoder, load_encoder
from catalens.tasks.heads import Activation, CalibratedHead, head_from

HEAD_FILE, TUNED = "head.npz", "encoder"
"""The head's arrays; the folder of the encoder's own card, where it was tuned together with the head."""


def load_classifier(folder: str | Path, *, device: str = AUTO, dtype: str = AUTO) -> Classifier:
    """Load a saved classifier.

    Args:
        device, dtype: of its encoder (`models.device`).

    Raises:
        NotFoundError: no classifier there.
        ModelError: it is damaged, of another kind, or its encoder is not the one that it was trained with.
    """
    folder = Path(folder)
    if folder.is_file():
        raise ModelError(
            f"{folder} is a file, and a classifier is a folder with {FILE} and {HEAD_FILE}",
            cure="give the folder that `catalens train classifier` wrote; pickles are never read",
        )
    if not (folder / FILE).is_file():
        raise NotFoundError(
            f"no classifier at {folder}", cure="give the folder that `catalens train classifier --out FOLDER` wrote"
        )
    table = read_table(folder)
    task = table.text("task")
    if task != "classify":
        raise ModelError(f"{table.path}: task is {task!r}, not classify", cure="give the folder of a classifier")
    name, kind, activation = table.text("name"), table.text("head"), table.text("activation")
    classes, sha256 = table.list_of_texts("classes"), table.text("sha256")
    if activation not in ("softmax", "sigmoid"):
        raise ModelError(f"{table.path}: activation is {activation!r}", cure="write softmax or sigmoid")
    check_file(folder / HEAD_FILE, sha256)
    arrays = _arrays(folder / HEAD_FILE)
    head = head_from(kind, {key[5:]: value for key, value in arrays.items() if key.startswith("head.")})
    calibrated = CalibratedHead(classes, head, cast(Activation, activation), arrays["scale"], arrays["shift"])
    encoder_name, network = _encoder(table.table("encoder"), folder, device, dtype)
    _check_dims(table, calibrated, network)
    return Classifier(
        name=name,
        head=calibrated,
        encoder=network,
        encoder_name=encoder_name,
        unknown=_unknown(table.table("unknown")) if table.has("unknown") else None,
        thresholds=arrays.get("thresholds"),
        examples=_examples(arrays, table),
        training=table.texts("training"),
        scores=tuple(score_of(row) for row in table.tables("scores")),
        taxonomy=table.numbers_by_name("taxonomy") if table.has("taxonomy") else {},
    )


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    found = read_arrays(path)
    missing = {"scale", "shift"} - found.keys()
    if missing:
        raise ModelError(f"{path} lacks {', '.join(sorted(missing))}", cure="train the classifier again")
    return found


def _encoder(table: CardTable, folder: Path, device: str, dtype: str) -> tuple[str, Encoder]:
    name, identity = table.text("name"), table.text("identity")
    table.done()
    # One that was tuned is not kept by its path: training anew puts another network there.
    tuned = str(folder / TUNED)
    network = (load_encoder if name == TUNED else encoder)(tuned if name == TUNED else name, device=device, dtype=dtype)
    if network.name != identity:
        raise ModelError(
            f"the classifier in {folder} was trained on vectors of {identity}, and {network.name} is what is here",
            cure="train it again, or install the version of catalens that has that encoder",
        )
    return name, network


def _check_dims(table: CardTable, head: CalibratedHead, network: Encoder) -> None:
    gives = head.head.scores(np.zeros((1, head.head.dim), np.float32)).shape[1]
    if head.head.dim != network.dim or gives != len(head.classes):
        raise ModelError(
            f"{table.path}: the head takes {head.head.dim} numbers and gives {gives}, and the encoder gives "
            f"{network.dim} for {len(head.classes)} labels",
            cure="train the classifier again",
        )


def _unknown(table: CardTable) -> Unknown:
    found = Unknown(table.number("threshold"), table.number("false_acceptance"), table.number("kept"))
    table.done()
    return found


def _examples(arrays: Mapping[str, NDArray[Any]], table: CardTable) -> Examples | None:
    paths = table.list_of_texts("examples") if table.has("examples") else ()
    if "example_vectors" not in arrays or len(paths) != len(arrays["example_vectors"]):
        return None
    return Examples(
        arrays["example_vectors"], arrays["example_labels"].astype(np.int64), paths, arrays.get("learned_hashes")
    )


def check_place(folder: str | Path) -> None:
    """Whether a classifier can be saved there, asked before the work of making one.

    Raises:
        StorageError: the folder holds something else, or cannot be written.
    """
    place = Path(folder).resolve()
    if place.exists() and not (is_classifier(place) or (place.is_dir() and not any(place.iterdir()))):
        raise StorageError(f"{folder} is there and no classifier", cure="give a new or empty folder")
    try:
        _beside(place).rmdir()
    except OSError as error:
        raise _unwritable(place, error) from None


def save_classifier(classifier: Classifier, folder: str | Path, *, tuned: Path | None = None) -> Path:
    """Write `card.toml` and `head.npz`, whole or not at all; a classifier that is there is replaced.

    Args:
        tuned: folder of the card of an encoder of its own, which is copied beside.

    Raises:
        UsageError: its encoder is not the one of its `encoder_name`: it could not be loaded again.
        StorageError: the folder holds something else, or cannot be written.
    """
    again = classifier.encoder if tuned is not None else encoder(classifier.encoder_name)
    if again.name != classifier.encoder.name:
        raise UsageError(
            f"{classifier.encoder_name} is {again.name}, and the classifier was trained on {classifier.encoder.name}",
            cure="train it with encoder_name=..., by which catalens.encoder loads that encoder",
        )
    check_place(folder)
    folder = Path(folder).resolve()
    try:
        beside = _beside(folder)
        try:
            beside.chmod(0o755)
            if tuned is not None:
                shutil.copytree(tuned, beside / TUNED)
            with (beside / HEAD_FILE).open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **_all_arrays(classifier))
            (beside / FILE).write_text(_card(classifier, beside / HEAD_FILE, is_tuned=tuned is not None), "utf-8")
            if folder.exists():
                shutil.rmtree(folder)
            beside.rename(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        raise _unwritable(folder, error) from None
    return folder


def _beside(folder: Path) -> Path:
    """A new folder of a passing name on the same disk."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot write {folder}: {error.strerror}", cure="give a folder that can be written")


def is_classifier(folder: Path) -> bool:
    """Whether a classifier was written there."""
    card = folder / FILE
    return card.is_file() and 'task = "classify"' in card.read_text("utf-8", "replace")


def _all_arrays(classifier: Classifier) -> dict[str, NDArray[Any]]:
    head = classifier.head
    found = {f"head.{name}": array for name, array in head.head.arrays().items()}
    found |= {"scale": head.scale, "shift": head.shift}
    if classifier.thresholds is not None:
        found["thresholds"] = classifier.thresholds
    if classifier.examples is not None:
        found |= {"example_vectors": classifier.examples.vectors, "example_labels": classifier.examples.labels}
        if classifier.examples.hashes is not None:
            found["learned_hashes"] = classifier.examples.hashes
    return found


def _card(classifier: Classifier, head: Path, *, is_tuned: bool) -> str:
    """The card as TOML; a TOML text in quotes is one of JSON."""

    def quoted(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [
        f"name = {quoted(classifier.name)}",
        'task = "classify"',
        f"head = {quoted(classifier.head.head.kind)}",
        f"activation = {quoted(classifier.head.activation)}",
        f"classes = {quoted(list(classifier.classes))}",
        f"sha256 = {quoted(hashlib.sha256(head.read_bytes()).hexdigest())}",
    ]
    if classifier.examples is not None:
        lines.append(f"examples = {quoted(list(classifier.examples.paths))}")
    lines += ["", "[encoder]", f"name = {quoted(TUNED if is_tuned else classifier.encoder_name)}"]
    lines += [f"identity = {quoted(classifier.encoder.name)}", ""]
    if classifier.unknown is not None:
        one = classifier.unknown
        lines += ["[unknown]", f"threshold = {one.threshold!r}", f"false_acceptance = {one.false_acceptance:.4f}"]
        lines += [f"kept = {one.kept:.4f}", ""]
    if classifier.taxonomy:
        lines += ["[taxonomy]", *(f"{quoted(name)} = {number}" for name, number in classifier.taxonomy.items()), ""]
    lines += ["[training]", *(f"{name} = {quoted(text)}" for name, text in classifier.training.items())]
    for score in classifier.scores:
        lines += ["", "[[scores]]", f"name = {quoted(score.name)}", f"value = {score.value:.4f}", f"n = {score.n}"]
        lines.append(f"interval = [{score.low:.4f}, {score.high:.4f}]")
    return "\n".join(lines) + "\n"
