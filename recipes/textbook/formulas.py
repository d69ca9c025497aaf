"""Convolution and attention written out as their formulas. Slow, and equal to the library's call, as tests prove."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError

Array = NDArray[np.float64]


def convolution(x: Array, kernel: Array, bias: Array, *, stride: int = 1, padding: int = 0) -> Array:
    """What libraries call convolution (Goodfellow et al. 2016, "Deep Learning", equation 9.6: cross-correlation).

        y[o, i, j] = bias[o] + sum over c, u, v of kernel[o, c, u, v] * x[c, i * stride + u, j * stride + v]

    with x extended by `padding` zeros on each side.

    Args:
        x: (C, H, W). kernel: (O, C, U, V). bias: (O,).

    Returns:
        (O, (H + 2 padding - U) // stride + 1, (W + 2 padding - V) // stride + 1); `torch.nn.functional.conv2d`.

    Raises:
        UsageError: shapes that do not fit.
    """
    channels, height, width = x.shape
    outputs, inputs, u, v = kernel.shape
    rows, columns = (height + 2 * padding - u) // stride + 1, (width + 2 * padding - v) // stride + 1
    if inputs != channels or stride < 1 or rows < 1 or columns < 1:
        raise UsageError(f"a kernel of {kernel.shape} on {x.shape}", cure="give as many channels, and a larger picture")
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    y = np.empty((outputs, rows, columns))
    for o in range(outputs):
        for i in range(rows):
            for j in range(columns):
                window = padded[:, i * stride : i * stride + u, j * stride : j * stride + v]
                y[o, i, j] = bias[o] + (kernel[o] * window).sum()
    return y


def attention(q: Array, k: Array, v: Array, *, mask: NDArray[np.bool_] | None = None) -> Array:
    """Scaled dot-product attention (Vaswani et al. 2017, equation 1).

        weight[i, j] = exp(q[i] . k[j] / sqrt(D)) / sum over m of exp(q[i] . k[m] / sqrt(D))
        y[i] = sum over j of weight[i, j] * v[j]

    Args:
        q: (N, D). k: (M, D). v: (M, E). mask: (N, M), True where i may look at j; each i at one j at least.

    Returns:
        (N, E); `torch.nn.functional.scaled_dot_product_attention`.

    Raises:
        UsageError: shapes that do not fit, or an i that may look at nothing.
    """
    if q.shape[1] != k.shape[1] or len(k) != len(v) or (mask is not None and not mask.any(1).all()):
        raise UsageError(f"queries {q.shape}, keys {k.shape}, values {v.shape}", cure="give shapes that fit")
    y = np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        seen = [j for j in range(len(k)) if mask is None or mask[i, j]]
        scores = {j: float(q[i] @ k[j]) / np.sqrt(q.shape[1]) for j in seen}
        highest = max(scores.values())  # the same factor above and below: exp cannot overflow
        powers = {j: np.exp(score - highest) for j, score in scores.items()}
        total = sum(powers.values())
        for j in seen:
            y[i] += powers[j] / total * v[j]
    return y


def multi_head_attention(x: Array, projections: tuple[Array, Array, Array, Array], *, heads: int) -> Array:
    """Several attentions side by side, each on its part of the projected vectors (Vaswani et al. 2017, section 3.2.2).

    Args:
        x: (N, D). projections: of queries, keys, values and the output, (D, D) each, applied as x @ projection.

    Returns:
        (N, D); `torch.nn.MultiheadAttention` without biases.
    """
    query, key, value, out = projections
    dim = x.shape[1]
    if heads < 1 or dim % heads:
        raise UsageError(f"{heads} heads for vectors of {dim}", cure="choose a number that divides it")
    q, k, v = x @ query, x @ key, x @ value
    parts = [slice(head * dim // heads, (head + 1) * dim // heads) for head in range(heads)]
    return np.asarray(np.concatenate([attention(q[:, p], k[:, p], v[:, p]) for p in parts], axis=1) @ out, np.float64)
