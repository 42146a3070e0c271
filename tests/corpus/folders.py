"""Broken and hostile folders and zips of pictures and texts, and tables that name files."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus.build import (
    FRACTIONS,
    chunk,
    cut,
    file,
    flipped,
    lines,
    photos,
    photos_with,
    picture,
    png,
    texts,
    texts_with,
    zipped,
)
from corpus.case import Case

FINE = "it reads as it is"
FLIPPED = "a flipped bit of a pixel or of a comment is no damage that a decoder could see"
Make = Callable[[Path], Any]


def case(
    reader: str, name: str, make: Make, code: int | tuple[int, ...] = 2, *words: str, why: str = "", **options: str
) -> Case:
    return Case(
        name=f"{reader}: {name}",
        make=make,
        code=code if isinstance(code, tuple) else (code,),
        words=words,
        why=why,
        options={f"--{key.replace('_', '-')}": value for key, value in options.items()},
    )


def broken(
    name: str, content: Any, code: int | tuple[int, ...] = 3, *words: str, why: str = "", called: str = "broken.png"
) -> Case:
    """Whole pictures and one that is not: finding D006 names it."""
    wanted = words or (("D006", called, "--accept D006") if code == 3 else ("photos",))
    return case("images", name, photos_with(content, called), code, *wanted, why=why)


def then(*makes: Callable[[Path], Any]) -> Make:
    """The last one's path, after all were made."""

    def make(folder: Path) -> Any:
        return [one(folder) for one in makes][-1]

    return make


def within(make: Make, change: Callable[[Path], Any]) -> Make:
    """Changes a folder that was made."""

    def changed(folder: Path) -> Any:
        root = make(folder)
        change(root)
        return root

    return changed


def empty_folder(folder: Path) -> Path:
    (folder / "photos").mkdir()
    return folder / "photos"


def class_folders_only(folder: Path) -> Path:
    for label in ("cat", "dog"):
        (folder / "photos" / label).mkdir(parents=True)
    return folder / "photos"


def flat(folder: Path) -> Path:
    for i in range(12):
        file(f"photos/{i}.png", png(shade=i))(folder)
    return folder / "photos"


def one_class(folder: Path) -> Path:
    for i in range(12):
        file(f"photos/cat/{i}.png", png(shade=i))(folder)
    return folder / "photos"


def one_each(folder: Path) -> Path:
    for i in range(5):
        file(f"photos/c{i}/1.png", png(shade=i))(folder)
    return folder / "photos"


def all_damaged(folder: Path) -> Path:
    for label in ("cat", "dog"):
        for i in range(12):
            file(f"photos/{label}/{i}.png", b"\x89PNG\r\n\x1a\nrubbish")(folder)
    return folder / "photos"


def deep(folder: Path) -> Path:
    root = photos(folder)
    inner = root / "cat"
    for _ in range(60):
        inner = inner / "d"
        inner.mkdir()
    (inner / "x.png").write_bytes(png())
    return root


def wide(folder: Path) -> Path:
    root = photos(folder)
    for i in range(3_000):
        (root / f"c{i}").mkdir()
    return root


def parts(folder: Path) -> Path:
    for part in ("train", "test"):
        photos(folder / "x", name=part)
    return folder / "x"


def link_to(target: str, name: str = "cat/link.png") -> Callable[[Path], None]:
    return lambda root: (root / name).symlink_to(target)


def pipe_in(name: str) -> Callable[[Path], None]:
    return lambda root: os.mkfifo(root / name)


def hard_bomb(width: int, height: int) -> bytes:
    """A whole PNG of nothing but zeros, as small as can be."""
    packer = zlib.compressobj(9)
    row = b"\0" * (width // 8 + 1)
    data = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    whole = png()
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 80_000_000, 9))
    return whole[:33] + bomb + whole[33:]


def profile_bomb() -> bytes:
    whole = png()
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 80_000_000, 9))
    return whole[:33] + bomb + whole[33:]


