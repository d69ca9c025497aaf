"""How much noise does denoising take from product photos?

    python -m benchmarks.denoise [--photos 20] [--save FOLDER]

Photos of clothing (validation), magento and retail (every second one; the parameters were tuned on the others and on
clothing's training photos) are shrunk to 3/4, so that no 8x8 grid of their JPEG is left for a transform to find, and
Gaussian noise is added, clipped and rounded as a camera does. Each figure is a mean over photos with its 95 % bootstrap
interval; PSNR in dB. `sigma` is not told to the method: it estimates it from the photo.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from catalens import settings
from catalens.evaluation.intervals import bootstrap_mean
from catalens.images.denoise import DenoiseMethod, denoise, noise_sigma
from catalens.images.draw import save_image
from catalens.images.enhance import enhance
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.types import ImageArray

METHODS: tuple[DenoiseMethod, ...] = ("dct", "nlm", "bilateral")
SIGMAS = (15.0, 25.0)
SEED = 2026


def photos(data: Path, count: int) -> dict[str, list[ImageArray]]:
    """By set; the same photos each time."""
    files = {
        "clothing": sorted((data / "clothing" / "validation").rglob("*.jpg")),
        "magento": sorted((data / "magento" / "media").rglob("*.jpg"))[1::2],
        "retail": sorted((data / "retail" / "images").rglob("*.jpg"))[1::2],
    }
    chosen = {name: random.Random(SEED).sample(paths, min(count, len(paths))) for name, paths in files.items()}
    return {name: [shrunk(read_image(path)) for path in paths] for name, paths in chosen.items()}


def shrunk(image: ImageArray) -> ImageArray:
    return resize(image, (image.shape[0] * 3 // 4, image.shape[1] * 3 // 4))


def noisy(image: ImageArray, sigma: float, seed: int) -> ImageArray:
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def psnr(clean: ImageArray, other: ImageArray) -> float:
    return float(peak_signal_noise_ratio(clean, other))


def ssim(clean: ImageArray, other: ImageArray) -> float:
    return float(structural_similarity(clean, other, channel_axis=2))


def measure(clean: list[ImageArray], sigma: float, method: DenoiseMethod) -> dict[str, Any]:
    rows = []
    seconds = 0.0
    for seed, image in enumerate(clean):
        before = noisy(image, sigma, seed)
        started = time.perf_counter()
        after = denoise(before, method=method)
        seconds += time.perf_counter() - started
        rows.append((psnr(image, before), psnr(image, after), ssim(image, before), ssim(image, after)))
    table = np.asarray(rows)
    return {
        "method": method,
        "sigma": sigma,
        "psnr_before": round(table[:, 0].mean(), 2),
        "psnr_after": round(table[:, 1].mean(), 2),
        "gain_db": bootstrap_mean(table[:, 1] - table[:, 0]).to_dict(),
        "ssim_before": round(table[:, 2].mean(), 3),
        "ssim_after": round(table[:, 3].mean(), 3),
        "s_per_megapixel": round(seconds / sum(image[:, :, 0].size for image in clean) * 1e6, 2),
    }


def print_row(name: str, row: dict[str, Any]) -> None:
    gain = row["gain_db"]
    print(
        f"{row['method']:<10}{row['sigma']:>5.0f}  {name:<10}{gain['n']:>4}"
        f"{row['psnr_before']:>8.2f}{row['psnr_after']:>8.2f}"
        f"{gain['value']:>8.2f} [{gain['low']:>5.2f}, {gain['high']:>5.2f}]"
        f"{row['ssim_before']:>8.3f}{row['ssim_after']:>8.3f}{row['s_per_megapixel']:>8.2f}",
        flush=True,
    )


def estimates(clean: list[ImageArray]) -> dict[str, list[float]]:
    """10th, 50th and 90th percentile of the estimated sigma, by the true one."""
    found = {}
    for sigma in (0.0, 5.0, *SIGMAS):
        seen = [noise_sigma(noisy(image, sigma, seed)) for seed, image in enumerate(clean)]
        found[f"{sigma:.0f}"] = [round(float(value), 1) for value in np.percentile(seen, [10, 50, 90])]
    return found


def save_samples(folder: Path, sets: Iterable[ImageArray]) -> None:
    """Write rows of clean, noisy, and each method's picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(sets):
        before = noisy(image, SIGMAS[1], 0)
        row = [image, before, *(denoise(before, method=method) for method in METHODS)]
        save_image(folder / f"denoised-{number}.png", cv2.hconcat(row).astype(np.uint8))
        save_image(folder / f"enhanced-{number}.png", cv2.hconcat([image, enhance(image)]).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description="Gain of denoising on real photos with added noise.")
    parser.add_argument("--photos", type=int, default=20, help="of each set")
    parser.add_argument("--save", type=Path, help="folder for sample pictures")
    given = parser.parse_args()
    sets = photos(settings.data_folder(), given.photos)
    everything = [image for images in sets.values() for image in images]
    print(f"{'method':<10}{'sigma':>5}  {'photos':<10}{'n':>4}{'PSNR':>8}{'after':>8}{'gain, 95 %':>23}", end="")
    print(f"{'SSIM':>8}{'after':>8}{'s/MP':>8}")
    rows = []
    for method in METHODS:
        for sigma in SIGMAS:
            for name, images in sets.items():
                print_row(name, measure(images, sigma, method))
            rows.append(measure(everything, sigma, method))
            print_row("all", rows[-1])
    estimated = estimates(everything)
    print("estimated sigma (10, 50, 90 %): " + ", ".join(f"{sigma}: {values}" for sigma, values in estimated.items()))
    kept = bootstrap_mean([psnr(image, enhance(image)) for image in everything])
    print(f"enhance() of the photos as they are: PSNR {kept.value:.1f} [{kept.low:.1f}, {kept.high:.1f}] dB to them")
    if given.save:
        save_samples(given.save, (images[number] for images in sets.values() for number in range(2)))
    result = {"benchmark": "denoise", "photos": len(everything), "rows": rows, "estimated": estimated}
    print(json.dumps({**result, "enhance_psnr": kept.to_dict()}))


if __name__ == "__main__":
    main()
