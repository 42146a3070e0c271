"""Labels of given parts that differ only by a stray character are one label, as '<=50K' and '<=50K.' are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from netpick.columns.kinds.cells import as_text
from netpick.data.formats.spelling import plain_spelling
from netpick.tasks import TASKS
from netpick.types import TEST, Schema, Source, TableColumn


def with_one_spelling(source: Source, schema: Schema) -> tuple[Source, dict[str, str]]:
    """The source with every class spelled as in its training part, and which labels were read as which."""
    answer = TASKS[schema.task].answer
    if not (answer.one_class or answer.made_up) or source.given_split is None or not (source.given_split == TEST).any():
        return source, {}
    name = schema.targets[0].name
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    text = as_text(column.values)
    is_test = source.given_split == TEST
    parts = {"train": text.filter(~is_test).drop_nulls(), "test": text.filter(is_test).drop_nulls()}
    variants = label_variants({part: cells.to_list() for part, cells in parts.items()})
    if not variants:
        return source, {}
    merged = TableColumn(name=name, values=text.replace(variants).alias(name))
    return replace(source, columns={**source.columns, name: merged}), variants


def label_variants(labels_by_part: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Labels of later parts that only spell one of the first part's differently: {"<=50K.": "<=50K"}.

    labels_by_part: labels (cells, or distinct ones) by part, training rows first. A label counts as a variant when the
    first part does not have it and has exactly one label that equals it but for case, spaces, and stops, commas or quotes
    at its ends, or as a number (1.0 and 1).
    """
    first, *others = [set(labels) for labels in labels_by_part.values()]
    spelled: dict[str, list[str]] = {}
    for label in sorted(first):
        spelled.setdefault(plain_spelling(label), []).append(label)
    variants = {}
    for label in sorted(set().union(*others) - first):
        same = spelled.get(plain_spelling(label), [])
        if len(same) == 1:
            variants[label] = same[0]
    return variants
