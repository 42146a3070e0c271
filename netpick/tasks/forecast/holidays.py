"""Public holidays of a named country, by the package `holidays`, which is an extra: a column that is known ahead for ever."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from netpick.errors import RequestError
from netpick.types import Array

DAY = 86_400_000_000  # microseconds

PREFIX = "holidays of "
FIRST_YEAR, LAST_YEAR = 1900, 2200  # that are asked for


def require_country(country: str) -> None:
    """Raises RequestError where the package is missing or does not know the country."""
    if find_spec("holidays") is None:
        raise RequestError(
            f"Holidays of '{country}' were asked for, but the package that knows them is not installed. Type: pip install "
            "'netpick[holidays]', or leave --holidays out."
        )
    import holidays

    known = holidays.list_supported_countries()
    name, _, part = country.partition("-")
    if name not in known:
        raise RequestError(
            f"--holidays {country} names no country that is known. Pass its two letters, such as --holidays DE, or with a part of "
            "it --holidays DE-BY."
        )
    if part and part not in known[name]:
        raise RequestError(f"--holidays {country}: '{part}' is no part of {name}. Known: {', '.join(known[name])}.")


def is_holiday(times: Array, country: str) -> Array:
    """(n,) float64: 1 on public holidays of the country, 0 on other days."""
    require_country(country)
    import holidays

    days = times // DAY
    distinct, place = np.unique(days, return_inverse=True)
    years = distinct.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    asked = [int(year) for year in np.unique(years) if FIRST_YEAR <= year <= LAST_YEAR]
    name, _, part = country.partition("-")
    found = holidays.country_holidays(name, subdiv=part or None, years=asked)
    off = np.array([np.datetime64(day, "D").astype(np.int64) for day in found], dtype=np.int64)
    return np.asarray(np.isin(distinct, off).astype(np.float64)[place])
