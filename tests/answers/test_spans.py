"""Entities among tags: which scheme they follow, which sequences it allows, and the likeliest of these."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from netpick.answers.metrics.entities import entity_counts
from netpick.answers.spans import Scheme, allowed, are_entities, find_scheme, likeliest, parts_of, spans_of, types_of
from netpick.answers.tags import numbers_of

LABELS = ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC", "B-PER", "I-PER")


def spans(*tags: str, scheme: Scheme = "IOB2") -> list[tuple[int, int, str]]:
    numbers = np.array([[LABELS.index(tag) for tag in tags]])
    found = spans_of(numbers, parts_of(LABELS, scheme))
    names = types_of(LABELS)
    return [
        (int(start), int(end), names[kind])
        for start, end, kind in zip(found.starts, found.ends, found.types.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-LOC I-LOC O B-PER", [(0, 1, "LOC"), (3, 3, "PER")]),
        ("I-LOC I-LOC B-LOC O", [(0, 1, "LOC"), (2, 2, "LOC")]),  # IOB1
        ("O I-PER I-LOC", [(1, 1, "PER"), (2, 2, "LOC")]),  # another type begins anew
        ("B-LOC E-LOC S-LOC B-PER", [(0, 1, "LOC"), (2, 2, "LOC"), (3, 3, "PER")]),
        ("E-LOC E-LOC", [(0, 0, "LOC"), (1, 1, "LOC")]),
        ("O O", []),
    ],
)
def test_entities_are_found_as_conlleval_finds_them(tags: str, found: list[tuple[int, int, str]]) -> None:
    assert spans(*tags.split()) == found


def test_padding_and_unknown_tags_are_no_known_entities() -> None:
    parts = parts_of(LABELS, "IOB2")
    found = spans_of(np.array([[1, len(LABELS), 2, -1]]), parts)
    assert found.starts.tolist() == [0, 1, 2]
    assert found.types.tolist() == [0, 2, 0]


def test_the_scores_of_the_well_known_example() -> None:
    """The one of conlleval's Python ports: the second sentence is right, of the first the entity begins too early."""
    labels = ("O", "B-MISC", "I-MISC", "B-PER", "I-PER")
    truth = [[0, 0, 0, 1, 2, 2, 0], [3, 4, 0, -1, -1, -1, -1]]
    said = [[0, 0, 1, 2, 2, 2, 0], [3, 4, 0, -1, -1, -1, -1]]
    counts = entity_counts(np.array(truth), np.array(said), parts_of(labels, "IOB2"))
    assert counts.tolist() == [[0, 1, 1], [1, 1, 1]]


def test_counts_are_those_of_nervaluate() -> None:
    nervaluate = pytest.importorskip("nervaluate")
    labels = ["O", "B-a", "I-a", "B-b", "I-b"]
    generator = np.random.default_rng(0)
    truth, said = generator.integers(0, 5, (2, 60, 12))
    said = np.where(generator.random(truth.shape) < 0.7, truth, said)
    rules = allowed(parts_of(tuple(labels), "IOB2"))
    for tags in (truth, said):  # what no scheme allows is read in many ways
        tags[:, 0] = np.where(rules.first[tags[:, 0]], tags[:, 0], 0)
        for step in range(1, tags.shape[1]):
            tags[:, step] = np.where(rules.behind[tags[:, step - 1], tags[:, step]], tags[:, step], 0)
    words = [[[labels[tag] for tag in row] for row in tags] for tags in (truth, said)]
    strict = nervaluate.Evaluator(*words, tags=["a", "b"], loader="list").evaluate()["overall"]["strict"]
    right, true, guessed = entity_counts(truth, said, parts_of(tuple(labels), "IOB2")).sum(axis=0).tolist()
    assert (right, true, guessed) == (strict.correct, strict.possible, strict.actual)


@pytest.mark.parametrize(
    ("lines", "scheme", "odd"),
    [
        (["O B-LOC I-LOC", "B-LOC B-LOC"], "IOB2", ()),
        (["O I-LOC I-LOC", "I-LOC B-LOC"], "IOB1", ()),
        (["B-LOC O I-LOC", "I-PER"], "IOB2", ((0, 2), (1, 0))),
        (["B-LOC E-LOC S-LOC"], "BIOES", ()),
        (["NOUN VERB"], "none", ()),
    ],
)
def test_schemes_are_told_apart(lines: list[str], scheme: str, odd: tuple[tuple[int, int], ...]) -> None:
    tags = [line.split() for line in lines]
    found = find_scheme(tags, sorted({tag for line in tags for tag in line}))
    assert (found.scheme, found.odd) == (scheme, odd)


def test_only_tags_that_all_say_where_entities_begin_name_entities() -> None:
    assert are_entities(["O", "B-x", "I-x"])
    assert not are_entities(["O", "B-x", "NOUN"])
    assert not are_entities(["O"])


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
def test_the_likeliest_allowed_sequence_is_found(scheme: Scheme) -> None:
    """Against all sequences, tried one by one."""
    parts = parts_of(LABELS, scheme)
    rules, generator = allowed(parts), np.random.default_rng(1)
    probabilities = generator.dirichlet(np.ones(len(LABELS)), (6, 4))
    probabilities[:3, 3] = 0.0
    made = likeliest(probabilities, parts)
    for row, tags in zip(probabilities, made, strict=True):
        length = int(row.any(axis=1).sum())
        best = max(
            (
                path
                for path in product(range(len(LABELS)), repeat=length)
                if rules.first[path[0]]
                and rules.last[path[-1]]
                and all(rules.behind[one, other] for one, other in pairwise(path))
            ),
            key=lambda path: np.log([row[step, tag] for step, tag in enumerate(path)]).sum(),
        )
        assert tuple(tags[:length].tolist()) == best
        assert (tags[length:] == -1).all()


def test_tags_without_a_scheme_are_the_likeliest_one_by_one() -> None:
    probabilities = np.array([[[0.2, 0.8], [0.9, 0.1], [0.0, 0.0]]])
    assert likeliest(probabilities, parts_of(("NOUN", "VERB"), "none")).tolist() == [[1, 0, -1]]


def test_unknown_tags_have_a_number_of_their_own() -> None:
    import polars as pl

    assert numbers_of(pl.Series(["O B-x", None, "what"]), ("O", "B-x")).tolist() == [[0, 1], [-1, -1], [2, -1]]
