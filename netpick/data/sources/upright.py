"""The sizes of pictures as they lie in files and as they are seen: EXIF data may say that one is to be turned, and boxes drawn on it were not."""

from __future__ import annotations

from pathlib import Path

from netpick.data.decode_worker import PILLOW_ERRORS, UnreadableImageError, open_image, upright_size


def sizes_of_file(file: Path) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """(width, height) after EXIF orientation, and before it; None where the file is no picture that can be opened."""
    try:
        with open_image(file.read_bytes()) as image:
            return upright_size(image), image.size
    except (UnreadableImageError, OSError, *PILLOW_ERRORS):
        return None, None
