"""`catalens models ...`: which networks there are, what is known of them, which one to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.options import AsJson
from catalens.cli.output import say, write, write_json
from catalens.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from catalens.evaluation.advice import Candidate
    from catalens.models.card import Card, Score
    from catalens.models.known import KnownNetwork
    from catalens.tasks.classifier import Classifier

TAKES = {
    "embed": "pictures",
    "segment": "pictures",
    "matte": "pictures",
    "detect": "pictures",
    "outfit": "vectors of pictures",
    "pose": "pictures of persons",
    "tryon": "two pictures",
    "generate": "words",
    "paint": "words",
    "confirm": "parts of pictures",
    "name": "boxes",
    "classify": "pictures",
    "outline": "pictures with a box or points",
    "refine": "pictures with a trimap",
}
"""What a network of each task is given."""
GIVES = {
    "segment": "masks",
    "matte": "alpha",
    "outline": "masks",
    "refine": "alpha",
    "detect": "boxes",
    "classify": "labels",
    "tryon": "a garment on a person",
    "paint": "pictures",
}
"""What a known network of each task gives; an encoder's are counted."""


def list_models(
    task: Annotated[
        str | None,
        typer.Option(help="Only those of a task (cutout, detect, embed ...), with size, published score, time here."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List networks: name, where it is, what it takes and gives, parameters, licence."""
    from catalens.models.known import known_networks
    from catalens.models.zoo import bundled_cards, find_card

    cards = [find_card(name) for name in bundled_cards()]
    if task is not None:
        _list_task(task, cards, as_json)
        return
    if as_json:
        write_json([*map(_card_dict, cards), *map(_known_dict, known_networks())])
        return
    for card in cards:
        taken = "pictures and words" if card.text is not None else TAKES[card.task]
        write(f"{card.name}\tbundled\t{taken}\t{card.gives}\t{card.parameters / 1e6:.1f} M\t{card.license}")
    for one in known_networks():
        taken = "pictures and words" if one.words else TAKES[one.task]
        gives = f"{one.dim} numbers" if one.task == "embed" else GIVES[one.task]
        size = "?" if one.parameters is None else f"{one.parameters / 1e6:.0f} M"
        allowed = "" if one.commercial else ", limits commercial use"
        write(f"{one.key}\t{one.where}\t{taken}\t{gives}\t{size}\t{one.license}{allowed}")


def _list_task(word: str, cards: Sequence[Card], as_json: bool) -> None:
    from catalens.models.known import known_networks
    from catalens.tasks.timing import measured

    tasks = {"cutout": "matte", "encode": "embed", "search": "embed"}
    task = tasks.get(word, word)
    if task not in TAKES:
        raise UsageError(f"--task is {word!r}", cure=f"take one of cutout, {', '.join(sorted(TAKES))}")
    rows: list[dict[str, object]] = []
    for card in cards:
        if card.task == task:
            scores = [f"{one.name} {one.value:g} (this project, n={one.n})" for one in card.scores]
            weight = card.weights.stat().st_size / 1e6
            rows.append({"name": card.name, "license": card.license, "mb": weight, "scores": scores, "here": "bundled"})
    for one in known_networks():
        if one.task == task:
            scores = [f"{score.name} {score.value:g}" for score in one.scores]
            allowed = "" if one.commercial else " (limits commercial use: refused until accepted)"
            rows.append(
                {"name": one.key, "license": one.license + allowed, "mb": one.megabytes, "scores": scores,
                 "source": one.source, "aliases": list(one.aliases), "here": _is_here(one)}
            )  # fmt: skip
    for row in rows:
        row["ms"] = measured(str(row["name"]), task) if row["here"] in ("bundled", "pulled") else None
    if as_json:
        write_json(rows)
        return
    for row in rows:
        size = "?" if row["mb"] is None else f"{row['mb']:.1f} MB"
        timed = f"{row['ms']:.0f} ms a photo here" if row["ms"] is not None else "not measured here"
        write(f"{row['name']}\t{row['license']}\t{size}\t{row['here']}\t{timed}")
        for text in row["scores"]:  # type: ignore[attr-defined]
            write(f"  {text}")
        if row.get("source"):
            write(f"  published in: {row['source']}")


def _is_here(one: KnownNetwork) -> str:
    from catalens.models.pull import pinned

    return "not here" if pinned(one) is None else "pulled"


def show(
    name: Annotated[
        str,
        typer.Argument(help="A name that `catalens models list` gives, or a folder with a card: a classifier, too."),
    ],
    as_json: AsJson = False,
) -> None:
    """Show one network: licence, training data, cost, measured scores."""
    from catalens.models.known import find_known
    from catalens.models.zoo import find_card, near_names
    from catalens.tasks.classifier_folder import is_classifier, load_classifier

    known = find_known(name)
    if is_classifier(Path(name)):
        found = _classifier_dict(load_classifier(name), name)
    elif known is not None:
        found = _known_dict(known)
    else:
        try:
            found = _card_dict(find_card(name))
        except NotFoundError:
            near = near_names(name)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise NotFoundError(f"no network called {name!r}", cure=f"{hint}`catalens models list` has all") from None
    _write({**found, "device": _device(found)}, as_json)


def advise(
    task: Annotated[str, typer.Option(help="search or classify.")] = "search",
    products: Annotated[int, typer.Option(help="Products to search, or photos to classify.")] = 10_000,
    per_label: Annotated[int | None, typer.Option(help="Labelled photos of each label, for classify.")] = None,
    device: Annotated[str, typer.Option(help="cpu or gpu.")] = "cpu",
    latency_ms: Annotated[float | None, typer.Option(help="Time for one query, at most.")] = None,
    memory_mb: Annotated[float | None, typer.Option(help="Memory, at most.")] = None,
    any_licence: Annotated[
        bool, typer.Option("--any-licence", help="Also networks whose licence limits commercial use.")
    ] = False,
    price_per_hour: Annotated[float, typer.Option(help="Of the machine, in your currency.")] = 0.10,
    as_json: AsJson = False,
) -> None:
    """Choose an encoder, a head and an index: what is measured, what is published by others, what it costs."""
    from catalens.evaluation.advice import Requirements
    from catalens.evaluation.advice import advise as choose

    if task not in ("search", "classify") or device not in ("cpu", "gpu"):
        raise UsageError(
            f"task {task!r} on {device!r}: there is advice for search or classify, on cpu or gpu",
            cure="`catalens models list` names the one network that there is for each other task",
        )
    found = choose(
        Requirements(
            task="search" if task == "search" else "classify",
            count=products,
            labels_each=per_label,
            device="cpu" if device == "cpu" else "gpu",
            latency_ms=latency_ms,
            memory_mb=memory_mb,
            commercial=not any_licence,
            price_per_hour=price_per_hour,
        )
    )
    if as_json:
        write_json(found.to_dict())
        return
    if found.best is None:
        write("nothing fits")
    else:
        write(f"take {found.best.encoder}")
        _describe(found.best, price_per_hour)
    if found.better is not None:
        measured = "" if found.better.scores else "; not measured by this project"
        write(f"next better: {found.better.encoder} (larger, and so assumed to be more accurate{measured})")
        _describe(found.better, price_per_hour)
    for name, why in found.refused:
        say(f"does not fit: {name}, {why}")


def _describe(choice: Candidate, price: float) -> None:
    for name, value in (("head", choice.head), ("index", choice.index), ("licence", choice.license)):
        if value:
            write(f"  {name}: {value}")
    write(f"  a picture: {choice.encode_ms:.1f} ms ({choice.timed})")
    if choice.index_ms:
        write(f"  a search: {choice.index_ms:.2f} ms (exact search among 20,000 or fewer, measured on this machine)")
    cost = f"a million pictures cost {choice.per_million:.2f} at {price:g} an hour"
    write(f"  memory: about {choice.memory_mb:.0f} MB; {cost}")
    for score in choice.scores:
        write(f"  measured: {score.name} {score.value:.3f} [{score.low:.3f}, {score.high:.3f}] n={score.n}")
    for claim in choice.claims:
        write(f"  published by others: {claim}")


def _write(values: dict[str, object], as_json: bool) -> None:
    if as_json:
        write_json(values)
        return
    for name, value in values.items():
        if value is None or (isinstance(value, list | tuple) and not value):
            continue
        if isinstance(value, dict):
            write(f"{name}:")
            for inner, text in value.items():
                write(f"  {inner}: {text}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            write(f"{name}:")
            for row in value:
                write("  " + ", ".join(f"{key} {text}" for key, text in row.items()))
        else:
            write(f"{name}: {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}")


def _classifier_dict(one: Classifier, folder: str) -> dict[str, object]:
    return {
        "name": one.name,
        "where": folder,
        "task": "classify",
        "labels": list(one.classes),
        "head": one.head.head.kind,
        "encoder": one.encoder.name,
        "unknown": None if one.unknown is None else asdict(one.unknown),
        "training": dict(one.training),
        "scores": _scores(one.scores),
    }


def _scores(scores: Sequence[Score]) -> list[dict[str, object]]:
    return [{"name": one.name, "value": one.value, "n": one.n, "low": one.low, "high": one.high} for one in scores]


def _card_dict(card: Card) -> dict[str, object]:
    from catalens.models.zoo import WEIGHTS

    folder = card.weights.parent
    return {
        "name": card.name,
        "where": "bundled" if folder.parent == WEIGHTS else str(folder),
        "task": card.task,
        "gives": card.gives,
        "classes": list(card.classes),
        "identity": card.identity,
        "license": card.license,
        "commercial": True,
        "dim": card.dim if card.task == "embed" else None,
        "size": list(card.preprocess.size),
        "parameters": card.parameters,
        "precision": card.precision,
        "words": card.text is not None,
        "known": [] if card.text is None else list(card.text.known),
        "training": dict(card.training),
        "scores": _scores(card.scores),
    }


def _known_dict(one: KnownNetwork) -> dict[str, object]:
    return {
        "key": one.key,
        "name": one.name,
        "where": one.where,
        "task": one.task,
        "library": one.library,
        "license": one.license,
        "commercial": one.commercial,
        "forbids": one.forbids,
        "dim": one.dim,
        "size": one.size,
        "parameters": one.parameters,
        "gflops": one.gflops,
        "words": one.words,
        "languages": list(one.languages),
        "steps": one.steps,
        "needs": list(one.needs),
        "files": [asdict(file) for file in one.files],
        "aliases": list(one.aliases),
        "remarks": one.remarks,
        "source": one.source,
        "scores": [{"name": score.name, "value": score.value} for score in one.scores],
    }


def _device(found: dict[str, object]) -> str | None:
    """Where it would run here, as far as that is known without its libraries."""
    from catalens.models.device import place_onnx

    if found.get("library") is not None:
        return None
    runs_on, _ = place_onnx()
    return f"{runs_on.device} ({runs_on.note})" if runs_on.note else runs_on.device
