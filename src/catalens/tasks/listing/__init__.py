"""Say whether photos may go online, by the rules of marketplaces; and make them keep those where that goes."""

from __future__ import annotations

from catalens.tasks.listing.checking import CheckedPhoto, Findings, check, check_folder, fix, fixed_photo
from catalens.tasks.listing.measures import Measures, measure
from catalens.tasks.listing.rules import Finding, Rule, bundled_packs, judge, read_rules

__all__ = [
    "CheckedPhoto",
    "Finding",
    "Findings",
    "Measures",
    "Rule",
    "bundled_packs",
    "check",
    "check_folder",
    "fix",
    "fixed_photo",
    "judge",
    "measure",
    "read_rules",
]
