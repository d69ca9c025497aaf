"""What goes to a terminal or a log can neither move the cursor, nor forge a line, nor fail for its letters."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.cli.output import say
from catalens.printable import printable, printable_json
from catalens.types import Product, Where

SHOWN = [
    ("", ""),
    ("a\tb", "a\tb"),
    ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
    ("\x1b[2Jgone", "\\x1b[2Jgone"),
    ("\x9b2J", "\\x9b2J"),
    ("good\rbad", "good\\rbad"),
    ("one\ntwo\x0b\x0c\x85\u2028", "one\\ntwo\\x0b\\x0c\\x85\\u2028"),
    ("a\x7f\x00", "a\\x7f\\x00"),
    ("abc\u202egpj.exe\u2066", "abc\\u202egpj.exe\\u2066"),
    ("pay\u200bpal\ufeff\u2060", "pay\\u200bpal\\ufeff\\u2060"),
    ("a\U000e0041", "a\\U000e0041"),
    ("pay\u200dpal", "pay\\u200dpal"),
    ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ("\U0001f469\u200d\U0001f467", "\U0001f469\u200d\U0001f467"),
    ("\udc80.jpg", "\\udc80.jpg"),
    ("caf\u00e9 \u978b \U0001f600", "caf\u00e9 \u978b \U0001f600"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_what_is_unsafe_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "gbk"])
@pytest.mark.parametrize("text", [text for text, _ in SHOWN])
def test_json_is_exact_and_safe_in_every_encoding(text: str, encoding: str) -> None:
    written = printable_json({text: [text]}, encoding=encoding)
    assert json.loads(written) == {text: [text]}
    assert written.encode(encoding).decode(encoding) == written
    assert not set(written) & set("\x1b\x9b\x7f\r\n\u202e\u200b\u2028")


def test_what_an_encoding_lacks_is_shown() -> None:
    assert printable("caf\u00e9 \U0001f600", encoding="cp1252") == "caf\u00e9 \\U0001f600"
    assert printable("caf\u00e9", encoding="ascii") == "caf\\xe9"


def test_messages_are_neither_markup_nor_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    say("[red]sale[/red] :dress: \x1b[31m\nforged")
    assert capsys.readouterr().err == "[red]sale[/red] :dress: \\x1b[31m\\nforged\n"


HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]dress[/red]\r99\u202e\U0001f600"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    product = Product(
        "A\x1b[2J-1", Where("test"), title=HOSTILE, description="one\ntwo\x1b[2J", attributes={"b\r": "c\x9b"}
    )
    with catalens.open(tmp_path / "shop") as shop:
        shop.add([product])
    return tmp_path / "shop"


@pytest.mark.parametrize("words", [["search", "dress"], ["show", "A\x1b[2J-1"], ["search", "dress", "--json"]])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_titles_of_strangers_are_printed_harmlessly(folder: Path, words: list[str], encoding: str) -> None:
    line = [sys.executable, "-m", "catalens.cli.main", *words, "--catalog", str(folder)]
    done = subprocess.run(line, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False)
    assert done.returncode == 0, done.stderr
    said = (done.stdout + done.stderr).decode(encoding)
    assert "dress" in said
    assert not set(said) & set("\x1b\x07\x9b\r\u202e")
    if "--json" in words:
        assert json.loads(done.stdout.decode(encoding))["matches"][0]["title"] == HOSTILE


def test_an_export_is_exact(folder: Path, tmp_path: Path) -> None:
    asked = ["export", "--catalog", str(folder)]
    assert CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "all.jsonl")]).exit_code == 0
    assert CliRunner().invoke(app, asked).stdout == (tmp_path / "all.jsonl").read_text("utf-8")


def test_the_log_of_the_service_has_one_line_for_a_record() -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from catalens.server.run import PrintableFormatter

    record = logging.LogRecord("a", logging.INFO, "", 0, "%s", ("x\n{}\x1b[2J",), None)
    assert PrintableFormatter("%(message)s").format(record) == "x\\n{}\\x1b[2J"
