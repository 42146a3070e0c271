"""Maps of pictures and of what lies in them: pixels, masks and boxes move alike, and augmentation is pure in (seed, epoch, row)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from netpick.training.augment import Augmenter
from netpick.training.augment.affine import (
    OUTSIDE,
    about,
    bends,
    compose,
    identity,
    inverse,
    warp_boxes,
    warp_masks,
    warp_pictures,
)
from netpick.training.augment.scene import SceneAugmenter
from netpick.types import InputSpec

SPEC = InputSpec(form="scene", shape=(1, 40, 50), mean=(0.5,), std=(0.2,), ahead=(1, 16))
ROWS = torch.tensor([5, 900, 12, 3_000_000_000])


def pictures() -> Tensor:
    return torch.randint(0, 256, (4, 1, 40, 50), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_the_identity_moves_nothing() -> None:
    same = identity(4, torch.device("cpu"))
    assert torch.equal(warp_pictures(pictures(), same, (40, 50), between=False), pictures())
    torch.testing.assert_close(warp_pictures(pictures(), same, (40, 50)), pictures() / 255)
    assert torch.equal(warp_masks(pictures()[:, 0], same, (40, 50)), pictures()[:, 0])


def test_a_quarter_turn_is_that_of_torch_and_outside_is_marked() -> None:
    angle = torch.tensor(math.pi / 2)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).round().view(1, 2, 2).expand(4, 2, 2)
    square = pictures()[..., :40]
    turned = warp_pictures(square, about(turn, (40, 40)), (40, 40), between=False)
    assert torch.equal(turned, square.rot90(1, (2, 3))) or torch.equal(turned, square.rot90(-1, (2, 3)))
    further = identity(4, torch.device("cpu"))
    further[:, 0, 2] = 45
    moved = warp_masks(pictures()[:, 0], further, (40, 50))
    assert torch.equal(moved[:, :, :5], pictures()[:, 0, :, 45:])
    assert (moved[:, :, 5:] == OUTSIDE).all()


def test_boxes_move_as_the_pixels_inside_of_them() -> None:
    blank = torch.zeros(1, 60, 60, dtype=torch.uint8)
    blank[:, 10:20, 24:40] = 1
    boxes = torch.tensor([[[24.0, 10.0, 40.0, 20.0]]])
    matrix = compose(about(torch.tensor([[[-0.8, 0.0], [0.0, 0.8]]]), (60, 60)), identity(1, torch.device("cpu")))
    moved = warp_boxes(boxes, matrix)[0, 0]
    rows, columns = (warp_masks(blank, matrix, (60, 60))[0] == 1).nonzero(as_tuple=True)
    around = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
    assert (moved - around).abs().max() <= 1
    torch.testing.assert_close(warp_boxes(warp_boxes(boxes, matrix), inverse(matrix)), boxes)


@pytest.mark.parametrize("name", SceneAugmenter.known)
def test_a_scene_looks_the_same_in_any_batch_and_its_mask_moves_with_it(name: str) -> None:
    augment = Augmenter(("square", name), SPEC, seed=3)
    mask = pictures()[:, 0] // 64
    batch = {"scene": (mask * 64).unsqueeze(1), "scene.sizes": torch.tensor([[40, 50], [40, 30], [12, 9], [20, 50]])}
    together = augment(batch, ROWS, 2, mask)
    assert together.target is not None
    assert together.batch["scene"].shape == (4, 1, 16, 16)
    assert together.target.shape == (4, 16, 16)
    order = torch.tensor([2, 1])
    apart = augment({key: value[order] for key, value in batch.items()}, ROWS[order], 2, mask[order])
    torch.testing.assert_close(together.batch["scene"][order], apart.batch["scene"])
    assert torch.equal(together.target[order], apart.target)  # type: ignore[arg-type]
    if name in ("square", "flip", "turn"):
        inside = together.target != OUTSIDE
        assert torch.equal((together.batch["scene"][:, 0] // 64)[inside], together.target[inside])


def test_some_squares_are_chosen_for_what_they_hold() -> None:
    spec = InputSpec(form="scene", shape=(1, 200, 200), ahead=(1, 32))
    mask = torch.zeros(300, 200, 200, dtype=torch.uint8)
    mask[:, 96:104, 96:104] = 1
    found = Augmenter(("square",), spec, seed=0)({"scene": mask.unsqueeze(1)}, torch.arange(300), 0, mask).target
    assert found is not None
    share = (found == 1).flatten(1).any(dim=1).float().mean()
    assert 0.08 < share < 0.25  # 5 % would by chance alone


def test_a_bend_moves_pictures_and_masks_alike_and_leaves_corners_as_its_steps_say() -> None:
    steps = torch.zeros(1, 2, 3, 3)
    steps[0, 0, 0, 2] = 4.0  # the corner at the top right is taken from four pixels further right
    bend = bends(steps, (33, 33))
    assert bend.shape == (1, 33, 33, 2)
    assert bend[0, 0, 32, 0] == pytest.approx(4.0)
    assert bend[0, 32, 0].abs().max() < 1e-6
    smooth = bend[0, :, 1:, 0] - bend[0, :, :-1, 0]
    assert smooth.abs().max() < 0.6  # nothing is torn or folded
    picture = torch.randint(0, 256, (1, 1, 33, 33), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    matrix = identity(1, torch.device("cpu"))
    moved = warp_pictures(picture, matrix, (33, 33), between=False, bend=bend)
    there = warp_masks(picture[:, 0], matrix, (33, 33), bend)
    inside = there != OUTSIDE
    assert torch.equal(moved[:, 0][inside], there[inside])
    assert torch.equal(moved[0, 0, 32, :8], picture[0, 0, 32, :8])
