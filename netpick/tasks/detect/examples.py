"""Pictures and what is in them as examples: whole pictures, brought to a size that suits objects and budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.boxes import as_truth, said_in
from netpick.columns.encode import Encoder, input_specs
from netpick.columns.kinds.scene import sizes_of
from netpick.columns.store import Allocator
from netpick.data.sources.upright import sizes_of_file
from netpick.errors import DataError, RequestError
from netpick.tasks.classify import sort_labels
from netpick.tasks.detect.state import DETECT, DetectState, things_in
from netpick.tasks.examples.base import Encoded, ExampleRequest, Labelled, Prepared
from netpick.tasks.examples.rows import PreparedRows, RowExamples
from netpick.tasks.scenes.base import NewScenes, PreparedScenes, as_scenes
from netpick.types import Array, ArrayColumn, FileColumn, Inputs, Note, Rows, Source, TableColumn
from netpick.types.objects import OBJECTS, Thing
from netpick.types.results import DecisionRule
from netpick.types.words import quoted

USUAL_SIDE, LEAST_SIDE, MOST_SIDE = 320, 160, 1024  # pixels of the longest side
SMALL = 16.0  # pixels that all but a tenth of the objects should have
PASSES = 45  # over the pictures that are learned from, that the budget should pay for
LEARNED = 0.65  # of the pictures
SECONDS_A_PIXEL = 0.5e-6  # of training, forward and back
SHARE = 0.7  # of the budget, for networks
NAMED = 4  # classes that a message names
LOOKED_AT = 100  # pictures whose size is looked up


@dataclass(frozen=True, kw_only=True)
class PreparedPictures(PreparedScenes):
    """An example is a picture and what is in it."""

    @property
    def scored_numbers(self) -> int:
        return 600

    @property
    def inputs(self) -> Inputs:
        return detect_inputs(self.state, self.encoders)

    def decoded(self, answers: Array, rows: Rows, state: Any) -> Any:
        return replace(
            self.task.answer.decode(answers, state), scale=scale_of(self.scene)[rows], sizes=sizes_of(self.scene)[rows]
        )

    @property
    def trained_twice(self) -> bool:
        """Never: pictures are looked at some dozen times at most, and a second training would halve that."""
        return False


class NewPictures(NewScenes):
    """New pictures, and where they are scored what is in them."""

    def decoded(self, answers: Any, encoded: Encoded) -> Any:
        predictions = self.task.answer.decode(answers, encoded.state)
        return replace(predictions, scale=scale_of(self.scene)[encoded.rows], sizes=sizes_of(self.scene)[encoded.rows])

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        """A row an object: the picture, what it is, how sure, and the edges of its box in the picture's pixels."""
        predictions = replace(
            self.task.answer.decode(answers, self.state), scale=scale_of(self.scene), sizes=sizes_of(self.scene)
        )
        names = self.names or [f"{row + 1}" for row in range(len(predictions))]
        rows = [
            (name, thing.label, score, thing.left, thing.top, thing.right, thing.bottom)
            for name, row in zip(names, said_in(predictions, labels), strict=True)
            for thing, score in row
        ]
        kinds = {"name": pl.String, "prediction": pl.String, "score": pl.Float64}
        edges = dict.fromkeys(("left", "top", "right", "bottom"), pl.Float64)
        return pl.DataFrame(rows, schema={**kinds, **edges}, orient="row")

    def labelled(self, allocator: Allocator) -> Labelled:
        column = self.source.columns.get(self.targets[0]) if self.targets else None
        if isinstance(column, TableColumn):
            _require_known(things_in(column), self.state.labels, self.source.origin)
        return super().labelled(allocator)

    def truth(self) -> Array | None:
        column = self.source.columns.get(self.targets[0]) if self.targets else None
        if not isinstance(column, TableColumn):
            return None
        return _truth(column, self.scene, self.state)


