"""The mark of generated content: other readers find it, our own outputs keep it, a certificate signs it."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from PIL import Image
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import MissingExtraError, NotFoundError, UsageError
from catalens.images.draw import encode_image
from catalens.images.mark import COMPOSITE, TRAINED, VOCABULARY
from catalens.trust.provenance import MARKS, Signature, Source, encode_generated, read_mark, write_generated
from tests.pictures import picture

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def said_to_others(data: bytes) -> str | None:
    """The source type as a plain XML parser reads it from the packet that Pillow finds."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        xmp = image.info.get("xmp")
    if xmp is None:
        return None
    text = xmp if isinstance(xmp, str) else xmp.decode()
    packet = fromstring(text[text.index("<x:xmpmeta") : text.index("</x:xmpmeta>") + len("</x:xmpmeta>")])
    return next((one.attrib[IPTC] for one in packet.iter() if IPTC in one.attrib), None)


@pytest.mark.parametrize("source", ["trained", "composite"])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_mark_is_read_by_us_and_by_others(format: str, source: Source) -> None:
    data = encode_generated(picture(), format=format, source=source)
    assert read_mark(data) == said_to_others(data) == MARKS[source]
    assert catalens.read_image(data).shape == (48, 64, 3)
    assert read_mark(encode_image(picture(), format=format)) is None


@pytest.mark.parametrize(
    ("data", "mark"),
    [
        (encode_image(picture(), format="PNG"), None),
        (b"no picture", None),
        (b"<x " + TRAINED.encode() + b" x>", TRAINED),
        (b"<x " + TRAINED.replace("http:", "https:").encode() + b" x>", TRAINED),
        (VOCABULARY.encode() + b"compositeSynthetic'", VOCABULARY + "compositeSynthetic"),
        (VOCABULARY.encode() + b"digitalCapture'", None),
        (VOCABULARY.encode() + b"trainedAlgorithmicMediaOfMine'", None),
    ],
)
def test_what_counts_as_a_mark(data: bytes, mark: str | None) -> None:
    assert read_mark(data) == mark


