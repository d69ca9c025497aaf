"""A software bill of materials in CycloneDX 1.6 JSON: packages, weights with their model cards, data sets.

Source: CycloneDX Specification 1.6, ECMA-424 (June 2024).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import catalens
from catalens.models.licence import is_expression
from catalens.trust.datasets import Dataset
from catalens.trust.licences import PACKAGE, Part

Json: TypeAlias = dict[str, Any]

SPEC = "1.6"
_TASKS = {
    "embed": "feature-extraction",
    "segment": "image-segmentation",
    "matte": "image-segmentation",
    "detect": "object-detection",
    "outfit": "outfit compatibility",
    "pose": "keypoint-detection",
    "tryon": "image-to-image",
    "generate": "image generation",
    "confirm": "image-classification",
    "name": "image-classification",
}


def cyclonedx(parts: Sequence[Part], *, made: datetime | None = None) -> Json:
    """A bill of materials of what is in use.

    Args:
        parts: of `licences.inventory`.
        made: when, with its time zone; now if absent. The serial number follows from the contents and this.
    """
    made = made or datetime.now(UTC)
    own = next((part for part in parts if part.name == PACKAGE), None)
    others = [part for part in parts if part is not own]
    sets = {data.name: data for part in others for data in part.datasets}
    components = [*map(_component, others), *map(_dataset, sets.values())]
    root: Json = {"type": "application", "bom-ref": PACKAGE, "name": PACKAGE, "version": catalens.__version__}
    if own is not None:
        root |= {"licenses": _licence(own.licence), "purl": own.purl}
    said = json.dumps([root, components, made.isoformat()], sort_keys=True)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, said)}",
        "version": 1,
        "metadata": {
            "timestamp": made.astimezone(UTC).isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": PACKAGE, "version": catalens.__version__}]},
            "component": root,
        },
        "components": components,
        "dependencies": _dependencies(own, others),
    }


def _component(part: Part) -> Json:
    found: Json = {
        "type": "library" if part.kind == "package" else "machine-learning-model",
        "bom-ref": _ref(part),
        "name": part.name,
        "licenses": _licence(part.licence),
    }
    if part.version:
        found["version"] = part.version
    if part.purl:
        found["purl"] = part.purl
    properties = [("origin", part.origin), *(("wanted by", one) for one in part.wanted_by)]
    properties += [("licence files mention", one) for one in part.mentions]
    properties += [("needs", one) for one in part.depends_on if part.kind == "network"]
    found["properties"] = [{"name": f"catalens:{name}", "value": value} for name, value in properties]
    if part.kind != "package":
        found["modelCard"] = _model_card(part)
    if part.files:
        found["components"] = [_file(part, name, sha256) for name, sha256 in part.files.items()]
    return found


def _file(part: Part, name: str, sha256: str) -> Json:
    hashes = [{"alg": "SHA-256", "content": sha256}]
    return {"type": "file", "bom-ref": f"{_ref(part)}#{name}", "name": name, "hashes": hashes}


def _model_card(part: Part) -> Json:
    parameters: Json = {}
    if part.datasets:
        parameters["datasets"] = [{"ref": _dataset_ref(one)} for one in part.datasets]
    found: Json = {"modelParameters": parameters}
    if part.trained_on:
        found["properties"] = [{"name": "catalens:trained on", "value": part.trained_on}]
    card = part.card
    if card is None:
        return found
    parameters |= {
        "task": _TASKS[card.task],
        "inputs": [{"format": "words" if card.task == "generate" else "image"}],
        "outputs": [{"format": card.gives}],
    }
    found["quantitativeAnalysis"] = {
        "performanceMetrics": [
            {
                "type": score.name,
                "value": f"{score.value:g}",
                "confidenceInterval": {"lowerBound": f"{score.low:g}", "upperBound": f"{score.high:g}"},
            }
            for score in card.scores
        ]
    }
    found["properties"] += [
        {"name": "catalens:parameters", "value": str(card.parameters)},
        {"name": "catalens:precision", "value": card.precision},
        *({"name": f"catalens:training {key}", "value": value} for key, value in card.training.items()),
    ]
    return found


def _dataset(one: Dataset) -> Json:
    return {
        "type": "data" if one.use == "photos" else "machine-learning-model",
        "bom-ref": _dataset_ref(one),
        "name": one.name,
        "licenses": _licence(one.licence),
        "scope": "excluded",  # it shaped the weights and is not delivered
        "description": one.source,
    }


def _dependencies(own: Part | None, parts: Iterable[Part]) -> list[Json]:
    parts = list(parts)
    refs = {part.name.lower().replace("_", "-"): _ref(part) for part in parts}
    direct = () if own is None else own.depends_on
    weights = {_ref(one) for one in parts if one.kind != "package"}
    root = sorted({refs[name] for name in direct if name in refs} | weights)
    found = [{"ref": PACKAGE, "dependsOn": root}]
    for part in parts:
        needs = {refs[name] for name in part.depends_on if name in refs} | {_dataset_ref(one) for one in part.datasets}
        found.append({"ref": _ref(part), "dependsOn": sorted(needs)})
    return found


def _licence(expression: str) -> list[Json]:
    if is_expression(expression):
        return [{"expression": expression}]
    return [{"license": {"name": expression}}]


def _ref(part: Part) -> str:
    return part.purl or f"{part.kind}:{part.name}" + (f"@{part.version}" if part.version else "")


def _dataset_ref(one: Dataset) -> str:
    return f"data:{re.sub(r'[^a-z0-9]+', '-', one.name.lower()).strip('-')}"