class PictureExamples(RowExamples):
    """See Examples. Meant where the layout brings pictures with boxes, or where --task detect asks for it."""

    name: ClassVar[str] = "pictures"
    New = NewPictures
    Made = PreparedPictures

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        if not asked and (request.task is not None or source.objects is None):
            return None
        if source.objects is None:
            raise DataError(
                f"{source.origin} holds no boxes, but objects are learned from pictures with boxes. Put them beside the pictures: Pascal VOC, COCO, YOLO or LabelMe files, or a CSV of boxes."
            )
        for name, given in (
            ("--cut", request.cut),
            ("--kind", request.kinds),
            ("--drop", request.drop),
            ("--target", request.target),
        ):
            if given:
                raise RequestError(f"{name} was given, but pictures with boxes are read as such. Leave {name} out.")
        if request.private:
            raise RequestError(
                "--private was given, but a report of boxes shows pictures of single rows. Leave --private out."
            )
        return as_scenes(source, working_side(source, request))

    def arranged(self, source: Source) -> Source:
        return as_scenes(source)

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return detect_inputs(state, encoders)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        assert source.objects is not None
        asked = replace(request, task=DETECT.name, target=(source.objects,), folds=request.folds or 1)
        notes = [
            *source.notes,
            Note(subject="task", text="detect (objects and the boxes around them)", override="--task"),
        ]
        made = super().prepare(replace(source, notes=notes), asked)
        assert isinstance(made, PreparedPictures)
        column = made.source.columns[source.objects]
        assert isinstance(column, TableColumn)
        truth = _truth(column, made.scene, made.state)
        schema = replace(
            made.schema,
            fields=[
                replace(f, kind="objects", reason="objects and the boxes around them", examples=())
                if f.role == "target"
                else f
                for f in made.schema.fields
            ],
        )
        known = {field.name: getattr(made, field.name) for field in fields(PreparedRows)}
        evidence = replace(made.evidence, schema=schema)
        return PreparedPictures(**{**known, "truth": truth, "schema": schema, "evidence": evidence})


def detect_inputs(state: DetectState, encoders: Sequence[Encoder]) -> Inputs:
    """What a network reads of a picture. Raises ValueError where there is not one picture a row."""
    specs = input_specs(encoders)
    if [spec.form for spec in specs.values()] != ["scene"]:
        raise ValueError("one picture a row")
    return {name: replace(spec, form="objects") for name, spec in specs.items()}


def scale_of(column: ArrayColumn) -> Array:
    """(N, 2) pixels of each file, across and down, that are one of its picture as it is read."""
    sizes = sizes_of(column)
    own = sizes if column.own is None else column.own
    return np.asarray(own[:, ::-1] / np.maximum(sizes[:, ::-1], 1), dtype=np.float64)


def working_side(source: Source, request: ExampleRequest) -> int:
    """Pixels of the longest side that pictures are brought to: as many as the budget pays for, and enough for small objects."""
    picture = next(column for column in source.columns.values() if isinstance(column, FileColumn))
    step = max(1, len(picture) // LOOKED_AT)
    target = source.columns[source.objects or OBJECTS]
    assert isinstance(target, TableColumn)
    sides, longest, ratios = [], [], []
    for path, things in list(zip(picture.paths, things_in(target), strict=True))[::step]:
        size = None if picture.in_zip else sizes_of_file(picture.root / path)[0]
        if size is None or things is None:
            continue
        longest.append(max(size))
        ratios.append(min(size) / max(size))
        sides += [min(t.right - t.left, t.bottom - t.top) / max(size) for t in things if not t.aside]
    if not longest or not sides:
        return USUAL_SIDE
    wanted = max(USUAL_SIDE, SMALL / max(1e-4, float(np.quantile(sides, 0.1))))
    if request.seconds is not None:
        pixels = SHARE * request.seconds / (SECONDS_A_PIXEL * PASSES * max(1.0, LEARNED * source.num_rows))
        wanted = min(wanted, (pixels / float(np.median(ratios))) ** 0.5)
    return int(min(np.clip(round(wanted / 32) * 32, LEAST_SIDE, MOST_SIDE), max(longest)))


def _require_known(rows: Sequence[Sequence[Thing] | None], labels: Sequence[str], origin: str) -> None:
    """Raises DataError where no object is of a class that the model knows: their names are other ones."""
    given = sort_labels(list({thing.label for things in rows for thing in things or ()}))
    if given and not set(given) & set(labels):
        raise DataError(
            f"The boxes of {origin} are of {quoted(given, NAMED)}, but the model knows {quoted(labels, NAMED)}. Name the classes as in training; of YOLO's files, put data.yaml or classes.txt beside them."
        )


def _truth(column: TableColumn, scene: ArrayColumn, state: DetectState) -> Array:
    """(N, M, 8) in pixels of the pictures as they are read."""
    number = {label: place for place, label in enumerate(state.labels)}
    return as_truth(things_in(column), number, scale_of(scene))
