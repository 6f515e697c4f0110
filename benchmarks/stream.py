"""Data larger than memory: `tessera fit --stream` with a quarter of the file's size as address space.

usage: stream.py [--rows N] [--program PROGRAM]

Prints the seconds of fits in memory and streamed, and whether the models have the same bits.
"""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "build/release/tools/tessera"
COLS = 100
FITS = {
    "KMeans": ["--n-clusters", 16, "--random-state", 0, "--init", "random", "--n-init", 1, "--max-iter", 3],
    "PCA": ["--n-components", 10],
    "LinearRegression": ["--y", "data.h5:/y"],
    "StandardScaler": [],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="of 100 columns of float32 [10000000]")
    parser.add_argument("--program", type=Path, default=PROGRAM)
    options = parser.parse_args()
    allowed = options.rows * COLS * 4 // 4
    failed = 0
    with tempfile.TemporaryDirectory() as folder:

        def run(*words, limit=None):
            limited = ["prlimit", f"--as={limit}"] if limit else []
            command = [str(word) for word in [*limited, options.program, *words]]
            begin = time.perf_counter()
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(command)}\n{done.stderr}")
            return time.perf_counter() - begin

        run("make", "regression", "--rows", options.rows, "--cols", COLS, "--dtype", "float32", "--out", "data.h5")
        print(f"{allowed * 4 / 2**20:.0f} MiB, streamed with {allowed / 2**20:.0f} MiB of address space")
        for estimator, words in FITS.items():
            fit = ["fit", estimator, "data.h5:/X", *words, "--threads", os.cpu_count(), "--model"]
            memory = run(*fit, "memory.tessera")
            stream = run(*fit, "stream.tessera", "--stream", limit=allowed)
            same = filecmp.cmp(f"{folder}/memory.tessera", f"{folder}/stream.tessera", shallow=False)
            failed |= not same
            print(f"{estimator:17} memory {memory:5.1f} s, stream {stream:5.1f} s, {'same' if same else 'OTHER'} bits")
    return failed


if __name__ == "__main__":
    sys.exit(main())
