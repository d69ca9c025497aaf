"""A shipped encoder made ready to be trained from again."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from catalens.images.prepare import Preprocess
from catalens.learning.networks.encoder import EncoderNetwork
from catalens.types import ImageArray


def unfolded(network: EncoderNetwork, preprocess: Preprocess, views: ImageArray) -> EncoderNetwork:
    """Give folded norms the statistics of what they see again: the network says the same, and norms that count each
    batch anew, as in training from the beginning, do not change it.

    Args:
        network: as `network_of` gives it.
        views: (N, S, S, 3) uint8, some hundred.
    """
    norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    seen: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}

    def look(norm: nn.Module, given: tuple[torch.Tensor]) -> None:
        seen[norm] = given[0].mean((0, 2, 3)), given[0].var((0, 2, 3))

    handles = [norm.register_forward_pre_hook(look) for norm in norms]
    with torch.no_grad():
        network(torch.from_numpy(np.stack([preprocess.apply(view)[0] for view in views])))
        for norm in norms:
            mean, variance = seen[norm]
            norm.running_mean.copy_(mean)  # type: ignore[union-attr]
            norm.running_var.copy_(variance)  # type: ignore[union-attr]
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)
    for handle in handles:
        handle.remove()
    return network
