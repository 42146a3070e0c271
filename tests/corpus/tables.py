"""Broken and hostile delimited text, plain and gzip."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from corpus.build import FRACTIONS, file, flipped, gzip_bomb, packed, table
from corpus.case import Case

GOOD = table()
FINE = "it reads as the table that it is"


def csv(
    name: str, content: object, code: int | tuple[int, ...] = 2, *words: str, why: str = "", **options: str
) -> Case:
    """A case of one file data.csv; the message names the file or the words."""
    codes = code if isinstance(code, tuple) else (code,)
    make = content if callable(content) and not isinstance(content, (str, bytes)) else file("data.csv", content)  # type: ignore[arg-type]
    return Case(
        name=f"csv: {name}",
        make=make,  # type: ignore[arg-type]
        code=codes,
        words=words or ("data.csv",),
        why=why,
        options={f"--{key.replace('_', '-')}": value for key, value in options.items()},
    )


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def rows(make: Callable[[int], str], header: str = "x,y", count: int = 60) -> str:
    return lines(header, *(make(i) for i in range(count)))


def picked(*labels: str) -> str:
    """Rows of a number and one of these labels in turn."""
    return rows(lambda i: f"{i % 7},{labels[i % len(labels)]}")


def label(i: int) -> str:
    return "ab"[i % 3 > 0]


def insert(text: str, line: int, new: str) -> str:
    parts = text.split("\n")
    return "\n".join([*parts[: line - 1], new, *parts[line - 1 :]])


STRUCTURE = (
    csv("control, plain", GOOD, 0, why=FINE),
    csv("control, tabs and Windows line ends", GOOD.replace(",", "\t").replace("\n", "\r\n"), 0, why=FINE),
    csv("empty", b"", 2, "data.csv", "empty"),
    csv("one newline", b"\n"),
    csv("blank lines", b"\n\n  \n\t\n\n"),
    csv("one letter", b"a"),
    csv("one number", b"7"),
    csv("header only", b"x,y\n", 2, "data.csv", "x, y"),
    csv("header without line end", b"x,y", 2, "data.csv"),
    csv("one row", b"x,y\n1,a\n", 2, "data.csv"),
    csv("two rows", b"x,y\n1,a\n2,b\n", 2, "row"),
    csv("one column", rows(lambda i: str(i % 7), "x"), 2, "data", "x"),
    csv("only separators", b",,,\n,,,\n,,,\n"),
    csv("row too long", insert(GOOD, 33, "1,2,a,9"), 2, "line 33", "4 cells"),
    csv("row too short", insert(GOOD, 33, "1,2"), 2, "line 33", "2 cells"),
    csv("every other row too long", rows(lambda i: f"{i},{label(i)}" + ",9" * (i % 2)), 2, "line 3"),
    csv("last line cut", GOOD[:-4], (0, 2), "line 61", why="a last line without its end is a row where it has all its cells"),
    csv("last line lacks cells", GOOD + "5,", 2, "line 62"),
    csv("quote never closed", insert(GOOD, 20, '1,"2,a'), 0, why="the quote is part of its cell, a stray one among numbers"),
    csv("quote closed in the middle", insert(GOOD, 20, '1,"2" 3,a'), (0, 2), why="quotes may be part of the text"),
    csv("quotes everywhere but one", '"x","y"\n' + '"1","a"\n' * 30 + '"2","b\n' + '"1","a"\n' * 30, 2, "y", "one row"),
    csv("cells with separators in quotes", rows(lambda i: f'"{i % 7},0","a,{label(i)}"'), 0, why="quoted commas belong to cells"),
    csv("line ends in quotes", rows(lambda i: f'{i % 7},"a\n{label(i)}"'), 0, why="quoted line ends belong to cells"),
    csv("mixed line ends", "x,y\r\n" + "".join(f"{i % 7},{label(i)}" + ("\n", "\r\n", "\r")[i % 3] for i in range(60)), 0, why=FINE),
    csv("old Macintosh line ends", GOOD.replace("\n", "\r"), 0, why=FINE),
    csv("form feeds and vertical tabs", GOOD.replace("\n", "\f\n", 5).replace("13", "\v13"), (0, 2), "data", why="odd blanks"),
    csv("Unicode line separators", rows(lambda i: f"{i % 7},a\u2028{label(i)}\u2029"), 0, why="only \\n and \\r end a row"),
    csv("duplicate columns", GOOD.replace("x,z,y", "x,x,y"), 0, why="the second is numbered, and that is said"),
    csv("all columns called the same", GOOD.replace("x,z,y", "y,y,y"), 0, why="they are numbered, and that is said"),
    csv("duplicates of numbered names", "x,x_2,x,y\n" + "".join(f"{i % 7},{i % 5},{i % 3},{label(i)}\n" for i in range(60)), 0, why="numbered on"),
    csv("empty names", GOOD.replace("x,z,y", ",,y"), 0, why="they are called column_1 and column_2"),
    csv("all names empty", GOOD.replace("x,z,y", ",,"), 0, why="they are called column_1 to column_3"),
    csv("names of blanks", GOOD.replace("x,z,y", "  , ,y"), 0, why="they are called by their place"),
    csv("name with a line end", GOOD.replace("x,z,y", '"x\nx",z,y'), 0, why="a quoted name may have two lines"),
    csv("name of 100,000 letters", GOOD.replace("x,", "x" * 100_000 + ","), 0, why="long names are names"),
    csv("names with braces, brackets and dots", GOOD.replace("x,z,y", "x{0},%s[z]/..,y"), 0, why="names are only names"),
    csv("name with a NUL", GOOD.replace("x,", "x\0,").encode(), 2),
    csv("names that look like paths", GOOD.replace("x,z,y", "../x,/etc/passwd,y"), 0, why="names are only names"),
    csv("name with an escape sequence", GOOD.replace("x,z", "\x1b[31mx,z"), 0, why="it is shown as text"),
    csv("separator at the end of each row", GOOD.replace("\n", ",\n"), 0, why="the empty column is left out"),
    csv("separator at the end of rows, not of the header", "x,z,y\n" + GOOD[6:].replace("\n", ",\n"), 0, why="as spreadsheets write it"),
    csv("header of another separator", GOOD.replace("x,z,y", "x;z;y"), (0, 2), why="then its cells are one name"),
    csv("comments above the header", "# made by hand\n# in spring\n" + GOOD, 0, why="remarks above the names are left out, and said"),
    csv("two tables in one file", GOOD + "\nname;place;size;day\nA;B;3;4\n", 2, "line 63"),
    csv("header repeated in the middle", insert(GOOD, 30, "x,z,y"), 0, why="the header of a joined file is no row"),
    csv("JSON in it", '{"x": 1,\n "y": [1, 2, 3]}\n', 2),
    csv("HTML in it", "<!doctype html>\n<html><body><h1>404, not found</h1>\n<p>Sorry.</p></body></html>\n", 2),
    csv("prose", "It was a dark night, and stormy; the rain\nfell in torrents, except at times.\nThe end\n", 2),
    csv("R row names", "x,y\n" + "".join(f"r{i},{i % 7},{label(i)}\n" for i in range(60)), 0, why="the first column are row names"),
    csv("a single class", rows(lambda i: f"{i % 7},a"), 2, "only 'a'"),
    csv("a class of one row", rows(lambda i: f"{i % 7},{'c' if i == 9 else label(i)}"), 2, "'c'", "one row"),
    csv("target missing everywhere", rows(lambda i: f"{i % 7},"), 2, "'y'"),
    csv("everything missing", rows(lambda i: ","), 2, "x, y", "no rows"),
    csv("everything NA", rows(lambda i: "NA,NA"), 2, "'y'", "60 rows"),
    csv("features missing everywhere", rows(lambda i: f",{label(i)}"), 2, "no column left"),
    csv("features constant", rows(lambda i: f"5,{label(i)}"), 2, "no column left", "constant"),
    csv("target of one row each", rows(lambda i: f"{i % 7},name{i}"), 2, "y"),
    csv("identifiers only", rows(lambda i: f"id{i}x{i * i},{label(i)}", "id,y"), 2, "no column left"),
)  # fmt: skip

VALUES = (
    csv("control, quarter missing", rows(lambda i: f"{'' if i % 4 else i % 7},{label(i)}"), 0, why="missing cells are a class of their own"),
    csv("infinity", rows(lambda i: f"{'inf' if i == 8 else i * 0.5 % 3},{label(i)}"), 2, "'x' (row 9) holds inf"),
    csv("minus infinity", rows(lambda i: f"{'-Infinity' if i == 8 else i * 0.5 % 3},{label(i)}"), 2, "'x' (row 9) holds -inf"),
    csv("numbers beyond float64", rows(lambda i: f"{'1e999' if i == 8 else i * 0.5 % 3},{label(i)}"), 2, "'x' (row 9) holds inf"),
    csv("infinite target", rows(lambda i: f"{i % 7},{'inf' if i == 8 else i * 0.37}"), 2, "'y' (row 9) holds inf"),
    csv("NaN as text", rows(lambda i: f"{'NaN' if i % 3 else i * 0.5 % 3},{label(i)}"), 0, why="NaN is missing"),
    csv("NaN target", rows(lambda i: f"{i % 7},{'NaN' if i % 5 == 0 else i * 0.37}"), 0, why="rows without a target are left aside, and that is said"),
    csv("integers of 400 digits", rows(lambda i: f"{'9' * 400 if i == 8 else i % 7},{label(i)}"), (0, 2), "x", why="text among numbers"),
    csv("integers around 2**63", rows(lambda i: f"{2**63 - 3 + i % 7},{label(i)}"), 0, why="their digits would be lost as numbers: they are codes"),
    csv("integers around 2**64", rows(lambda i: f"{2**64 + i % 7},{label(i)}"), 0, why="their digits would be lost as numbers: they are codes"),
    csv("numbers near the largest float", rows(lambda i: f"{(1 + i % 7) * 1e307:.3e},{label(i)}"), 0, why="finite numbers are numbers"),
    csv("numbers near the smallest float", rows(lambda i: f"{(1 + i % 7) * 5e-324},{label(i)}"), 0, why="finite numbers are numbers"),
    csv("huge target", rows(lambda i: f"{i % 7},{(i % 11 - 5) * 1.7e307:.4e}"), (0, 2), "y", why="finite numbers are numbers"),
    csv("1e308 and -1e308", rows(lambda i: f"{'-' * (i % 2)}1.7e308,{label(i)}"), 0, why="finite numbers are numbers"),
    csv("hexadecimal numbers", rows(lambda i: f"0x{i % 7:02x},{label(i)}"), 0, why="they are texts of few values"),
    csv("numbers with blanks for thousands", rows(lambda i: f"1 {100 + i % 7},{label(i)}"), 0, why="they are texts of few values"),
    csv("currency", rows(lambda i: f"€ {i % 7}.50,{label(i)}"), 0, why="they are texts of few values"),
    csv("decimal commas", rows(lambda i: f"{i % 7},{i % 9};{label(i)}", "x;y"), 0, why="read as numbers, and that is said"),
    csv("Arabic digits", rows(lambda i: "٠١٢٣٤٥٦"[i % 7] + f",{label(i)}"), 0, why="they are texts of few values"),
    csv("fullwidth digits", rows(lambda i: "０１２３４５６"[i % 7] + f",{label(i)}"), 0, why="they are texts of few values"),
    csv("a stray word among numbers", rows(lambda i: f"{'unknown' if i == 8 else i * 0.5},{label(i)}"), 0, why="the stray cell is named, and read as missing"),
    csv("mixed numbers and words", rows(lambda i: f"{i if i % 2 else 'w' + str(i % 5)},{label(i)}"), (0, 2), "x", why="a category"),
    csv("dates out of range", rows(lambda i: f"{'2024-13-45' if i == 8 else f'2024-01-{1 + i % 28:02d}'},{label(i)}", "d,y"), 0, why="one date that is none is missing"),
    csv("all dates impossible", rows(lambda i: f"2024-02-{30 + i % 2},{label(i)}", "d,y"), 0, why="they are texts of two values"),
    csv("years 0 and 9999", rows(lambda i: f"{'0000-01-01' if i % 2 else '9999-12-31'},{label(i)}", "d,y"), 0, why="dates are dates"),
    csv("years of six digits", rows(lambda i: f"+{100000 + i}-01-01,{label(i)}", "d,y"), (0, 2), "d", why="texts that differ are left out"),
    csv("year, month and day out of range", rows(lambda i: f"{1000 + i},{1 + i % 12},{1 + i % 31},{label(i)}", "year,month,day,y"), 0, why="32 days after the month began is a day"),
    csv("times with and without zones", rows(lambda i: f"2024-01-01T{i % 24:02d}:00:00{'Z' if i % 2 else ''},{i % 5},{label(i)}", "t,x,y"), (0, 2), "t", why="text"),
    csv("cell of 30 MB", rows(lambda i: f"{'w ' * 15_000_000 if i == 8 else 'a few words here ' + str(i)},{label(i)}", "text,y"), 0, why="a text is cut where networks stop reading"),
    csv("cells of 200 kB each", rows(lambda i: f"{'word ' * 40_000}{i},{label(i)}", "text,y"), 0, why="a text is cut where networks stop reading"),
    csv("one endless word", rows(lambda i: f"{'x' * 5_000_000 if i == 8 else 'a few words here ' + str(i)},{label(i)}", "text,y"), 0, why="a word of more than 40 letters is none"),
    csv("combining accents without end", rows(lambda i: f"{'e' + chr(0x301) * 100_000 if i == 8 else 'a few words here ' + str(i)},{label(i)}", "text,y"), 0, why="a text is cut where networks stop reading"),
    csv("labels in NFC and NFD", picked('caf\u00e9', 'cafe\u0301', 'tea'), (0, 3), "y", why="found by the checks where it matters"),
    csv("labels of look-alike letters", picked('pat', 'p\u0430t', 'tea'), (0, 3), "y", why="found by the checks where it matters"),
    csv("labels that differ by a blank", picked("pat", " pat", "tea"), 0, why="blanks around cells are removed"),
    csv("labels with zero-width letters", picked('pat', 'pat' + chr(0x200b), 'tea'), (0, 3), "y", why="found by the checks where it matters"),
    csv("labels right to left", picked('\u202eabc', 'שלום'), 0, why="letters are letters"),
    csv("labels with markup", picked('<script>alert(1)</script>', '</style>'), 0, why="labels are only labels"),
    csv("labels with formulas", picked('=1+1', '@SUM(A1)'), 0, why="labels are only labels"),
    csv("labels of markup for terminals", picked('[bold red]x[/]', '[/nope]'), 0, why="labels are only labels"),
    csv("labels of 5,000 letters", rows(lambda i: f"{i % 7},{'ab'[i % 2] * 5_000}"), 0, why="labels are only labels"),
    csv("labels that are the same in 40 spellings", rows(lambda i: f"{i % 7},{'y' * (1 + i % 2)}{'!' * (i % 2)}"), 0, why="labels are only labels"),
    csv("label of emoji", picked("👩‍👩‍👧", "🏳️‍🌈"), 0, why="labels are only labels"),
    csv("cells that look like paths out of the folder", rows(lambda i: f"../../etc/passwd{i % 5}.png,{label(i)}", "photo,y"), 2, "'photo'", "names of files"),
)  # fmt: skip


def utf16_half(text: str) -> bytes:
    return text.encode("utf-16")[:-1]


ENCODINGS = (
    csv("control, UTF-16", picked('süß', 'öd').encode("utf-16"), 0, why="it has its mark"),
    csv("UTF-16 without mark", GOOD.encode("utf-16-le"), 0, why="every second byte is zero"),
    csv("UTF-16 big-endian without mark", GOOD.encode("utf-16-be"), 0, why="every second byte is zero"),
    csv("UTF-16 cut in the middle of a letter", utf16_half(GOOD), 2),
    csv("UTF-16 with a lone surrogate", GOOD.replace("x,z", "x\ud800,z").encode("utf-16-le", "surrogatepass"), 2),
    csv("UTF-32", GOOD.encode("utf-32"), 0, why="it has its mark"),
    csv("UTF-32 with a letter out of range", GOOD.encode("utf-32")[:40] + b"\xff\xff\xff\xff" + GOOD.encode("utf-32")[40:], 2),
    csv("UTF-7", picked('süß', 'öd').encode("utf-7"), 0, why="it is plain ASCII too"),
    csv("mark of UTF-8 twice", "\ufeff\ufeff" + GOOD, 0, why="a second mark is part of the first name"),
    csv("only a mark", b"\xef\xbb\xbf", 2),
    csv("only a mark of UTF-16", b"\xff\xfe", 2),
    csv("mark of UTF-16 before UTF-8", b"\xff\xfe" + GOOD.encode(), 2),
    csv("mark of UTF-8 before Latin-1", b"\xef\xbb\xbf" + picked('süß', 'öd').encode("latin-1"), (0, 2), why="guessed anew, and that is said"),
    csv("Latin-1", picked('süß', 'öd').encode("latin-1"), 0, why="guessed, and that is said"),
    csv("Shift-JIS", picked('日本語の本', '漢字かな').encode("shift_jis"), 0, why="guessed, and that is said"),
    csv("EUC-KR", picked('한국어', '문자열').encode("euc_kr"), 0, why="guessed, and that is said"),
    csv("KOI8-R", picked('слово', 'буква').encode("koi8_r"), 0, why="guessed, and that is said"),
    csv("EBCDIC", GOOD.encode("cp500"), 2),
    csv("half UTF-8, half Latin-1", (rows(lambda i: f"{i % 7},süß") + rows(lambda i: f"{i % 7},öd", "0,süß")).encode() + "3,groß\n4,groß\n5,groß\n".encode("latin-1"), 0, why="guessed anew, and that is said"),
    csv("Latin-1 after two megabytes of UTF-8", lambda f: file("data.csv", rows(lambda i: f"{i % 7},{('süß', 'öd')[i % 2]}", count=150_000).encode() + "3,öd\n4,öd\n5,öd\n".encode("latin-1"))(f), 0, why="guessed anew, and that is said"),
    csv("overlong UTF-8", GOOD.encode().replace(b"x,z", b"\xc0\xaf,z"), 0, why="read as Western letters, and that is said"),
    csv("surrogates in UTF-8", GOOD.encode().replace(b"x,z", b"\xed\xa0\x80,z"), 0, why="read as Western letters, and that is said"),
    csv("NUL at the end", GOOD.encode() + b"\0", 0, why="a zero byte behind the last row is no cell"),
    csv("NUL in a cell", insert(GOOD, 20, "1\0,2,a").encode(), 2),
    csv("NUL beyond the first megabyte", lambda f: file("data.csv", rows(lambda i: f"{i % 7},{label(i)}", count=300_000).encode() + b"1,a\0b\n")(f), 2),
    csv("all bytes", bytes(range(256)) * 40, 2),
    csv("noise", bytes((i * i * 31 + i * 7) % 251 + 1 for i in range(20_000)), 2),
    csv("control letters", bytes(range(1, 32)) * 40, 2),
    csv("no such encoding", GOOD, 2, "utf-9", encoding="utf-9"),
    csv("encoding that is none of text", GOOD, 2, "zlib", encoding="zlib"),
    csv("encoding that is a cipher", GOOD, 2, "rot13", encoding="rot13"),
    csv("encoding of 5,000 letters", GOOD, 2, "--encoding", encoding="u" * 5000),
    csv("encoding idna", GOOD, 2, "idna", encoding="idna"),
    csv("encoding punycode", GOOD, 2, "punycode", encoding="punycode"),
    csv("encoding undefined", GOOD, 2, "undefined", encoding="undefined"),
    csv("encoding unicode_escape", GOOD, (0, 2), "unicode", encoding="unicode_escape", why="it is one of text"),
    csv("wrong encoding said", rows(lambda i: f"{i % 7},süß").encode("latin-1"), 2, "data.csv", "--encoding", encoding="utf-8"),
    csv("UTF-16 said of ASCII", GOOD, 2, "data.csv", encoding="utf-16"),
    csv("separator of two letters", GOOD, 2, "'ab'", separator="ab"),
    csv("separator that is a newline", GOOD, 2, "separator", separator="\n"),
    csv("separator that is a letter of the words", GOOD, (0, 2), "data.csv", separator="a", why="as asked"),
    csv("separator that is the quote", GOOD, 2, "separator", separator="'", quote="'"),
    csv("quote that is a newline", GOOD, 2, "quote", quote="\n"),
    csv("quote that is the sentinel", GOOD, (0, 2), quote="\x01", why="no cell is quoted by it"),
    csv("cells that hold the sentinel", rows(lambda i: f"{i % 7},a\x01{label(i)}"), 0, why="control letters are letters of a cell"),
    csv("cells that begin with the sentinel", rows(lambda i: f"\x01,{label(i)}", "x,y"), (0, 2), why="a column of one value teaches nothing"),
)  # fmt: skip


def wide(count: int, rows_: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        head = ",".join(f"c{i}" for i in range(count)) + ",y\n"
        body = "".join(",".join(str((i * j) % 7) for i in range(count)) + f",{label(j)}\n" for j in range(rows_))
        return file("data.csv", head + body)(folder)

    return make


def sparse(head: bytes, size: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = file("data.csv", head)(folder)
        os.truncate(path, size)
        return path

    return make


def linked(target: str, name: str = "data.csv") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target)
        return folder / name

    return make


def loop(folder: Path) -> Path:
    (folder / "data.csv").symlink_to("other.csv")
    (folder / "other.csv").symlink_to("data.csv")
    return folder / "data.csv"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "data.csv")
    return folder / "data.csv"


def pipe_beside(folder: Path) -> Path:
    os.mkfifo(folder / "data_TEST.csv")
    return file("data_TRAIN.csv", GOOD)(folder)


def socket_file(folder: Path) -> Path:
    import socket

    here = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("data.csv")
    os.fchdir(here)
    return folder / "data.csv"


def given(text: str) -> Callable[[Path], str]:
    return lambda folder: text.replace("FOLDER", str(folder))


def two_tables(folder: Path) -> Path:
    file("one.csv", GOOD)(folder)
    file("two.csv", GOOD)(folder)
    return folder


def named_csv(content: bytes) -> Callable[[Path], Path]:
    return file("data.csv", content)


def folder_called_csv(folder: Path) -> Path:
    (folder / "data.csv").mkdir()
    return folder / "data.csv"


def test_part(test: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file("data_TEST.csv", test)(folder)
        return file("data_TRAIN.csv", GOOD)(folder)

    return make


FILES = (
    csv("no such file", given("FOLDER/nothing.csv"), 2, "nothing.csv"),
    csv("no such folder", given("FOLDER/a/b/c/d/nothing.csv"), 2, "nothing.csv"),
    csv("near miss", lambda f: [str(file("data.csv", GOOD)(f))[:-4] + ".cvs"], 2, "data.cvs", "data.csv"),  # type: ignore[misc]
    csv("file name that is too long", given("FOLDER/" + "x" * 5_000 + ".csv"), 2, "xxx"),
    csv("file name with a line end", lambda f: file("da\nta.csv", GOOD)(f), 0, why="a file may be called so"),
    csv("file name that is no UTF-8", lambda f: (os.fsencode(f) + b"/d\xff.csv", file("x.csv", GOOD)(f).rename(os.fsdecode(os.fsencode(f) + b"/d\xff.csv")))[1], 0, why="a file may be called so"),
    csv("no such file with a line end", given("FOLDER/a\nb.csv"), 2, "b.csv"),
    csv("no such file with markup", given("FOLDER/[bold]x[/bold].csv"), 2, "[bold]x[/bold].csv"),
    csv("no such file that is no UTF-8", lambda f: str(f) + "/d\udcff.csv", 2, ".csv"),
    csv("a folder called data.csv", folder_called_csv, 2),
    csv("empty folder", lambda f: f, 2, "data"),
    csv("two tables in a folder", two_tables, 2, "one.csv", "two.csv"),
    csv("link to a file elsewhere", lambda f: (file("real/data.csv", GOOD)(f), linked("real/data.csv", "link.csv")(f))[1], 0, why="the user named the link"),
    csv("link to nothing", linked("nothing"), 2),
    csv("link to itself", linked("data.csv"), 2),
    csv("loop of links", loop, 2),
    csv("pipe", pipe, 2),
    csv("pipe as its test part", pipe_beside, 0, why="a pipe is no partner file"),
    csv("socket", socket_file, 2),
    csv("endless zeros", linked("/dev/zero"), 2),
    csv("endless noise", linked("/dev/urandom"), 2),
    csv("nothing at all", linked("/dev/null"), 2),
    csv("kernel file", linked("/proc/self/mem"), 2),
    csv("sparse zeros of 100 GB", sparse(b"", 100 << 30), 2),
    csv("sparse zeros behind a table", sparse(GOOD.encode(), 100 << 30), 2),
    csv("sparse zeros behind two megabytes of rows", sparse(rows(lambda i: f"{i % 7},{label(i)}", count=400_000).encode(), 100 << 30), 2),
    csv("5,000 columns of nothing", wide(5_000, 3), 2, "'a'", "one row"),
    csv("50,001 columns", wide(50_001, 3), 2, "data.csv", "50,002"),
    csv("20,000 columns of one name", lambda f: file("data.csv", "x," * 20_000 + "y\n")(f), 2, "data.csv"),
    csv("a quote opened in the header before 20 MB", lambda f: file("data.csv", 'x,"y\n' + "1,a\n" * 5_000_000)(f), (0, 2), why="the quote is part of the name"),
    csv("a million columns", lambda f: file("data.csv", ",".join(f"c{i}" for i in range(1_000_000)) + "\n" + "1," * 999_999 + "a\n" + "2," * 999_999 + "b\n")(f), 2, "data.csv", "first line", "50,000"),
    csv("five million separators", lambda f: file("data.csv", "," * 5_000_000 + "\n")(f), 2),
    csv("five million separators below a header", lambda f: file("data.csv", "x,y\n1,a\n" + "," * 5_000_000 + "\n")(f), 2, "line 3"),
    csv("a line of 40 MB", lambda f: file("data.csv", "x" * 40_000_000)(f), 2),
    csv("a quote opened before 40 MB", lambda f: file("data.csv", 'x,y\n1,"' + "a,b\n" * 10_000_000)(f), 2),
    csv("a quote opened before 40 MB without lines", lambda f: file("data.csv", 'x,y\n1,"' + "a" * 40_000_000)(f), 2),
    csv("quotes by the million", lambda f: file("data.csv", "x,y\n1," + '"' * 4_000_001 + "\n" + "2,a\n" * 50)(f), 2, "'y'", "one row"),
    csv("half a million rows of one letter", lambda f: file("data.csv", "a\n" * 500_000)(f), 2, "data"),
    csv("two million blank lines", lambda f: file("data.csv", "x,y\n" + "\n" * 2_000_000)(f), 2),
    csv("two million blank lines before the header", lambda f: file("data.csv", "\n" * 2_000_000 + GOOD)(f), (0, 2), why=FINE),
    csv("gzip bomb", lambda f: file("data.csv.gz", gzip_bomb(3_000))(f), 2, "data.csv.gz"),
    csv("gzip bomb of rows", lambda f: file("data.csv.gz", packed(b"x,y\n1,a\n2,b\n" + b"1" * 500_000_000))(f), 2, "data.csv.gz"),
    csv("gzip in gzip", file("data.csv.gz", lambda: packed(packed(GOOD.encode()))), 2, "data.csv.gz"),
    csv("gzip of nothing", file("data.csv.gz", lambda: packed(b"")), 2, "data.csv.gz"),
    csv("gzip called csv", file("data.csv", lambda: packed(GOOD.encode())), 0, why="by its first bytes it is gzip"),
    csv("plain called gz", file("data.csv.gz", GOOD), 0, why="by its first bytes it is none"),
    csv("gzip with rubbish behind it", file("data.csv.gz", lambda: packed(GOOD.encode()) + b"rubbish"), (0, 2), "data.csv.gz", why="as gzip does"),
    csv("gzip of two members", file("data.csv.gz", lambda: packed(GOOD.encode()) + packed(b"3,1,a\n")), 0, why="as gzip does"),
    csv("gzip magic only", file("data.csv.gz", b"\x1f\x8b"), 2, "data.csv.gz"),
    *(csv(f"gzip cut to {share:.0%}", file("data.csv.gz", lambda share=share: packed(table(5_000).encode())[: int(len(packed(table(5_000).encode())) * share)]), 2, "data.csv.gz") for share in FRACTIONS),
    *(csv(f"gzip with flipped bits {seed}", file("data.csv.gz", flipped(lambda: packed(table(5_000).encode()), seed)), (0, 2), "data.csv.gz", why="bits of the header say nothing of the rows") for seed in range(8)),
    csv("PNG called csv", file("data.csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 100), 2, "data.csv", "PNG"),
    csv("zip called csv", file("data.csv", b"PK\x03\x04" + b"\0" * 100), 2, "data.csv", "zip"),
    csv("Parquet called csv", file("data.csv", b"PAR1" + b"\0" * 100), 2),
    csv("program called csv", file("data.csv", b"\x7fELF" + b"\0" * 100), 2, "program"),
    csv("PDF called csv", file("data.csv", b"%PDF-1.7\n%\xe2\xe3\n1 0 obj"), 2, "PDF"),
    csv("unknown ending", file("data.xyz", b"\1\2\3\4 nonsense"), 2, "data.xyz"),
    csv("spreadsheet", file("data.xlsx", b"PK\x03\x04" + b"\0" * 100), 2, "data.xlsx"),
    csv("test part of other columns", test_part("a,b\n1,2\n3,4\n"), 0, why="it is not used, and that is said"),
    csv("test part damaged", test_part(insert(GOOD, 20, "1,2")), 2, "data_TEST.csv", "line 20"),
    csv("test part empty", test_part(""), 2, "data_TEST.csv"),
    csv("test part of the same rows", test_part(GOOD), (0, 3), "D0", why="numbers of few values are alike by chance"),
    csv("test part of other classes only", test_part(GOOD.replace(",a\n", ",q\n").replace(",b\n", ",r\n")), (0, 3), "D0", why="they are tested on all the same"),
)  # fmt: skip

CASES = (*STRUCTURE, *VALUES, *ENCODINGS, *FILES)
