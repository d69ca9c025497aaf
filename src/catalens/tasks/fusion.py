"""Weighted boxes fusion: what several looks at one photo agree on (Solovyev, Wang and Gabruseva 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalens.geometry import iou
from catalens.types import Detections, FloatArray

SAME = 0.55
"""IoU from which boxes of one label, of different looks, are one thing."""


@dataclass
class _Cluster:
    """One thing: the mean box weighted by scores, and the (look, box, score) of each that found it."""

    label: str
    box: FloatArray
    members: list[tuple[int, FloatArray, float]]

    def takes(self, look: int, label: str, box: FloatArray) -> bool:
        seen = any(one == look for one, _, _ in self.members)
        return label == self.label and not seen and float(iou(self.box[None], box[None])[0, 0]) > SAME

    def add(self, look: int, box: FloatArray, score: float) -> None:
        self.members.append((look, box, score))
        boxes, scores = np.stack([box for _, box, _ in self.members]), np.array([one for _, _, one in self.members])
        self.box = np.asarray((boxes * scores[:, None]).sum(0) / scores.sum(), np.float32)


def fused(looks: Sequence[Detections]) -> Detections:
    """Several detections of one photo as one: mean boxes, and scores divided by the number of looks."""
    every = [(one.score, row, one.label, look) for look, found in enumerate(looks) for row, one in enumerate(found)]
    clusters: list[_Cluster] = []
    for score, row, label, look in sorted(every, key=lambda one: -one[0]):
        box = looks[look].boxes[row]
        home = next((one for one in clusters if one.takes(look, label, box)), None)
        if home is None:
            clusters.append(_Cluster(label, box, [(look, box, score)]))
        else:
            home.add(look, box, score)
    scores = np.array([sum(one for _, _, one in each.members) / len(looks) for each in clusters], np.float32)
    order = np.argsort(-scores, kind="stable")
    boxes = np.array([each.box for each in clusters], np.float32).reshape(-1, 4)
    return Detections(boxes[order], scores[order], tuple(clusters[row].label for row in order.tolist()), looks[0].size)
