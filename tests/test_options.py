"""Python, the command line and HTTP take defaults, bounds and choices of every option from one declaration."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.core import TyperArgument

import catalens
from catalens import options
from catalens.cli.main import app
from catalens.cli.options import option
from catalens.errors import UsageError
from catalens.feeds import FEEDS
from catalens.learning.policies import POLICIES, policy_sheet
from catalens.options import Option, check, check_all, of
from catalens.search.searcher import Searcher
from catalens.server.services.served_models import bundled_names
from catalens.styling.look import shop_the_look
from catalens.styling.outfit import OutfitRequest, score_photos
from catalens.styling.room import KINDS as ROOM_KINDS
from catalens.tasks.classifier import Classifier
from catalens.tasks.cutout import cutout_of
from catalens.tasks.edges import Edges
from catalens.tasks.faces import blur_faces
from catalens.tasks.generate import Generator
from catalens.tasks.hub_tryon import try_on_by
from catalens.tasks.listing import check as check_photo
from catalens.tasks.listing import check_folder, fix
from catalens.tasks.recolor import recolor
from catalens.tasks.scene import scene
from catalens.tasks.tryon import TryOn
from catalens.tasks.zero_shot import classify_by_words


@dataclass(frozen=True)
class Verb:
    """Where the options of a verb are read: functions, a command, routes.

    Args:
        renamed: option -> the command's parameters, where they are called otherwise.
        beside: parameters of the functions that are no options of the verb.
    """

    declared: type
    functions: tuple[Callable[..., Any], ...] = ()
    command: str = ""
    routes: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()


VERBS = (
    Verb(options.Add, (catalens.Catalog.add,), "add", ("/v1/feeds",), beside=frozenset({"progress", "partial"})),
    Verb(
        options.Search, (catalens.Catalog.search, Searcher.search), "search", ("/v1/search",),
        beside=frozenset({"image"}),
    ),
    Verb(
        options.Look, (catalens.Catalog.look, catalens.look, shop_the_look), "look", ("/v1/look",),
        beside=frozenset({"finder"}),
    ),
    Verb(options.Outfits, (catalens.Catalog.outfits, OutfitRequest), "outfit", ("/v1/outfit",), {"kinds": "kind"}),
    Verb(options.Score, (score_photos, catalens.compatibility), "style score", ("/v1/score",)),
    Verb(options.Room, (catalens.Catalog.room,), "style room", ("/v1/room",), {"kinds": "kind"}),
    Verb(
        options.Classify, (catalens.classify, Classifier.classify, classify_by_words), "photo classify",
        ("/v1/classify",),
    ),
    Verb(options.Detect, (catalens.detect,), "photo detect", ("/v1/detect",)),
    Verb(options.Segment, (catalens.segment,), "photo segment", ("/v1/segment",)),
    Verb(
        options.Cutout, (catalens.cutout, cutout_of, Edges), "cutout", ("/v1/cutout",),
        beside=frozenset({"edges"}),
    ),
    Verb(options.Recolor, (recolor,), "recolor", ("/v1/recolor",)),
    Verb(options.Enhance, (catalens.enhance,), "photo enhance", ("/v1/enhance",)),
    Verb(
        options.Check, (check_photo, fix, check_folder), "check", ("/v1/check", "/v1/fix"),
        beside=frozenset({"alpha_of", "confidence_of", "fix", "progress"}),
    ),
    Verb(options.BlurFaces, (blur_faces,), "photo blur-faces", ("/v1/blur-faces",)),
    Verb(
        options.TryOn, (catalens.try_on, try_on_by, TryOn.__call__, TryOn.cut_out), "tryon", ("/v1/tryon",),
    ),
    Verb(
        options.Scene, (scene,), "photo scene", ("/v1/scene",), {"background": "prompt_or_photo"},
    ),
    Verb(
        options.Generate, (catalens.generate, Generator.make), "photo generate", ("/v1/generate",),
    ),
    Verb(
        options.Explain, (catalens.explain_class, catalens.explain_match), "photo explain", ("/v1/explain",),
        beside=frozenset({"parts"}),
    ),
    Verb(options.Augment, (policy_sheet,), "train augment", beside=frozenset({"mask"})),
    Verb(options.Serve, (), "serve"),
    Verb(options.Keys, (), "keys create", (), {"scopes": "scope"}),
    Verb(options.RotateKey, (), "keys rotate"),
    Verb(options.Licences, (), "models licences"),
)  # fmt: skip
NAMES = [verb.declared.__name__ for verb in VERBS]


def plain(option: Option[Any], value: object) -> object:
    """A default as it can be compared: nothing given is None, several texts are a tuple."""
    if isinstance(value, str) and option.kind == "texts":
        value = tuple(value.split(","))
    value = tuple(value) if isinstance(value, list) else value
    return None if value in ((), "") else value


def python_faults(verb: Verb, function: Callable[..., Any]) -> list[str]:
    """What a signature says otherwise than the declaration, and parameters with a default that nobody declared."""
    known, faults = of(verb.declared), []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty or name in verb.beside:
            continue
        if name not in known:
            faults.append(f"{name} is not declared")
        elif plain(known[name], parameter.default) != plain(known[name], known[name].default):
            faults.append(f"{name} is {parameter.default!r} by default")
    return faults


def command_faults(verb: Verb, command: Any) -> list[str]:
    """What a command says otherwise than the declaration."""
    parameters, faults = {one.name: one for one in command.params}, []
    for name, one in of(verb.declared).items():
        found = parameters.get(verb.renamed.get(name, name))
        if found is None or isinstance(found, TyperArgument):
            continue
        if plain(one, found.default) not in (plain(one, one.default), None if one.default is False else ...):
            faults.append(f"{name} is {found.default!r} by default")
        bounds = getattr(found.type, "min", None), getattr(found.type, "max", None)
        if bounds != (one.minimum, one.maximum):
            faults.append(f"{name} is within {bounds}")
        if not set(one.allowed) <= set((found.metavar or "").strip("[]").split("|")):
            faults.append(f"{name} is one of {found.metavar}")
        if not found.help.startswith(one.help):
            faults.append(f"{name} is explained otherwise")
    return faults


def http_faults(verb: Verb, properties: Mapping[str, Any]) -> list[str]:
    """What a route's description says otherwise than the declaration."""
    known, faults = {name: one for name, one in of(verb.declared).items() if one.http}, []
    faults += [f"{name} is not described" for name in known if name not in properties]
    for name, said in properties.items():
        if name not in known:
            if said.get("format") != "binary":
                faults.append(f"{name} is not declared")
            continue
        one = known[name]
        if plain(one, said.get("default")) != plain(one, one.default):
            faults.append(f"{name} is {said.get('default')!r} by default")
        several = said.get("oneOf", [said])[-1]
        text = several.get("items", several)
        if tuple(text.get("enum", ())) != (one.allowed or (bundled_names(one.network) if one.network else ())):
            faults.append(f"{name} is one of {text.get('enum')}")
        if said.get("x-network") != one.network:
            faults.append(f"{name} is a network for {said.get('x-network')}")
        least, above = said.get("minimum"), said.get("exclusiveMinimum")
        most = several.get("maxItems", said.get("maximum"))
        if (least, above, most) != (one.minimum, one.above, one.http_maximum or one.maximum):
            faults.append(f"{name} is within {(least, above, most)}")
        if said.get("description") != one.help:
            faults.append(f"{name} is explained otherwise")
    return faults