def gif_bomb() -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HH", 65_535, 65_535)
        + b"\xf7\0\0"
        + b"\0" * 768
        + b",\0\0\0\0"
        + struct.pack("<HH", 65_535, 65_535)
        + b"\0\x08\x02\0\0\0;"
    )


def tiff(width: int, height: int, *more: tuple[int, int, int, int]) -> bytes:
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
        (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 64), *more,
    ]  # fmt: skip
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<I", 72) + b"\0" * 64 + struct.pack("<H", len(entries)) + body + b"\0\0\0\0"


def bmp(width: int, height: int, bits: int = 24) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 100, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, 0, 0)
        + b"\0" * 50
    )


IMAGES = (
    case("images", "control", photos, 0, why=FINE),
    case("images", "control, given parts", parts, (0, 3), "D0", why="the parts hold the same pictures"),
    case("images", "empty folder", empty_folder, 2, "photos"),
    case("images", "class folders without pictures", class_folders_only, 2, "photos"),
    case("images", "no class folders", flat, 2, "12 images", "photos/CLASS/image.png"),
    case("images", "one class folder", one_class, 2, "'label'"),
    case("images", "one picture in all", file("photos/cat/1.png", png()), 2, "1.png"),
    case("images", "one picture each class", one_each, 2, "one row"),
    case("images", "folder with one picture", lambda f: file("photos/cat/1.png", png())(f).parent.parent, 2, "photos"),
    case("images", "all damaged", all_damaged, 2, "24 images", "cat/0.png"),
    case("images", "folders 60 deep", deep, 0, why="the class is the first folder"),
    case("images", "3,000 empty folders beside", wide, 0, why="folders without pictures are no classes"),
    broken("empty picture", b""),
    broken("one byte", b"\x89"),
    broken("a text", b"this is no picture"),
    broken("an HTML page", b"<!doctype html><html></html>"),
    broken("zeros", b"\0" * 5_000),
    broken("header only", png()[:33]),
    broken("PNG of no width", png(claimed=(0, 8))),
    broken("PNG of 200 million pixels", png(claimed=(20_000, 10_000))),
    broken("PNG of 2**62 pixels", png(claimed=(2**31 - 1, 2**31 - 1))),
    broken("PNG of 2**32 a side", png(claimed=(2**32 - 1, 2**32 - 1))),
    broken("PNG that claims more rows than it has", png(claimed=(8, 4_000))),
    broken("PNG of 90 million pixels, whole", lambda: hard_bomb(9_000, 10_000), 0, why="it is below the limit, and whole"),
    broken("PNG of 110 million pixels, whole", lambda: hard_bomb(11_000, 10_000)),
    broken("PNG with a comment that explodes", text_bomb, (0, 3), "broken.png", why="comments are not unpacked, or refused"),
    broken("PNG with a profile that explodes", profile_bomb, (0, 3), "broken.png", why="profiles are not unpacked, or refused"),
    broken("PNG without end", png()[:-12], (0, 3), "broken.png", why="all its pixels are there"),
    broken("PNG with a wrong checksum", png()[:30] + b"\0\0\0" + png()[33:]),
    broken("PNG of unknown colour type", png(colour=7)),
    broken("PNG of a palette that is not there", png(colour=3), (0, 3), "broken.png", why="Pillow reads it as grey"),
    broken("PNG with rubbish behind it", png() + b"rubbish" * 100, 0, why="what follows the end does not count"),
    broken("GIF of 65,535 a side", gif_bomb, 3, called="broken.gif"),
    broken("TIFF of 4 billion pixels", tiff(65_535, 65_535), 3, called="broken.tif"),
    broken("TIFF of 2**32 a side", tiff(2**32 - 1, 2**32 - 1), 3, called="broken.tif"),
    broken("TIFF that points into itself", tiff(8, 8)[:4] + struct.pack("<I", 4) + tiff(8, 8)[8:], 3, called="broken.tif"),
    broken("TIFF without entries", b"II*\0\x08\0\0\0\0\0\0\0\0\0", 3, called="broken.tif"),
    broken("TIFF with a million samples", tiff(8, 8, (277, 3, 1, 65_535))[:-4], (0, 3), "broken.tif", called="broken.tif", why="Pillow reads the first"),
    broken("BMP of negative size", bmp(-8, -8), 3, called="broken.bmp"),
    broken("BMP of 2**31 a side", bmp(2**31 - 1, 2**31 - 1), 3, called="broken.bmp"),
    broken("BMP of 7 bits", bmp(8, 8, 7), 3, called="broken.bmp"),
    broken("PPM of a billion rows", b"P6 8 1000000000 255\n" + b"\0" * 99, 3, called="broken.ppm"),
    broken("PPM of negative size", b"P6 -8 -8 255\n" + b"\0" * 99, 3, called="broken.ppm"),
    broken("PPM of endless digits", b"P2 8 8 255\n" + b"9" * 100_000, 3, called="broken.ppm"),
    broken("WebP header only", b"RIFF\xff\xff\xff\x7fWEBPVP8L" + b"\0" * 20, 3, called="broken.webp"),
    broken("WAV called png", b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 20),
    broken("EPS called png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"),
    broken("SVG called png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    broken("JPEG called png", lambda: picture("JPEG"), 0, why="pictures are known by their first bytes"),
    *(broken(f"JPEG cut to {share:.0%}", cut(lambda: picture("JPEG", 64), share), 3, called="broken.jpg") for share in FRACTIONS),
    *(broken(f"PNG cut to {share:.0%}", cut(lambda: picture("PNG", 64), share)) for share in FRACTIONS[:3]),
    *(broken(f"GIF cut to {share:.0%}", cut(lambda: picture("GIF", 64), share), 3, called="broken.gif") for share in FRACTIONS[:3]),
    *(broken(f"WebP cut to {share:.0%}", cut(lambda: picture("WEBP", 64), share), 3, called="broken.webp") for share in FRACTIONS),
    *(broken(f"TIFF cut to {share:.0%}", cut(lambda: picture("TIFF", 64), share), 3, called="broken.tif") for share in FRACTIONS),
    *(broken(f"JPEG with flipped bits {seed}", flipped(lambda: picture("JPEG", 64), seed), (0, 3), "broken.jpg", why=FLIPPED, called="broken.jpg") for seed in range(5)),
    *(broken(f"PNG with flipped bits {seed}", flipped(lambda: picture("PNG", 64), seed), (0, 3), "broken.png", why=FLIPPED) for seed in range(4)),
    *(broken(f"GIF with flipped bits {seed}", flipped(lambda: picture("GIF", 64), seed), (0, 3), "broken.gif", why=FLIPPED, called="broken.gif") for seed in range(4)),
    *(broken(f"WebP with flipped bits {seed}", flipped(lambda: picture("WEBP", 64), seed), (0, 3), "broken.webp", why=FLIPPED, called="broken.webp") for seed in range(4)),
    *(broken(f"TIFF with flipped bits {seed}", flipped(lambda: picture("TIFF", 64), seed), (0, 3), "broken.tif", why=FLIPPED, called="broken.tif") for seed in range(4)),
    case("images", "link out of the folder", then(file("secret.png", png()), within(photos, link_to("../../secret.png"))), 2, "link.png", "outside"),
    case("images", "link to a folder outside", then(file("other/1.png", png()), within(photos, link_to("../other", "bird"))), 2, "bird", "outside"),
    case("images", "absolute link out of the folder", within(photos, link_to("/etc/hostname")), 2, "link.png", "outside"),
    case("images", "link to the folder itself", within(photos, link_to("..", "cat/loop")), 0, why="linked folders are not entered"),
    case("images", "link to itself", within(photos, link_to("link.png")), (0, 2), "link.png", why="it is no file, and left out"),
    case("images", "link to nothing", within(photos, link_to("nothing.png")), (0, 2), "link.png", why="it is no file, and left out"),
    case("images", "link to a picture inside", within(photos, link_to("0.png")), (0, 3), "D0", why="it is inside"),
    case("images", "link to a device", within(photos, link_to("/dev/zero")), 2, "link.png"),
    case("images", "pipe among them", within(photos, pipe_in("cat/pipe.png")), 0, why="a pipe is no file, and left out"),
    case("images", "folder called like a picture", within(photos, lambda root: (root / "cat" / "x.png").mkdir()), 0, why="a folder is no picture"),
    case("images", "sparse picture of 50 GB", within(photos, lambda root: os.truncate(root / "cat" / "3.png", 50 << 30)), 3, "D006", "3.png"),
    case("images", "names that are no UTF-8", within(photos, lambda root: os.rename(root / "cat" / "3.png", os.fsencode(root) + b"/cat/\xff\xfe.png")), 0, why="a file may be called so"),
    case("images", "class that is no UTF-8", within(photos, lambda root: os.rename(root / "cat", os.fsencode(root) + b"/\xff\xfe")), 0, why="a folder may be called so"),
    case("images", "class of control letters", within(photos, lambda root: (root / "cat").rename(root / "c\x1b[31m\nt")), 0, why="a folder may be called so"),
    case("images", "classes in NFC and NFD", within(photos, lambda root: ((root / "cat").rename(root / "caf\u00e9"), (root / "dog").rename(root / "cafe\u0301"))), (0, 3), "caf", why="found by the checks where it matters"),
    case("images", "classes that differ by case", within(photos, lambda root: (root / "dog").rename(root / "CAT")), 0, why="said in a note"),
    case("images", "class of 250 letters", within(photos, lambda root: (root / "dog").rename(root / ("d" * 250))), 0, why="a folder may be called so"),
    case("images", "class called train", within(photos, lambda root: (root / "dog").rename(root / "train")), 0, why="no test folder is beside it"),
    case("images", "train and test of pictures without classes", within(photos, lambda root: ((root / "cat").rename(root / "train"), (root / "dog").rename(root / "test"))), 2, "train"),
    case("images", "hidden files and system files", within(photos, lambda root: [(root / "cat" / name).write_bytes(b"x") for name in (".x.png", "Thumbs.db", "._0.png")]), 0, why="they are left out"),
    case("images", "a picture named as a file", lambda f: photos(f) / "cat" / "0.png", 2, "0.png"),
    case("images", "names that do not fit", photos, 2, "{label}_{x}", label_from="{label}_{x}.png"),
    case("images", "pattern without label", photos, 2, "{label}", label_from="{x}.png"),
    case("images", "pattern with open braces", photos, 2, "{label", label_from="{label"),
    case("images", "pattern with a field twice", photos, 2, "{label}", label_from="{label}_{label}"),
    case("images", "pattern with fields side by side", photos, 2, "{label}{x}", label_from="{label}{x}"),
    case("images", "pattern with code", photos, 2, "{label", label_from="{label.__class__}"),
    case("images", "pattern with many folders", photos, 2, "a/b", label_from="a/b/c/{label}/{x}"),
    case("images", "pattern of 60 fields", within(photos, lambda root: [(root / ("_" * 59 + f"{i}.png")).write_bytes(png(shade=i)) for i in range(12)]), 2, "label", label_from="_".join(["{label}", *(f"{{f{i}}}" for i in range(59))])),
    case("images", "pattern that takes forever", within(photos, lambda root: (root / ("a" * 200 + ".png")).write_bytes(png())), 2, "label", label_from="{label}a{b}a{c}a{d}a{e}a{f}a{g}a{h}a{i}a{j}!"),
    case("images", "image size of nothing", photos, 2, "0x0", image_size="0x0"),
    case("images", "image size of a million", photos, 2, "1000000", image_size="1000000"),
)  # fmt: skip


def pictures(prefix: str = "photos/") -> list[tuple[str, bytes]]:
    return [
        (f"{prefix}{label}/{i}.png", png(shade=9 * i + n)) for n, label in enumerate(("cat", "dog")) for i in range(12)
    ]


def archive(name: str, content: Any, code: int | tuple[int, ...] = 2, *words: str, why: str = "") -> Case:
    return case("zip", name, file("photos.zip", content), code, *(words or ("photos.zip",)), why=why)


def links() -> bytes:
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in pictures():
            made.writestr(name, content)
        link = zipfile.ZipInfo("photos/cat/link.png", (1980, 1, 1, 0, 0, 0))
        link.external_attr = 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    return out.getvalue()


def lying_sizes(place: int, new: bytes) -> Callable[[], bytes]:
    """The listing at the zip's end says something else than the member."""

    def make() -> bytes:
        data = bytearray(zipped(pictures()))
        listing = data.rfind(b"PK\x01\x02")
        data[listing + place : listing + place + len(new)] = new
        return bytes(data)

    return make


def overlapping() -> bytes:
    """Many entries of the listing that share one member."""
    one = zipped([("photos/cat/1.png", png())], zipfile.ZIP_STORED)
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    listing = one[start:end]
    count = 20_000
    return (
        one[:start]
        + listing * count
        + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(listing) * count, start, 0)
    )


