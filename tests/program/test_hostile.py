"""HDF5 files that are damaged, made to harm, or claim more than there is: one error, and soon."""

import json
import os
import re
import subprocess
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from fuzz_hdf5 import READER, fuzz, write_seeds
from program import MPIRUN, read, tessera, write

NUMBERS = np.arange(64 * 4, dtype="f8").reshape(64, 4)


def patch(path, old, new):
    """Replaces bytes that occur once."""
    data = Path(path).read_bytes()
    assert data.count(old) == 1, data.count(old)
    Path(path).write_bytes(data.replace(old, new))


def words(*values):
    return b"".join(v.to_bytes(8, "little") for v in values)


def compact(path, values):
    with h5py.File(path, "w", libver="earliest") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(values.shape)
        dataset = h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F64LE, space, plist)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, values)


def short_chunk(path, **how):
    with h5py.File(path, "w") as file:
        packed = NUMBERS[:3].tobytes()
        packed = zlib.compress(packed) if "compression" in how else packed
        dataset = file.create_dataset("X", (64, 4), "f8", chunks=(64, 4), **how)
        dataset.id.write_direct_chunk((0, 0), packed)


def damage_layouts():
    compact("compact.h5", NUMBERS)
    patch("compact.h5", words(64, 4, 64, 4), words(2000, 4, 2000, 4))
    for name, extent, most in [("grown", 128, 128), ("beyond", 128, 64), ("huge", 1 << 61, 1 << 61)]:
        with h5py.File(f"{name}.h5", "w", libver="earliest") as file:
            file["X"] = NUMBERS
        patch(f"{name}.h5", words(64, 4, 64, 4), words(extent, 4, most, 4))
    with h5py.File("rank.h5", "w", libver="earliest") as file:
        file.create_dataset("X", data=NUMBERS, chunks=(16, 3))
    # The layout's version, class and number of dimensions (with one for the element).
    patch("rank.h5", b"\x03\x02\x03", b"\x03\x02\x02")
    with h5py.File("bits.h5", "w", libver="earliest") as file:
        file["X"] = NUMBERS.astype("i4")
    patch("bits.h5", b"\x10\x08\x00\x00\x04\x00\x00\x00\x00\x00\x20\x00",
          b"\x10\x08\x00\x00\x04\x00\x00\x00\x09\x00\x20\x00")  # fmt: skip
    short_chunk("short.h5")
    short_chunk("gzip.h5", compression="gzip")


@pytest.mark.parametrize("processes", [1, 3])
def test_damaged_layouts_are_refused_before_they_are_read(processes):
    damage_layouts()
    for name, wanted in {
        "compact": r"stores 2048 bytes where its shape \(2000, 4\) needs 64000",
        "grown": r"stores 2048 bytes where its shape \(128, 4\) needs 4096",
        "beyond": r"its shape \(128, 4\) is larger than the largest it may have \(64, 4\)",
        "huge": "more than 2\\^6[34]",
        "rank": "chunks of 1 dimensions and a shape of 2",
        "bits": "the bits of its numbers lie outside of these",
        "short": "its 1 chunks do not hold 2048 bytes each",
        "gzip": r"its chunk at \(0, 0\) does not hold 2048 bytes",
    }.items():
        how = {"short": ["--stream"], "rank": ["--collective"]}.get(name, [])
        result = tessera("fit", "StandardScaler", f"{name}.h5:/X", "--model", "m.tessera", *how,
                         processes=processes, expect=1)  # fmt: skip
        assert len(result.err.splitlines()) == 1, result.err
        assert re.search(f"Error: .*'/X' of '{name}.h5'.*{wanted}", result.err), result.err
    assert tessera("show", "compact.h5").out == "[]\n"


def test_what_kills_the_reader_is_one_error():
    write("x.h5", X=NUMBERS)
    Path("inspect").write_text('#!/bin/sh\n. "$HOW"\n')
    Path("inspect").chmod(0o755)
    show = ["show", "x.h5"]
    for how, wanted in {
        "kill -SEGV $$": r"HDF5 ended with signal 11 \(Segmentation fault\) while .*: the file is damaged or hostile",
        "exit 3": "HDF5 ended the program that read it",
        "echo found; printf 99:x": "the answer of tessera-inspect is broken",
        "printf 'MemoryError\\nout of memory'": "HDF5 took more than 1024 MB of memory",
        "kill -XCPU $$": "HDF5 took more than 8 s",
    }.items():
        Path("how").write_text(how)
        environment = {"TESSERA_INSPECT": "./inspect", "HOW": "./how"}
        result = tessera(*show, processes=2, expect=1, **environment)
        assert re.fullmatch(f"tessera: OSError: .*{wanted}.*", result.err), result.err
    # Nobody asks it about files that are trusted.
    assert json.loads(tessera(*show, "--trusted", **environment).out)[0]["shape"] == [64, 4]
    result = tessera(*show, expect=1, TESSERA_INSPECT="/nowhere")
    assert "TESSERA_INSPECT names '/nowhere', which is no program" in result.err
    result = tessera(*show, expect=1, TESSERA_TRUSTED="yes")
    assert "ValueError: TESSERA_TRUSTED must be 0 or 1, got 'yes'" in result.err
    tessera(*show, TESSERA_TRUSTED="1", TESSERA_INSPECT="./inspect", HOW="./how")


