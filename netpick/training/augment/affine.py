"""One affine map a row, for pictures and for what lies in them: masks, and the corners of boxes.

A matrix (B, 2, 3) takes a point of the result, in pixels (x, y) from the top left corner, to a point of the picture that it was taken
from. The middle of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

OUTSIDE = 255  # of masks: what moves in from outside of the picture


def identity(count: int, device: torch.device) -> Tensor:
    """(count, 2, 3) of maps that move nothing."""
    return torch.eye(2, 3, device=device).expand(count, 2, 3).clone()


def compose(first: Tensor, second: Tensor) -> Tensor:
    """(B, 2, 3) of the map that takes a point of the result through `first`, then through `second`."""
    linear = second[:, :, :2] @ first[:, :, :2]
    moved = second[:, :, :2] @ first[:, :, 2:] + second[:, :, 2:]
    return torch.cat([linear, moved], dim=2)


def about(matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """A linear map (B, 2, 2) as one (B, 2, 3) that leaves the middle of a result of (height, width) where it is."""
    middle = torch.tensor([size[1] / 2, size[0] / 2], device=matrix.device).view(1, 2, 1)
    return torch.cat([matrix, middle - matrix @ middle], dim=2)


def inverse(matrix: Tensor) -> Tensor:
    """(B, 2, 3) from points of the picture to points of the result."""
    linear = torch.linalg.inv(matrix[:, :, :2])
    return torch.cat([linear, -linear @ matrix[:, :, 2:]], dim=2)


def warp_pictures(
    pictures: Tensor, matrix: Tensor, size: tuple[int, int], *, between: bool = True, bend: Tensor | None = None
) -> Tensor:
    """Pictures (B, C, H, W) to (B, C, *size); outside stands 0.

    between: floats along straight lines between pixels; else the nearest pixel counts, and bytes stay bytes. bend (B, h, w, 2): how far
    (x, y) each point is taken from beside the place that the map names, in pixels of the picture.
    """
    points = _points(matrix, size) if bend is None else _points(matrix, size) + bend
    flat = pictures.flatten(2)
    if not between:
        place, inside = _place(points.floor().long(), pictures.shape[2:])
        return torch.where(inside.unsqueeze(1), _taken(flat, place), torch.zeros((), dtype=pictures.dtype))
    shares = points / points.new_tensor([pictures.shape[3], pictures.shape[2]]) * 2 - 1
    values = pictures if pictures.is_floating_point() else pictures.float() / 255
    return functional.grid_sample(values, shares, mode="bilinear", padding_mode="zeros", align_corners=False)


def warp_masks(masks: Tensor, matrix: Tensor, size: tuple[int, int], bend: Tensor | None = None) -> Tensor:
    """Masks (B, H, W) uint8 to (B, *size): the nearest pixel counts; outside stands OUTSIDE. bend: as of pictures."""
    points = _points(matrix, size) if bend is None else _points(matrix, size) + bend
    place, inside = _place(points.floor().long(), masks.shape[1:])
    taken = _taken(masks.flatten(1).unsqueeze(1), place).squeeze(1)
    return torch.where(inside, taken, torch.full_like(taken, OUTSIDE))


def warp_boxes(boxes: Tensor, matrix: Tensor) -> Tensor:
    """Boxes (B, M, 4) of left, top, right, bottom in pixels of the picture, as the boxes around their moved corners in the result."""
    left, top, right, bottom = boxes.unbind(dim=2)
    corners = torch.stack(
        [torch.stack([x, y], dim=2) for x, y in ((left, top), (right, top), (left, bottom), (right, bottom))], dim=2
    )  # (B, M, 4, 2)
    back = inverse(matrix)
    moved = torch.einsum("bij,bmkj->bmki", back[:, :, :2], corners) + back[:, None, None, :, 2]
    return torch.cat([moved.amin(dim=2), moved.amax(dim=2)], dim=2)


def bends(steps: Tensor, size: tuple[int, int]) -> Tensor:
    """Steps (B, 2, n, n) of the points of a coarse lattice, in pixels, as (B, h, w, 2) of every pixel: smooth between them, as the elastic
    deformations of Ronneberger et al. (2015), who draw 3 x 3 steps of a deviation of 10 pixels."""
    smooth = functional.interpolate(steps, size, mode="bicubic", align_corners=True)
    return smooth.permute(0, 2, 3, 1)


def _points(matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, h, w, 2) of the picture's points that the middles of the result's pixels come from."""
    down = torch.arange(size[0], device=matrix.device) + 0.5
    across = torch.arange(size[1], device=matrix.device) + 0.5
    column, row = across.view(1, 1, -1), down.view(1, -1, 1)
    parts = [
        matrix[:, i, 0, None, None] * column + matrix[:, i, 1, None, None] * row + matrix[:, i, 2, None, None]
        for i in range(2)
    ]
    return torch.stack(parts, dim=3)


def _place(pixels: Tensor, size: torch.Size) -> tuple[Tensor, Tensor]:
    """Pixels (B, h, w, 2) of (x, y) as numbers (B, h, w) within a picture of (height, width), and which of them lie in it."""
    height, width = size
    across, down = pixels[..., 0], pixels[..., 1]
    inside = (across >= 0) & (across < width) & (down >= 0) & (down < height)
    return down.clamp(0, height - 1) * width + across.clamp(0, width - 1), inside


def _taken(flat: Tensor, place: Tensor) -> Tensor:
    """Pixels (B, C, h, w) of pictures (B, C, H * W)."""
    index = place.flatten(1).unsqueeze(1).expand(-1, flat.shape[1], -1)
    return flat.gather(2, index).view(flat.shape[0], flat.shape[1], *place.shape[1:])