ZIPS = (
    archive("control", lambda: zipped(pictures()), 0, why=FINE),
    archive("empty", b""),
    archive("empty zip", lambda: zipped([])),
    archive("magic only", b"PK\x03\x04"),
    archive("no zip", b"PK this is a letter"),
    archive("a folder of texts", lambda: zipped([(f"a/{i}.txt", b"hello") for i in range(20)])),
    archive("pictures without classes", lambda: zipped([(f"{i}.png", png(shade=i)) for i in range(20)])),
    archive("members that leave the zip", lambda: zipped([*pictures(), ("../outside/cat/1.png", png())]), 2, "../outside/cat/1.png"),
    archive("members that leave it deep inside", lambda: zipped([*pictures(), ("photos/cat/../../../1.png", png())]), 2, "photos/cat/../../../1.png"),
    archive("absolute members", lambda: zipped([*pictures(), ("/etc/cat/1.png", png())]), 2, "/etc/cat/1.png"),
    archive("members with drive letters", lambda: zipped([*pictures(), ("C:/cat/1.png", png())]), 2, "C:/cat/1.png"),
    archive("members with backslashes", lambda: zipped([*pictures(), ("..\\cat\\1.png", png())]), 2, "cat"),
    archive("links", links, 2, "link.png"),
    archive("members of one name", lambda: zipped([*pictures(), *pictures()]), (0, 3), "D0", why="the last one of a name counts"),
    archive("encrypted members", lying_sizes(8, b"\x01\x00"), 2, "encrypted"),
    archive("a member that claims 4 GB", lying_sizes(24, b"\xfe\xff\xff\xff"), 2, "dog/11.png"),
    archive("a member that claims less", lying_sizes(24, b"\x01\0\0\0"), 3, "D006", "dog/11.png"),
    archive("a member with a wrong checksum", lying_sizes(16, b"\x01\2\3\4"), 3, "D006", "dog/11.png"),
    archive("a member of unknown packing", lying_sizes(10, b"\x63\0"), (2, 3), "dog/11.png"),
    archive("a member that begins nowhere", lying_sizes(42, b"\xff\xff\xff\x7f"), (2, 3), "photos"),
    archive("a picture that unpacks a thousandfold", lambda: zipped([*pictures(), ("photos/cat/x.png", b"\0" * 100_000_000)]), 2, "photos/cat/x.png"),
    archive("a picture of 600 MB", lambda: zipped([*pictures(), ("photos/cat/x.png", b"\0" * 600_000_000)]), 2, "photos/cat/x.png"),
    archive("a text that unpacks a thousandfold", lambda: zipped([*pictures(), ("photos/x.txt", b"\0" * 100_000_000)]), 0, why="other files are never unpacked"),
    archive("a zip in the zip", lambda: zipped([*pictures(), ("photos/cat/x.zip", zipped(pictures()))]), 0, why="other files are left out"),
    archive("20,000 entries for one picture", overlapping, 2, "'label'"),
    archive("names of control letters", lambda: zipped([*pictures(), ("photos/c\x1b[31m\nt/1.png", png()), ("photos/c\x1b[31m\nt/2.png", png(shade=3))]), (0, 3), "1.png", why="a folder may be called so"),
    archive("system folders", lambda: zipped([*pictures(), ("__MACOSX/photos/cat/._1.png", b"x")]), 0, why="they are left out"),
    archive("Parquet called zip", lambda: b"PK" + b"\0" * 400),
    *(archive(f"cut to {share:.0%}", cut(lambda: zipped(pictures()), share)) for share in FRACTIONS),
    *(archive(f"flipped bits {seed}", flipped(lambda: zipped(pictures()), seed), (0, 2, 3), "p", why=FLIPPED) for seed in range(10)),
    archive("rubbish before it", lambda: b"rubbish" * 100 + zipped(pictures()), 2),
)  # fmt: skip


