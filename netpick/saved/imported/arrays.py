"""Arrays of a Keras file for the layers that it describes, each with the name and the shape that the layer must have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from netpick.disk.hdf5 import Dataset, Group
from netpick.disk.strict import RefusedError
from netpick.models.imported.base import Weight
from netpick.models.imported.graph import Placed
from netpick.saved.imported.config import Place
from netpick.saved.imported.files import KerasFile
from netpick.types import Array

LAYERS_GROUP = ("layers", "_layer_checkpoint_dependencies")  # of Keras 3, and of Keras 2.12


def arrays_of(file: KerasFile, layers: Sequence[Placed], places: Sequence[Place]) -> list[dict[str, Array]]:
    """The arrays of each layer under their names in its module. Raises RefusedError with the first difference."""
    found = []
    for layer, place in zip(layers, places, strict=True):
        weights = layer.weights
        stored = _by_name(file.weights, place, weights) if file.legacy else _by_kind(file.weights, place, weights)
        state: dict[str, Array] = {}
        for weight, dataset in zip(weights, stored, strict=True):
            state |= weight.to_torch(_checked(dataset, weight, place.name))
        found.append(state)
    return found


def _checked(dataset: Dataset, weight: Weight, name: str) -> Array:
    if dataset.shape != weight.shape:
        raise RefusedError(
            f"the array {weight.name} of its layer '{name[:80]}' has the shape {dataset.shape}, and {weight.shape} fits"
        )
    if weight.whole:
        return np.zeros(weight.shape, np.float32)
    if dataset.dtype.kind != "f":
        raise RefusedError(f"the array {weight.name} of its layer '{name[:80]}' holds {dataset.dtype}, not float32")
    array = np.asarray(dataset.array(), dtype=np.float32)
    if not np.isfinite(array).all():
        raise RefusedError(f"the array {weight.name} of its layer '{name[:80]}' holds NaN or infinity")
    return array


def _by_kind(root: Group, place: Place, weights: Sequence[Weight]) -> Iterator[Dataset]:
    """Of a .keras file: groups by the kind of the layers, arrays by number."""
    if not weights:
        return
    group: Group | None = root
    for name in place.groups:
        inside = (
            None if group is None else next((g for top in LAYERS_GROUP if (g := group.group(top)) is not None), None)
        )
        group = None if inside is None else inside.group(name)
    if group is None:
        raise RefusedError(f"it holds no weights of its layer '{place.name[:80]}'")
    own = group.group("vars")
    said = own.attributes.get("name") if own is not None else None
    if isinstance(said, str) and said != place.name:
        raise RefusedError(f"it holds weights of '{said[:80]}' where those of its layer '{place.name[:80]}' should be")
    counts: dict[str, int] = {}
    for weight in weights:
        inside = group.group(*weight.group.split("/"), "vars") if weight.group else own
        number = counts.get(weight.group, 0)
        counts[weight.group] = number + 1
        array = inside.members.get(str(number)) if inside is not None else None
        if not isinstance(array, Dataset):
            raise RefusedError(f"it holds no {weight.name} of its layer '{place.name[:80]}'")
        yield array
    for part, count in counts.items():
        inside = group.group(*part.split("/"), "vars") if part else own
        if inside is not None and len(inside.members) != count:
            raise RefusedError(
                f"it holds {len(inside.members)} arrays of its layer '{place.name[:80]}', and {count} fit"
            )


def _by_name(root: Group, place: Place, weights: Sequence[Weight]) -> Iterator[Dataset]:
    """Of an .h5 file: a group of each layer at the top, with its arrays in the order that an attribute says."""
    if not weights:
        return
    group = root.group(place.top)
    listed = _listed(group) if group is not None else {}
    own = [name for name in listed if len(place.groups) == 1 or place.name in name.split("/")]
    if len(place.groups) == 1 and len(own) != len(weights):
        raise RefusedError(f"it holds {len(own)} arrays of its layer '{place.name[:80]}', and {len(weights)} fit")
    for weight in weights:
        name = next((name for name in own if re.sub(r":\d+$", "", name).split("/")[-1] == weight.name), None)
        if name is None:
            raise RefusedError(f"it holds no {weight.name} of its layer '{place.name[:80]}'")
        own.remove(name)
        yield listed[name]


def _listed(group: Group) -> Mapping[str, Dataset]:
    """Arrays by the names that the group lists, in their order; long lists are cut into pieces."""
    pieces = [group.attributes.get("weight_names"), *(group.attributes.get(f"weight_names{n}") for n in range(1_000))]
    names = [name for piece in pieces if isinstance(piece, list) for name in piece]
    found: dict[str, Dataset] = {}
    for name in names:
        parent = group.group(*name.split("/")[:-1])
        array = parent.members.get(name.split("/")[-1]) if parent is not None else None
        if not isinstance(array, Dataset) or name in found:
            raise RefusedError(f"it lists an array '{name[:80]}' that it does not hold")
        found[name] = array
    return found
