"""A folder of sounds: class folders, with train / val / test folders above them where given, or names that say the class."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import Tree, media_source
from netpick.data.sources.image_folder import commonest_media, list_media
from netpick.data.sources.name_pattern import named_source, parse_pattern, suggested_pattern
from netpick.data.sources.paths import readable
from netpick.errors import DataError
from netpick.types import Source


class SoundFolderReader(Reader):
    """sounds/dog/1.wav, sounds/train/dog/1.flac, or sounds/dog_anna_1.mp3 with --label-from."""

    name: ClassVar[str] = "sound_folder"
    description: ClassVar[str] = "a folder of sounds, by class folders or names"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and commonest_media(path) == "audio"

    def read(self, path: Path, options: ReadOptions) -> Source:
        tree = list_media(path, "audio")
        if options.label_from is not None:
            pattern = parse_pattern(options.label_from)
            return named_source(tree, path, pattern, layout=self.name, use_parts=options.find_test)
        _require_class_folders(tree, path)
        name = readable(path.absolute().name)
        return media_source(tree, path, name=name, layout=self.name, in_zip=False, use_parts=options.find_test)


def _require_class_folders(tree: Tree, path: Path) -> None:
    """All sounds in one folder say their class in their names, if at all."""
    if len(tree.folders) != 1:
        return
    (folder,) = tree.folders
    names = tree.folders[folder]
    pattern = suggested_pattern(names) or "{label}_{index}"
    raise DataError(
        f"{path} holds {len(names):,} sounds in one folder ({names[0]}, ...), but one folder per class was expected: "
        f'{path.name}/CLASS/sound.wav. Where the names say the class, pass how: --label-from "{pattern}.wav"; where they say the words '
        'that are spoken: --label-from "{transcript}.wav".'
    )
