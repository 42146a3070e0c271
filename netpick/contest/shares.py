"""How what is left of the budget is divided between the trainings that are still to come."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netpick.contest.rows import Round
from netpick.explain.ablation import MOST_ROWS
from netpick.training.plan import LEAST_SHARE
from netpick.types import Split

SCORE_SECONDS = 2.5e-7  # of scoring, per candidate or baseline, row and class
FINISH_SECONDS = 1.0  # kept back for scores, report and model file, beyond what grows with the rows
SEARCH_SHARE = 0.4  # of what is left for training, for trials of settings
SPARED = 0.98  # of what is left, that is given out


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Everyone's share is the same; nobody's is fixed before its training begins."""

    networks: int  # that are trained in each round
    judged: int  # these and the baselines
    again: float = 0.0  # trainings kept back for the recommended network, which learns once more from all rows
    searched: int = 1  # trainings of each network: with searched settings, one more
    search_seconds: float = 0.0  # kept back for trials of settings, before the networks are trained
    ablation_seconds: float = 0.0  # kept back for asking the recommended network again

    def each(self, this_round: Round, trainings: int, predicting: float = 0.0) -> float:
        """Seconds for each of so many trainings of this round, which then take `predicting` for their answers.

        However little is left, something is trained: the budget is then passed, and that is said.
        """
        terms = this_round.terms
        least = 0.0 if terms.budget is None else LEAST_SHARE * terms.budget / self.networks / terms.rounds
        turns = _turns(self.searched * trainings, terms.workers)
        turns += (this_round.left - 1) * _turns(self.networks, terms.workers)
        return max(SPARED * self.left(this_round) / (turns + self.again) - predicting, least)

    def left(self, this_round: Round) -> float:
        """Seconds of the budget left for training, what the end of the run needs kept back."""
        terms = this_round.terms
        if terms.budget is None:
            return float("inf")
        scored = _scored_rows(this_round.prepared.split)
        scored_seconds = SCORE_SECONDS * self.judged * scored * this_round.prepared.scored_numbers
        kept_back = FINISH_SECONDS + scored_seconds + self.ablation_seconds + self.search_seconds
        return terms.budget - terms.clock.seconds() - kept_back

    def with_search(self, this_round: Round) -> Shares:
        """With a part of what is left kept back for trials, and each network trained as it is and as the search has it."""
        left = self.left(this_round)
        return replace(self, searched=2, search_seconds=SEARCH_SHARE * left if left < float("inf") else 0.0)

    def without_search(self) -> Shares:
        """Once the search is over, and what it found competes."""
        return replace(self, searched=1, search_seconds=0.0)


def ablation_seconds(this_round: Round, row_seconds: list[float]) -> float:
    """Of asking the slowest network about the test rows once for each group of columns, and once as they are."""
    groups = len(this_round.prepared.inputs) if this_round.prepared.groups_columns else 1
    asked = (1 + groups) * min(MOST_ROWS, len(this_round.prepared.split.test)) if groups > 1 else 0
    return asked * max(row_seconds, default=0.0)


def _turns(trainings: int, workers: int) -> int:
    """How many trainings there are one after the other, where so many run side by side."""
    return -(-trainings // workers)


def _scored_rows(split: Split) -> int:
    return len(split.validation) + len(split.test)
