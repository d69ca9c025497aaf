"""The mark of generated content in a picture file: IPTC's digital source type, kept as XMP.

The mark is an address of IPTC's vocabulary (IPTC Photo Metadata Standard, property "Digital Source Type"), which search
engines, social networks and editors read.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

from catalens.images.read import FileLike, read_bytes

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = VOCABULARY + "trainedAlgorithmicMedia"
"""Made as a whole by a network."""
COMPOSITE = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
"""A photo in which a network has drawn a part."""
GENERATED = (TRAINED, COMPOSITE, VOCABULARY + "compositeSynthetic", VOCABULARY + "algorithmicMedia")
"""What counts as a mark; the vocabulary's other words (a camera's photo, a scan) say that a picture is none."""

_SAID = re.compile(
    rb"https?://cv\.iptc\.org/newscodes/digitalsourcetype/(%s)\b"
    % b"|".join(mark.removeprefix(VOCABULARY).encode() for mark in GENERATED)
)


def mark_of(source: FileLike) -> str | None:
    """The mark that a picture file carries, one of `GENERATED`; None where it carries none.

    Looked for in the file's bytes, not through a decoder: XMP lies uncompressed in JPEG, PNG, WebP, AVIF and TIFF (XMP
    specification, part 3), as the source type does in a C2PA manifest. A cut-off file has a mark where that place is
    whole.

    Args:
        source: path, bytes or open binary file.

    Raises:
        NotFoundError, ImageError, ImageLimitError: it cannot be read, as `read_image` says.
    """
    found = _SAID.search(read_bytes(source))
    return None if found is None else VOCABULARY + found[1].decode()


def xmp_of(mark: str) -> bytes:
    """The XMP packet that says so, UTF-8."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f"Iptc4xmpExt:DigitalSourceType={quoteattr(mark)}/></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()
