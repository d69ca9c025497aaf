"""A generator, its critic and an encoder, after StyleGAN2 (Karras et al. 2020).

All take words as numbers: (N, L), one column for each list of words (kinds, colors, patterns); the number after a
list's last means that nobody said it. Pictures are (N, C, H, W) in -1..1, latents (N, LATENT).

Unlike StyleGAN2, for a CPU: no noise at the places, so that a latent is one picture; a constant for each kind to begin
from; convolutions before enlarging; the features may end at a quarter or half of the picture's side, and channels then
become places (Shi et al. 2016). And for conditions that hold: what the last layer gives are maps, which a palette
colors. Only the palette is told the color, so that a form is learned once and not for each color.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

LATENT, STYLE = 64, 128
LEAK = 0.2
COLOR_COLUMN = 1
"""Of the words: told to the palette only."""
FAR = 4.0
"""No latent's mean is farther from 0: training is quick, and would run away."""
SPREAD_OVER = 4
"""Pictures that the critic compares with each other, to see whether they are all alike (Karras et al. 2018)."""


@dataclass(frozen=True)
class Shape:
    """How large a generator is: side of its first features, widths from there on, each at twice the side before.

    Args:
        counts: words in each list; channels: 1 or 3; enlarge: from the last features to the picture; maps: that the
            palette colors.
    """

    counts: tuple[int, ...]
    start: int
    widths: tuple[int, ...]
    channels: int = 3
    enlarge: int = 4
    maps: int = 6

    @property
    def side(self) -> int:
        """Of the pictures, in pixels."""
        return (self.start << (len(self.widths) - 1)) * self.enlarge


class LabelEmbedding(nn.Module):
    """(N, L) words -> (N, width): the sum of their vectors; of some columns, where they are named."""

    def __init__(self, counts: Sequence[int], width: int, *, columns: Sequence[int] | None = None) -> None:
        super().__init__()
        self.columns = tuple(range(len(counts)) if columns is None else columns)
        self.tables = nn.ModuleList(nn.Embedding(counts[column] + 1, width) for column in self.columns)

    def forward(self, words: Tensor) -> Tensor:
        told = [table(words[:, column]) for column, table in zip(self.columns, self.tables, strict=True)]
        return torch.stack(told).sum(0)


