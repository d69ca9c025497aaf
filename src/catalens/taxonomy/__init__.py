"""Product kinds and words for their looks: the only place where product nouns stand."""

from catalens.taxonomy.looks import Look, looks
from catalens.taxonomy.lookup import Mention, all_named, find, forms, named, people_of
from catalens.taxonomy.taxonomy import Garment, Kind, classes, garments, groups, kind, kinds, rules, wide

__all__ = [
    "Garment",
    "Kind",
    "Look",
    "Mention",
    "all_named",
    "classes",
    "find",
    "forms",
    "garments",
    "groups",
    "kind",
    "kinds",
    "looks",
    "named",
    "people_of",
    "rules",
    "wide",
]
