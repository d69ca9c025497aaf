"""Content sniffing of unreadable files for error messages: signatures count, never the file name."""

from __future__ import annotations

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
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})


def is_truncated(data: bytes) -> bool:
    """Whether a RIFF file (WebP) is shorter than its header announces."""
    return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data)


def describe_content(data: bytes) -> str:
    """Short description of a file's content by its signature; empty where it is unknown."""
    for magic, format in _OURS.items():
        if data.startswith(magic):
            return f"a {format} with a broken header"
    for magic, words in _OTHERS.items():
        if data.startswith(magic):
            return words
    if data[4:8] == b"ftyp":
        return "a HEIC picture" if data[8:12] in _HEIF_BRANDS else "a video, or a broken AVIF picture"
    if data[:4] == b"RIFF":
        return "a WebP with a broken header" if data[8:12] == b"WEBP" else "a sound or a video"
    return _name_of_text(data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower())


def _name_of_text(head: bytes) -> str:
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "an XML file" if head.startswith(b"<?xml") else ""
