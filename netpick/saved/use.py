"""Using a model: rows in, answers and scores out, from a model file or an exported folder alone. Nothing here trains.

An exported model is used without torch: neither this module nor what it calls for one imports it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from netpick.columns.encode import Encoder
from netpick.columns.kinds import KINDS
from netpick.data.decode import start_decoding
from netpick.data.decoders import DECODERS, Decoder
from netpick.data.decoders.base import DecodeRequest
from netpick.data.parts import read_parts
from netpick.data.sources import open_files, open_source
from netpick.data.sources.base import AS_FOUND, ReadOptions
from netpick.data.sources.loose_texts import unlabelled, whole_letters
from netpick.data.steps import cut_steps
from netpick.errors import DataError, RequestError, near_matches
from netpick.saved import asked
from netpick.saved.beam import searching
from netpick.saved.engines import BaselineEngine, Engine, TorchEngine
from netpick.saved.folder import exported_beside, is_exported, read_exported
from netpick.saved.kept_models import candidate_path
from netpick.saved.new_rows import UNREAD, WARNED, as_in_training
from netpick.saved.parts import ModelParts, NoNetworkError, peek_record
from netpick.saved.record import BASELINE, BLEND
from netpick.saved.summary import Summary, network_layers, titled
from netpick.tasks.examples import examples_of
from netpick.tasks.learned import Scores
from netpick.types import Array, ArrayColumn, Column, FileColumn, Source, TableColumn

if TYPE_CHECKING:
    from torch import nn

    from netpick.saved.artifact import LoadedModel

ENGINES = ("auto", "torch", "onnx")
TEXT, SENTENCE = "text", "sentence"  # kinds of what a person writes


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained network with all that it needs to read raw data.

    `predict` is `read`, `encode`, the engine's `outputs` and `finish` in a row; a server calls them one by one, so that rows
    of several requests are answered together.
    """

    parts: ModelParts
    engine: Engine
    given: ReadOptions = AS_FOUND  # what the user says of files of new rows

    def reading(
        self,
        *,
        separator: str | None = None,
        header: bool | None = None,
        encoding: str | None = None,
        quote: str | None = None,
        formats: Mapping[str, str] | None = None,
        missing: Sequence[str] = (),
        not_missing: Sequence[str] = (),
        sheet: str | None = None,
    ) -> Model:
        """The model, for files of new rows that are written otherwise than those of training: see `netpick.fit`."""
        given = ReadOptions(
            separator=separator,
            header=header,
            encoding=encoding,
            quote=quote,
            formats=tuple((formats or {}).items()),
            missing=tuple(missing),
            not_missing=tuple(not_missing),
            sheet=sheet,
        )
        return replace(self, given=given)

    def __repr__(self) -> str:
        return f"<Model {titled(self.parts.record)}>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(titled(self.parts.record))}</p>"

    def summary(self) -> Summary:
        """The layers with their shapes and weights, as a table: `print(model.summary())`. Of a baseline or a blend, what it is.

        Raises RequestError for an exported model, whose layers are those of a graph.
        """
        title, record = titled(self.parts.record), self.parts.record
        if isinstance(self.engine, TorchEngine):
            return Summary(title, network_layers(self.engine))
        if record.is_network:
            _ = self.loaded
        return Summary(f"{title}\n{'a blend' if record.family == BLEND else 'a baseline'}: it has no layers")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, labels or targets, in the order of the probabilities."""
        return self.parts.record.labels

    @property
    def interval_words(self) -> str:
        """What the columns low and high mean; empty where there are none."""
        held = self.parts.task.answer.coverage(self.parts.task_state)
        return (
            "" if held is None else f"low and high: made to hold the truth of {held:.0%} of rows like those of training"
        )

    @property
    def card(self) -> str:
        """The model card: what it was trained on, how well it does, what it is not for (Markdown)."""
        return self.parts.card

    @property
    def loaded(self) -> LoadedModel:
        """The network itself, of a model file. Raises RequestError for an exported model, which is a graph."""
        if isinstance(self.engine, TorchEngine):
            return self.engine.loaded
        if not self.parts.record.is_network:
            raise NoNetworkError(self.parts.record)
        raise RequestError(
            "This needs the network itself, but the model is an exported graph. Pass the model file that it was made of: "
            "RUN/model.netpick."
        )

    def predict(self, data: object, *, strict: bool = False, threshold: float | None = None) -> pl.DataFrame:
        """Answers for new rows: a path, a frame, arrays, a list of image files, or one row as a dict.

        Returns a frame with a row a row of data: prediction, and the probability of every class. A forecaster continues
        each series past its end instead, a row a step. Cells that are not written as in training are read as missing with
        an UnreadCells warning, which strict refuses; values that no training row has come with an UnseenValues warning. threshold: from
        which probability on a row is the second of two classes, or has a label (default: as the contest chose it). Raises DataError
        when columns are missing or files cannot be read.
        """
        if threshold is not None:
            return self.at(threshold).predict(data, strict=strict)
        examples = asked.new_examples(self.parts, self._read(data, strict=strict))
        with asked.encoded(self.parts, examples, self.engine) as arrays:
            return asked.table(self.parts, examples, self.engine.outputs(arrays))

    def predict_proba(self, data: object, *, strict: bool = False) -> Array:
        """Probabilities (N, classes or labels) for new rows, in the order of `labels`. Raises RequestError for answers without any."""
        table = self.predict(data, strict=strict)
        names = [f"probability_{label}" for label in self.labels]
        if not names or any(name not in table.columns for name in names):
            raise RequestError(
                f"{titled(self.parts.record)} gives no probabilities of classes. Use predict: its columns are {', '.join(table.columns)}."
            )
        return table.select(names).to_numpy().astype(np.float64)

    def at(self, threshold: float) -> Model:
        """The model with another decision threshold: a row is the second class, or has a label, from this probability on.

        Raises RequestError outside of 0 to 1, and for answers that are not decided by one.
        """
        record, answer = self.parts.record, self.parts.task.answer
        if not (answer.any_labels or (answer.one_class and len(self.labels) == 2)):
            raise RequestError(
                f"{titled(record)} is not decided by a threshold: only two classes, or labels that each may hold, are. Leave threshold out."
            )
        if not 0 <= threshold <= 1:
            raise RequestError(
                f"A threshold of {threshold:g} cannot be used. Pass a probability, 0 to 1: threshold=0.3."
            )
        return replace(self, parts=replace(self.parts, record=replace(record, threshold=float(threshold))))

    def with_beam(self, beam: int) -> Model:
        """The model with so many beginnings of a translation or transcript that are followed at once; 1: the likeliest symbol each time.

        Raises RequestError where the model generates no such text, and for beams below 1 or too wide.
        """
        parts, engine = searching(self.parts, self.engine, beam)
        return replace(self, parts=parts, engine=engine)

    def generate(
        self,
        prompt: str = "",
        *,
        tokens: int = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """What a model of a text adds to the prompt, in pieces as they are drawn; the same seed gives the same text.

        temperature: 0 always takes the likeliest; top_k, top_p: draw from so many of the likeliest alone, or from the fewest that
        have this share together. Raises RequestError for models of anything else.
        """
        from netpick.saved.generating import Sampling, generate, read_prompt

        sampling = Sampling(tokens=tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        return generate(self, read_prompt(self, prompt), sampling)

    def draw(self, rows: int = 100, *, given: Mapping[str, Any] | None = None, seed: int = 0) -> pl.DataFrame:
        """So many rows that a generator makes up, all with the given values; the same seed gives the same rows.

        Raises RequestError for models of anything else, for unknown columns, and for values that were never learned from.
        """
        from netpick.saved.drawing import draw_rows

        return draw_rows(self, rows, given, seed)

    def encode(self, source: Source) -> dict[str, Array]:
        """Encoded rows, in memory, by store name: what an engine's `outputs` takes. One row a series for a forecaster.

        Raises DataError when columns are missing or there is no row.
        """
        examples = asked.new_examples(self.parts, source)
        with asked.encoded(self.parts, examples, self.engine, limit=1 << 62) as arrays:
            return dict(arrays)

    def finish(self, answers: Array, source: Source) -> pl.DataFrame:
        """The engine's answers for the rows of `source`, in their order, as a table in the words and units of the target."""
        return asked.table(self.parts, asked.new_examples(self.parts, source), answers)

    def score(self, data: object, *, strict: bool = False) -> Scores:
        """All metrics of the task on labelled data, each with n and a 95 % interval; strict: as for `predict`.

        A dict of Score by metric; its `overlap` says how many of the rows the model learned from.
        """
        examples = asked.new_examples(self.parts, self._read(data, labelled=True, strict=strict))
        return asked.score(self.parts, examples, self.engine)

    def observed(self, data: object, *, strict: bool = False) -> pl.DataFrame:
        """Of a forecaster: each known step of the data beside what was forecast for it one step before, and whether it lies outside
        the interval. strict: as for `predict`. Raises RequestError for other models."""
        examples = asked.new_examples(self.parts, self._read(data, strict=strict))
        return asked.observed(self.parts, examples, self.engine)[0]

    def _read(self, data: object, *, labelled: bool = False, strict: bool) -> Source:
        """`read` for whoever sees no notes: what the command line warns of becomes a Python warning."""
        source = heeded(self.read(data, labelled=labelled), strict=strict)
        for note in source.notes if source is not data else ():
            if note.subject in WARNED:
                warnings.warn(WARNED[note.subject](note.text), stacklevel=3)
        return source

    def read(self, data: object, *, labelled: bool = False) -> Source:
        """Opens data in the layout of training: media files are decoded as those of training were. A Source stays as it is."""
        if isinstance(data, Source):
            return data
        record, encoders = self.parts.record, self.parts.encoders
        kinds = {encoder.kind for encoder in encoders}
        options = replace(
            self.given,
            missing=(*record.missing, *self.given.missing),
            label_from=record.label_from if labelled else None,
            frames="clip" in kinds if kinds & {"clip", "image"} else None,
            find_test=False,
            not_missing=(*record.not_missing, *self.given.not_missing),
            as_text=tuple(record.formats),
            words=tuple(e.column for e in encoders if e.kind not in DECODERS),
            find_formats=False,
            arrays=tuple((e.column, e.kind) for e in encoders if e.kind == "series"),
            channels=next((len(e.state.mean) for e in encoders if e.kind == "series"), None),
            pixels=next((e.state.pixels for e in encoders if e.kind in ("image", "clip")), None),
        )
        if isinstance(data, dict):
            data = pl.DataFrame([{name: whole_letters(cell) for name, cell in data.items()}])
        if isinstance(data, np.ndarray) and data.dtype.names is None:  # (X, y) without y
            data = (data, np.zeros(len(data), dtype=np.int64))
        media = [encoder for encoder in encoders if encoder.kind in DECODERS]
        if not media:
            texts = None
            if len(encoders) == 1 and encoders[0].kind in (TEXT, SENTENCE) and not labelled:
                sentences = encoders[0].kind == SENTENCE
                texts = unlabelled(data, encoders[0].column, record.layout, options.encoding, sentences=sentences)
            else:
                texts = examples_of(self.parts.task).loose(data, self.parts.task_state, options.encoding)
            source = open_source(data, options=options) if texts is None else texts
            source = examples_of(self.parts.task).arranged(source)
            if record.cut is not None:
                apart = record.cut.apart if labelled else tuple(n for n in record.cut.apart if n not in record.targets)
                return cut_steps(source, replace(record.cut, apart=apart))
            return texts or as_in_training(_renamed(source, encoders), self.parts, self.given.formats)
        like = {encoder.column: KINDS[encoder.kind].decoding(encoder.state) for encoder in media}
        files = media_files(data, DECODERS[media[0].kind]) if len(encoders) == 1 and not labelled else None
        if files is not None:
            column, kind = media[0].column, DECODERS[media[0].kind].kind
            return _all_decoded(open_files(files, column=column, kind=kind), like[column], DECODERS[kind])
        source = examples_of(self.parts.task).arranged(_renamed(open_source(data, options=options), encoders))
        source = as_in_training(source, self.parts, self.given.formats)
        source = _with_files(source, media)
        source = source if record.parts is None else read_parts(source, record.parts)
        source = start_decoding(source, like=like).finish()
        columns = {name: _with_channels(column, like.get(name, {})) for name, column in source.columns.items()}
        return replace(source, columns=columns)