def letters(name: str, content: bytes, code: int | tuple[int, ...] = 3, *words: str, why: str = "") -> Case:
    return case("texts", name, texts_with(content), code, *(words or ("D006", "broken.txt")), why=why)


def class_files(folder: Path) -> Path:
    return lines(folder)


def line_file(name: str, content: bytes) -> Make:
    return within(lines, lambda root: (root / name).write_bytes(content))


TEXTS = (
    case("texts", "control", texts, 0, why=FINE),
    letters("empty text", b"", 0, why="an empty text is a missing one"),
    letters("blanks only", b" \n\t\n", 0, why="an empty text is a missing one"),
    letters("a picture called txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    letters("NULs", b"hello\0world"),
    letters("UTF-16", "Grüße aus dem Süden, wo es warm ist".encode("utf-16"), 0, why="it has its mark"),
    letters("UTF-16 cut", "Grüße aus dem Süden".encode("utf-16")[:-1]),
    letters("Latin-1", "Grüße aus dem Süden".encode("latin-1"), 0, why="guessed, and that is said"),
    letters("Shift-JIS", "日本語の文章です。とても短い。".encode("shift_jis"), 0, why="guessed, and that is said"),
    letters("all bytes", bytes(range(256))),
    letters("20 MB", b"word " * 4_000_000, 0, why="a text is cut where networks stop reading"),
    letters("20 MB without a blank", b"w" * 20_000_000, 0, why="a text is cut where networks stop reading"),
    letters("only control letters", bytes(range(1, 32)), 0, why="letters are letters"),
    case("texts", "sparse text of 10 GB", within(texts, lambda root: os.truncate(root / "glad" / "3.txt", 10 << 30)), 3, "D006", "3.txt"),
    case("texts", "all empty", lambda f: (file("letters/a/1.txt", b"")(f), file("letters/a/2.txt", b"")(f), file("letters/b/1.txt", b"")(f), f / "letters")[-1], 2, "letters"),
    case("texts", "one text", lambda f: (file("letters/a/1.txt", b"hello there you")(f), f / "letters")[-1], 2, "letters"),
    case("texts", "one class", lambda f: ([file(f"letters/a/{i}.txt", b"hello there you %d" % i)(f) for i in range(9)], f / "letters")[-1], 2, "letters"),
    case("texts", "link out of the folder", then(file("secret.txt", "secret"), within(texts, link_to("../../secret.txt", "glad/link.txt"))), 2, "link.txt", "outside"),
    case("texts", "link to /etc/passwd", within(texts, link_to("/etc/passwd", "glad/link.txt")), 2, "link.txt", "outside"),
    case("texts", "link to itself", within(texts, link_to("link.txt", "glad/link.txt")), (0, 2), "link.txt", why="it is no file, and left out"),
    case("texts", "pipe among them", within(texts, pipe_in("glad/pipe.txt")), 0, why="a pipe is no file, and left out"),
    case("texts", "a file in no known encoding said", texts_with("Grüße".encode("latin-1")), 3, "D006", "broken.txt", encoding="utf-8"),
    case("texts", "names that are no UTF-8", within(texts, lambda root: os.rename(root / "glad" / "3.txt", os.fsencode(root) + b"/glad/\xff.txt")), 0, why="a file may be called so"),
    case("texts", "class that is no UTF-8", within(texts, lambda root: os.rename(root / "glad", os.fsencode(root) + b"/\xff")), 0, why="a folder may be called so"),
    case("lines", "control", class_files, 0, why=FINE),
    case("lines", "empty file beside", line_file("Greek.txt", b""), 0, why="said in a note"),
    case("lines", "one line beside", line_file("Greek.txt", b"Name\n"), 2, "Greek"),
    case("lines", "NULs", line_file("Greek.txt", b"a\nb\0\nc\n"), 2, "Greek.txt"),
    case("lines", "a picture called txt", line_file("Greek.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256))), 2, "Greek.txt"),
    case("lines", "UTF-16 cut", line_file("Greek.txt", "αβγ\nδεζ\n".encode("utf-16")[:-1]), 2, "Greek.txt"),
    case("lines", "a line of 20 MB", line_file("Greek.txt", b"a\n" + b"x" * 20_000_000 + b"\nb\n"), 0, why="a text is cut where networks stop reading"),
    case("lines", "mixed line ends", line_file("Greek.txt", b"a\r\nb\rc\nd\r\r\ne"), 0, why=FINE),
    case("lines", "only a readme", lambda f: file("names/README.txt", b"hello")(f).parent, 2, "names"),
    case("lines", "one class", lambda f: file("names/Irish.txt", b"a\nb\nc\n")(f).parent, 2, "names"),
    case("lines", "link out of the folder", within(lines, link_to("/etc/passwd", "Greek.txt")), 2, "Greek.txt", "outside"),
)  # fmt: skip


def named(cells: Callable[[int], str], *, header: str = "photo,y", make: Make = photos) -> Make:
    """A table beside photos/ whose first column names pictures."""

    def made(folder: Path) -> Path:
        make(folder)
        rows = "".join(f"{cells(i)},{'ab'[i % 2]}\n" for i in range(24))
        return file("data.csv", f"{header}\n{rows}")(folder)

    return made


def usual(i: int) -> str:
    return f"photos/{('cat', 'dog')[i % 2]}/{i // 2}.png"


PATHS = (
    case("paths", "control", named(usual), 0, why=FINE),
    case("paths", "one is not there", named(lambda i: usual(i) if i != 5 else "photos/nothing.png"), 3, "D006", "nothing.png"),
    case("paths", "one is missing", named(lambda i: usual(i) if i != 5 else ""), 3, "D006"),
    case("paths", "one is a pipe", named(lambda i: usual(i) if i != 5 else "photos/pipe.png", make=within(photos, pipe_in("pipe.png"))), 3, "D006", "pipe.png"),
    case("paths", "one is a folder", named(lambda i: usual(i) if i != 5 else "photos/x.png", make=within(photos, lambda root: (root / "x.png").mkdir())), 3, "D006", "x.png"),
    case("paths", "one is a link to a device", named(lambda i: usual(i) if i != 5 else "photos/x.png", make=within(photos, link_to("/dev/zero", "x.png"))), 3, "D006", "x.png"),
    case("paths", "one is endless", named(lambda i: usual(i) if i != 5 else "photos/x.png", make=within(photos, lambda root: ((root / "x.png").write_bytes(png()), os.truncate(root / "x.png", 50 << 30)))), 3, "D006", "x.png"),
    case("paths", "one is a name of 5,000 letters", named(lambda i: usual(i) if i != 5 else "x" * 5_000 + ".png"), 3, "D006"),
    case("paths", "one has a line end", named(lambda i: usual(i) if i != 5 else '"a\nb.png"'), 3, "D006"),
    case("paths", "one is no picture", named(lambda i: usual(i) if i != 5 else "data.csv"), 3, "D006", "data.csv"),
    case("paths", "none is there", named(lambda i: f"nowhere/{i}.png"), (0, 2), "data.csv", why="they are read as texts, and it is said that no such file is there"),
    case("paths", "all names are too long", named(lambda i: "x" * 5_000 + f"{i}.png"), (0, 2), "data.csv", why="they are read as texts, and it is said that no such file is there"),
    case("paths", "all are one", named(lambda i: "photos/cat/1.png"), (2, 3), "data"),
)  # fmt: skip

CASES = (*IMAGES, *ZIPS, *TEXTS, *PATHS)
