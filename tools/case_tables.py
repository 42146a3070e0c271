"""What a person expects of the tables in ../shared/cases; see tools/cases.py."""

from __future__ import annotations

from datetime import datetime

from netpick.data.sources.base import ReadOptions
from tools.case_reading import Reading


def day(text: str) -> datetime:
    return datetime.fromisoformat(text)


APRIL = [day("2018-04-20 00:00"), day("2018-04-20 01:00")]
EPOCH = [day("2020-01-01 00:00"), day("2020-01-01 01:00")]

AS_TWO_PLACES = ("minus_sign", "minus_behind", "plus", "apostrophe", "excel_text", "euro", "plain")

TABLES: tuple[Reading, ...] = (
    Reading(
        path="01-currency-thousands-percent/orders.csv",
        target="revenue",
        cells={
            "list_price": [305.05, 285.99],
            "discount": [1.9, 0.9],
            "variance": [998.66, 913.53, -147.43, 1431.81],
            "revenue": [2793.15, 7176.76],
        },
        roles={"list_price": "number", "discount": "number", "variance": "number"},
        task="regress",
        says="'list_price': numbers written like $",
    ),
    Reading(
        path="01-currency-thousands-percent/orders.csv",
        target="region",
        kinds=(("list_price", "number"),),
        cells={"list_price": [305.05, 285.99]},
        roles={"list_price": "number"},
        task="classify",
    ),
    Reading(
        path="01-currency-thousands-percent/orders.csv",
        target="revenue",
        kinds=(("region", "number"),),
        refuses="Column 'region' (row 1) holds 'South', and no cell of it reads as a number",
    ),
    Reading(
        path="02-european-thousands/umsatz.csv",
        target="Umsatz",
        cells={"Menge": [1126, 5248], "Preis": [2.29, 5.41], "Umsatz": [2751.56, 28998.14]},
        task="regress",
        says="decimal comma",
    ),
    Reading(
        path="02-european-thousands/ventes.csv",
        target="Total",
        cells={"Quantité": [1126, 5248], "Total": [2751.56, 28998.14]},
        task="regress",
    ),
    Reading(
        path="02-european-thousands/menge.csv",
        target="Lohnt",
        cells={"Menge": [1126, 5248, 2794, 8540], "Preis": [2.29, 5.41]},
        task="classify",
    ),
    Reading(
        path="04-month-first-dates/monthly_us.csv",
        cells={"Month": [day("2010-01-01"), day("2010-02-01")]},
        step="monthly",
        says="month first",
    ),
    Reading(
        path="04-month-first-dates/orders_us.csv",
        target="late",
        says="'ordered' is ambiguous: 04/08/2021 could be 2021-08-04 or 2021-04-08",
    ),
    Reading(
        path="04-month-first-dates/orders_us.csv",
        target="late",
        options=ReadOptions(formats=(("ordered", "%m/%d/%Y"),)),
        cells={"ordered": [day("2021-04-08"), day("2021-08-01")]},
    ),
    Reading(
        path="04-month-first-dates/daily_eu.csv", cells={"Date": [day("2022-01-01"), day("2022-01-02")]}, step="daily"
    ),
    *(
        Reading(path=f"05-slash-dates-with-times/{name}.csv", cells={"timestamp": APRIL}, step="hourly")
        for name in (
            *(
                "us_24h",
                "us_12h",
                "eu_slash",
                "eu_dash",
                "german_ms",
                "words",
                "iso_basic",
                "iso_no_seconds_t",
                "slash_ymd",
            ),
        )
    ),
    *(
        Reading(
            path=f"07-preamble-and-totals/{name}.csv",
            target="Outcome",
            cells={"Country": ["DE", "DE", "US"], "Sessions": [6, 9, 4], "Price": [0.99, 0.99]},
            values={"Outcome": 2},
            says=says,
        )
        for name, says in (
            ("store", "4 lines above the header are left out: 'Sales report'"),
            ("store_padded", "3 lines above the header are left out: 'Sales report,,,,'"),
            ("totals", "The last line is no row and is left out: 'Total,,533,,'"),
            ("totals_short", "The last 3 lines are no rows and are left out: 'Totals:,,,,', '(c) made by the shop'"),
        )
    ),
    Reading(
        path="07-preamble-and-totals/logger.txt",
        target="Command",
        cells={"~Time[h]": [0.0, 0.1], "U[V]": [3.567, 3.55]},
        says="12 lines above the header are left out",
    ),
    *(
        Reading(path=f"10-index-column/{name}.csv", target="kind", roles={column: "left_out"})
        for name, column in (("index", "column_1"), ("unnamed", "Unnamed: 0"))
    ),
    Reading(
        path="12-na-is-a-name/continents.csv",
        target="continent",
        values={"continent": 4},
        task="classify",
        says="'NA' is read as a value of 'continent' (61 cells)",
    ),
    Reading(
        path="12-na-is-a-name/continents.csv",
        target="continent",
        options=ReadOptions(missing=("NA",)),
        values={"continent": 3},
    ),
    Reading(
        path="12-na-is-a-name/therapy.csv",
        target="therapy",
        values={"therapy": 3, "country": 3},
        says="'None' is read as a value of 'therapy'",
    ),
    Reading(path="11-kaggle-spam/spam.csv", infers="v1", roles={"v2": "text"}, task="classify"),
    Reading(path="14-which-target/insurance.csv", infers="charges", task="regress"),
    Reading(path="14-which-target/Housing.csv", infers="price", task="regress"),
    Reading(
        path="15-ratings/hotels.csv",
        target="rating",
        cells={"stay": [1, 1], "rating": [2.0, 2.0]},
        roles={"stay": "number", "rooms": "number", "staff": "number"},
        task="classify",
        says="different whole numbers, read as classes",
    ),
    *(
        Reading(path=f"28-epoch-times/{name}.csv", cells={column: EPOCH}, step="hourly", gaps=gaps)
        for name, column, gaps in (
            *(("seconds", "timestamp", 0), ("seconds_time", "time", 0), ("millis", "timestamp", 0)),
            *(("floats", "ts", 0), ("gap", "timestamp", 3)),
        )
    ),
    Reading(path="28-epoch-times/millis_jitter.csv", step="every minute", says="milliseconds since 1970"),
    *(
        Reading(path=f"30-working-calendars/{name}.csv", step=step, gaps=gaps)
        for name, step, gaps in (
            ("business_month_end", "monthly, on the last working day of the month", 0),
            ("first_friday", "monthly, on the first Friday of the month", 0),
            ("paid_on_the_25th_or_before", "monthly, on day 25 of the month or the working day before", 0),
            ("semi_month", "twice a month (day 1 and day 15)", 0),
            ("sunday_to_friday", "daily but for Saturdays", 0),
            ("thursdays", "weekly", 0),
            ("working_days_holidays", "on working days", 5),
            ("month_ends_one_missing", "monthly", 2),
            ("quarter_ends", "quarterly", 0),
            ("year_ends", "yearly", 0),
            ("ten_minutes", "every 10 minutes", 0),
        )
    ),
    Reading(
        path="39-odd-numbers/ways.csv",
        target="label",
        cells={
            **{name: [34.78, 77.33] for name in AS_TWO_PLACES},
            **{name: [34.8, 77.3] for name in ("padded", "unit", "below", "percent_blank")},
            "exponent": [34780.0, 77330.0],
            "no_zero": [0.087, 0.193],
            "clock": [2052.0, 4661.0],
            "minutes": [2054.0, 4671.0],
            "unit_tight": [35, 77],
            "thousands_k": [3500.0, 770000.0],
            "indian": [3460846, 7742792],
            "swiss": [34676.50, 77464.50],
            "code": ["0006D", "0183D"],
        },
        says="values below or above a limit",
    ),
    *(
        Reading(
            path=f"42-tabs-with-thousands/{name}",
            target="homes",
            cells={"people": [29788, 445, 394], "area": [167.3, 0.1], "homes": [11930, 185]},
            task="regress",
        )
        for name in ("towns.tsv", "towns.txt", "plain.tsv")
    ),
    *(
        Reading(path=f"43-bytes-of-exports/enc_{name}.csv", target="label", cells={"city": cities})
        for name, cities in (
            ("big5", ["臺北", "高雄"]),
            ("cp1250", ["Poznań", "Gdańsk"]),
            ("cp1251", ["Москва", "Омск"]),
            ("cp1252", ["Málaga", "Genève"]),
            ("cp1253", ["Αθήνα", "Λαμία"]),
            ("cp850", ["Köln", "Zürich"]),
            ("euc_kr", ["부산", "서울"]),
            ("gbk", ["上海", "广州"]),
            ("iso8859_9", ["İstanbul", "İstanbul"]),
            ("koi8_r", ["Казань", "Омск"]),
            ("mac_roman", ["Málaga", "Zürich"]),
            ("shift_jis", ["札幌", "名古屋"]),
        )
    ),
    Reading(  # the letter that the byte damaged stays damaged
        path="43-bytes-of-exports/one_bad_byte.csv",
        target="label",
        cells={"city": ["Köln", "Zürich"]},
        says="UTF-8, but for some bytes",
    ),
    *(
        Reading(path=f"43-bytes-of-exports/{name}", target="label", values={"city": 4, "label": 2}, says=says)
        for name, says in (
            ("bom_joined.csv", ""),
            ("zero_width.csv", ""),
            ("decomposed.csv", ""),
            ("nbsp_names.csv", ""),
            ("comments.csv", "2 lines above the header are left out"),
            ("ctrl_z.csv", ""),
            ("nul_tail.csv", ""),
            ("mixed_encodings.csv", "UTF-8, but for some bytes"),
            ("repeated_header.csv", "1 row repeats the header"),
            ("repeated_header3.csv", "2 rows repeat the header"),
            ("repeated_bom.csv", "1 row repeats the header"),
            ("utf16_tabs.txt", ""),
            ("utf16le_nomark.csv", ""),
            ("gz_misnamed.csv", ""),
            ("cr_only.csv", ""),
        )
    ),
    Reading(
        path="42-tabs-with-thousands/million.tsv",
        target="homes",
        cells={"people": [268092, 4005], "homes": [107370, 1665]},
        task="regress",
    ),
)
