"""Product kinds and words for their looks: the only place where product nouns stand."""

from catalens.taxonomy.looks import Look, looks
from catalens.taxonomy.lookup import Mention, all_named, find, forms, named, people_of
from catalens.taxonomy.phrases import Known, alt_text, languages, title
from catalens.taxonomy.taxonomy import Garment, Kind, classes, garments, groups, kind, kinds, rules, wide

__all__ = [
    "Garment",
    "Kind",
    "Known",
    "Look",
    "Mention",
    "all_named",
    "alt_text",
    "classes",
    "find",
    "forms",
    "garments",
    "groups",
    "kind",
    "kinds",
    "languages",
    "looks",
    "named",
    "people_of",
    "rules",
    "title",
    "wide",
]
