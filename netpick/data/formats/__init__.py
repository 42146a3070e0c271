"""How the text cells of a column are written, found from all of them and from their neighbours in the file.

One way of writing per file; the table below is the only place that lists them. A format that was found is said, kept in the
model file, and every later row is read by it.
"""

from __future__ import annotations

from netpick.data.formats.base import Cells, Found, Neighbours, Way
from netpick.data.formats.dates import Dates
from netpick.data.formats.durations import Durations
from netpick.data.formats.epochs import Epochs
from netpick.data.formats.numbers import Numbers
from netpick.data.formats.periods import Periods

# In the order in which they are asked.
FORMATS: dict[str, Way] = {way.name: way for way in (Dates(), Periods(), Durations(), Numbers(), Epochs())}

__all__ = ["FORMATS", "Cells", "Found", "Neighbours", "Way"]
