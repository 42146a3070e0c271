"""Pictures with masks as examples: each is read at its own size, and its mask with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.columns.encode import Encoder, input_specs
from netpick.columns.kinds.scene import sizes_of
from netpick.data.decoders.mask import OUTSIDE, nearest
from netpick.errors import DataError, RequestError
from netpick.tasks.examples.base import ExampleRequest, Prepared
from netpick.tasks.examples.rows import PreparedRows, RowExamples
from netpick.tasks.scenes.base import NewScenes, PreparedScenes, as_scenes, named, scene_of, square_of
from netpick.tasks.scenes.stretches import follow_each_other, stretches
from netpick.tasks.segment.state import SEGMENT, SegmentState, counted_cells
from netpick.tasks.segment.values import Meaning, classes_of, meaning_of, told
from netpick.tasks.split import counted_parts
from netpick.types import Array, ArrayColumn, Column, Inputs, Note, Rows, Source, Split, TableColumn
from netpick.types.results import DecisionRule

MASK = "mask"
SQUARE = 256  # pixels of a side, at most, as in nnU-Net's plans for small budgets
SAME_SHAPE = 0.01  # of the ratio of sides, by which a mask of another size may differ from its picture
BACKGROUND = "background"


@dataclass(frozen=True, kw_only=True)
class PreparedMasks(PreparedScenes):
    """An example is a picture with a mask."""

    @property
    def scored_numbers(self) -> int:
        return 64 * len(self.state.labels)

    @property
    def inputs(self) -> Inputs:
        return segment_inputs(self.state, self.encoders)

    def decoded(self, answers: Array, rows: Rows, state: Any) -> Any:
        return replace(self.task.answer.decode(answers, state), sizes=sizes_of(self.scene)[rows])

    @property
    def trained_twice(self) -> bool:
        """Never: pictures are looked at some dozen times at most, and a second training would halve that."""
        return False


class NewMasks(NewScenes):
    """New pictures, and where they are scored their masks."""

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        answer = self.task.answer
        predictions = replace(answer.decode(answers, self.state), sizes=sizes_of(self.scene))
        table = pl.DataFrame(list(answer.columns(predictions, labels, rule).values()))
        if self.names is not None:
            table.insert_column(0, pl.Series("name", list(self.names), dtype=pl.String))
        return table

    def truth(self) -> Array | None:
        columns = [c for c in self.source.columns.values() if isinstance(c, ArrayColumn) and c.kind == "mask"]
        if not columns:
            return None
        return _truth(self.source, self.scene, columns, self.state.values, self.state.classes, self.state.labels)


class MaskExamples(RowExamples):
    """See Examples. Meant where the layout brings pictures with masks, or where --task segment asks for it."""

    name: ClassVar[str] = "masks"
    New = NewMasks
    Made = PreparedMasks

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        if not asked and (request.task is not None or not source.masks):
            return None
        if not source.masks:
            raise DataError(
                f"{source.origin} holds no masks, but a class for each pixel is learned from pictures with masks: images/1.png beside masks/1.png, or 1.jpg "
                "beside 1_mask.png. Name the folder of masks with --masks."
            )
        for name, given in (
            ("--cut", request.cut),
            ("--kind", request.kinds),
            ("--drop", request.drop),
            ("--target", set(request.target) - {MASK, *source.masks}),
        ):
            if given:
                raise RequestError(f"{name} was given, but pictures with masks are read as such. Leave {name} out.")
        if request.private:
            raise RequestError(
                "--private was given, but a report of masks shows pictures of single rows. Leave --private out."
            )
        return as_scenes(source)

    def arranged(self, source: Source) -> Source:
        return as_scenes(source)

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return segment_inputs(state, encoders)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        scene, masks = scene_of(source), _masks_of(source)
        meaning = _meaning(source, masks)
        truth = _truth(source, scene, masks, meaning.values, meaning.classes, meaning.labels)
        state = SegmentState(
            labels=meaning.labels,
            values=meaning.values,
            classes=meaning.classes,
            square=square_of(sizes_of(scene), SQUARE),
        )
        notes = [Note(subject="task", text="segment (a class for each pixel)", override="--task"), *meaning.notes]
        notes.append(_classes_note(truth, state))
        cells = pl.Series(MASK, counted_cells(truth, state.labels), dtype=pl.String)
        columns: dict[str, Column] = {scene.name: scene, MASK: TableColumn(name=MASK, values=cells)}
        source = replace(source, columns=columns, target=MASK, notes=[*source.notes, *notes])
        order = None
        if source.given_split is None and request.split is None and request.folds is None:
            order = follow_each_other(scene, source.row_names)
        parts = source.given_split if order is None else stretches(order)
        asked = replace(request, task=SEGMENT.name, target=(MASK,), folds=request.folds or 1)
        made = super().prepare(replace(source, given_split=parts), asked)
        assert isinstance(made, PreparedRows)
        known = {field.name: getattr(made, field.name) for field in fields(PreparedRows)}
        split = made.split if order is None else _by_stretches(made.split)
        schema = replace(
            made.schema,
            fields=[
                replace(f, kind="mask", reason="a class for each pixel", examples=()) if f.role == "target" else f
                for f in made.schema.fields
            ],
        )
        evidence = replace(made.evidence, schema=schema)
        replaced = {"state": state, "truth": truth, "split": split, "schema": schema, "evidence": evidence}
        return PreparedMasks(**{**known, **replaced})


def segment_inputs(state: SegmentState, encoders: Sequence[Encoder]) -> Inputs:
    """What a network reads of a picture. Raises ValueError where there is not one picture a row."""
    specs = input_specs(encoders)
    if [spec.form for spec in specs.values()] != ["scene"]:
        raise ValueError("one picture a row")
    return {name: replace(spec, ahead=(1, state.square)) for name, spec in specs.items()}


def _masks_of(source: Source) -> list[ArrayColumn]:
    return [
        column
        for name in source.masks
        if isinstance(column := source.columns[name], ArrayColumn) and column.kind == "mask"
    ]


def _meaning(source: Source, masks: Sequence[ArrayColumn]) -> Meaning:
    if len(masks) == 1:
        return meaning_of(masks[0], source.legend)
    labels = (BACKGROUND, *(column.name.partition(":")[2] for column in masks))
    text = f"One folder a class: {', '.join(labels[1:])}. Where masks of two classes overlap, the later one counts."
    return Meaning(labels=labels, values=(), classes=(), notes=(Note(subject="masks", text=text, override="--masks"),))


def _truth(
    source: Source,
    scene: ArrayColumn,
    masks: Sequence[ArrayColumn],
    values: Sequence[int],
    classes: Sequence[int],
    labels: Sequence[str],
) -> Array:
    """(N, H, W) classes at the pictures' size. Raises DataError for a mask that is no mask of its picture."""
    sizes = sizes_of(scene)
    truth = np.full((len(scene), *scene.values.shape[2:]), OUTSIDE, np.uint8)
    for number, mask in enumerate(masks):
        _require_sizes(source, scene, mask)
        found = mask.values
        if len(masks) == 1:
            found, unknown = classes_of(mask, values, classes)
            if unknown and len(unknown) == len(mask.decoding["values"]):
                raise DataError(
                    f"The masks of {source.origin} hold {told(unknown)}, but the model was trained on masks of {told(values)}. Write them as in training."
                )
        own = sizes_of(mask)
        for row, (height, width) in enumerate(sizes.tolist()):
            high, wide = own[row].tolist()
            pixels = nearest(found[row, :high, :wide], (height, width))
            if len(masks) == 1:
                truth[row, :height, :width] = pixels
                continue
            if number == 0:
                truth[row, :height, :width] = 0
            place = labels.index(mask.name.partition(":")[2]) if mask.name.partition(":")[2] in labels else 0
            there = np.array([value != 0 for value in mask.decoding["values"]] + [False] * 256)[:256]
            truth[row, :height, :width][there[pixels]] = place
    return truth


