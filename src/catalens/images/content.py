"""Content sniffing of unreadable files for error messages: signatures count, never the file name."""

from __future__ import annotations

import io
import struct

from PIL.TiffImagePlugin import ImageFileDirectory_v2

_OURS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_OTHERS = {
    b"%PDF": "a PDF",
    b"%!PS": "a PostScript file",
    b"8BPS": "a Photoshop file",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\0\0\1\0": "an icon",
    b"\xff\x0a": "a JPEG XL picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
}
_TIFF_BITS, _TIFF_SAMPLE_FORMAT, _TIFF_COLORS = 258, 339, 262
_TIFF_SAMPLES = {1: "integers", 2: "signed integers", 3: "floats"}
"""Values of the tag SampleFormat (TIFF 6.0, section 19)."""
_TIFF_SPACES = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "CIELab"}
"""Values of the tag PhotometricInterpretation (TIFF 6.0, section 8 and part 2)."""
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})


def is_truncated(data: bytes) -> bool:
    """Whether a RIFF file (WebP) is shorter than its header announces."""
    return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data)


def describe_content(data: bytes) -> str:
    """Short description of a file's content by its signature; empty where it is unknown."""
    for magic, format in _OURS.items():
        if data.startswith(magic):
            return (format == "TIFF" and _kind_of_tiff(data)) or f"a {format} with a broken header"
    for magic, words in _OTHERS.items():
        if data.startswith(magic):
            return words
    if data[4:8] == b"ftyp":
        return "a HEIC picture" if data[8:12] in _HEIF_BRANDS else "a video, or a broken AVIF picture"
    if data[:4] == b"RIFF":
        return "a WebP with a broken header" if data[8:12] == b"WEBP" else "a sound or a video"
    return _name_of_text(data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower())


def _kind_of_tiff(data: bytes) -> str:
    """What the tags of a TIFF say of its pixels, such as "a TIFF of 32-bit floats, RGB"; empty where they do not."""
    try:
        tags = ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits, samples = max(tags[_TIFF_BITS]), tags.get(_TIFF_SAMPLE_FORMAT, (1,))[0]
        return f"a TIFF of {bits}-bit {_TIFF_SAMPLES[samples]}, {_TIFF_SPACES[tags[_TIFF_COLORS]]}, which is not read"
    except (KeyError, IndexError, TypeError, ValueError, SyntaxError, OSError, struct.error):
        return ""


def _name_of_text(head: bytes) -> str:
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "an XML file" if head.startswith(b"<?xml") else ""
