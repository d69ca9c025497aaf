"""Provenance of generated pictures: a machine-readable mark, and on request a signed manifest (C2PA)."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeAlias

import catalens
from catalens.errors import MissingExtraError, NotFoundError, UsageError
from catalens.images.draw import encode_image, format_of, write_atomically
from catalens.images.mark import COMPOSITE, TRAINED, read_mark
from catalens.types import ImageArray

__all__ = ["MARKS", "Signature", "Source", "encode_generated", "read_mark", "write_generated"]

Source: TypeAlias = Literal["trained", "composite"]
MARKS: dict[Source, str] = {"trained": TRAINED, "composite": COMPOSITE}
QUALITY = 92
"""Quality of JPEG and WebP, as `save_image` writes them."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Certificate and key that sign a C2PA manifest.

    Args:
        certificate: PEM file with the signer's certificate and those above it.
        key: PEM file with its private key (PKCS #8).
        algorithm: es256, es384, es512, ps256, ps384, ps512 or ed25519, as the key is.
        timestamp: address of a timestamp service (RFC 3161), which is then asked over the network.
    """

    certificate: Path
    key: Path
    algorithm: str = "es256"
    timestamp: str | None = None


def write_generated(
    image: ImageArray, path: Path, *, source: Source = "trained", signature: Signature | None = None
) -> None:
    """Save a generated picture with its mark, in the format of its suffix (.jpg, .png, .webp).

    Args:
        image: HWC uint8, three or four channels.
        source: "trained": a network made all of it; "composite": a part of it.
        signature: also put a signed C2PA manifest into the file.

    Raises:
        UsageError: another ending or source; or a certificate and key that do not sign.
        NotFoundError: no file of the certificate or key.
        MissingExtraError: a signature is asked for and c2pa-python is not installed.
        StorageError: the file cannot be written.
    """
    write_atomically(path, encode_generated(image, format=format_of(path), source=source, signature=signature))


def encode_generated(
    image: ImageArray, *, format: str, source: Source = "trained", signature: Signature | None = None
) -> bytes:
    """Encode a generated picture with its mark as JPEG, PNG or WEBP. Arguments and errors as `write_generated`."""
    if source not in MARKS:
        raise UsageError(f"source is {source!r}", cure=f"take one of {', '.join(MARKS)}")
    data = encode_image(image, format=format, quality=QUALITY, mark=MARKS[source])
    return data if signature is None else _signed(data, format, MARKS[source], signature)


def _signed(data: bytes, format: str, mark: str, signature: Signature) -> bytes:
    """The file with a signed manifest that names its producer and source type (C2PA specification, actions)."""
    try:
        from c2pa import Builder, C2paError, C2paSignerInfo, Context, Signer
    except ImportError:
        raise MissingExtraError.of("c2pa-python", extra="c2pa") from None
    agent = {"name": "Catalens", "version": catalens.__version__}
    created = {"action": "c2pa.created", "digitalSourceType": mark, "softwareAgent": agent}
    manifest = {
        "claim_generator_info": [agent],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    certificate, key = _read(signature.certificate), _read(signature.key)
    # A thumbnail inside would be larger than most product photos are.
    context = Context.from_dict({"builder": {"thumbnail": {"enabled": False}}})
    whole = BytesIO()
    try:
        info = C2paSignerInfo(signature.algorithm, certificate, key, signature.timestamp)
        with Signer.from_info(info) as signer, Builder(manifest, context=context) as builder:
            builder.sign(signer, f"image/{format.lower()}", BytesIO(data), whole)
    except C2paError as error:
        raise UsageError(
            f"{signature.certificate} and {signature.key} do not sign by {signature.algorithm}: {error}",
            cure="give a PEM chain, the signer's first, and its PKCS #8 key",
        ) from None
    return whole.getvalue()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}", cure="name a PEM file") from None
