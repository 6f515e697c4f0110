"""Damages small HDF5 files at random and reads them: no crash, no hang, no memory of the process
in the numbers.

    .venv/bin/python tests/program/fuzz_hdf5.py --mutants 20000 --seed 1

Every file is read by two processes whose heaps are filled with different bytes: what they say of a
file must be the same. Files that break a rule are kept in the folder that is named at the end.
"""

import argparse
import os
import random
import select
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
from program import PROGRAM

READER = Path(
    os.environ.get("TESSERA_READ_FILES")
    or PROGRAM.parents[1] / "tests/io/io_read_files"
)
SECONDS = 40.0  # for a file: the look at its structure may take 8 s, and is made more than once
MEMORY = 1000  # MB: the reader alone has 100
NUMBERS = np.arange(64 * 4, dtype="f8").reshape(64, 4)
LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": (16, 4)},
    "columns": {"chunks": (64, 1), "maxshape": (None, None)},
    "gzip": {"chunks": (16, 4), "compression": "gzip", "shuffle": True, "fletcher32": True},
    "szip": {"chunks": (16, 4), "compression": "szip"},
    "scaled": {"chunks": (16, 4), "scaleoffset": 3},
    "growing": {"chunks": (16, 2), "maxshape": (None, 4)},
}


def write_seeds(folder):
    """Small files of every layout, in the old format and in the new one."""
    seeds = []

    def new(name, libver):
        seeds.append(Path(folder) / f"seed_{name}_{libver}.h5")
        return h5py.File(seeds[-1], "w", libver=(libver, "v110"))

    for libver in ("earliest", "v110"):
        for name, how in LAYOUTS.items():
            if name == "szip" and not h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP):
                continue
            with new(name, libver) as file:
                file.create_dataset("X", data=NUMBERS, **how)
        with new("compact", libver) as file:
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple((64, 4))
            h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F64LE, space, plist).write(
                h5py.h5s.ALL, h5py.h5s.ALL, NUMBERS
            )
        with new("part", libver) as file:
            file.create_dataset("X", (64, 4), "f8", chunks=(16, 4), fillvalue=7)[:20] = 1
        with new("types", libver) as file:
            file["X"] = NUMBERS.astype(">i2")
            file["half"], file["bool"], file["complex"] = (
                NUMBERS.astype("f2"), NUMBERS > 9, NUMBERS * 1j,
            )
        with new("rich", libver) as file:
            file["X"] = NUMBERS
            for i in range(12):
                file[f"group/inner/dataset {i}"] = NUMBERS[i]
                file["X"].attrs[f"note {i}"] = "words" * i
            file["soft"] = h5py.SoftLink("/X")
            file["X"].dims[0].label = "rows"
    return seeds


def mutate(data, draw):
    """A few bytes, or words of a size or address, replaced by values that parsers stumble over."""
    out = bytearray(data)
    # Where the structures are: not the numbers, not the empty space.
    busy = [i for i in range(len(data)) if any(data[max(0, i - 4) : i + 4])]
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        at = draw.choice(busy)
        if draw.random() < 0.6:
            out[at] = draw.choice([0, 1, 2, 0x7F, 0x80, 0xFF, out[at] ^ 1 << draw.randrange(8), draw.randrange(256)])
        else:
            width = draw.choice([2, 4, 8])
            top = 1 << 8 * width
            value = draw.choice([0, 1, top - 1, top // 2, top // 2 - 1, 1 << 31, 1 << 60, len(data), at])
            out[at : at + width] = (value % top).to_bytes(width, "little")
    return bytes(out[: len(data)])


class Reader:
    """One process that reads file after file; started anew when a file has ended it."""

    def __init__(self, fill):
        self.environment = os.environ | {
            "MALLOC_PERTURB_": str(fill),
            "TESSERA_THREADS": "1",
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_btl": "self",
            "OMPI_MCA_pml": "ob1",
        }
        self.process = None

    def ask(self, path):
        if not self.process:
            self.process = subprocess.Popen(
                [READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=self.environment, text=True, errors="replace",
            )  # fmt: skip
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()

    def answer(self):
        """What it says of the file, and the memory it has had so far (MB)."""
        if not select.select([self.process.stdout], [], [], SECONDS)[0]:
            self.stop()
            return "HANG", 0
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.process = None
            return f"CRASH {status}", 0
        memory, said = line.rstrip("\n").split(" MB: ", 1)
        return said, int(memory)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def fuzz(mutants, seed, folder):
    """Reads so many damaged files; returns counts of outcomes and what broke a rule."""
    draw = random.Random(seed)
    seeds = [(path.stem, path.read_bytes()) for path in write_seeds(folder)]
    readers = [Reader(0x55), Reader(0xAA)]
    counts, broken = Counter(), []
    try:
        for i in range(mutants):
            name, data = seeds[i % len(seeds)]
            path = Path(folder) / f"mutant_{seed}_{i}_{name}.h5"
            path.write_bytes(mutate(data, draw))
            for reader in readers:
                reader.ask(path)
            (first, used), (second, _) = [reader.answer() for reader in readers]
            if first.split()[0] in ("HANG", "CRASH"):
                broken.append((path, first))
            elif used > MEMORY:
                broken.append((path, f"{used} MB"))
                readers[0].stop()
            elif "DIFFERS" in first or first != second and "Error: " not in first:
                broken.append((path, f"{first} / {second}"))
            else:
                path.unlink()
            contained = "damaged or hostile" in first
            counts["contained" if contained else first.split(":")[0] if "Error: " in first else "read"] += 1
    finally:
        for reader in readers:
            reader.stop()
    return counts, broken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fuzz_hdf5_", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    start = time.monotonic()
    counts, broken = fuzz(given.mutants, given.seed, folder)
    print(dict(counts), f"in {time.monotonic() - start:.0f} s")
    for path, what in broken:
        print(path, what)
    print(f"{len(broken)} of {given.mutants} broke a rule; files in {folder}")
