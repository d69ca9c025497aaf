"""What recipes share: options, what a card says of them, and how they end."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from catalens.errors import NotFoundError

pytest.importorskip("torch", reason="torch is in the train extra")

import torch

from catalens.evaluation.intervals import Estimate
from recipes.recipe import Given, RecipeParser, as_command, progress_of, say_held_out

ROOT = Path(__file__).parent.parent
WEIGHTS = ROOT / "src" / "catalens" / "models" / "weights"


def read(*arguments: str) -> Given:
    parser = RecipeParser("hats", "Recipe: hats.\n\nMore of them.")
    parser.add_shared("--out", "--minutes")
    parser.add_argument("--brim", type=float, default=2.5)
    parser.add_shared("--rate", "--seed", "--device", "--threads", "--resume", "--data", "--teachers")
    parser.set_defaults(minutes=3.0, rate=0.1)
    return parser.read(list(arguments))


def test_what_is_not_given_is_as_the_recipe_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALENS_DATA", "some/photos")
    monkeypatch.setenv("CATALENS_THREADS", "1")
    given = read("--out", "runs/hats")
    assert (given.out, given.minutes, given.rate, given.brim) == (Path("runs/hats"), 3.0, 0.1, 2.5)
    assert (given.seed, given.device, given.threads, given.resume) == (0, "cpu", 1, False)
    assert given.data == Path("some/photos")


def test_torch_takes_its_threads_and_its_seed_from_what_is_given() -> None:
    read("--out", "x", "--threads", "1", "--seed", "7")
    drawn = torch.rand(3)
    assert torch.get_num_threads() == 1
    assert drawn.equal(torch.rand(3, generator=torch.Generator().manual_seed(7)))


def test_a_card_says_how_to_do_it_again() -> None:
    given = read("--out", "x", "--seed", "7", "--threads", "1", "--brim", "3")
    assert given.training(given.cost(125.0, views=640)) == {
        "command": "python -m recipes.hats --out x --seed 7 --threads 1 --brim 3",
        "seed": "7",
        "cost": "2 minutes on cpu, 1 threads, 640 views",
    }


@pytest.mark.parametrize("arguments", [[], ["--out", "x", "--minutes", "soon"], ["--out", "x", "--colour", "red"]])
def test_what_makes_no_sense_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read(*arguments)
    assert "usage: python -m recipes.hats" in capsys.readouterr().err


def test_a_command_ends_with_0_or_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    @as_command
    def main(arguments: list[str] | None = None) -> None:
        if arguments:
            raise NotFoundError("no hats", cure="knit some")

    assert main() == 0
    assert capsys.readouterr().err == ""
    assert main(["--knit"]) == NotFoundError.exit_code
    assert capsys.readouterr().err == f"{NotFoundError('no hats', cure='knit some')}\n"


def test_what_was_held_out_and_how_far_things_are_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("counting hats") as progress:
        progress(1, 2, "counting hats")
        progress(2, None, "counting more hats")
    say_held_out({})
    say_held_out({"accuracy": Estimate(0.5, 4, 0.25, 0.75)})
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.endswith("held out: accuracy 0.500 [0.250, 0.750] n=4\n")


@pytest.mark.parametrize(
    ("module", "code", "said"),
    [
        (
            "lesson",
            2,
            "recipes.lesson is no recipe and does nothing by itself; recipes are blazeface, cutout, describe,",
        ),
        ("textbook.formulas", 2, "recipes.textbook.formulas is no recipe"),
        ("hats", 1, "No module named recipes.hats"),
        ("packed --help", 0, ""),
        ("sample_shop --help", 0, ""),
    ],
)
def test_only_recipes_run(module: str, code: int, said: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", *f"recipes.{module}".split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert made.returncode == code
    assert said in made.stderr


@pytest.mark.parametrize("card", sorted(WEIGHTS.glob("*/card.toml")), ids=lambda path: path.parent.name)
def test_the_recipe_that_a_card_names_is_there(card: Path) -> None:
    commands = re.findall(r"python -m ([\w.]+)", card.read_text("utf-8"))
    assert commands
    for module in commands:
        file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        assert 'if __name__ == "__main__":' in file.read_text("utf-8")
