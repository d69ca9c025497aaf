"""What a look at a catalog found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "error", "loss"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        what: a sentence without a full stop.
        where: a file, a product or a table.
        severity: "note": nothing to repair; "warning": search works and a source or a photo is out of step;
            "error": the catalog is out of step with itself; "loss": something is gone that only its source can bring
            back.
        cure: what the user can do, or what was done.
        repaired: the catalog is right again in this respect.
    """

    what: str
    where: str
    severity: Severity
    cure: str
    repaired: bool = False

    def __str__(self) -> str:
        state = "repaired" if self.repaired else self.severity
        return f"{state}: {self.where}: {self.what}. {self.cure[:1].upper()}{self.cure[1:]}."

    def to_dict(self) -> dict[str, object]:
        return {
            "what": self.what,
            "where": self.where,
            "severity": self.severity,
            "cure": self.cure,
            "repaired": self.repaired,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, gravest damage first; `healthy` where nothing but notes is left."""

    findings: tuple[Finding, ...] = ()

    @property
    def healthy(self) -> bool:
        return all(finding.repaired or finding.severity == "note" for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        return {"healthy": self.healthy, "findings": [finding.to_dict() for finding in self.findings]}
