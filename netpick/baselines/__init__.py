"""The non-neural yardsticks: what a network has to beat before it is worth having.

Each is fitted by scikit-learn on one thread, within a time limit that only sets sizes (rows, iterations) through a cost
model: the clock is never read to decide anything, so the same problem, seed and limit give the same predictions on any
machine. What was reduced is said in the remark.
"""

from __future__ import annotations

from netpick.baselines.base import Baseline, FittedBaseline, Problem
from netpick.baselines.boosted_trees import BoostedTrees
from netpick.baselines.fitting import load_libraries
from netpick.baselines.forecast_naive import Drift, LastValue, SeasonalNaive
from netpick.baselines.forecast_smoothing import ExponentialSmoothing
from netpick.baselines.forecast_trees import TreesOnLags
from netpick.baselines.frame_average import FrameAverage
from netpick.baselines.linear import Linear
from netpick.baselines.majority import Majority, Mean
from netpick.baselines.neighbours import NearestNeighbours
from netpick.baselines.tfidf import TfIdfBayes, TfIdfLinear

BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Majority(),
        Mean(),
        Linear(),
        BoostedTrees(),
        NearestNeighbours(),
        TfIdfLinear(),
        TfIdfBayes(),
        FrameAverage(),
        LastValue(),
        SeasonalNaive(),
        Drift(),
        ExponentialSmoothing(),
        TreesOnLags(),
    )
}

__all__ = ["BASELINES", "Baseline", "FittedBaseline", "Problem", "load_libraries"]