class ModulatedConv(nn.Module):
    """A 3x3 convolution whose inputs a style scales, and whose outputs are scaled back to unit variance."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.style = nn.Linear(STYLE, inputs)
        nn.init.ones_(self.style.bias)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3) / (inputs * 9) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale = self.style(style)
        # Scaling the inputs is scaling the weights, but needs no weights for each picture. The 2 keeps the variance
        # through the ReLU.
        back = (2 / (scale**2 @ (self.weight**2).sum((2, 3)).T + 1e-8)).sqrt()
        y = F.conv2d(x * scale[:, :, None, None], self.weight, padding=1)
        return F.leaky_relu(torch.addcmul(self.bias[:, None, None], y, back[:, :, None, None]), LEAK)


def _mapping(inputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (inputs, STYLE, STYLE):
        layers += [nn.Linear(width, STYLE), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class StyleGenerator(nn.Module):
    """Latents (N, LATENT) and words (N, L) -> pictures (N, C, S, S) in about -1..1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        first, columns = shape.widths[0], range(len(shape.counts))
        self.latent = LATENT
        self.form_said = LabelEmbedding(shape.counts, STYLE, columns=[one for one in columns if one != COLOR_COLUMN])
        self.color_said = LabelEmbedding(shape.counts, STYLE)
        self.form_style, self.color_style = _mapping(LATENT + STYLE), _mapping(LATENT + STYLE)
        self.begin = nn.Embedding(shape.counts[0] + 1, first * shape.start**2)
        self.place = nn.Linear(LATENT, first * shape.start**2)
        self.first = ModulatedConv(first, first)
        pairs = list(pairwise(shape.widths))
        self.before = nn.ModuleList(ModulatedConv(a, b) for a, b in pairs)
        self.after = nn.ModuleList(ModulatedConv(b, b) for _, b in pairs)
        self.maps = nn.Conv2d(shape.widths[-1], shape.maps * shape.enlarge**2, 3, padding=1)
        self.palette = nn.Linear(STYLE, shape.channels * shape.maps)
        self.tint = LabelEmbedding(shape.counts, shape.channels, columns=[*columns][COLOR_COLUMN : COLOR_COLUMN + 1])
        self.ground = nn.Parameter(torch.ones(shape.channels))
        self.crispness = 0.0
        self.disk: Tensor | None
        self.register_buffer("disk", None, persistent=False)

    @torch.no_grad()
    def begin_with(self, tints: Tensor, ground: float) -> None:
        """Start the palette from colors: (count + 1, channels) of each word for them, in -1..1; and from a ground."""
        self.ground.fill_(ground)
        if self.tint.tables:
            table = self.tint.tables[0]
            assert isinstance(table, nn.Embedding)
            table.weight.copy_(tints - ground)

    def forward(self, latents: Tensor, words: Tensor) -> Tensor:
        return self.painted(self.form(latents, words), self.colors(latents, words))

    def form(self, latents: Tensor, words: Tensor) -> Tensor:
        """(N, maps, S, S): what is where; the color says nothing here."""
        style = self.form_style(torch.cat([latents, self.form_said(words)], 1))
        start = self.begin(words[:, 0]) + self.place(latents)
        start = start * (start.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        x = start.reshape(-1, self.shape.widths[0], self.shape.start, self.shape.start)
        x = self.first(x.contiguous(memory_format=torch.channels_last), style)
        for before, after in zip(self.before, self.after, strict=True):
            y = _larger(before(x, style))
            x = (y + after(y, style)) * 0.5**0.5
        maps = F.pixel_shuffle(self.maps(x), self.shape.enlarge)
        if self.disk is None:
            return maps
        reach = self.disk.shape[-1] // 2
        around = F.pad(maps, (reach, reach, reach, reach), mode="replicate")
        return maps + self.crispness * (maps - F.conv2d(around, self.disk, groups=self.shape.maps))

    def sharpen(self, *, amount: float, blur: float) -> None:
        """From now on sharpen outlines by an unsharp mask: not in training, where it would be learned against.

        Args:
            amount: how much of the difference to the blurred form is added; blur: its deviation, in pixels.
        """
        line = torch.exp(-0.5 * (torch.arange(-round(2 * blur), round(2 * blur) + 1) / blur) ** 2)
        self.disk = ((line[:, None] * line) / line.sum() ** 2).expand(self.shape.maps, 1, -1, -1).contiguous()
        self.crispness = amount

    def colors(self, latents: Tensor, words: Tensor) -> Tensor:
        """(N, channels, maps): of what color each map is."""
        palette: Tensor = self.palette(self.color_style(torch.cat([latents, self.color_said(words)], 1)))
        colors: Tensor = palette.reshape(-1, self.shape.channels, self.shape.maps)
        if self.tint.tables:  # the first map is where the product's own color lies
            colors = torch.cat([(self.tint(words) + colors[:, :, 0])[:, :, None], colors[:, :, 1:]], 2)
        return colors

    def painted(self, maps: Tensor, colors: Tensor) -> Tensor:
        """(N, channels, S, S): the maps in their colors, on the ground."""
        side = self.shape.side
        flat = colors @ maps.flatten(2)
        picture: Tensor = flat.reshape(-1, self.shape.channels, side, side) + self.ground[:, None, None]
        return picture


class Trunk(nn.Module):
    """Pictures (N, C, S, S) -> (N, width, start, start): a generator's widths the other way round, with residuals."""

    def __init__(self, shape: Shape, *, extra: int = 0) -> None:
        super().__init__()
        self.enlarge, self.extra = shape.enlarge, extra
        widths = shape.widths[::-1]
        self.stem = nn.Conv2d(shape.channels * shape.enlarge**2, widths[0], 3, padding=1)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, padding=1) for a, b in pairs)
        self.even = nn.ModuleList(nn.Conv2d(b, b, 3, padding=1) for _, b in pairs)
        self.skip = nn.ModuleList(nn.Conv2d(a, b, 1, bias=False) for a, b in pairs)
        self.last = nn.Conv2d(widths[-1] + extra, widths[-1], 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        places = F.pixel_unshuffle(x, self.enlarge).contiguous(memory_format=torch.channels_last)
        x = F.leaky_relu(self.stem(places), LEAK)
        for down, even, skip in zip(self.down, self.even, self.skip, strict=True):
            y = F.leaky_relu(even(F.leaky_relu(down(x), LEAK)), LEAK)
            x = (skip(F.avg_pool2d(x, 2, ceil_mode=True)) + y) * 0.5**0.5
        if self.extra:
            x = torch.cat([x, _spread(x)], 1)
        return F.leaky_relu(self.last(x), LEAK)


class Critic(nn.Module):
    """Pictures and words -> (N, 1 + K): how real, the words by projection (Miyato and Koyama 2018); scores of kinds.

    Args:
        tells_kinds: whether there are such scores, for what the words do not say; else K is 0.
    """

    def __init__(self, shape: Shape, *, tells_kinds: bool = False) -> None:
        super().__init__()
        self.trunk = Trunk(shape, extra=1)
        self.hidden = nn.Linear(shape.widths[0] * shape.start**2, STYLE)
        self.real = nn.Linear(STYLE, 1)
        self.said = LabelEmbedding(shape.counts, STYLE)
        self.kinds = nn.Linear(STYLE, shape.counts[0]) if tells_kinds else None

    def forward(self, pictures: Tensor, words: Tensor) -> Tensor:
        seen = F.leaky_relu(self.hidden(self.trunk(pictures).flatten(1)), LEAK)
        real: Tensor = self.real(seen) + (seen * self.said(words)).sum(1, keepdim=True) / STYLE**0.5
        return real if self.kinds is None else torch.cat([real, self.kinds(seen)], 1)


class Encoder(nn.Module):
    """Pictures and words -> mean and log-variance (N, LATENT) of the latents that may have made them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.trunk, self.said = Trunk(shape), LabelEmbedding(shape.counts, STYLE)
        self.out = nn.Linear(shape.widths[0] * shape.start**2 + STYLE, 2 * LATENT)
        nn.init.normal_(self.out.weight, std=0.01)

    def forward(self, pictures: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.cat([self.trunk(pictures).flatten(1), self.said(words)], 1)
        mean, spread = self.out(seen).chunk(2, 1)
        return FAR * torch.tanh(mean / FAR), spread.clamp(-8, 1)


def _larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _spread(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 1, H, W): the mean deviation among every four pictures, everywhere the same."""
    groups = SPREAD_OVER if len(x) % SPREAD_OVER == 0 else 1
    deviation = (x.reshape(groups, -1, *x.shape[1:]).var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    return deviation.repeat(groups)[:, None, None, None].expand(-1, 1, *x.shape[2:])