def load(
    path: str | Path, engine: str = "auto", *, candidate: str | None = None, module: nn.Module | None = None
) -> Model:
    """A model that predicts, from a model file, the run folder that holds one, or an exported folder.

    candidate: another one of the run than the recommended one, such as "rnn" or "boosted trees".
    engine: "torch" or "onnx"; auto takes torch for a model file and onnx for an exported folder. "onnx" for a model file
    takes the folder that `netpick export` made of it beside it. What is loaded is proved first: checksums, names, shapes,
    stored outputs. Raises RequestError when there is no such file, and ModelFileError when it is damaged, hostile or of
    another version.
    """
    path = Path(path)
    if engine not in ENGINES:
        raise RequestError(f"There is no engine '{engine}'.{near_matches(engine, ENGINES)}")
    if candidate is not None:
        path = candidate_of(path, candidate)
    if is_exported(path):
        if engine == "torch":
            raise RequestError(f"{path} is an exported graph, but torch runs model files. Pass RUN/model.netpick.")
        parts, graph = read_exported(path)
        return Model(parts=parts, engine=graph)
    if path.is_dir() and (path / "model.netpick").is_file():
        path = path / "model.netpick"
    if engine == "onnx":
        parts, graph = read_exported(exported_beside(path))
        return Model(parts=parts, engine=graph)
    record = peek_record(path)
    if engine == "torch" and not record.is_network:
        raise NoNetworkError(record)
    return _loaded(path, module)


