"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

import catalens
from catalens.cli.output import say
from catalens.errors import NotFoundError, UsageError
from catalens.options import Network, Option, check
from catalens.storage.database import FILE_NAME

if TYPE_CHECKING:
    from catalens.trust.provenance import Signature

CatalogFolder: TypeAlias = Annotated[
    Path,
    typer.Option("--catalog", "-c", envvar="CATALENS_CATALOG", help="Folder of the catalog.", show_default=True),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LabelledData: TypeAlias = Annotated[
    list[Path],
    typer.Option(
        "--data",
        help="Folder of labelled photos, or a CSV table. May be repeated; a later label replaces an earlier one.",
    ),
]
Certificate: TypeAlias = Annotated[
    Path | None, typer.Option(help="Sign the output (C2PA) with this certificate chain, a PEM file.")
]
CertificateKey: TypeAlias = Annotated[
    Path | None, typer.Option("--key", help="ES256 key of --certificate, a PEM file.")
]

ProgressKind: TypeAlias = Annotated[
    str,
    typer.Option("--progress", help="auto: a bar on a terminal; json: a line of JSON a second on stderr; none."),
]
DEFAULT_CATALOG = Path("shop")


def option(declared: Option[Any], *flags: str, more: str = "", also: str = "") -> Any:
    """The Typer option of a declared one: its help, bounds and choices.

    Args:
        flags: as the command calls it; made from the parameter's name where there are none.
        more: a sentence behind the help.
        also: what may be given beside the choices, such as "FILE"; the command checks the value itself then.
    """
    help = f"{declared.help} {more}".rstrip()
    if not declared.allowed:
        return typer.Option(*flags, help=help, min=declared.minimum, max=declared.maximum)
    name = flags[0] if flags else f"--{declared.name.replace('_', '-')}"

    def chosen(text: str) -> str:
        check(declared, [text] if declared.kind == "texts" else text, name=name)
        return text

    metavar = f"[{'|'.join((*declared.allowed, *([also] if also else [])))}]"
    return typer.Option(*flags, help=help, metavar=metavar, parser=None if also else chosen)


EncoderName: TypeAlias = Annotated[str | None, option(Network.encoder)]
Device: TypeAlias = Annotated[str, option(Network.device)]
Precision: TypeAlias = Annotated[str, option(Network.dtype)]


def existing(
    folder: Path,
    *,
    encoder: str | None = Network.encoder.default,
    device: str = Network.device.default,
    dtype: str = Network.dtype.default,
) -> catalens.Catalog:
    """Open a catalog to read from; one that is not there is an error and is not made."""
    shop = catalens.Catalog.open(folder, encoder=encoder, readonly=True, device=device, dtype=dtype)
    if not len(shop):
        say(f"note: the catalog at {folder} is empty; fill it: catalens add SOURCE --catalog {folder}")
    return shop


def existing_folder(folder: Path) -> Path:
    """The absolute path of a catalog's folder.

    Raises:
        NotFoundError: no catalog is there.
    """
    if not (folder / FILE_NAME).is_file():
        raise NotFoundError(f"no catalog at {folder.absolute()}", cure="make one: catalens add SOURCE --catalog FOLDER")
    return folder.absolute()


def future_folder(folder: Path) -> Path:
    """The absolute path of a catalog's folder, where there may be none yet; then that is said.

    Raises:
        NotFoundError: nor is there the folder that it would lie in, or a catalog beside it has nearly this name: a
            mistyped path makes none.
    """
    folder = folder.absolute()
    if not folder.parent.is_dir():
        raise NotFoundError(f"no folder {folder.parent}", cure="check --catalog, or make it")
    if not (folder / FILE_NAME).is_file():
        beside = [other.name for other in folder.parent.iterdir() if (other / FILE_NAME).is_file()]
        if meant := difflib.get_close_matches(folder.name, beside, n=1):
            cure = f"did you mean {folder.parent / meant[0]}?"
            raise NotFoundError(f"no catalog at {folder}", cure=cure)
        say(f"no catalog at {folder} yet: what is added first makes it")
    return folder


def signature_of(certificate: Path | None, key: Path | None) -> Signature | None:
    """With what a generated picture is signed; None where nothing was asked for."""
    from catalens.trust.provenance import Signature

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("a certificate needs its key, and a key its certificate", cure="give --certificate and --key")
    return Signature(certificate, key)


def pairs(texts: list[str], *, option: str, example: str) -> dict[str, str]:
    """`name=value` texts, several to an option or separated by commas, as a dictionary."""
    found: dict[str, str] = {}
    for item in (part.strip() for text in texts for part in text.split(",")):
        name, equals, value = item.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise UsageError(f"{option} expects name=value and got {item!r}", cure=f"write it like {option} {example}")
        found[name.strip()] = value.strip()
    return found


def numbers(texts: list[str], *, option: str, example: str) -> dict[str, float] | None:
    """`name=number` texts as a dictionary; None where there are none."""
    found: dict[str, float] = {}
    for name, value in pairs(texts, option=option, example=example).items():
        try:
            found[name] = float(value)
        except ValueError:
            raise UsageError(
                f"{option} expects a number for {name} and got {value!r}", cure=f"write it like {option} {example}"
            ) from None
    return found or None
