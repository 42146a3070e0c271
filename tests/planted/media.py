"""Faults of pictures and clips."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
from moving_digits import drawn_digits, moving_digits, write_frames, write_videos
from PIL import Image

from planted.case import Array, Case, Place, Planted, cases, photo_paths, pictures

DAY = 86_400


def _changed(pixels: Array, how: str, strength: float) -> Array:
    """A picture (h, w), or (h, w, 3), in slightly different form, of the same size."""
    image = Image.fromarray(pixels)
    if how == "jpeg":
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=round(100 * strength))
        image = Image.open(buffer)
    elif how == "resized":
        small = (max(6, round(image.width * strength)), max(6, round(image.height * strength)))
        image = image.resize(small, Image.Resampling.BICUBIC).resize(
            (image.width, image.height), Image.Resampling.BILINEAR
        )
    elif how == "mirrored":
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    else:
        return np.clip(np.asarray(image, float) * strength + 10, 0, 255).astype(np.uint8)
    return np.asarray(image.convert("L") if pixels.ndim == 2 else image.convert("RGB"))


def _given(images: Array, labels: Array, count: int, test: tuple[Array, Array]) -> Planted:
    return Planted(data=(images[:count], labels[:count]), options={"test": test})


# --- pictures in arrays ----------------------------------------------------------------------------------------------


def copied_pictures(place: Place, name: str, share: float) -> Planted:
    images, labels = pictures(place, name)
    learned = round(0.7 * len(images))
    copies = round(share * (len(images) - learned))
    test, tested = images[learned:].copy(), labels[learned:].copy()
    test[:copies], tested[:copies] = images[:copies], labels[:copies]
    return _given(images, labels, learned, (test, tested))


def changed_pictures(place: Place, name: str, how: str, strength: float, share: float) -> Planted:
    images, labels = pictures(place, name)
    learned = round(0.7 * len(images))
    copies = round(share * (len(images) - learned))
    test, tested = images[learned:].copy(), labels[learned:].copy()
    for i in range(copies):
        test[i], tested[i] = _changed(images[i], how, strength), labels[i]
    return _given(images, labels, learned, (test, tested))


def marked_pictures(place: Place, name: str, size: int) -> Planted:
    """A mark in the corner of one class."""
    images, labels = pictures(place, name)
    images[labels == labels.max(), :size, -size:] = 255
    images[labels != labels.max(), :size, -size:] = 128
    return Planted(data=(images, labels))


def blank_pictures(place: Place, name: str, share: float) -> Planted:
    images, labels = pictures(place, name)
    chosen = place.generator.permutation(len(images))[: round(share * len(images))]
    images[chosen] = place.generator.integers(0, 255)
    return Planted(data=(images, labels))


def dead_channel(place: Place, name: str, value: int) -> Planted:
    images, labels = pictures(place, name)
    colour = np.stack([images, np.full_like(images, value), images // 2], axis=3)
    return Planted(data=(colour, labels))


def other_light(place: Place, name: str, factor: float) -> Planted:
    images, labels = pictures(place, name)
    learned = round(0.7 * len(images))
    test = np.clip(images[learned:] * factor + 20, 0, 255).astype(np.uint8)
    return _given(images, labels, learned, (test, labels[learned:]))


def mislabelled_pictures(place: Place, name: str, share: float) -> Planted:
    images, labels = pictures(place, name)
    chosen = place.generator.permutation(len(labels))[: round(share * len(labels))]
    count = labels.max() + 1
    labels[chosen] = (labels[chosen] + place.generator.integers(1, count, len(chosen))) % count
    return Planted(data=(images, labels))


def twice_with_two_labels(place: Place, name: str, share: float) -> Planted:
    images, labels = pictures(place, name)
    count = round(share * len(images))
    again = (labels[:count] + 1) % (labels.max() + 1)
    order = place.generator.permutation(len(images) + count)
    return Planted(data=(np.concatenate([images, images[:count]])[order], np.concatenate([labels, again])[order]))


# --- pictures in files -----------------------------------------------------------------------------------------------


def _write(folder: Path, images: Array, labels: Array, name: str = "{label}/{number:04}.png") -> list[Path]:
    paths = []
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        path = folder / name.format(label=f"class{label}", number=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        paths.append(path)
    return paths


def changed_photos(place: Place, how: str, strength: float, source: str) -> Planted:
    """A folder with train/ and test/ photographs, a fifth of the latter changed copies."""
    del source
    for name, paths in photo_paths(place, 200).items():
        for part, chosen in (("train", paths[:150]), ("test", paths[150:])):
            (place.folder / part / name).mkdir(parents=True)
            for path in chosen:
                shutil.copy(path, place.folder / part / name / path.name)
        for number, path in enumerate(paths[:12]):
            image = np.asarray(Image.open(path).convert("RGB"))
            copy = Image.fromarray(_changed(image, how, strength))
            if how == "resized":
                copy = copy.resize((round(copy.width * strength), round(copy.height * strength)))
            copy.save(place.folder / "test" / name / f"new_{number}.jpg", quality=80)
    return Planted(data=place.folder)


def telling_trait(place: Place, name: str, trait: str, share: float) -> Planted:
    """Files of one class have a trait of their own; `share` of them, and none of the others."""
    images, labels = pictures(place, name, 400)
    generator = place.generator
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        own = label == 0 and generator.random() < share
        picture = Image.fromarray(image).resize((48, 48))
        stem, ending, options = f"img_{number:04}", ".png", {}
        if trait == "dimensions" and own:
            picture = picture.resize((64, 52))
        if trait == "colours" and own:
            picture = picture.convert("RGB")
        if trait == "format" and own:
            ending = ".jpg"
        if trait == "name" and own:
            stem = f"scan_{number:04}"
        if trait == "size":
            ending, options = ".jpg", {"quality": 98 if own else 25}
        path = place.folder / f"kind{label}" / (stem + ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, **options)
        moment = 1_600_000_000 + generator.integers(0, 30) * DAY + (400 * DAY if trait == "date" and own else 0)
        os.utime(path, (moment, moment))
    return Planted(data=place.folder)


def same_scene(place: Place, takes: int) -> Planted:
    """Several pictures of each scene, named after it, in both parts of a random split."""
    generator = place.generator
    images, labels = pictures(place, "spots", 480 // takes)
    for scene, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        for take in range(takes):
            moved = np.roll(image, generator.integers(-3, 4, 2), axis=(0, 1)).astype(float)
            moved = np.clip(moved * generator.uniform(0.8, 1.2) + generator.normal(0, 10, image.shape), 0, 255)
            path = place.folder / f"kind{label}" / f"scene{scene:03}_{take}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(moved.astype(np.uint8)).save(path)
    return Planted(data=place.folder)


def broken_files(place: Place, name: str, count: int) -> Planted:
    images, labels = pictures(place, name, 300)
    paths = _write(place.folder, images, labels)
    for i in place.generator.permutation(len(paths))[:count].tolist():
        paths[i].write_bytes(paths[i].read_bytes()[:60])
    return Planted(data=place.folder)


def pictures_beside_numbers(place: Place, name: str, share: float) -> Planted:
    """Rows of a picture and a number; test rows show pictures that are learned from, beside other numbers."""
    images, labels = pictures(place, name, 500)
    paths = _write(place.folder / "pictures", images, labels * 0, "{number:04}.png")
    generator = place.generator
    names = [f"pictures/{path.name}" for path in paths]
    learned = 350
    copies = round(share * 150)
    shown = names[:learned] + names[:copies] + names[learned + copies :]
    truth = np.concatenate([labels[:learned], labels[:copies], labels[learned + copies :]])
    frame = pl.DataFrame(
        {"picture": shown, "weight": generator.normal(size=500), "target": [f"kind {v}" for v in truth]}
    )
    frame[:learned].write_csv(place.folder / "rows.csv")
    frame[learned:].write_csv(place.folder / "more.csv")
    return Planted(data=place.folder / "rows.csv", options={"test": place.folder / "more.csv"})


# --- clips -----------------------------------------------------------------------------------------------------------


def _clips(place: Place, count: int) -> tuple[Array, Array]:
    clips, labels = moving_digits(drawn_digits(16), count, directions=2, frames=6, side=24, seed=place.seed)
    noise = place.generator.normal(0, 12, (count, 1, 24, 24)) + 30
    return np.clip(clips * 0.7 + noise, 0, 255).astype(np.uint8), np.array(labels)


def faulty_clips(place: Place, how: str, share: float) -> Planted:
    clips, labels = _clips(place, 220)
    generator = place.generator
    learned = 150
    count = round(share * (len(clips) - learned))
    test = slice(learned, learned + count)
    if how == "copied":
        clips[test], labels[test] = clips[:count], labels[:count]
    elif how == "mirrored":
        clips[test], labels[test] = clips[:count, :, :, ::-1], labels[:count]
    elif how == "brighter":
        clips[test] = np.clip(clips[:count] * 1.25 + 12, 0, 255).astype(np.uint8)
        labels[test] = labels[:count]
    elif how == "frozen":
        chosen = generator.permutation(len(clips))[: round(share * len(clips))]
        clips[chosen] = clips[chosen, :1]
    elif how == "darker":
        clips[learned:] = (clips[learned:] * 0.5).astype(np.uint8)
    elif how == "marked":
        clips[labels == "right", :, :4, :4], clips[labels != "right", :, :4, :4] = 250, 60
    for part, rows in (("train", slice(0, learned)), ("test", slice(learned, None))):
        write_frames(clips[rows], labels[rows].tolist(), place.folder / part)
    return Planted(data=place.folder)


def clips_of_two_formats(place: Place, share: float) -> Planted:
    clips, labels = _clips(place, 80)
    chosen = (labels == "right") & (place.generator.random(len(labels)) < share)
    write_videos(clips[chosen], labels[chosen].tolist(), place.folder, ".avi")
    folder = place.folder / "rest"
    write_videos(clips[~chosen], labels[~chosen].tolist(), folder)
    for path in sorted(folder.rglob("*.mp4")):
        target = place.folder / path.parent.name / f"x{path.name}"
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    shutil.rmtree(folder)
    return Planted(data=place.folder)


CASES: list[Case] = [
    *cases("image", "D001", copied_pictures, [("mnist", 0.1)], [("xrays", 0.3), ("spots", 0.05)]),
    *cases("image", "D016", changed_pictures, [("mnist", "jpeg", 0.6, 0.2), ("xrays", "mirrored", 1.0, 0.1), ("spots", "brighter", 1.3, 0.3)], [("mnist", "brighter", 1.25, 0.3), ("xrays", "jpeg", 0.5, 0.15), ("spots", "resized", 0.75, 0.2), ("xrays", "resized", 0.8, 0.3), ("mnist", "mirrored", 1.0, 0.05)]),
    *cases("image", "D016", changed_photos, [("resized", 0.5, "photos"), ("jpeg", 0.3, "photos")], [("mirrored", 1.0, "photos"), ("brighter", 1.3, "photos")]),
    *cases("image", "D002", marked_pictures, [("mnist", 2)], [("xrays", 3), ("spots", 4)]),
    *cases("image", "D027", blank_pictures, [("mnist", 0.02)], [("xrays", 0.05)]),
    *cases("image", "D027", dead_channel, [("spots", 255)], [("mnist", 0)]),
    *cases("image", "D025", other_light, [("xrays", 1.3)], [("spots", 0.7), ("mnist", 0.8)]),
    *cases("image", "D024", mislabelled_pictures, [("digits", 0.05)], [("mnist", 0.08)]),
    *cases("image", "D023", twice_with_two_labels, [("mnist", 0.03)], [("xrays", 0.05)]),
    *cases("image", "D020", telling_trait, [("digits", "dimensions", 1.0), ("digits", "name", 1.0), ("xrays", "size", 1.0)], [("digits", "colours", 0.9), ("spots", "date", 1.0), ("digits", "size", 1.0), ("spots", "dimensions", 0.85), ("xrays", "name", 0.95)]),
    *cases("image", "D010", telling_trait, [("spots", "format", 1.0)], [("digits", "format", 0.7)]),
    *cases("image", "D021", same_scene, [(6,)], [(4,)]),
    *cases("image", "D006", broken_files, [("digits", 10)], [("spots", 2)]),
    *cases("image", "D001", pictures_beside_numbers, [("spots", 0.2)], [("digits", 0.1)]),
    *cases("clip", "D001", faulty_clips, [("copied", 0.3)], [("copied", 0.1)]),
    *cases("clip", "D016", faulty_clips, [("mirrored", 0.4)], [("brighter", 0.3)]),
    *cases("clip", "D027", faulty_clips, [("frozen", 0.05)], [("frozen", 0.2)]),
    *cases("clip", "D025", faulty_clips, [("darker", 1.0)], []),
    *cases("clip", "D002", faulty_clips, [], [("marked", 1.0)]),
    *cases("clip", "D010", clips_of_two_formats, [(1.0,)], [(0.8,)]),
]  # fmt: skip
