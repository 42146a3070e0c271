"""The network of a shape."""

from __future__ import annotations

from netpick.models.backbones.bodies import Body, Inverted
from netpick.models.backbones.body import BodyNetwork
from netpick.models.backbones.inverted import InvertedResiduals
from netpick.models.backbones.residual import Residuals


def network_of(body: Body) -> BodyNetwork:
    """A backbone's network, its weights drawn from torch's current generator."""
    return InvertedResiduals(body) if isinstance(body, Inverted) else Residuals(body)
