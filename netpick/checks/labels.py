"""D004: labels that differ only by a stray character, as '<=50K' and '<=50K.' do."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from netpick.checks.base import FEW, Check, CheckContext
from netpick.kinds.cells import as_text, counts_of
from netpick.types import Finding, TableColumn

QUOTES = " \t\r\n'\"`\u200b\ufeff"
STRAY = QUOTES + ".,;:!"  # at the end; no + - < > =: they may be all that two labels differ by
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")  # leading zeros mean something: "007" is a name


def label_variants(labels_by_part: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Labels of later parts that only spell one of the first part's differently: {"<=50K.": "<=50K"}.

    labels_by_part: labels (cells, or distinct ones) by part, training rows first. A label counts as a variant when the
    first part does not have it and has exactly one label that equals it but for case, spaces, and stops, commas or quotes
    at its ends, or as a number (1.0 and 1).
    """
    first, *others = [set(labels) for labels in labels_by_part.values()]
    spelled: dict[str, list[str]] = {}
    for label in sorted(first):
        spelled.setdefault(_plain(label), []).append(label)
    variants = {}
    for label in sorted(set().union(*others) - first):
        same = spelled.get(_plain(label), [])
        if len(same) == 1:
            variants[label] = same[0]
    return variants


def variants_finding(name: str, variants: Mapping[str, str], labels_by_part: Mapping[str, Iterable[str]]) -> Finding:
    """The finding that says which labels of column `name` were read as others, and in how many rows."""
    counts: Counter[str] = Counter()
    for labels in labels_by_part.values():
        counts.update(labels)
    said = [f"'{label}' as '{meant}' ({counts[label]:,} rows)" for label, meant in list(variants.items())[:FEW]]
    more = f" and {len(variants) - FEW:,} more" if len(variants) > FEW else ""
    return Finding(
        code=LabelVariants.code,
        severity="warning",
        title=LabelVariants.title,
        evidence=f"In column '{name}' the test rows spell labels in another way; read {', '.join(said)}{more}.",
        advice="Nothing is needed if these are the same classes; if not, rename them in the data.",
        columns=(name,),
    )


class LabelVariants(Check):
    """Labels that look alike and still count as different classes."""

    code = "D004"
    title = "Labels that differ only by a stray character"
    gravest = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        targets = context.schema.targets
        column = context.source.columns[targets[0].name] if len(targets) == 1 else None
        if not context.one_class or not isinstance(column, TableColumn):
            return None
        cells = counts_of(as_text(column.values))
        counts = dict(zip(cells[:, 0].to_list(), cells[:, 1].to_list(), strict=True))
        alike: dict[str, list[str]] = {}
        for label in sorted(counts):
            alike.setdefault(_plain(label), []).append(label)
        groups = [labels for labels in alike.values() if len(labels) > 1]
        if not groups:
            return []
        said = "; ".join(" and ".join(_counted(labels, counts)) for labels in groups[:FEW])
        return [
            Finding(
                code=self.code,
                severity="warning",
                title=self.title,
                evidence=f"Column '{targets[0].name}' holds {said}: they count as different classes.",
                advice="Give them one spelling in the data if they mean the same.",
                columns=(targets[0].name,),
            )
        ]


def _counted(labels: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    return [f"'{label}' ({counts[label]:,} rows)" for label in labels]


def _plain(label: str) -> str:
    """The label without what people and programs add by accident; itself where nothing would be left."""
    text = " ".join(unicodedata.normalize("NFKC", label).casefold().split()).rstrip(STRAY).lstrip(QUOTES)
    if NUMBER.fullmatch(text):
        return repr(float(text))
    return text or label
