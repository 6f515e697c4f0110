"""Writes real data that ship with scikit-learn as HDF5: digits, diabetes and the pixels of china.jpg.

usage: sample_data.py FOLDER
"""

import sys
from pathlib import Path

import h5py
import numpy as np
from sklearn.datasets import load_diabetes, load_digits, load_sample_image


def write(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

digits = load_digits()
write(folder / "digits.h5", X=digits.data, y=digits.target)

diabetes = load_diabetes()
write(folder / "diabetes.h5", X=diabetes.data, y=diabetes.target)

picture = load_sample_image("china.jpg")
write(folder / "china.h5", X=picture.reshape(-1, 3).astype(np.float32) / 255)