def _loaded(path: Path, module: nn.Module | None) -> Model:
    """A network, a baseline or a blend from its model file."""
    family = peek_record(path).family
    if family == BLEND:
        from netpick.saved.blend_model import load_blend

        blend = load_blend(path, partial(_loaded, module=module))
        return Model(parts=blend.parts, engine=blend)
    if family == BASELINE:
        from netpick.saved.baseline_model import load_baseline

        baseline = load_baseline(path)
        return Model(parts=baseline.parts, engine=BaselineEngine(loaded=baseline))
    from netpick.saved.artifact import load_model

    loaded = load_model(path, module=module)
    parts = ModelParts(record=loaded.record, encoders=loaded.encoders, task_state=loaded.task_state, card=loaded.card)
    return Model(parts=parts, engine=TorchEngine(loaded=loaded))


def candidate_of(run: Path, candidate: str) -> Path:
    """The model file of a candidate of a run. Raises RequestError where there is none."""
    return candidate_path(run, candidate, lambda file: peek_record(file).candidate)


def heeded(source: Source, *, strict: bool) -> Source:
    """The rows, once what could not be read in them was said. Raises DataError when strict and there is such a cell."""
    for note in source.notes if strict else ():
        if note.subject == UNREAD:
            raise DataError(
                f"{note.text} Write such cells as in training, or leave --strict out to have these rows answered too."
            )
    return source


