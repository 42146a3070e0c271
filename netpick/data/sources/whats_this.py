"""Files that no reader opens, named for what they are, with what to do: a web page called .xls, a pickle, a page of a failed download."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import bare
from netpick.data.sources.unread_media import UNREAD, unread_ending
from netpick.errors import DataError

LOOKED_AT = 4096
AS_CSV = "Save the table as CSV, and name that."
PANDAS = "Read it with pandas, and write it with to_parquet('{stem}.parquet') or to_csv('{stem}.csv')."
WORKBOOK = "Open it in a spreadsheet and save the sheet as CSV or .xlsx."
# By their first bytes, or by their first letters where a file is text.
CONTENTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "a workbook of an old spreadsheet (.xls)", WORKBOOK),
    (
        b"\x89HDF",
        "an HDF5 file",
        "Read it with h5py, and write its arrays with numpy.savez('{stem}.npz', x=..., y=...).",
    ),
    (
        b"MATLAB 5.0",
        "a MATLAB file",
        "Read it with scipy.io.loadmat, and write its arrays with numpy.savez('{stem}.npz', x=..., y=...).",
    ),
    (
        b"SQLite format 3",
        "an SQLite database",
        "Export the table as CSV: sqlite3 -header -csv {name} 'SELECT * FROM TABLE' > {stem}.csv.",
    ),
    (b"%PDF", "a PDF document", AS_CSV),
    (b"{\\rtf", "a text document (RTF)", AS_CSV),
    (b"RDX", "data of R (.RData)", "In R: load it, and write.csv(DATA, '{stem}.csv', row.names = FALSE)."),
    (b"X\n", "data of R (.rds)", "In R: write.csv(readRDS('{name}'), '{stem}.csv', row.names = FALSE)."),
    (b"$FL2", "data of SPSS (.sav)", PANDAS),
    (b"<stata_dta>", "data of Stata (.dta)", PANDAS),
    (b"\x80\x04\x95", "a Python pickle, which can run any code and is never opened", PANDAS),
    (b"\x80\x05\x95", "a Python pickle, which can run any code and is never opened", PANDAS),
    (b"\x80\x03", "a Python pickle, which can run any code and is never opened", PANDAS),
    (b"Rar!", "a RAR archive", "Unpack it, and name the folder or the file in it."),
    (b"7z\xbc\xaf'\x1c", "a 7-Zip archive", "Unpack it, and name the folder or the file in it."),
    (b"\x28\xb5\x2f\xfd", "a file packed by Zstandard", "Unpack it (zstd -d {name}), and name what is in it."),
    (b"Obj\x01", "an Avro file", "Convert it to Parquet or CSV."),
    (b"ORC", "an ORC file", "Convert it to Parquet: pyarrow.orc.read_table, pyarrow.parquet.write_table."),
    (b"version https://git-lfs", "a pointer of Git LFS and not the data", "Fetch the data: git lfs pull."),
)
PAGES = (b"<!doctype html", b"<html", b"<head", b"<table", b"<div", b"<meta")
ENDINGS: Mapping[str, tuple[str, str]] = {
    ".sas7bdat": ("data of SAS", PANDAS),
    ".tfrecord": ("records of TensorFlow", "Write them as a CSV, a Parquet file or a folder of pictures per class."),
    ".pt": (
        "a file of torch, which can run any code and is never opened",
        "Write its tensors with numpy.savez('{stem}.npz', x=..., y=...).",
    ),
    ".pkl": ("a Python pickle, which can run any code and is never opened", PANDAS),
    ".pickle": ("a Python pickle, which can run any code and is never opened", PANDAS),
    ".tar": ("a tar archive", "Unpack it (tar xf {name}), and name the folder or the file in it."),
    ".tgz": ("a tar archive", "Unpack it (tar xf {name}), and name the folder or the file in it."),
    ".ods": ("a spreadsheet of LibreOffice", "Save the sheet as CSV or .xlsx."),
    ".mat": (
        "a MATLAB file",
        "Read it with scipy.io.loadmat, and write its arrays with numpy.savez('{stem}.npz', x=..., y=...).",
    ),
    **dict.fromkeys(
        (".rds", ".rda", ".rdata"),
        ("data of R", "In R: load it, and write.csv(DATA, '{stem}.csv', row.names = FALSE)."),
    ),
    ".xml": ("an XML file", "Convert it: pandas.read_xml('{name}').to_csv('{stem}.csv', index=False)."),
    **dict.fromkeys((".yaml", ".yml"), ("a YAML file", "Write its rows as CSV or JSON.")),
    ".ipynb": ("a notebook", "Name the data that it reads."),
    ".py": ("a program", "Name the data that it reads."),
    ".sql": ("a script for a database", "Load it, and export the table as CSV."),
    ".edf": ("recordings of signals (EDF)", "Read it with mne, and write numpy.savez('{stem}.npz', x=..., y=...)."),
    ".numbers": ("a spreadsheet of Numbers", "Export the sheet as CSV."),
    ".gsheet": ("a link to a spreadsheet on the web", "Download the sheet as CSV."),
    ".tsf": ("series in Monash's format (.tsf)", "Write a CSV with a row per series and time."),
    ".docx": ("a text document", AS_CSV),
    ".model": ("a model", "Name the data to look at."),
    ".netpick": ("a model of netpick, not data", "Use it: netpick predict {name} DATA."),
}


def refuse_by_name(path: Path) -> None:
    """Raises DataError for a file whose content, or else whose ending, says that it is nothing that is read here."""
    found = _by_content(path)
    if found is not None:
        raise _refusal(path, *found)


def refuse_by_ending(path: Path) -> None:
    """The same for a file that no reader recognised, by its ending."""
    if ending := unread_ending(path.name):
        what, remedy = UNREAD[ending]
        raise _refusal(path, f"a file of {what}", f"{remedy[0].upper()}{remedy[1:]}.")
    for ending, (what, remedy) in ENDINGS.items():
        if bare(path.name.lower()).endswith(ending):
            raise _refusal(path, what, remedy)


def _by_content(path: Path) -> tuple[str, str] | None:
    head = first_bytes(path, LOOKED_AT) if path.is_file() else b""
    if not head:
        return None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(PAGES) or (text.startswith(b"<?xml") and b"<html" in text):
        called = f" called {path.suffix.lower()}" if path.suffix else ""
        what = "an HTML table" if b"<table" in text else "a web page"
        remedy = (
            "Open it in a spreadsheet and save it as CSV, or convert it: pandas.read_html('{name}')[0].to_csv('{stem}.csv', index=False)."
            if b"<table" in text
            else "The download may have led to a page of log-in or error: download the file itself."
        )
        return f"{what}{called}", remedy
    if b"urn:schemas-microsoft-com:office:spreadsheet" in text:
        return f"a workbook in XML called {path.suffix.lower()}", WORKBOOK
    return next(((what, remedy) for magic, what, remedy in CONTENTS if head.startswith(magic)), None)


def _refusal(path: Path, what: str, remedy: str) -> DataError:
    said = remedy.replace("{stem}", bare(path.name).rpartition(".")[0] or path.name).replace("{name}", path.name)
    return DataError(f"{path} is {what}, but a table, a folder of media or arrays were expected. {said}")
