"""The encoder's network for pictures: dense 3x3 residual convolutions (He et al. 2016), few and wide, quick on a CPU.

Shapes for a picture of H x W: stem H/4, stages at H/4, H/8, H/16, H/32. What it is, is told by the last two, in their
principal directions: the layer above them that learns labels is thrown away, for it forgets what those do not need
(Chen et al. 2020, SimCLR, section 4.2). Where things are is told as well, in broad waves (`Layout`): shops show
products of a kind in one manner. Beside it, a short branch says how it looks: what is learned of single colors,
and what the trunk saw of textures, pooled over parts of the picture as a color histogram is. Its lesson, in which the
light changes, blurs colors that a shop tells apart, so they are counted as well (`counting.py`). Without shares of
their own, looks and colors were drowned by the kinds: two views of one dress were found less often than by a plain
color histogram.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.networks.counting import CountedColors

WIDTHS = (32, 96, 192, 288)
BLOCKS = (1, 2, 3, 2)
KIND_DIM, LOOK_DIM, COLOR_DIM = 384, 128, 64
DIM = KIND_DIM + LOOK_DIM + COLOR_DIM
SHARES = (0.7, 0.12, 0.18)
"""Of the similarity of two pictures, what their kinds, looks and colors decide; docs/encoder.md tells of others."""
FINER = 0.6
"""Of what a picture is, the share of the last stage but one, which knows less of kinds and more of their details."""
POWER = 0.75
"""Of what a place tells: strong places say less, and weak ones more (Arandjelovic and Zisserman 2012, of counts)."""
WAVES = MappingProxyType(
    {
        (0, 0): 81, (2, 0): 84, (0, 2): 60, (2, 2): 36, (3, 0): 23, (1, 0): 22, (4, 0): 15, (0, 4): 13, (1, 2): 12,
        (3, 2): 12, (4, 2): 6, (0, 6): 5, (1, 4): 5, (2, 4): 5, (5, 0): 5,
    }
)  # fmt: skip
"""Half waves down and across a picture, and the numbers that tell how much of what is seen lies along them: as many as
there are principal directions of all waves together above the least. Those across are even: mirrored, it is the same.
"""
LOOK_WIDTHS = (48, 96)
TINY = 1e-6
"""Added where a root is taken: that of nothing has no slope."""
TEXTURES = 2
"""Stages of the trunk after which textures are counted: at H/8, where weaves and prints are still seen."""


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity; the second's norm starts at zero, the block as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(y)))


def trunk_stages(widths: tuple[int, ...], blocks: tuple[int, ...]) -> list[list[nn.Module]]:
    """Layers of each stage: patches of 4 pixels, later of 2, then residual blocks."""
    inputs = (3, *widths[:-1])
    return [
        [*_patches(before, width, 2 if stage else 4), *(Residual(width) for _ in range(count))]
        for stage, (before, width, count) in enumerate(zip(inputs, widths, blocks, strict=True))
    ]


class AppearanceBranch(nn.Module):
    """(N, 3, H, W) normalised pictures and (N, C, h, w) what the trunk sees at a finer stage, none below zero ->
    (N, dim): colors and textures, counted in the upper and lower half and in the middle.
    """

    def __init__(self, dim: int, *, textures: int) -> None:
        super().__init__()
        first, second = LOOK_WIDTHS
        self.colors = nn.Sequential(*_points(3, first), nn.ReLU(), *_points(first, second), nn.ReLU())
        self.out = nn.Sequential(*_points(3 * (second + textures), dim))

    def forward(self, x: Tensor, textures: Tensor) -> Tensor:
        parts = [*_parts(self.colors(F.avg_pool2d(x, 4))), *_parts(textures)]
        # The square root keeps small areas from being drowned by large ones (Arandjelovic and Zisserman 2012).
        counts = torch.cat([part.mean((2, 3), keepdim=True) for part in parts], 1).clamp(min=1e-4).sqrt()
        looks: Tensor = self.out(counts).flatten(1)
        return looks


def _parts(places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    height, width = places.shape[2:]
    return (
        places[:, :, : height // 2],
        places[:, :, height // 2 :],
        places[:, :, height // 4 : height - height // 4, width // 4 : width - width // 4],
    )


class Layout(nn.Module):
    """(N, C, h, w) what places show -> (N, dim, h, w), the mean of which tells what a picture is: how much of each
    principal direction lies along each of the `WAVES`, a cosine transform over the places.
    """

    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, dim, 1, bias=False)
        self.origin = nn.Parameter(torch.zeros(dim, 1, 1))
        self._numbers = _numbers(dim)

    def forward(self, places: Tensor) -> Tensor:
        rows = [row for row, count in enumerate(self._numbers) for _ in range(count)]
        along: Tensor = self.conv(places) * _waves(places)[rows] + self.origin
        return along

    @torch.no_grad()
    def fit(self, batches: Iterable[Tensor]) -> None:
        """Choose the principal directions of what these show along each wave."""
        along = torch.cat([(_waves(one)[:, None] * one[:, None]).mean((3, 4)) for one in batches])
        self.conv.weight.zero_()
        self.origin.zero_()
        start = 0
        for shown, count in zip(along.unbind(1), self._numbers, strict=True):
            mean = shown.mean(0)
            directions = torch.linalg.svd(shown - mean, full_matrices=False).Vh[:count]
            self.conv.weight[start : start + len(directions)] = directions[:, :, None, None]
            self.origin[start : start + len(directions)] = -(directions @ mean)[:, None, None]
            start += count


def _numbers(dim: int) -> list[int]:
    """How many of `dim` numbers each wave gets; what is left over is the whole picture's."""
    total = sum(WAVES.values())
    numbers = [count * dim // total for count in WAVES.values()]
    return [dim - sum(numbers[1:]), *numbers[1:]]


def _waves(places: Tensor) -> Tensor:
    """(waves, h, w) cosines with so many half waves down and across; the mean of their squares is 1."""
    sizes = [int(size) for size in places.shape[2:]]  # numbers, so that an exported network has the waves as such
    down, across = (
        torch.stack([_cosine(halves, size, places.device) for halves in counts])
        for counts, size in zip(zip(*WAVES, strict=True), sizes, strict=True)
    )
    return down[:, :, None] * across[:, None]


def _cosine(halves: int, size: int, device: torch.device) -> Tensor:
    middles = (torch.arange(size, device=device) + 0.5) / size
    return torch.cos(torch.pi * halves * middles) * (2**0.5 if halves else 1.0)


class EncoderNetwork(nn.Module):
    """(N, 3, H, W) normalised pictures -> (N, dim + look_dim + color_dim) vectors: what it is, its looks, its colors.

    Args:
        dim: numbers for what it is; look_dim: for how it looks; color_dim: for its colors; 0 for none of either.
    """

    def __init__(
        self,
        *,
        widths: tuple[int, ...] = WIDTHS,
        blocks: tuple[int, ...] = BLOCKS,
        dim: int = KIND_DIM,
        look_dim: int = LOOK_DIM,
        color_dim: int = COLOR_DIM,
    ) -> None:
        super().__init__()
        self.dim = dim + look_dim + color_dim
        stages = trunk_stages(widths, blocks)
        self._ends = tuple(accumulate(map(len, stages)))
        self.counted = CountedColors(color_dim) if color_dim else None
        self.looks = AppearanceBranch(look_dim, textures=widths[TEXTURES - 1]) if look_dim else None
        self.trunk = nn.Sequential(*chain.from_iterable(stages))
        self.head = Layout(sum(widths[-2:]), dim)

    def learned(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """(N, widths[-1]) what the last stage saw, on the mean; looks and colors as `parts`: what training goes by."""
        stages = self._stages(x)
        return stages[-1].mean((2, 3)), *self._beside(x, stages)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """(N, dim, H/32, W/32): what each place is; (N, look_dim): how the picture looks; (N, color_dim): its colors.

        All of any length.
        """
        stages = self._stages(x)
        return self.head(_stage_features(stages)), *self._beside(x, stages)

    def _stages(self, x: Tensor) -> list[Tensor]:
        found = []
        for start, end in zip((0, *self._ends), self._ends, strict=False):
            x = self.trunk[start:end](x)
            found.append(x)
        return found

    def _beside(self, x: Tensor, stages: list[Tensor]) -> tuple[Tensor | None, Tensor | None]:
        looks = None if self.looks is None else self.looks(x, stages[TEXTURES - 1])
        return looks, None if self.counted is None else self.counted(x)

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Choose the directions that tell what pictures are, by these.

        Args:
            batches: of pictures as `forward` takes them. There are no more directions than pictures.
        """
        self.head.fit(_stage_features(self._stages(x)) for x in batches)

    def regions(self, x: Tensor) -> Tensor:
        """(N, dim + look_dim + color_dim, H/32, W/32): the vector of each place; their mean is the picture's.

        Looks and colors are those of the whole picture, everywhere.
        """
        places, looks, colors = self.parts(x)
        length = places.mean((2, 3), keepdim=True).norm(dim=1, keepdim=True).clamp(min=1e-6)
        lengths = part_lengths(looks, colors)
        found = [places / length * lengths[0]]
        for one, root in zip((looks, colors), lengths[1:], strict=True):
            if one is not None:
                everywhere = F.normalize(one)[:, :, None, None].expand(-1, -1, *places.shape[2:])
                found.append(everywhere * root)
        return torch.cat(found, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.regions(x).mean((2, 3))


def _stage_features(stages: Sequence[Tensor]) -> Tensor:
    """What the last two stages say of each place, (N, their widths, H/32, W/32)."""
    finer = F.avg_pool2d(stages[-2], 2)
    return torch.cat([_even(stages[-1]) * (1 - FINER) ** 0.5, _even(finer) * FINER**0.5], 1)


def _even(places: Tensor) -> Tensor:
    """The power of places, none below zero, scaled so that their mean square length is 1."""
    weaker = (places + TINY).pow(POWER)
    return weaker / weaker.square().sum(1, keepdim=True).mean((2, 3), keepdim=True).sqrt()


def part_lengths(looks: Tensor | None, colors: Tensor | None) -> tuple[float, ...]:
    """Lengths of the parts: the roots of `SHARES`, those of parts that are missing given to the others."""
    there = (True, looks is not None, colors is not None)
    total = sum(share for share, is_there in zip(SHARES, there, strict=True) if is_there)
    return tuple((share / total) ** 0.5 for share in SHARES)


def _points(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]


def _patches(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, stride, stride, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class Average:
    """Exponential moving average of a network's weights and statistics: what is exported."""

    def __init__(self, network: nn.Module, *, decay: float = 0.999) -> None:
        self.network = copy.deepcopy(network)
        self.network.requires_grad_(requires_grad=False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, *, step: int) -> None:
        """Follow the network; quickly at first, when there is little to average."""
        decay = min(self._decay, 1 - 1 / (1 + step / 2))
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        mine, its = zip(*(pair for pair in pairs if pair[0].dtype.is_floating_point), strict=True)
        torch._foreach_lerp_(mine, its, 1 - decay)  # all at once: a GPU waits for hundreds of small steps otherwise
        for counter, its_counter in (pair for pair in pairs if not pair[0].dtype.is_floating_point):
            counter.copy_(its_counter)


@torch.no_grad()
def inherit(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Take over weights by name: of a tensor that was smaller the part that it has; others keep their random start."""
    for name, mine in network.state_dict().items():
        theirs = state.get(name)
        if theirs is not None and theirs.dim() == mine.dim():
            common = tuple(slice(min(a, b)) for a, b in zip(mine.shape, theirs.shape, strict=True))
            mine[common].copy_(theirs[common])
