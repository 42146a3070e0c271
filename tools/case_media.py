"""What a person expects of the folders, archives, labels and panels in ../shared/cases; see tools/cases.py."""

from __future__ import annotations

from tools.case_reading import Reading

PACKED = "17-zip-with-a-table"
FOLDERS = "21-image-folders-of-people"
BESIDE = "23-labels-in-a-csv"
SEVERAL = "25-several-labels"
PANELS = "32-panels"
GENRES = ("Action", "Comedy", "Drama", "Science Fiction", "Short Film")
IN_ORDER = ("Action", "Short Film", "Drama", "Comedy", "Science Fiction")  # of the columns
GENRES_OF_WORDS = ("action", "comedy", "drama", "science_fiction", "short_film")
FIRST_ROWS = {"x": [-1.796, -0.25], "n": [6, 3], "label": ["b", "b"]}

MEDIA: tuple[Reading, ...] = (
    *(
        Reading(path=f"{PACKED}/{name}", cells=FIRST_ROWS, infers="label", task="classify", says=says)
        for name, says in (
            ("archive.zip", "train.csv is read"),
            ("competition.zip", "Not read: sample_submission.csv"),
            ("competition", "test.csv lies beside it, but is not used: it lacks 'label'"),
            ("competition/train.csv", "test.csv lies beside it"),
            ("records.json", ""),
        )
    ),
    Reading(path=f"{PACKED}/report.xls", refuses="is an HTML table called .xls"),
    Reading(
        path="18-arff/weather.arff",
        cells={
            "outlook": ["overcast", "rainy"],
            "windy": ["FALSE", "FALSE"],
        },
        roles={"outlook": "category", "air temperature": "number", "windy": "boolean", "play": "boolean"},
        infers="play",
        task="classify",
    ),
    *(
        Reading(
            path=f"18-arff/Waves_{part}.arff",
            arrays={"series": ("series", (120, 60, 1))},
            values={"target": 2},
            infers="target",
            task="classify",
            parts=(60, 0, 60),
        )
        for part in ("TRAIN", "TEST")
    ),
    Reading(path=f"{FOLDERS}/mac", values={"label": 2}, files={"image": ["Chat d'été/IMG 0000.JPG"]}, task="classify"),
    Reading(path=f"{FOLDERS}/phones", refuses="HEIC pictures, which are not read: convert them to JPEG or PNG"),
    Reading(
        path=f"{FOLDERS}/saved", files={"image": [f"cat/{n}.jpg" for n in (0, 1, 10)]}, parts=None, values={"label": 2}
    ),
    Reading(
        path=f"{FOLDERS}/factory",
        labels=("NG", "OK"),
        says="10 images in test/ are left out: its name says a part",
        task="classify",
    ),
    Reading(path=f"{FOLDERS}/contest", labels=("cat", "dog"), says="10 images in test/ are left out", task="classify"),
    Reading(path=f"{FOLDERS}/archive", labels=("cats", "dogs"), parts=(40, 0, 16), task="classify"),
    Reading(path=f"{FOLDERS}/endings", labels=("a", "b"), task="classify"),
    Reading(path=f"{FOLDERS}/natural", labels=("normal_2", "normal_4", "normal_10"), task="classify"),
    Reading(
        path=f"{FOLDERS}/single", labels=("x",), task="classify", refuses="Class 'z' of column 'label' has one row"
    ),
    *(
        Reading(
            path=f"{BESIDE}/{name}",
            files={column: first},
            roles={column: "image"},
            labels=("beagle", "pug"),
            task="classify",
            infers=target,
        )
        for name, column, target, first in (
            ("breeds/labels.csv", "id", "breed", [f"train/{0:032x}.jpg"]),
            ("breeds", "id", "breed", [f"train/{0:032x}.jpg", f"train/{1:032x}.jpg"]),
            ("plants/train.csv", "image", "label", ["images/000000.png"]),
            ("plants", "image", "label", ["images/000000.png", "images/000001.png"]),
            ("windows/train.csv", "filepath", "label", ["photos/000000.png"]),
            ("relative/train.csv", "filepath", "label", ["photos/000000.png"]),
        )
    ),
    *(
        Reading(
            path=f"{BESIDE}/{name}",
            target="category",
            files={"filename": ["audio/1-1000-A-0.wav", "audio/2-1000-B-3.wav"]},
            roles={"filename": "audio"},
            labels=("dog", "siren"),
        )
        for name in ("esc/meta/esc.csv", "esc")
    ),
    *(
        Reading(path=f"{SEVERAL}/{name}", target="genres", task="multilabel", labels=GENRES, says="5 labels make up")
        for name in (
            *("semicolon.csv", "bar_blank.csv", "some_empty.csv", "comma.csv", "comma_tight.csv", "python_list.csv"),
            *("json_list.csv", "hash.csv", "slash.csv", "records.jsonl"),
        )
    ),
    Reading(path=f"{SEVERAL}/blank.csv", target="genres", task="multilabel", labels=GENRES_OF_WORDS),
    Reading(
        path=f"{SEVERAL}/fasttext.txt",
        infers="label",
        task="multilabel",
        labels=tuple(name.replace(" ", "_") for name in GENRES),
        roles={"text": "text"},
    ),
    Reading(path=f"{SEVERAL}/columns_01.csv", target=",".join(GENRES), task="multilabel", labels=IN_ORDER),
    *(
        Reading(path=f"{PANELS}/{name}.csv", task="forecast", step=step, gaps=gaps, says=says)
        for name, step, gaps, says in (
            ("columns", "daily", 0, ""),
            ("monthly_id_number", "monthly", 0, "told apart by 'store'"),
            ("spare_parts", "monthly", 0, "told apart by 'part'"),
            ("negative", "daily", 0, ""),
            ("unequal", "daily", 0, "told apart by 'item_id'"),
            ("one_single", "daily", 0, "9 of 1 to 120 steps"),
            ("one_weekly", "daily", 102, "'shopW' (rows at 18 of 120 steps)"),
            ("double_rows_in_one", "daily", 0, "40 rows repeat others word for word, all of shop7"),
            ("wide_days", "row by row", 0, "25 series by 'id'"),
            ("wide_years", "yearly", 0, "its columns 1980, 1981, ..., 2021 are 42 steps"),
            ("wide_dates", "daily", 0, "20 series by 'Country/Region'"),
        )
    ),
    Reading(path=f"{PANELS}/wide_days.csv", target="d_100", task="regress", roles={"d_1": "number"}),
    Reading(path="37-asking-the-server/people.csv", target="ok", values={"job": 3}, task="classify"),
    Reading(path="37-asking-the-server/pics", labels=("blue", "red"), task="classify"),
)
