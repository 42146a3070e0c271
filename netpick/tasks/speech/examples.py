"""Recordings and what is said in them: each is an example, read frame by frame, and those that are too short for their words are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import texts_of
from netpick.answers.transcripts import frames_needed
from netpick.columns.encode import Encoder, input_specs
from netpick.data.decoders.silences import PIECE_OF
from netpick.data.drawn import rows_of
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.dividers import ENTITY_WORDS
from netpick.tasks.examples.base import ExampleRequest, Prepared
from netpick.tasks.examples.rows import NewRows, PreparedRows, RowExamples
from netpick.tasks.ratings import words_of
from netpick.tasks.speech.searching import searched_state
from netpick.tasks.speech.state import OF_WORDS, STRIDES, TRANSCRIBE, TranscribeState, new_state, transcripts_of
from netpick.tasks.speech.writing import NORMALISED, chosen_level
from netpick.tasks.text.levels import LEVELS, UNKNOWN
from netpick.types import Array, ArrayColumn, FileColumn, Inputs, Note, Rows, Schema, Source, TableColumn
from netpick.types.results import DecisionRule
from netpick.types.words import counted

ENOUGH_ROOM = (
    0.98  # of the recordings whose frames are enough at all must have steps enough, or frames are read more finely
)
NAMED = 3  # recordings that a note names
FEWEST_SPEAKERS = 3  # of the test rows, for an interval that says anything


@dataclass(frozen=True, kw_only=True)
class PreparedSpeech(PreparedRows):
    """An example is a recording: its frames, and nothing else of its row."""

    groups_columns: ClassVar[bool] = False
    explained: ClassVar[bool] = False

    def state_of(self, rows: Rows) -> Any:
        """One alphabet for all folds: networks are of one size."""
        return self.state

    @property
    def scored_numbers(self) -> int:
        return max(2, int(self.truth.shape[1]) // 8)

    def calibrated(self, answered: Array) -> Any:
        """With the language that lowers the errors on validation rows, where one does: see `searched_state`."""
        rows = self.split.validation
        texts = texts_of(self.truth[rows])
        frames = answered.reshape(len(answered), -1, self.state.num_symbols)
        return searched_state(self.state, frames, texts, [self._texts[row] for row in self.split.train.tolist()])

    @cached_property
    def _texts(self) -> list[str]:
        return texts_of(self.truth)

    def test_groups(self, rows: Rows) -> Array | None:
        """Who speaks, where that is known, however the rows were split: the same voice is easy or hard throughout."""
        found = super().test_groups(rows)
        names = [f.name for f in self.schema.fields if f.role == "group"]
        if found is not None or not names:
            return found
        column = self.source.columns[names[0]]
        assert isinstance(column, TableColumn)
        speakers = column.values.rank("dense").fill_null(0).to_numpy()[rows].astype(np.int64)
        return speakers if len(np.unique(speakers)) >= FEWEST_SPEAKERS else None

    @property
    def inputs(self) -> Inputs:
        return speech_inputs(self.state, self.encoders)


class NewSpeech(NewRows):
    """See NewExamples. A long recording may be several rows, one a piece; what is said in them is joined."""

    noun: ClassVar[str] = "recording"

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        made = super().table(answers, labels, rule)
        pieces = self.source.columns.get(PIECE_OF)
        if not isinstance(pieces, TableColumn):
            return made
        by_file = made.with_columns(pieces.values).group_by(PIECE_OF, maintain_order=True)
        others = [pl.col(name).first() for name in made.columns if name != "prediction"]
        joined = pl.col("prediction").filter(pl.col("prediction") != "").str.join(" ")
        return by_file.agg(*others, joined).select(made.columns)


class SpeechExamples(RowExamples):
    """See Examples. Meant where --task transcribe asks for it, or where the layout brings sounds and what is said in them."""

    name: ClassVar[str] = "recordings"
    New = NewSpeech
    every_word: ClassVar[bool] = True

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        if not asked and (request.task is not None or source.spoken is None):
            return None
        if request.cut:
            raise RequestError(
                "--cut was given, but a transcript is one of a whole recording. Leave --cut out, or cut the files and their transcripts."
            )
        if request.private:
            raise RequestError(
                "--private was given, but a model of speech holds words of its transcripts. Leave --private out."
            )
        if request.level is not None and request.level not in LEVELS:
            raise RequestError(f"There is no level '{request.level[:60]}'.{near_matches(request.level, LEVELS)}")
        if not _sounds(source):
            raise DataError(
                f"{source.origin} holds no column of sounds, but transcripts are learned from recordings. Pass a folder of sounds, or a table "
                "that names their files."
            )
        return _without_others(source, _target(source, request), request)

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return speech_inputs(state, encoders)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        target = _target(source, request)
        source, stride = _with_room(source, target, request)
        asked = replace(request, target=(target,), task=TRANSCRIBE.name)
        prepared = super().prepare(source, asked)
        assert isinstance(prepared, PreparedRows)
        texts = _texts(prepared.source, target)
        learned = [texts[row] for row in prepared.split.train.tolist()]
        state = replace(new_state(target, learned, request.level, stride), beam=request.beam)
        known = {field.name: getattr(prepared, field.name) for field in fields(PreparedRows)}
        tested = [texts[row] for row in prepared.split.test.tolist()]
        schema = _as_transcripts(prepared.schema, _notes(state, learned, tested, request))
        evidence = replace(prepared.evidence, schema=schema)
        return PreparedSpeech(**{**known, "state": state, "schema": schema, "evidence": evidence})


def speech_inputs(state: TranscribeState, encoders: Sequence[Encoder]) -> Inputs:
    """What a network reads of a recording. Raises ValueError where there is not one sound a row."""
    specs = input_specs(encoders)
    if [spec.form for spec in specs.values()] != ["spectrogram"]:
        raise ValueError("one sound a row")
    return {name: replace(spec, form="speech", ahead=(1, state.stride)) for name, spec in specs.items()}


def _sounds(source: Source) -> list[str]:
    return [
        name
        for name, column in source.columns.items()
        if isinstance(column, (ArrayColumn, FileColumn)) and column.kind == "audio"
    ]


def _target(source: Source, request: ExampleRequest) -> str:
    """The column of transcripts. Raises RequestError where that is not clear."""
    texts = [
        name
        for name, column in source.columns.items()
        if isinstance(column, TableColumn) and column.values.dtype == pl.String and name != source.part_column
    ]
    if request.target:
        name = request.target[0]
        if len(request.target) > 1 or name not in source.columns or not isinstance(source.columns[name], TableColumn):
            raise RequestError(
                f"--target {','.join(request.target)} was given, but a transcript is one column of texts.{near_matches(name, texts)} "
                f"Columns of texts: {', '.join(texts) or 'none'}."
            )
        return name
    said = next((name for name in (source.spoken, source.target) if name in source.columns), None)
    if said is not None:
        return said
    if not texts:
        raise DataError(
            f"{source.origin} says nowhere what is said in its sounds: there is no column of texts. Add one, put NAME.txt beside NAME.wav, or say "
            'how names of files read: --label-from "{transcript}.wav".'
        )
    return max(texts, key=lambda name: sum(map(len, _texts(source, name))))


def _without_others(source: Source, target: str, request: ExampleRequest) -> Source:
    """Without columns that neither are heard nor keep rows together: who transcribes a new recording has nothing else."""
    divides = (request.split or "").partition(":")[2], request.folds if isinstance(request.folds, str) else ""
    kept = {target, source.part_column, *_sounds(source)[:1], *source.groups, *source.aside, *divides}
    others = [name for name in source.columns if name not in kept and not words_of(name) & ENTITY_WORDS]
    if not others:
        return replace(source, target=target)
    note = Note(subject="columns", text=f"Not read: {', '.join(others)}. Transcripts are learned from sounds alone.")
    columns = {name: column for name, column in source.columns.items() if name not in others}
    return replace(source, columns=columns, target=target, notes=[*source.notes, note])


def _texts(source: Source, target: str) -> list[str]:
    column = source.columns[target]
    assert isinstance(column, TableColumn)
    return [text or "" for text in transcripts_of(column)]


def _with_room(source: Source, target: str, request: ExampleRequest) -> tuple[Source, int]:
    """Without recordings that are too short for their transcripts, which nothing could be learned from, and the stride of frames.

    Raises DataError where nearly all are too short.
    """
    texts = _texts(source, target)
    sound = source.columns[_sounds(source)[0]]
    assert isinstance(sound, ArrayColumn)
    frames = np.full(len(sound), sound.values.shape[1]) if sound.lengths is None else np.asarray(sound.lengths)
    state = new_state(target, [text for text in texts if text], request.level)
    needed = np.array([frames_needed(state.numbers_of(text)) for text in texts])
    room = {stride: -(-frames // stride) >= needed for stride in STRIDES}
    enough = ENOUGH_ROOM * room[STRIDES[-1]].sum()
    stride = next(s for s in STRIDES if room[s].sum() >= enough)
    if state.level == "words" and (frames // OF_WORDS >= 2 * needed).sum() >= enough:
        room[OF_WORDS], stride = -(-frames // OF_WORDS) >= needed, OF_WORDS
    short = np.flatnonzero(~room[stride])
    if not len(short):
        return source, stride
    if len(short) > len(texts) // 2:
        raise DataError(
            f"{len(short):,} of {len(texts):,} recordings of {source.origin} are too short for their transcripts ({_name(source, int(short[0]))} "
            f"lasts {frames[short[0]] / 100:.2f} s, for {texts[short[0]][:60]!r}), but a step for each symbol is needed. Check that sounds and transcripts belong together."
        )
    named = ", ".join(
        f"{_name(source, row)} ({frames[row] / 100:.2f} s for {counted(len(texts[row]), 'character')})"
        for row in short[:NAMED].tolist()
    )
    text = (
        f"{counted(len(short), 'recording')} {'is' if len(short) == 1 else 'are'} too short for what is said to be in {'it' if len(short) == 1 else 'them'}, "
        f"and left out: {named}{', ...' if len(short) > NAMED else ''}."
    )
    kept = rows_of(source, np.flatnonzero(room[stride]))
    return replace(kept, notes=[*source.notes, Note(subject="transcripts", text=text)]), stride


def _as_transcripts(schema: Schema, notes: Sequence[Note]) -> Schema:
    """With the target as what it is, and what is said of it."""
    named = [
        replace(f, kind="text", reason="what is said in the recording") if f.role == "target" else f
        for f in schema.fields
    ]
    return replace(schema, fields=tuple(named), notes=(*schema.notes, *notes))


def _name(source: Source, row: int) -> str:
    return source.row_names[row] if source.row_names is not None else f"row {row + 1}"


def _notes(
    state: TranscribeState, learned: Sequence[str], tested: Sequence[str], request: ExampleRequest
) -> list[Note]:
    level = chosen_level(learned, request.level)
    symbols = counted(len(state.symbols), f"different {state.of.noun}", f"different {state.of.plural}")
    notes = [
        Note(subject="task", text="what is said in a recording", override="--task"),
        Note(subject="transcripts", text=f"Transcripts are written {NORMALISED}."),
        Note(subject="level", text=f"by {state.of.plural} ({level.reason}): {symbols}", override="--level"),
    ]
    if state.beam is not None:
        text = f"searched with a beam of {state.beam}, as --beam asks"
        notes.append(Note(subject="search", text=text, override="--beam"))
    why = "words last long" if state.stride == OF_WORDS else "transcripts are long for their sounds"
    if state.stride != STRIDES[0]:
        text = f"Networks read {counted(state.stride, 'frame')} of 10 ms as one step, not {STRIDES[0]}: {why}."
        notes.append(Note(subject="sounds", text=text))
    unknown = Counter(_unknown(state, tested))
    if unknown:
        total = sum(len(state.numbers_of(text)) for text in tested)
        shown = ", ".join(repr(symbol) for symbol, _ in unknown.most_common(NAMED))
        text = (
            f"{unknown.total():,} of {total:,} {state.of.plural} of the test transcripts ({unknown.total() / max(1, total):.1%}) never came in "
            f"those of training: {shown}. No network can write them, and each counts as an error."
        )
        notes.append(Note(subject="symbols", text=text))
    return notes


def _unknown(state: TranscribeState, texts: Sequence[str]) -> list[str]:
    """Symbols of these transcripts that the state does not know."""
    split = state.of.splitter(state.learned)
    return [
        symbol for text in texts for symbol, n in zip(split(text), state.numbers_of(text), strict=True) if n == UNKNOWN
    ]