def command_named(words: str) -> Any:
    found: Any = typer.main.get_command(app)
    for word in words.split():
        found = found.commands[word]
    return found


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from catalens.server.app import create_app
    from catalens.server.services.options import ServeOptions

    folder = tmp_path_factory.mktemp("described") / "none"
    described: Mapping[str, Any] = create_app(ServeOptions(folder)).openapi()["paths"]
    return described


@pytest.mark.parametrize("verb", VERBS, ids=NAMES)
def test_python_takes_the_declared_defaults(verb: Verb) -> None:
    for function in verb.functions:
        assert python_faults(verb, function) == [], function


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.command], ids=lambda verb: verb.command)
def test_the_command_takes_the_declared_options(verb: Verb) -> None:
    assert command_faults(verb, command_named(verb.command)) == []


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.routes], ids=lambda verb: verb.declared.__name__)
def test_the_route_describes_the_declared_options(verb: Verb, paths: Mapping[str, Any]) -> None:
    for route in verb.routes:
        content = paths[route]["post"]["requestBody"]["content"]
        for form in content.values():
            pictures = {"image", "garment", "scene", "swatch"} & form["schema"]["properties"].keys()
            found = {name: one for name, one in form["schema"]["properties"].items() if name not in pictures}
            assert http_faults(verb, found) == [], route


def test_every_network_is_named_by_a_declared_option() -> None:
    """`model`, `device` and the others are declared for every verb that has them, and none is exempt."""
    for verb in VERBS:
        assert not {"model", "painter", "encoder", "device", "dtype", "accept_licence"} & verb.beside, verb.declared


