"""Models are the same bits from one version to the next, with --portable-bits on any x86-64 machine.

These hashes are a promise. Whoever changes bits on purpose (a kernel's order of additions, the size of leaves,
draws) runs this test, copies the hashes that it prints and says in the commit what changed and why.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from program import tessera, write

GOLDEN = {
    "KMeans X --n-clusters 4 --random-state 1": "7440e173c0ab9f20",
    "KMeans X32 --n-clusters 4 --random-state 1 --init random": "73b2f1b0055c4e9a",
    "KMeans X --n-clusters 4 --random-state 1 --init k-means||": "d9c6548c70a0b6bd",
    "PCA X": "7275c19cd72fbb92",
    "PCA X32 --n-components 2 --svd-solver full": "82b20e9b3d7056bb",
    "PCA X32 --n-components 2 --svd-solver randomized --random-state 1": "981fffbb170d14ad",
    "LinearRegression X --y y": "cbe63b3f31e34396",
    "LinearRegression X32 --y y": "908252304504c465",
    "StandardScaler X": "ae11b20d3ad3ecfb",
    "StandardScaler X32": "ae11b20d3ad3ecfb",
}


def integers(rows, cols, seed):
    """Integers below 2^20 that no library draws."""
    i = np.arange(rows * cols, dtype=np.uint64) + np.uint64(seed)
    i = (i * np.uint64(2654435761) + np.uint64(12345)) % np.uint64(2**32)
    return ((i ^ (i >> np.uint64(13))) * np.uint64(0x9E3779B1) % np.uint64(2**32) >> np.uint64(12)).reshape(rows, cols)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    x = integers(3001, 6, 1).astype(np.float64) / 2**10 + 100.0 * (np.arange(3001) % 4)[:, None]
    y = x @ np.arange(1.0, 7.0) / 8 + integers(3001, 1, 7)[:, 0] / 2**12
    write(folder / "data.h5", X=x, X32=x.astype(np.float32), y=y)
    return folder


def test_models_have_the_bits_of_earlier_versions(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = {}
    for words in GOLDEN:
        estimator, data, *rest = words.replace("--y y", "--y data.h5:/y").split()
        tessera("fit", estimator, f"data.h5:/{data}", *rest, "--model", "m", "--portable-bits")
        model = Path("m").read_bytes()
        version = int.from_bytes(model[12:16], "little")  # the length of Tessera's
        found[words] = hashlib.sha256(model[36 + version :]).hexdigest()[:16]
    print(*(f'    "{words}": "{hash}",' for words, hash in found.items()), sep="\n")
    assert found == GOLDEN
