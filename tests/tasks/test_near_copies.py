"""--split near-copies: what is nearly the same stays on one side."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from netpick.contest.prepare import FitOptions, prepare
from netpick.errors import RequestError

WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in "nrstlk"]


def sentences() -> pl.DataFrame:
    """Three hundred sentences, a hundred of which come again with one word changed."""
    generator = np.random.default_rng(5)
    texts = [" ".join(generator.choice(WORDS, 14)) for _ in range(300)]
    copies = [" ".join(["other", *text.split()[1:]]) for text in texts[:100]]
    labels = generator.choice(["left", "right"], 300)
    return pl.DataFrame({"text": [*texts, *copies], "label": [*labels, *labels[:100]]})


def test_copies_are_on_one_side_and_nothing_is_left_to_find() -> None:
    frame = sentences()
    kept = prepare(frame, FitOptions(target=("label",), split="near-copies"))
    part = np.zeros(400)
    part[kept.split.validation], part[kept.split.test] = 1, 2
    assert (part[:100] == part[300:]).all()
    assert "identical rows and near copies kept together" in kept.split.sentence
    assert "D017" not in {f.code for f in kept.findings}
    plain = prepare(frame, FitOptions(target=("label",), split="random", accept=("D017",)))
    (said,) = [f for f in plain.findings if f.code == "D017"]
    assert "--split near-copies finds them" in said.advice


def test_tables_have_no_near_copies() -> None:
    frame = pl.DataFrame({"x": np.random.default_rng(0).normal(size=200), "label": ["a", "b"] * 100})
    with pytest.raises(
        RequestError, match="--split near-copies compares texts, pictures, sounds, clips or series, but there is no"
    ):
        prepare(frame, FitOptions(target=("label",), split="near-copies"))