def media_files(data: object, decoder: Decoder) -> list[Path] | None:
    """Media files that stand for rows: one, a list of them, or a folder that holds them itself."""
    if isinstance(data, (str, Path)):
        path = Path(data)
        if path.suffix.lower() in decoder.endings:
            return [path]
        if path.is_dir():
            files = decoder.files_in(path)
            if not files:
                raise DataError(
                    f"{path} holds no {decoder.noun}, but the model was trained on {decoder.noun}. "
                    f"Known: {', '.join(decoder.endings)}."
                )
            return files
        return None
    if isinstance(data, (list, tuple)) and data and all(isinstance(item, (str, Path)) for item in data):
        return [Path(item) for item in data]
    return None


def _all_decoded(source: Source, like: Mapping[str, Any], decoder: Decoder) -> Source:
    """Every file must be readable, since every row gets an answer."""
    (name,) = source.columns
    source = decoder.in_pieces(source, name, like)
    decoded = decoder.start(source, name, DecodeRequest(like=like)).finish()
    if decoded.failures:
        row, reason = decoded.failures[0]
        raise DataError(
            f"{(source.row_names or ())[row]} cannot be read: {reason}. {decoder.expected[0].upper()}{decoder.expected[1:]} was "
            "expected. Pass another file."
        )
    return replace(source, columns={**source.columns, name: decoded.column})


def _with_files(source: Source, media: Sequence[Encoder]) -> Source:
    """Paths in the cells of a frame or a row are files, looked for from the working folder."""
    columns = dict(source.columns)
    for encoder in media:
        column = columns.get(encoder.column)
        if isinstance(column, TableColumn) and column.values.dtype == pl.String:
            paths = [str(Path(path).absolute()) if path else "" for path in column.values.to_list()]
            columns[encoder.column] = FileColumn(
                name=column.name, root=Path.cwd(), paths=paths, kind=DECODERS[encoder.kind].kind
            )
    return replace(source, columns=columns)


def _with_channels(column: Column, like: Mapping[str, Any]) -> Column:
    """Images as grey or colour, as the network wants them (grey by the weights of ITU-R 601, as Pillow does)."""
    channels = like.get("channels")
    if not isinstance(column, ArrayColumn) or column.kind != "image" or column.values.shape[1] == channels:
        return column
    values = column.values
    if values.shape[1] == 1 and channels == 3:
        return replace(column, values=np.repeat(values, 3, axis=1))
    if values.shape[1] == 3 and channels == 1:
        grey = values.astype(np.float32).transpose(0, 2, 3, 1) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        return replace(column, values=np.round(grey)[:, None].astype(np.uint8))
    return column


def _renamed(source: Source, encoders: Sequence[Encoder]) -> Source:
    """The only column of media or series takes the name that it had in training."""
    rich = [e for e in encoders if KINDS[e.kind].cells is ArrayColumn]
    found = [name for name, c in source.columns.items() if isinstance(c, (ArrayColumn, FileColumn))]
    if len(rich) != 1 or len(found) != 1 or rich[0].column == found[0]:
        return source
    columns = {rich[0].column if name == found[0] else name: column for name, column in source.columns.items()}
    return replace(source, columns=columns)


__all__ = ["Model", "RequestError", "load"]