def _require_sizes(source: Source, scene: ArrayColumn, mask: ArrayColumn) -> None:
    """Raises DataError for masks whose shape is not that of their picture."""
    if scene.own is None or mask.own is None:
        return
    for row in np.flatnonzero((scene.own != mask.own).any(axis=1)).tolist():
        (height, width), (high, wide) = scene.own[row].tolist(), mask.own[row].tolist()
        if (high, wide) == (1, 1) or abs(high * width / max(1, height * wide) - 1) <= SAME_SHAPE:
            continue
        turned = (
            " It looks turned: the picture says in its EXIF data how it is to be turned, and the mask does not."
            if ((high, wide) == (width, height))
            else ""
        )
        raise DataError(
            f"The mask of {named(source, row)} has {wide:,} x {high:,} pixels, but its picture has {width:,} x {height:,}.{turned} Check that they belong together; "
            "masks have the size of their pictures."
        )


def _classes_note(truth: Array, state: SegmentState) -> Note:
    counts = np.zeros(256)
    for mask in truth:
        counts += np.bincount(mask.ravel(), minlength=256)
    shares = counts[: len(state.labels)] / max(1.0, counts[: len(state.labels)].sum())
    shown = ", ".join(
        f"{label} {100 * share:.1f} %" for label, share in list(zip(state.labels, shares, strict=True))[:12]
    )
    more = ", ..." if len(state.labels) > 12 else ""
    text = f"{len(state.labels)} classes: {shown}{more} of the pixels. Squares of {state.square} x {state.square} pixels are learned from."
    return Note(subject="classes", text=text, override="--classes")


def _by_stretches(split: Split) -> Split:
    parts = counted_parts(split.train, split.validation, split.test)
    sentence = (
        f"By stretches, because the pictures are numbered and neighbours are alike, as slices or frames are: the last ones are for testing, "
        f"those before them for validation: {parts}."
    )
    return replace(split, sentence=sentence, method="time", override="--split random", validation_given=False)
