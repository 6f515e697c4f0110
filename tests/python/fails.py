"""A script that fails on the processes that its argument names, or ends there: fails.py RANKS [exit]"""

import sys

import numpy as np
import tessera
from tessera.cluster import KMeans

if str(tessera.rank()) in sys.argv[1]:
    if "exit" in sys.argv:
        sys.exit(0)
    raise KeyError("a failure of the script")
KMeans(3).fit(np.ones((1000, 4)) * np.arange(1000)[:, None])
