"""Draws what tools/quickstart.sh computed.

usage: quickstart_pictures.py PROGRAM FOLDER
"""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import matplotlib
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

program, folder = sys.argv[1], Path(sys.argv[2])


def read(name):
    file, dataset = name.split(":")
    with h5py.File(folder / file) as data:
        return data[dataset][:]


def attribute(model, name):
    shown = subprocess.run([program, "show", folder / model], capture_output=True, check=True)
    array = json.loads(shown.stdout)["attributes"][name]
    return np.array(array["data"]).reshape(array["shape"])


original = load_sample_image("china.jpg")
colours = attribute("china.tessera", "cluster_centers_")
labels = read("china_labels.h5:/labels")
rebuilt = (colours[labels] * 255).round().clip(0, 255).astype(np.uint8).reshape(original.shape)
Image.fromarray(np.hstack([original, rebuilt])).save(folder / "china_64_colours.png")

points, digit = read("digits_pca.h5:/T"), read("digits.h5:/y")
ratio = attribute("digits.tessera", "explained_variance_ratio_")
figure, axes = plt.subplots(figsize=(8, 6.5))
scatter = axes.scatter(*points[:, :2].T, c=digit, cmap="tab10", s=12, vmin=-0.5, vmax=9.5)
figure.colorbar(scatter, ticks=range(10), label="digit")
axes.set(xlabel=f"component 1 ({ratio[0]:.1%} of the variance)",
         ylabel=f"component 2 ({ratio[1]:.1%})",
         title="Handwritten digits, 8 x 8 pixels, on their first two principal components")
figure.savefig(folder / "digits_pca.png", dpi=120, bbox_inches="tight")
