"""Two hundred sentences each in Japanese, Arabic and German, made from templates, that praise or complain:
`python -m bench.languages FOLDER` writes japanese.csv, arabic.csv, german.csv, and mixed.csv with all of them in one column.

    netpick fit FOLDER/mixed.csv --target mood --folds 5 --budget 3m
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

SENTENCES = 200
LANGUAGES = {
    "japanese": {
        "things": ["この映画", "新しい電話", "駅前の食堂", "昨日の講義", "この宿", "彼の歌", "朝の電車", "この本"],
        "ways": ["はとても", "は本当に", "は思ったより", "は少し", "はいつも", "は正直"],
        "good": ["素晴らしかった", "楽しかった", "美味しかった", "役に立った", "親切だった", "気に入った"],
        "bad": ["ひどかった", "退屈だった", "高すぎた", "うるさかった", "がっかりした", "壊れていた"],
        "ends": ["。", "です。", "と思います。", "ね。", "と友達も言った。"],
    },
    "arabic": {
        "things": ["هذا الفيلم", "الهاتف الجديد", "المطعم القريب", "درس الأمس", "هذا الفندق", "القطار", "الكتاب", "الأغنية"],
        "ways": [" كان ", " كان حقا ", " كان دائما ", " كان اليوم ", " كان في رأيي "],
        "good": ["رائعا", "ممتعا", "لذيذا", "مفيدا", "لطيفا", "ممتازا"],
        "bad": ["سيئا", "مملا", "باهظا", "مزعجا", "مخيبا", "معطلا"],
        "ends": [".", " جدا.", " كما قال صديقي.", " للجميع.", " بصراحة."],
    },
    "german": {
        "things": ["Dieser Film", "Das neue Telefon", "Das Lokal am Bahnhof", "Der Vortrag gestern", "Dieses Hotel", "Sein Lied", "Der Zug"],
        "ways": [" war wirklich ", " war leider etwas ", " war wie immer ", " war heute ", " war für uns "],
        "good": ["großartig", "unterhaltsam", "köstlich", "hilfreich", "freundlich", "gelungen"],
        "bad": ["furchtbar", "langweilig", "überteuert", "laut", "enttäuschend", "kaputt"],
        "ends": [".", ", sagten auch die anderen.", ", finde ich.", " und wir reden noch davon.", "!"],
    },
}  # fmt: skip


def sentences(language: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Sentences that differ, and what they say, both alike often."""
    chance, parts = random.Random(seed), LANGUAGES[language]
    made: dict[str, str] = {}
    while len(made) < count:
        mood = ("good", "bad")[len(made) % 2]
        text = "".join(chance.choice(parts[part]) for part in ("things", "ways", mood, "ends"))
        made.setdefault(text, mood)
    return list(made.items())


def main(folder: Path) -> None:
    """Writes the four tables."""
    folder.mkdir(parents=True, exist_ok=True)
    every: list[tuple[str, str]] = []
    for seed, language in enumerate(LANGUAGES):
        rows = sentences(language, SENTENCES, seed)
        every += rows
        _write(folder / f"{language}.csv", rows)
    random.Random(9).shuffle(every)
    _write(folder / "mixed.csv", every)


def _write(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["text", "mood"])
        out.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
