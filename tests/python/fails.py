"""A script that fails on the processes that its argument names."""

import sys

import numpy as np
import tessera
from tessera.cluster import KMeans

if str(tessera.rank()) in sys.argv[1]:
    raise KeyError("a failure of the script")
KMeans(3).fit(np.ones((1000, 4)) * np.arange(1000)[:, None])
