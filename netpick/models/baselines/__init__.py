"""The non-neural baselines: what a network has to beat before it is worth having.

Each learns from all rows, on one thread. Only where that takes longer than its share, as measured while it runs, it learns
from fewer; what was decided is written down, so that the same fit can be made again, and said. A fitted baseline is data,
and a pure function from it and rows to answers, which the contest and a loaded model file both call.
"""

from __future__ import annotations

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.boosted_trees import BoostedTrees
from netpick.models.baselines.box_places import BoxLattice, FrequentPlaces
from netpick.models.baselines.fitting import load_libraries
from netpick.models.baselines.forecast_intermittent import Intermittent
from netpick.models.baselines.forecast_naive import Drift, LastValue
from netpick.models.baselines.forecast_seasonal import SeasonalNaive
from netpick.models.baselines.forecast_smoothing import ExponentialSmoothing
from netpick.models.baselines.forecast_theta import Theta
from netpick.models.baselines.forecast_trees import TreesOnLags
from netpick.models.baselines.frame_average import FrameAverage
from netpick.models.baselines.id_biases import IdBiases
from netpick.models.baselines.linear import Linear
from netpick.models.baselines.made_rows import ColumnsShuffled, GaussianCopula, OfRows, RealRows
from netpick.models.baselines.made_trees import ChainOfTrees, SmoothChainOfTrees
from netpick.models.baselines.majority import Majority, Mean
from netpick.models.baselines.mask_places import GreyLevel, MajorityPixel, PlaceFrequency
from netpick.models.baselines.mask_trees import MaskTrees
from netpick.models.baselines.music_ngrams import SameAgain, VoicesKneserNey
from netpick.models.baselines.neighbours import NearestNeighbours
from netpick.models.baselines.pair_copy import Copy
from netpick.models.baselines.pair_nearest import NearestSource
from netpick.models.baselines.pair_words import WordByWord
from netpick.models.baselines.random_forest import RandomForest
from netpick.models.baselines.said_texts import CommonestText, NearestRecording
from netpick.models.baselines.tag_linear import TagLinear
from netpick.models.baselines.tag_words import WordTags
from netpick.models.baselines.text_cache import KneserNeyCache
from netpick.models.baselines.text_ngrams import KneserNey, Unigram
from netpick.models.baselines.tfidf import TfIdfBayes, TfIdfLinear

BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Majority(),
        Mean(),
        Linear(),
        IdBiases(),
        BoostedTrees(),
        RandomForest(),
        NearestNeighbours(),
        TfIdfLinear(),
        TfIdfBayes(),
        FrameAverage(),
        LastValue(),
        SeasonalNaive(),
        Drift(),
        ExponentialSmoothing(),
        Theta(),
        Intermittent(),
        TreesOnLags(),
        Unigram(),
        KneserNey(),
        CommonestText(),
        NearestRecording(),
        Copy(),
        NearestSource(),
        WordByWord(),
        WordTags(),
        TagLinear(),
        KneserNeyCache(),
        BoxLattice(),
        FrequentPlaces(),
        SameAgain(),
        VoicesKneserNey(),
        MajorityPixel(),
        PlaceFrequency(),
        GreyLevel(),
        MaskTrees(),
        RealRows(),
        ColumnsShuffled(),
        GaussianCopula(),
        ChainOfTrees(),
        SmoothChainOfTrees(),
    )
}

__all__ = [
    "BASELINES",
    "Baseline",
    "Decision",
    "Fitted",
    "Given",
    "History",
    "Limit",
    "OfRows",
    "Problem",
    "load_libraries",
]
