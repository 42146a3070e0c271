"""What a column can mean. One kind per file; the table below is the only place that lists them.

A kind looks at raw cells, says whether they could be its own, learns what it needs from training rows and encodes all
rows into one of the forms that networks read. It knows no task and no network.
"""

from __future__ import annotations

from netpick.kinds.audio import Audio
from netpick.kinds.base import Claim, Kind
from netpick.kinds.boolean import Boolean
from netpick.kinds.category import Category
from netpick.kinds.clip import Clip
from netpick.kinds.datetime import Datetime
from netpick.kinds.image import Image
from netpick.kinds.number import Number
from netpick.kinds.series import Series
from netpick.kinds.text import Text

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (Number(), Category(), Boolean(), Datetime(), Text(), Image(), Audio(), Clip(), Series())
}

__all__ = ["KINDS", "Claim", "Kind"]
