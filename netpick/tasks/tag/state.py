"""The task of a tag for each token, and what it learned of them: which there are, and how they name entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers.spans import NOTHING, Scheme, are_entities, find_scheme
from netpick.answers.tags import TAGS, numbers_of
from netpick.columns.kinds.cells import as_text
from netpick.columns.kinds.sentence import steps_of, tokens_of
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.tasks.classify import sort_labels
from netpick.types import STRICT, Array, Field, Rows, TableColumn

MOST_TAGS, MOST_STEPS = 1_000, 1 << 12


@dataclass(config=STRICT, kw_only=True)
class TagState:
    """The tags in the order of the outputs, and how many tokens a row has at most."""

    labels: tuple[str, ...] = PydanticField(min_length=2, max_length=MOST_TAGS)
    scheme: Scheme
    steps: int = PydanticField(ge=1, le=MOST_STEPS)
    lean: float = PydanticField(default=0.0, ge=-20, le=20)  # of one candidate: see answers/tags.py

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels) or any(not tag or " " in tag for tag in self.labels):
            raise ValueError("tags that are all different, without blanks")
        if (self.scheme == "none") == are_entities(self.labels):
            raise ValueError("a scheme where tags name entities")


class Tag(Task):
    """A class for each token."""

    name: ClassVar[str] = "tag"
    State = TagState
    answer = TAGS
    examples = "sentences"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # a column of tags is told by the column of tokens beside it: examples.py

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> TagState:
        sentences = [tokens_of(cell) for cell in as_text(columns[0].values).to_list()]
        found = sort_labels(list({tag for tags in sentences for tag in tags}))
        labels = tuple(sorted(found, key=lambda tag: tag != NOTHING))
        if not 2 <= len(labels) <= MOST_TAGS:
            only = f"only {labels[0]!r}" if labels else "no tag at all"
            what = only if len(labels) < 2 else f"{len(labels):,} different tags"
            raise DataError(
                f"Column '{columns[0].name}' holds {what}, but 2 to {MOST_TAGS:,} different tags were expected. Choose another column "
                "with --target, or check how the file was written."
            )
        scheme = find_scheme(sentences, labels).scheme
        return TagState(labels=labels, scheme=scheme, steps=steps_of(sentences))

    def encode(self, columns: Sequence[TableColumn], state: TagState) -> Array:
        return numbers_of(as_text(columns[0].values), state.labels, state.steps)[:, : state.steps].astype(np.int64)


TAG = Tag()
