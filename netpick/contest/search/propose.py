"""Which settings come next: a pure function of (seed, search, what is known so far), so that a search goes on as it would have.

The tree-structured Parzen estimator (Bergstra et al. 2011) is Optuna's, which is asked and keeps nothing: its study is made anew from the
journal for every generation, its generator from seed, search and generation (a resumed study with one seeded sampler repeats itself).
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netpick.contest.search.wanted import Method
from netpick.errors import RequestError
from netpick.models.networks.spaces import Domain, Options, Space, grid_of

TRIES = 50  # for settings that were not tried yet


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a trial: its settings, and its score by rung (higher is better); none where it failed."""

    settings: Mapping[str, Any]
    scores: Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched: everything that proposals depend on beside what is known."""

    name: str
    method: Method
    space: Space
    default: Mapping[str, Any]  # settings of trial 0
    seed: int

    def proposals(self, known: Sequence[Known], count: int) -> list[dict[str, Any]]:
        """Settings of the next trials; fewer where the space holds no others. The first of all is the default."""
        before = [dict(trial.settings) for trial in known] or [dict(self.default)]
        made = [] if known else before[:]
        if self.method == "grid":
            rest = [point for point in grid_of(self.space) if point not in before]
            return [*made, *rest][:count]
        draw = self._random(len(known)) if self.method == "random" else self._tpe(known)
        for _ in range(TRIES * count):
            if len(made) >= count:
                break
            point = draw()
            if point not in before and point not in made:
                made.append(point)
        return made

    @property
    def points(self) -> int:
        """Of a grid, with the default."""
        grid = grid_of(self.space)
        return len(grid) + (dict(self.default) not in grid)

    def _seed(self, number: int) -> int:
        told = hashlib.sha256(f"{self.seed}\0{self.name}\0{number}".encode()).digest()
        return int.from_bytes(told[:4], "big")

    def _random(self, number: int) -> Callable[[], dict[str, Any]]:
        generator = np.random.default_rng(self._seed(number))
        return lambda: {name: _drawn(domain, generator) for name, domain in self.space.items()}

    def _tpe(self, known: Sequence[Known]) -> Callable[[], dict[str, Any]]:
        optuna = load_optuna()
        study = study_of(optuna, self.space, known, self._seed(len(known)))
        distributions = {name: _distribution(optuna, domain) for name, domain in self.space.items()}

        def ask() -> dict[str, Any]:  # what was asked before counts as running, so that the next one is elsewhere
            params = study.ask(distributions).params
            return {name: _value(domain, params[name]) for name, domain in self.space.items()}

        return ask


def study_of(optuna: Any, space: Space, known: Sequence[Known], seed: int) -> Any:
    """A study in memory of what is known; trials outside of the space, as a default may be, are left out."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    distributions = {name: _distribution(optuna, domain) for name, domain in space.items()}
    last = max((rung for trial in known for rung in trial.scores), default=0)
    states = optuna.trial.TrialState
    for trial in known:
        params = {name: _param(domain, trial.settings[name]) for name, domain in space.items()}
        if any(param is None for param in params.values()):
            continue
        reached = max(trial.scores, default=-1)
        state = states.FAIL if reached < 0 else states.COMPLETE if reached == last else states.PRUNED
        study.add_trial(
            optuna.create_trial(
                params=params,
                distributions=distributions,
                state=state,
                value=trial.scores[reached] if state == states.COMPLETE else None,
                intermediate_values=dict(trial.scores),
            )
        )
    return study


def load_optuna() -> Any:
    """Optuna, quiet. Raises RequestError where it is not installed."""
    if importlib.util.find_spec("optuna") is None:
        raise RequestError(
            "--tune proposes settings with Optuna, which is not installed. Type: pip install 'netpick[tune]'. Or pass --tune random, "
            "or --tune grid, which need nothing."
        )
    import optuna

    optuna.logging.set_verbosity(logging.ERROR)
    return optuna


def _distribution(optuna: Any, domain: Domain) -> Any:
    kinds = optuna.distributions
    if isinstance(domain, Options):
        return kinds.CategoricalDistribution(tuple(range(len(domain.values))))
    if domain.whole:
        return kinds.IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    return kinds.FloatDistribution(domain.low, domain.high, log=domain.log)


def _param(domain: Domain, value: Any) -> Any:
    """What stands for a value in a study; None where the domain does not hold it."""
    if isinstance(domain, Options):
        return domain.values.index(value) if value in domain.values else None
    return value if domain.low <= value <= domain.high else None


def _value(domain: Domain, param: Any) -> Any:
    return domain.values[param] if isinstance(domain, Options) else domain.fitted(param)


def _drawn(domain: Domain, generator: np.random.Generator) -> Any:
    if isinstance(domain, Options):
        return domain.values[int(generator.integers(len(domain.values)))]
    if domain.log:
        return domain.fitted(math.exp(generator.uniform(math.log(domain.low), math.log(domain.high))))
    return domain.fitted(generator.uniform(domain.low, domain.high))
