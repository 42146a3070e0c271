"""What a column can mean. One kind per file; the table below is the only place that lists them.

A kind looks at raw cells, says whether they could be its own, learns what it needs from training rows and encodes all
rows into one of the forms that networks read. It knows no task and no network.
"""

from __future__ import annotations

from netpick.columns.kinds.audio import Audio
from netpick.columns.kinds.base import Claim, Kind
from netpick.columns.kinds.boolean import Boolean
from netpick.columns.kinds.category import Category
from netpick.columns.kinds.clip import Clip
from netpick.columns.kinds.datetime import Datetime
from netpick.columns.kinds.image import Image
from netpick.columns.kinds.number import Number
from netpick.columns.kinds.scene import Scene
from netpick.columns.kinds.sentence import Sentence
from netpick.columns.kinds.series import Series
from netpick.columns.kinds.text import Text

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Number(),
        Category(),
        Boolean(),
        Datetime(),
        Text(),
        Image(),
        Audio(),
        Clip(),
        Scene(),
        Series(),
        Sentence(),
    )
}

__all__ = ["KINDS", "Claim", "Kind"]
