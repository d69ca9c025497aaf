"""The networks of try-on: one that bends the garment into place, one that draws what no bending gives, and their judge.

The first predicts a flow in two rounds with the same weights, each seeing the garment as bent so far (after RAFT,
Teed and Deng 2020, without its cost volume). The second is a U-Net (Ronneberger et al. 2015): of each place it draws
a color, says whether garment, a new drawing or the photo's own pixel is seen there, and how light the garment is. The
judge looks at patches (Isola et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.networks.encoder import Residual
from catalens.tasks.tryon.composing import BRIGHTEST, CLASSES, FLOW, GAIN, PERSON_PLANES, PICTURE, THIN

FLOW_WIDTHS, DRAWN_WIDTHS = (24, 48, 96, 128), (32, 64, 128, 192)
ROUNDS = 2
FURTHEST = 12.0
"""Pixels of the view that one unit of the flow's last layer moves a garment."""
LEAK = 0.2


class TryOnNetwork(nn.Module):
    """(N, 19, H, W), planes as `composing.network_input` lays them out, sides multiples of 16 -> (N, 9, H, W).

    Of each place: flow (x, y in pixels), color (3, as the input's), logits of garment, drawn and kept, gain.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bend, self.draw = FlowNetwork(), Drawing()

    def forward(self, x: Tensor) -> Tensor:
        garment, person = x[:, :4], x[:, 4:]
        flow = self.bend(garment, person)
        return torch.cat([flow, self.draw(sampled(garment, flow), person)], 1)


class FlowNetwork(nn.Module):
    """Garment (N, 4, H, W) and person (N, 15, H, W) -> flow (N, 2, H, W) in pixels."""

    def __init__(self) -> None:
        super().__init__()
        first, *others = FLOW_WIDTHS
        self.stem = _three(4 + PERSON_PLANES, first)
        self.down = nn.ModuleList(_down(a, b) for a, b in zip(FLOW_WIDTHS[:-1], others, strict=True))
        self.up = nn.ModuleList(_up(b, a) for a, b in zip(FLOW_WIDTHS[1:-1], others[1:], strict=True))
        self.out = nn.Conv2d(FLOW_WIDTHS[1], 2, 3, padding=1)
        _silence(self.out)  # begin with the garment as it is

    def forward(self, garment: Tensor, person: Tensor) -> Tensor:
        small, around = F.avg_pool2d(garment, 2), F.avg_pool2d(person, 2)
        flow = self._round(small, around)
        for _ in range(ROUNDS - 1):
            flow = flow + self._round(sampled(small, _larger(flow, 2) / 2), around)
        return _larger(flow, 4)

    def _round(self, garment: Tensor, person: Tensor) -> Tensor:
        """At half of the view's size -> (N, 2, H/4, W/4) in pixels of the view."""
        x = self.stem(torch.cat([garment, person], 1))
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        for up, level in zip(reversed(self.up), reversed(levels[:-1]), strict=True):
            x = up(x) + level
        flow: Tensor = self.out(F.relu(x)) * FURTHEST
        return flow


class Drawing(nn.Module):
    """Garment in place (N, 4, H, W) and person (N, 15, H, W) -> (N, 7, H, W): color, three logits, gain."""

    def __init__(self) -> None:
        super().__init__()
        first, *others = DRAWN_WIDTHS
        self.stem = nn.Sequential(
            nn.Conv2d(4 + PERSON_PLANES, first, 4, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU()
        )
        self.first = Residual(first)
        self.down = nn.ModuleList(_down(a, b) for a, b in zip(DRAWN_WIDTHS[:-1], others, strict=True))
        self.up = nn.ModuleList(_up(b, a) for a, b in zip(DRAWN_WIDTHS[:-1], others, strict=True))
        self.smooth = nn.ModuleList(Residual(width) for width in DRAWN_WIDTHS[:-1])
        self.out = nn.Conv2d(first, 7 * 4, 3, padding=1)
        _silence(self.out)

    def forward(self, garment: Tensor, person: Tensor) -> Tensor:
        x = self.first(self.stem(torch.cat([garment, person], 1)))
        levels = [x]
        for down in self.down:
            x = down(x)
            levels.append(x)
        for up, smooth, level in zip(reversed(self.up), reversed(self.smooth), reversed(levels[:-1]), strict=True):
            x = smooth(F.relu(up(x) + level))
        found = F.pixel_shuffle(self.out(x), 2)
        # What it draws begins as the filled photo, what it shows as the garment where there is one.
        color = person[:, :3] + found[:, :3]
        covered = garment[:, 3:]
        logits = found[:, 3:6] + torch.cat([4 * covered - 2, torch.zeros_like(covered), torch.zeros_like(covered)], 1)
        return torch.cat([color, logits, found[:, 6:]], 1)


class Judge(nn.Module):
    """(N, 4, H, W), a picture and its region -> (N, 1, h, w): how real each patch is; and what it went by."""

    def __init__(self, widths: Sequence[int] = (32, 64, 128)) -> None:
        super().__init__()
        inputs = (4, *widths[:-1])
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.ModuleList(norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in zip(inputs, widths, strict=True))
        self.out = norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), LEAK)
            features.append(x)
        return self.out(x), features


def composed(places: Tensor, x: Tensor, photo: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the photo becomes, as `composing.compose` does it at the photo's own size.

    Args:
        places: (N, 9, H, W) of the network; x: its input; photo: (N, 3, H, W); known: (N, 1, H, W) 0..1.

    Returns:
        The picture (N, 3, H, W); the garment's colors in place (N, 3, H, W) and its cover (N, 1, H, W).
    """
    garment = sampled(x[:, :4], places[:, FLOW])
    shares = places[:, CLASSES].softmax(1)
    drawn, gain = places[:, PICTURE], BRIGHTEST * torch.tanh(places[:, GAIN])
    kept = known * shares[:, 2:] / (shares[:, 1:].sum(1, keepdim=True) + 1e-4)
    behind = kept * photo + (1 - kept) * drawn
    cover = shares[:, :1] * garment[:, 3:]
    own = garment[:, :3] / garment[:, 3:].clamp(min=THIN)
    colors = (own + 2) * gain.exp() - 2  # black is -2
    region = x[:, 7:8]
    picture = region * (cover * colors + (1 - cover) * behind) + (1 - region) * photo
    return picture, garment[:, :3], garment[:, 3:]


def sampled(pictures: Tensor, flow: Tensor) -> Tensor:
    """(N, C, H, W) read at each place's own xy plus flow (N, 2, H, W) in pixels; the edge goes on beyond the edge."""
    height, width = pictures.shape[2], pictures.shape[3]
    y = (torch.arange(height, device=flow.device, dtype=flow.dtype) + 0.5) * 2 / height - 1
    x = (torch.arange(width, device=flow.device, dtype=flow.dtype) + 0.5) * 2 / width - 1
    across = x[None, None, :] + flow[:, 0] * (2 / width)
    down = y[None, :, None] + flow[:, 1] * (2 / height)
    return F.grid_sample(pictures, torch.stack([across, down], -1), padding_mode="border", align_corners=False)


def _silence(layer: nn.Conv2d) -> None:
    """Let a layer say nothing before it learned something."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _larger(x: Tensor, times: int) -> Tensor:
    return F.interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)


def _three(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


def _down(inputs: int, outputs: int) -> nn.Module:
    halved = nn.Conv2d(inputs, outputs, 2, 2, bias=False)
    return nn.Sequential(halved, nn.BatchNorm2d(outputs), nn.ReLU(), Residual(outputs))


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), *_three(inputs, outputs).children()
    )
