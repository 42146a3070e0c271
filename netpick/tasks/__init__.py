"""The kinds of answers. One task per file; the table below is the only place that lists them.

The order is the order of recognition: the first task that recognises the target columns is taken, unless --task says
otherwise.
"""

from __future__ import annotations

from netpick.tasks.base import Task
from netpick.tasks.classify import Classify
from netpick.tasks.detect.state import DETECT
from netpick.tasks.forecast.state import FORECAST
from netpick.tasks.generate.state import GENERATE
from netpick.tasks.multilabel import Multilabel
from netpick.tasks.music.state import MUSIC
from netpick.tasks.pairs.state import TRANSLATE
from netpick.tasks.regress import Regress
from netpick.tasks.segment.state import SEGMENT
from netpick.tasks.speech.state import TRANSCRIBE
from netpick.tasks.tag.state import TAG
from netpick.tasks.text.state import NEXT

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Multilabel(),
        Classify(),
        Regress(),
        FORECAST,
        NEXT,
        TRANSCRIBE,
        TRANSLATE,
        TAG,
        MUSIC,
        SEGMENT,
        DETECT,
        GENERATE,
    )
}

__all__ = ["TASKS", "Task"]
