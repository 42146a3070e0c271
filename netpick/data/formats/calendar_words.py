"""Names of months and weekdays in the languages that exports are most often written in."""

from __future__ import annotations

from collections.abc import Iterator

MONTHS: dict[str, tuple[str, ...]] = {
    "January": (
        "january",
        "jan",
        "januar",
        "jänner",
        "janvier",
        "janv",
        "enero",
        "ene",
        "gennaio",
        "gen",
        "janeiro",
        "januari",
    ),
    "February": (
        "february",
        "feb",
        "februar",
        "février",
        "fevrier",
        "févr",
        "fév",
        "febrero",
        "febbraio",
        "fevereiro",
        "fev",
        "februari",
    ),
    "March": ("march", "mar", "märz", "mrz", "mär", "maerz", "mars", "marzo", "março", "maart", "mrt"),
    "April": ("april", "apr", "avril", "avr", "abril", "abr", "aprile"),
    "May": ("may", "mai", "mayo", "maggio", "mag", "maio", "mei", "maj"),
    "June": ("june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho"),
    "July": ("july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho"),
    "August": ("august", "aug", "août", "aout", "agosto", "ago", "augustus", "augusti"),
    "September": ("september", "sep", "sept", "septembre", "septiembre", "settembre", "set", "setembro"),
    "October": ("october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out"),
    "November": ("november", "nov", "novembre", "noviembre", "novembro"),
    "December": (
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "decembre",
        "déc",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
    ),
}
WEEKDAYS = (
    "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs?|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    "|mo|di|mi|do|fr|sa|so|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
    "|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lun|mar|mer|jeu|ven|sam|dim"
)


def month_words() -> Iterator[tuple[str, str]]:
    """Every known name of a month in lower case, and the month in English."""
    for english, names in MONTHS.items():
        for name in names:
            yield name, english
