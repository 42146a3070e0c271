"""Pictures, sounds and clips in formats that no decoder opens: what each is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

JPEG = "convert them to JPEG or PNG"
WAV = "convert them to WAV or FLAC"
MP4 = "convert them to MP4"
CAMERA = ("raw pictures of a camera", JPEG)
UNREAD: Mapping[str, tuple[str, str]] = {
    ".heic": ("HEIC pictures", JPEG),
    ".heif": ("HEIC pictures", JPEG),
    ".avif": ("AVIF pictures", JPEG),
    ".jxl": ("JPEG XL pictures", JPEG),
    ".jp2": ("JPEG 2000 pictures", JPEG),
    ".tga": ("Targa pictures", JPEG),
    ".psd": ("Photoshop pictures", JPEG),
    ".svg": ("drawings (SVG)", "draw them as PNG"),
    ".exr": ("OpenEXR pictures", JPEG),
    ".dcm": ("DICOM pictures", JPEG),
    ".nii": ("NIfTI volumes", "write their slices as PNG"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2"), CAMERA),
    ".mid": ("notes (MIDI), which hold no sound", "play them to WAV"),
    ".wmv": ("Windows Media clips", MP4),
    ".flv": ("Flash clips", MP4),
    ".3gp": ("clips of telephones (3GP)", MP4),
    ".mts": ("clips of camcorders (MTS)", MP4),
}


def unread_ending(name: str) -> str:
    """The ending of a file that holds media of no reader; "" for others."""
    lowered = name.lower().removesuffix(".gz")
    ending = f".{lowered.rpartition('.')[2]}"
    return ending if ending in UNREAD else ""


def unread_words(endings: Mapping[str, int]) -> str:
    """Such as: 20 .heic files (HEIC pictures, which are not read: convert them to JPEG or PNG)."""
    parts = []
    for ending, count in endings.items():
        what, remedy = UNREAD[ending]
        files = "file" if count == 1 else "files"
        parts.append(f"{count:,} {ending} {files} ({what}, which are not read: {remedy})")
    return ", ".join(parts)
