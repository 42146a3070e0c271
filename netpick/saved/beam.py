"""A model whose texts are searched with another beam than in its contest."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from netpick.answers.decoding import require_beam
from netpick.errors import RequestError
from netpick.saved.engines import Engine, TorchEngine
from netpick.saved.onnx_pairs import PairGraphs
from netpick.saved.parts import ModelParts
from netpick.saved.summary import titled


def searching(parts: ModelParts, engine: Engine, beam: int) -> tuple[ModelParts, Engine]:
    """Both with this beam. Raises RequestError for models that search for no text, and for a beam that is none."""
    require_beam(beam)
    if not parts.task.answer.texts or not parts.record.is_network:
        raise RequestError(
            f"{titled(parts.record)} searches for no text, so it has no beam: networks that translate or transcribe have one. Leave beam out."
        )
    parts = replace(parts, task_state=replace(parts.task_state, beam=beam))
    if isinstance(engine, PairGraphs):
        made = copy(engine)
        made.beam = beam
        return parts, made
    if isinstance(engine, TorchEngine) and parts.task.answer.stepwise:
        from netpick.models.networks.pair_network import PairNetwork

        network = copy(engine.loaded.network)  # which shares its weights
        assert isinstance(network, PairNetwork)
        network.beam = beam
        return parts, replace(engine, loaded=replace(engine.loaded, network=network))
    return parts, engine  # the search is done behind the network: see tasks/speech/state.py
