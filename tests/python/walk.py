"""Fits every estimator on all processes, in memory and streamed.

usage: [mpirun -n N] python walk.py FOLDER [ESTIMATOR ...]

Prints one line of JSON: {ESTIMATOR: {HOW: hash of model file and results}}.
"""

import faulthandler
import hashlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import tessera

from estimators import data, names, plain

faulthandler.dump_traceback_later(240, exit=True)
warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
hashes = {}
for name in sys.argv[2:] or names():
    X, y = data(name)
    file = folder / f"{name}-{tessera.size()}.h5"
    tessera.write(f"{file}:/X", X)
    of = hashes[name] = {}
    # Text is not streamed.
    for how, threads in [("memory", 1), ("memory", 3), ("streamed", 2)][: 3 if X.dtype.kind == "f" else 2]:
        tessera.set_threads(threads)
        given = tessera.asarray(X) if how == "memory" else tessera.stream(f"{file}:/X")
        model = plain(name).fit(given, *([] if y is None else [tessera.asarray(y)]))
        model.save(folder / f"{name}.tessera")
        digest = hashlib.sha256((folder / f"{name}.tessera").read_bytes())
        for method in type(model)._described["methods"]:
            if method["kind"] != "map" or not method["of_features"] or not hasattr(model, method["name"]):
                continue
            results = getattr(model, method["name"])(tessera.asarray(X))
            for result in results if isinstance(results, tuple) else (results,):
                digest.update(np.ascontiguousarray(result.numpy()).tobytes())
        of[f"{how}, {threads} threads"] = digest.hexdigest()
if tessera.rank() == 0:
    print(json.dumps(hashes))