def test_a_transparent_picture_stays_so(tmp_path: Path) -> None:
    see_through = np.dstack([picture(), np.full((48, 64), 90, np.uint8)])
    write_generated(see_through, tmp_path / "a.png", source="composite")
    assert read_mark(tmp_path / "a.png") == COMPOSITE
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGBA"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda folder: write_generated(picture(), folder / "a.bmp"), UsageError, "ends in '.bmp'"),
        (
            lambda folder: encode_generated(picture(), format="PNG", source="camera"),  # type: ignore[arg-type]
            UsageError,
            "source is 'camera'",
        ),
        (lambda folder: read_mark(folder / "none.png"), NotFoundError, "no file at"),
    ],
)
def test_bad_input_is_a_sentence(
    call: Callable[[Path], object], error: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        call(tmp_path)


# Kept by what encodes anew


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """A product on beige, as a network might have made it."""
    image = np.full((160, 160, 3), (232, 224, 210), np.uint8)
    image[40:120, 50:110] = (170, 40, 50)
    write_generated(image, tmp_path / "made.png")
    return tmp_path / "made.png"


@pytest.mark.parametrize(
    "words",
    [
        ("enhance", "{made}", "{out}/made.jpg"),
        ("cutout", "{made}", "{out}/made.png"),
        ("cutout", "{made}", "{out}/made.webp", "--background", "white"),
        ("cutout", "{plain}", "{out}/plain.jpg", "--background", "{made}"),
        ("blur-faces", "{made}", "{out}/made.jpg"),
        ("detect", "{made}", "--save", "{out}/made.jpg"),
        ("segment", "{made}", "--save", "{out}/made.jpg"),
        ("check", "{made}", "--rules", "amazon", "--fix", "{out}", "--fail-on", "never"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_commands_keep_the_mark(words: tuple[str, ...], generated: Path, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain.png", tmp_path / "out"
    plain.write_bytes(encode_image(catalens.read_image(generated), format="PNG"))
    out.mkdir()
    for source, mark in ((generated, TRAINED), (plain, None)):
        said = [word.format(made=source, plain=plain, out=out) for word in words]
        result = CliRunner().invoke(app, said)
        assert result.exit_code == 0, result.output
        (written,) = out.iterdir()
        assert read_mark(written) == said_to_others(written.read_bytes()) == mark
        written.unlink()


def test_the_service_keeps_the_mark(generated: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from fastapi.testclient import TestClient

    from catalens.server.app import create_app
    from catalens.server.services.options import ServeOptions

    with catalens.open(tmp_path / "shop") as shop:
        shop.add(generated.parent)
    with TestClient(create_app(ServeOptions(tmp_path / "shop"))) as client:
        for way in ("cutout", "enhance"):
            answer = client.post(f"/v1/{way}", content=generated.read_bytes(), headers={"content-type": "image/png"})
            assert read_mark(answer.content) == TRAINED, way
        fixed = client.post("/v1/fix", content=generated.read_bytes(), headers={"content-type": "image/png"}).json()
        assert read_mark(base64.b64decode(fixed["image"].partition(",")[2])) == TRAINED
        shown = client.post("/v1/search", json={"text": "made", "k": 1}).json()["matches"][0]["image"]
        for accept in ("image/webp", "image/jpeg", "image/avif"):
            assert read_mark(client.get(shown, headers={"accept": accept}).content) == TRAINED, accept


# Signed


@pytest.fixture
def signature(tmp_path: Path) -> Signature:
    """A certificate as C2PA asks for it, and the authority above it, made for this test."""
    pytest.importorskip("c2pa", reason="c2pa-python is in the c2pa extra")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]) for name in ("Authority", "Shop")]

    def certificate(which: int, *, signs: bool) -> x509.CertificateBuilder:
        usage = [not signs, False, False, False, False, signs, signs, False, False]
        return (
            x509.CertificateBuilder(names[0], names[which], keys[which].public_key(), which + 1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=9))
            .add_extension(x509.BasicConstraints(signs, 0 if signs else None), True)
            .add_extension(x509.KeyUsage(*usage), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[which].public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), False)
        )

    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    chain = (certificate(1, signs=False).add_extension(purpose, False), certificate(0, signs=True))
    pem = serialization.Encoding.PEM
    (tmp_path / "chain.pem").write_bytes(
        b"".join(one.sign(keys[0], hashes.SHA256()).public_bytes(pem) for one in chain)
    )
    (tmp_path / "key.pem").write_bytes(
        keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Signature(tmp_path / "chain.pem", tmp_path / "key.pem")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_signed_manifest_says_the_same(format: str, signature: Signature) -> None:
    from c2pa import Reader

    data = encode_generated(picture(), format=format, source="composite", signature=signature)
    with Reader(f"image/{format.lower()}", BytesIO(data)) as reader:
        assert reader.get_validation_state() == "Valid"
        actions = reader.get_active_manifest()["assertions"][0]["data"]["actions"]
    assert [one["digitalSourceType"] for one in actions] == [COMPOSITE]
    assert read_mark(data) == said_to_others(data) == COMPOSITE
    assert np.array_equal(catalens.read_image(data), catalens.read_image(encode_generated(
        picture(), format=format, source="composite")))  # fmt: skip


def test_what_does_not_sign_is_a_sentence(signature: Signature, tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_bytes(b"junk")
    for wrong, error, words in (
        (Signature(signature.certificate, tmp_path / "junk.pem"), UsageError, "do not sign by es256"),
        (Signature(signature.certificate, signature.key, algorithm="md5"), UsageError, "do not sign by md5"),
        (Signature(tmp_path / "none.pem", signature.key), NotFoundError, "none.pem cannot be read"),
    ):
        with pytest.raises(error, match=words):
            encode_generated(picture(), format="PNG", signature=wrong)


def test_without_the_package_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(MissingExtraError, match=r"catalens\[c2pa\]"):
        encode_generated(picture(), format="PNG", signature=Signature(tmp_path / "a", tmp_path / "b"))
