"""All of scikit-learn's checks of every estimator in the registry, on all processes alike.

usage: [mpirun -n N] python run_checks.py [ESTIMATOR ...]

Prints one line of JSON: {"ESTIMATOR": [[check, status, reason], ...]}. Processes must draw the same
numbers and walk sets in the same order: start them with PYTHONHASHSEED.
"""

import faulthandler
import json
import sys
import warnings

import numpy as np
import tessera
from sklearn.utils.estimator_checks import check_estimator

faulthandler.dump_traceback_later(240, exit=True)
warnings.simplefilter("ignore")
outcome = {}
for name, made in tessera.all_estimators():
    if len(sys.argv) > 1 and name not in sys.argv[1:]:
        continue
    np.random.seed(0)
    faulthandler.dump_traceback_later(240, exit=True)
    outcome[name] = [
        [check["check_name"], check["status"], str(check["exception"] or "")[:1000]]
        for check in check_estimator(made(), on_skip=None, on_fail=None)
    ]
if tessera.rank() == 0:
    print(json.dumps(outcome))
