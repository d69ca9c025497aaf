"""Classes of the bundled parser and detector, and joints of the pose network, in the order of their outputs."""

from __future__ import annotations

from catalens.taxonomy import classes

CLASSES = classes("parser")
"""Of the parser."""
PRODUCTS = classes("detector")
"""Of the detector: garments whose outlines differ, even where the parser takes them together; and goods of any kind."""
JOINTS = (
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
    "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle",
    "right ankle",
)  # fmt: skip
"""Of the pose network, in the order of COCO keypoints; left and right are the person's own."""
MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""Which joint each becomes in a mirrored picture."""
