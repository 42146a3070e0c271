"""Ids among the inputs of a network: columns of codes that take many values, such as users and items."""

from __future__ import annotations

from netpick.types import Inputs

MANY_VALUES = 100  # of a column of ids; fewer are categories
FEWEST_COLUMNS = 2  # whose values meet each other


def id_columns(inputs: Inputs) -> tuple[int, ...]:
    """The columns among the codes that hold ids."""
    cardinalities = inputs["codes"].cardinalities if "codes" in inputs else ()
    return tuple(column for column, values in enumerate(cardinalities) if values > MANY_VALUES)


def has_ids(inputs: Inputs) -> bool:
    """Whether rows are meetings of things that come again, so that each thing can be learned."""
    return len(id_columns(inputs)) >= FEWEST_COLUMNS
