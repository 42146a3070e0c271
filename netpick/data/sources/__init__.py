"""READERS: one file format or layout per file, from what a person has to a Source. Nothing is decoded here."""

from __future__ import annotations

from netpick.data.sources.arff import ArffReader
from netpick.data.sources.arrays import NpzReader
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.box_table import BoxTableReader
from netpick.data.sources.chord_folder import ChordFolderReader
from netpick.data.sources.clip_folder import ClipFolderReader
from netpick.data.sources.coco_json import CocoReader
from netpick.data.sources.delimited import DelimitedReader
from netpick.data.sources.fasttext import FastTextReader
from netpick.data.sources.idx import IdxReader
from netpick.data.sources.image_folder import ImageFolderReader
from netpick.data.sources.image_zip import ImageZipReader
from netpick.data.sources.json_lines import JsonLinesReader
from netpick.data.sources.labelme_folder import LabelMeReader
from netpick.data.sources.libsvm import LibsvmReader
from netpick.data.sources.mask_folder import MaskFolderReader
from netpick.data.sources.npy_files import NpyReader
from netpick.data.sources.opening import open_files, open_with
from netpick.data.sources.parallel_lines import ParallelLinesReader
from netpick.data.sources.parquet_arrow import ArrowReader, ParquetReader
from netpick.data.sources.running_text import RunningTextReader
from netpick.data.sources.sound_folder import SoundFolderReader
from netpick.data.sources.tagged import TaggedReader
from netpick.data.sources.tatoeba import TatoebaReader
from netpick.data.sources.text_folder import TextFolderReader, TextLinesReader
from netpick.data.sources.transcribed_folder import TranscribedFolderReader
from netpick.data.sources.ts import TsReader
from netpick.data.sources.ucr import UcrReader
from netpick.data.sources.voc_folder import VocFolderReader
from netpick.data.sources.workbook import WorkbookReader
from netpick.data.sources.yolo_folder import YoloReader
from netpick.types import Source

__all__ = ["READERS", "ReadOptions", "Reader", "open_files", "open_source"]

# In the order in which they are asked; delimited text comes last, because it looks into files of any name.
READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        NpzReader(),
        NpyReader(),
        TsReader(),
        IdxReader(),
        ParquetReader(),
        ArrowReader(),
        CocoReader(),
        JsonLinesReader(),
        WorkbookReader(),
        ArffReader(),
        TaggedReader(),
        UcrReader(),
        LibsvmReader(),
        FastTextReader(),
        ChordFolderReader(),
        TranscribedFolderReader(),
        ParallelLinesReader(),
        TatoebaReader(),
        RunningTextReader(),
        TextFolderReader(),
        TextLinesReader(),
        SoundFolderReader(),
        MaskFolderReader(),
        VocFolderReader(),
        LabelMeReader(),
        YoloReader(),
        BoxTableReader(),
        ClipFolderReader(),
        ImageFolderReader(),
        ImageZipReader(),
        DelimitedReader(),
    )
}
AS_DETECTED = ReadOptions()


def open_source(
    data: object, *, options: ReadOptions = AS_DETECTED, test: object | None = None, target: str | None = None
) -> Source:
    """The Source of a path, a frame (polars, pandas, pyarrow), or arrays (X, y), with its test rows where there are some.

    Rows of `test` (the same kinds of things; "none" turns the search for partner files off) are appended and marked as TEST
    in `given_split`. `target` only serves the message when the test rows lack it. Raises RequestError, DataError.
    """
    return open_with(READERS, data, options=options, test=test, target=target)
