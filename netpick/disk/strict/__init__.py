"""The one place where what lies on the disk is read back: model files, checkpoints, and the notes of a run.

Limits come before memory: sizes, counts, depths and lengths are looked at before anything of that size is made. Members have
names from a closed list and nothing refers to anything outside. Whatever is not exactly what would have been written is
refused with a RefusedError; the callers say what that means for the user. Nothing here knows networks, and torch is
imported only where tensors are made.
"""

from __future__ import annotations

from netpick.disk.strict.archive import open_archive, write_archive
from netpick.disk.strict.bundle import Bundle, manifest_of, open_folder
from netpick.disk.strict.documents import from_parsed, parse_json, read_as
from netpick.disk.strict.files import RefusedError, read_file
from netpick.disk.strict.folders import require_plain

__all__ = [
    "Bundle",
    "RefusedError",
    "from_parsed",
    "manifest_of",
    "open_archive",
    "open_folder",
    "parse_json",
    "read_as",
    "read_file",
    "require_plain",
    "write_archive",
]