def test_claims_that_no_memory_holds():
    with h5py.File("claims.h5", "w") as file:
        file.create_dataset("X", (1 << 40, 4), "f8", chunks=(1024, 4))
        file.create_dataset("chunk", (4, 4), "f8", maxshape=(None, 4), chunks=(1 << 26, 4), compression="gzip")
        file.create_dataset("rows", (1 << 47, 0), "f8")
    fit = ["fit", "StandardScaler", "--model", "m.tessera"]
    for extra in ([], ["--stream"], ["--collective"]):
        result = tessera(*fit, "claims.h5:/X", *extra, expect=1)
        assert re.search(
            r"OSError: dataset '/X' of 'claims.h5' is refused: its shape of \(1099511627776, 4\) would take "
            r"35184372088832 bytes, and the file has \d+: nearly all would be fill values \(--trusted",
            result.err,
        )
    assert "a chunk of (67108864, 4) would take" in tessera(*fit, "claims.h5:/chunk", expect=1).err
    assert "with one number a row its shape of (140737488355328, 1) would take" in tessera(*fit, "claims.h5:/rows", "--stream", expect=1).err
    shapes = [d["shape"] for d in json.loads(tessera("show", "claims.h5").out)]
    assert [1 << 40, 4] in shapes
    # A file that is large enough for its claim, by a hole at its end.
    os.truncate("claims.h5", 1 << 34)
    result = tessera(*fit, "claims.h5:/X", processes=2, expect=1)
    assert re.fullmatch(
        r"tessera: MemoryError: reading dataset '/X' of 'claims.h5' whole takes 35184.4 GB on a machine with 2 of "
        r"these processes, which has [\d.]+ GB free: --stream reads it piece by piece; .*",
        result.err,
    )


def test_every_legal_layout_is_read_in_every_way():
    """Also what was never written, or in part, and what a collective read could not serve."""
    write_seeds(".")
    with h5py.File("never.h5", "w") as file:
        file.create_dataset("X", (64, 4), "f8", fillvalue=3)
    with h5py.File("empty.h5", "w") as file:
        file.create_dataset("X", (0, 4), "f8", chunks=(16, 4), maxshape=(None, 4))
    write("scalar.h5", X=3.5)
    paths = sorted(Path(".").glob("*.h5"))
    answers = subprocess.run(
        [*MPIRUN, "-n", "3", READER], input="\n".join(map(str, paths)), capture_output=True, text=True, check=True,
        env=os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}, timeout=60,
    ).stdout.splitlines()  # fmt: skip
    assert len(answers) == len(paths) > 15
    why_independent = {
        "types": "its numbers must be converted",
        "gzip": "its chunks pass through filters, which may fail on one process",
        "szip": "its chunks pass through filters, which may fail on one process",
        "scaled": "its chunks pass through filters, which may fail on one process",
        "part": "not all of its chunks were written",
        "never": "it was never written",
        "compact": "the numbers lie in the dataset's header (compact)",
        "scalar": "",
    }
    for path, answer in zip(paths, answers):
        values = read(path, "X")
        said = re.search(r"MB: (\(.*?\)) (\w+) sum (\S+)", answer).groups()
        dtype = values.dtype.newbyteorder("=")
        assert said[:2] == (str(values.shape), str(dtype)) and float(said[2]) == values.sum(), (path, answer)
        assert "DIFFERS" not in answer, (path, answer)
        kind = path.stem.replace("seed_", "").split("_")[0]
        assert answer.partition(" independent: ")[2] == why_independent.get(kind, ""), (path, answer)


def test_trace_says_why_a_read_was_not_collective():
    with h5py.File("x.h5", "w") as file:
        file.create_dataset("X", (64, 4), "f8", chunks=(16, 4))[:20] = 1
    tessera("fit", "StandardScaler", "x.h5", "--model", "m.tessera", "--collective", "--trace", "t.json")
    assert "collective: not all of its chunks were written" in Path("t.json").read_text()


def test_mutants(tmp_path):
    counts, broken = fuzz(200, 7, tmp_path)
    assert not broken
    assert counts["read"] > 30 and counts["OSError"] > 30
