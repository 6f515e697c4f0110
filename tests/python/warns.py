"""Warnings of all processes, of a group of them and of the script itself."""

import warnings

import numpy as np
import tessera
from tessera.cluster import KMeans

ones = np.ones((10, 2))
KMeans(3).fit(ones)
KMeans(4).fit(tessera.asarray(ones, comm=tessera.world().split(tessera.rank() > 0)))
warnings.warn("of the script")
with warnings.catch_warnings(record=True) as seen:  # which every process can
    warnings.simplefilter("always")
    KMeans(3).fit(ones)
assert len(seen) == 1, seen
