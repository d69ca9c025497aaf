"""What commands print where, and how texts of options become values."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from catalens.cli import output
from catalens.cli.options import numbers, pairs, signature_of
from catalens.errors import StorageError, UsageError
from catalens.progress import progress_bar
from catalens.types import Failure, Where


def failure(number: int) -> Failure:
    return Failure(Where("feed.csv", number), f"sku-{number}", "no picture", "add one")


@pytest.mark.parametrize(
    ("count", "listed", "more"), [(0, 0, ""), (1, 1, ""), (20, 20, ""), (23, 20, "... and 3 more")]
)
def test_the_first_failures_are_listed_on_stderr_and_the_others_counted(
    count: int, listed: int, more: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output.list_failures(tuple(map(failure, range(count))))
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert [line for line in lines if "sku-" in line] == [f"  {failure(number)}" for number in range(listed)]
    assert (more in err) if more else len(lines) == listed


def test_notes_come_before_what_was_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    output.list_notes(())
    assert capsys.readouterr() == ("", "")
    output.list_notes(["few photos [of bags]"], (failure(7),))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["note: few photos [of bags]", "1 photos were skipped:", f"  {failure(7)}"]


def test_json_keeps_letters_and_order(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"title": "Kleid für Mädchen 裙子", "a": [1, None]}
    output.write_json(value)
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (value, "")
    assert "裙子" in out
    assert out.index("title") < out.index('"a"')


@pytest.mark.parametrize(("error", "ends"), [(BrokenPipeError(), SystemExit), (OSError(28, "full"), StorageError)])
def test_a_closed_pipe_ends_quietly_and_a_full_disk_does_not(
    error: OSError, ends: type[BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise error

        def fileno(self) -> int:
            return descriptor

    descriptor = os.open(tmp_path / "out", os.O_CREAT | os.O_WRONLY)
    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(ends) as caught:
        output.write("a line")
    os.close(descriptor)
    if isinstance(caught.value, SystemExit):
        assert caught.value.code == 0
    else:
        assert "full" in str(caught.value)


def test_originals_are_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output.refuse_overwrite(None, "photo.jpg")
    output.refuse_overwrite(Path("better.jpg"), "photo.jpg")
    for same in (tmp_path / "photo.jpg", Path("photo.jpg"), Path("folder/../photo.jpg")):
        with pytest.raises(UsageError, match="never overwritten"):
            output.refuse_overwrite(same, "other.jpg", "photo.jpg")


def test_texts_that_no_font_draws_are_named_with_their_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {f"裙{number}": f"({number})" for number in range(22)}
    monkeypatch.setattr("catalens.images.lettering.missing_glyphs", lambda asked: asked)
    output.warn_missing_glyphs({})
    assert capsys.readouterr() == ("", "")
    output.warn_missing_glyphs(texts)
    lines = capsys.readouterr().err.splitlines()
    assert "CATALENS_FONT" in lines[0]
    assert lines[1:] == [*(f"  ({number}) = 裙{number}" for number in range(20)), "  ... and 2 more"]


def test_only_a_terminal_shows_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress_bar() as progress:
        assert progress is None
    monkeypatch.setattr(output, "err", Console(file=io.StringIO(), force_terminal=True))
    with output.progress_bar() as progress:
        assert progress is not None
        progress(1, None, "reading")
        progress(2, 3, "embedding")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], {}),
        (["price=Preis"], {"price": "Preis"}),
        (["a=1,b=2", " c = x=y "], {"a": "1", "b": "2", "c": "x=y"}),
        (["a=1", "a=2"], {"a": "2"}),
    ],
)
def test_pairs_are_read(texts: list[str], found: dict[str, str]) -> None:
    assert pairs(texts, option="--map", example="price=Preis") == found


@pytest.mark.parametrize("text", ["", "price", "price=", "=Preis", "a=1,,b=2", "a=1,b"])
def test_what_is_no_pair_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        pairs([text], option="--map", example="price=Preis")
    assert caught.value.cure == "write it like --map price=Preis"


def test_numbers_are_read_and_none_are_none() -> None:
    assert numbers([], option="--weights", example="deep=1") is None
    assert numbers(["deep=1, color=.5"], option="--weights", example="deep=1") == {"deep": 1.0, "color": 0.5}
    with pytest.raises(UsageError, match="a number for deep and got 'much'"):
        numbers(["deep=much"], option="--weights", example="deep=1")


def test_a_certificate_and_its_key_come_together(tmp_path: Path) -> None:
    assert signature_of(None, None) is None
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for given in ((certificate, None), (None, key)):
        with pytest.raises(UsageError, match="needs its key"):
            signature_of(*given)
    assert signature_of(certificate, key) is not None


def test_a_bar_shows_its_text_as_it_is() -> None:
    shown = Console(file=io.StringIO(), force_terminal=True, width=200)
    with progress_bar(console=shown) as bar:
        bar.add_task("[red]a[/red] \x1b]0;title\x07 [/", total=1)
        bar.refresh()
        told = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "[red]a[/red] \\x1b]0;title\\x07 [/" in told
    assert "\x1b]0" not in told