def test_every_option_is_read_somewhere(paths: Mapping[str, Any]) -> None:
    for verb in VERBS:
        read = {name for function in verb.functions for name in inspect.signature(function).parameters}
        command = command_named(verb.command).params if verb.command else []
        read |= {one.name for one in command}
        read |= {name for name, one in of(verb.declared).items() if one.http and verb.routes}
        unread = {name for name in of(verb.declared) if name not in read and verb.renamed.get(name) not in read}
        assert not unread, verb.declared


def test_every_option_is_called_as_its_attribute() -> None:
    for verb in VERBS:
        assert {name for name, one in vars(verb.declared).items() if isinstance(one, Option)} == of(
            verb.declared
        ).keys()


planted = typer.Typer()
OTHER = Option("k", "whole", 10, "Number of matches.", minimum=2)
FEWER = Option("colors", "text", "loud", "Colors.", choices=("loud",))


@planted.command()
def planted_command(k: Annotated[int, option(OTHER)] = 12, colors: Annotated[str, option(FEWER)] = "loud") -> None:
    """Differ from what `Planted` declares below."""


def test_a_planted_default_bound_or_choice_is_caught() -> None:
    class Planted:
        k = Option("k", "whole", 10, "Number of matches.", minimum=1)
        colors = Option("colors", "text", "loud", "Colors.", choices=("loud", "quiet"))

    verb = Verb(Planted)

    def function(*, k: int = 12, colors: str = "loud", more: bool = False) -> None: ...

    assert python_faults(verb, function) == ["k is 12 by default", "more is not declared"]

    assert command_faults(verb, typer.main.get_command(planted)) == [
        "k is 12 by default", "k is within (2, None)", "colors is one of [loud]",
    ]  # fmt: skip
    described = {"k": {"default": 12, "minimum": 1, "maximum": 5, "description": "Number of matches."}}
    assert http_faults(verb, described) == [
        "colors is not described", "k is 12 by default", "k is within (1, None, 5)",
    ]  # fmt: skip


def test_choices_are_those_of_what_is_chosen() -> None:
    assert options.Add.format.allowed == tuple(feed.name for feed in FEEDS)
    assert options.Augment.policy.allowed == tuple(POLICIES)
    assert options.Room.kinds.allowed == ROOM_KINDS


@pytest.mark.parametrize(
    ("declared", "value", "said"),
    [
        (options.Search.k, 0, "k is 0. Give a whole number from 1 up for k."),
        (options.Search.k, 1.5, "k is 1.5"),
        (options.Search.k, True, "k is True"),
        (options.Search.min_score, math.nan, "min_score is nan"),
        (options.Detect.min_score, 1.01, "min_score is 1.01. Give a number from 0 to 1 for min_score."),
        (options.Detect.min_score, "0.5", "min_score is '0.5'"),
        (options.Outfits.budget, 0, "budget is 0. Give a number above 0 for budget."),
        (options.Outfits.kinds, "shoes", "kinds is 'shoes'. Give a list"),
        (options.Outfits.kinds, ["sofa"], "kinds is 'sofa'. Take one of top, outerwear"),
        (options.Cutout.shadow, "long", "shadow is 'long'. Take one of keep, soft, none."),
        (options.Cutout.decontaminate, 1, "decontaminate is 1. Give true or false."),
        (options.Scene.place, (0.5, 1.5), "place y is 1.5"),
        (options.Generate.kind, 3, "kind is 3. Give a text."),
        (options.Generate.n, 0, "n is 0 pictures"),
    ],
)
def test_what_an_option_does_not_allow(declared: Option[Any], value: object, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(declared, value)
    assert said in str(refused.value)


def test_what_an_option_allows() -> None:
    check_all(options.Outfits, k=1, kinds=(), budget=None, colors=None, wishes=["work"])
    check_all(options.Search, min_score=None, offset=0, where={"price": 3}, weights={"deep": 1.0}, group=False)
    check_all(options.Scene, place=(0.5, 1.0), scale=5, background="wood")


@pytest.mark.parametrize(("text", "point"), [("0.5,0.85", (0.5, 0.85)), ("1, 0", (1.0, 0.0))])
def test_points(text: str, point: tuple[float, float]) -> None:
    assert options.point_of(text, name="place") == point


@pytest.mark.parametrize("text", ["", "middle", "0.5", "1,2,3"])
def test_no_points(text: str) -> None:
    with pytest.raises(UsageError, match="place is"):
        options.point_of(text, name="place")


def test_the_page_repeats_no_choice() -> None:
    web = Path(catalens.__file__).parent / "server" / "web"
    for view in web.glob("view-*.js"):
        text = view.read_text("utf-8")
        for choices in (options.TryOn.kind.allowed, options.Check.rules.allowed, options.Enhance.format.allowed):
            assert sum(f'"{choice}"' in text for choice in choices) < 2, view.name
