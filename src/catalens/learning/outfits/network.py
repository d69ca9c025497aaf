"""The outfit network: compatibility scores, and embeddings of missing garments.

A small transformer over the set of garments (Vaswani et al. 2017; without positions, so that their order says nothing),
and beside it each pair of them. What pairs of garments tell in closed form (`outfits.pairs`) is added.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.outfits.pairs import PADDING, Pairs
from catalens.tasks.outfit import KINDS

WIDTH, HEADS, LAYERS, COLOR_DIM = 96, 4, 1, 448
BLIND, DROPOUT = 0.35, 0.25
"""Of the inputs, and inside."""
SHARES = (1.25, 0.7)
"""Of the network's logit and that of the pairs in their sum, by logistic regression on a fifth of the photos that was
left out of what is learned from."""
LOOKED_FOR = 0.5
"""What the pairs' direction counts beside the network's, chosen there, too."""


class OutfitNetwork(nn.Module):
    """vectors (N, L, D), colors (N, L, 448), kinds (N, L) -> logits (N,), and of each place a vector (N, L, D).

    A kind k is a garment of kind k, K + k one that is looked for, 2 K nothing.
    """

    def __init__(self, dim: int, *, color_dim: int = COLOR_DIM) -> None:
        super().__init__()
        self.items = nn.Linear(dim, WIDTH)
        self.colors = nn.Linear(color_dim, WIDTH, bias=False)
        self.kinds = nn.Embedding(PADDING + 1, WIDTH)
        self.blind = nn.Dropout(BLIND)
        self.blocks = nn.ModuleList(_Block() for _ in range(LAYERS))
        self.norm, self.before = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.verdict, self.wanted = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, dim)
        self.pairs = nn.Sequential(nn.Linear(2 * WIDTH + 2, WIDTH), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(WIDTH, 1))

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        present = kinds < len(KINDS)
        begun, x = self.seen(vectors, colors, kinds)
        weight = present[..., None].float()
        together = (x * weight).sum(1) / weight.sum(1).clamp(min=1)
        beside = self._of_pairs(self.before(begun), vectors, colors, present)
        return self.verdict(together)[:, 0] + beside, self.wanted(x)

    def seen(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        """(N, L, WIDTH) each place by itself, and with what is beside it."""
        here = (self.items(self.blind(vectors)) + self.colors(self.blind(colors))) * (kinds < len(KINDS))[..., None]
        begun = here + self.kinds(kinds)
        x = begun
        for block in self.blocks:
            x = block(x, kinds < PADDING)
        return begun, self.norm(x)

    def _of_pairs(self, x: Tensor, vectors: Tensor, colors: Tensor, present: Tensor) -> Tensor:
        """(N,) mean over all pairs of garments of what each says; the order in a pair says nothing."""
        one, other = x[:, :, None], x[:, None]
        alike = torch.stack([vectors @ vectors.transpose(1, 2), colors @ colors.transpose(1, 2)], -1)
        said = self.pairs(torch.cat([one * other, (one - other).abs(), alike], -1))[..., 0]  # (N, L, L)
        weight = (present[:, :, None] & present[:, None]).float() * (1 - torch.eye(x.shape[1]))
        mean: Tensor = (said * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)
        return mean


class _Block(nn.Module):
    """Attention among what is there, then a hidden layer; both beside the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.asks = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.hidden = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        count, length, _ = x.shape
        query, key, value = self.asks(self.before(x)).reshape(count, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        likeness = query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        weights = likeness.masked_fill(~there[:, None, None], -1e4).softmax(-1)
        x = x + self.drop(self.out((weights @ value).transpose(1, 2).reshape(count, length, WIDTH)))
        y: Tensor = x + self.drop(self.hidden(self.between(x)))
        return y


class Together(nn.Module):
    """The mean of networks (of the logits, and of the vectors at unit length) and what pairs tell, weighed."""

    def __init__(self, networks: Sequence[OutfitNetwork], pairs: Pairs) -> None:
        super().__init__()
        self.networks, self.pairs = nn.ModuleList(networks), pairs

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        said = [network(vectors, colors, kinds) for network in self.networks]
        logits = torch.stack([one for one, _ in said]).mean(0)
        wanted = torch.stack([F.normalize(one, dim=-1) for _, one in said]).mean(0)
        beside, asked = self.pairs(vectors, colors, kinds)
        return SHARES[0] * logits + SHARES[1] * beside, wanted + LOOKED_FOR * F.normalize(asked, dim=-1)[:, None]
