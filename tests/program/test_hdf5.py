"""What other programs write into HDF5 beside the numbers: packed values and sparse matrices."""

import h5py
import numpy as np
import pytest

from program import tessera


def contents(path, name, folder, *options, processes=1):
    """What the program reads: a scaler that does nothing passes it on."""
    idle = folder / "idle.tessera"
    steps = ["--with-mean", "False", "--with-std", "False"]
    tessera("fit", "StandardScaler", f"{path}:/{name}", *steps, "--model", idle, *options)
    out = folder / "out.h5"
    tessera("transform", idle, f"{path}:/{name}", "--out", f"{out}:/x", *options, processes=processes)
    with h5py.File(out) as f:
        return f["x"][()]


def test_packed_numbers_are_unpacked(tmp_path):
    path = tmp_path / "packed.h5"
    raw = np.arange(900, dtype="i2").reshape(300, 3)
    raw[5, 1] = -9999
    with h5py.File(path, "w") as f:
        for name, dtype in (("t", "f8"), ("s", "f4")):
            d = f.create_dataset(name, data=raw)
            d.attrs["scale_factor"] = np.array(0.25, dtype)
            d.attrs["add_offset"] = np.array(2.0, dtype)
            d.attrs["_FillValue"] = np.array(-9999, "i2")
        d = f.create_dataset("odd", data=raw)
        d.attrs["scale_factor"] = "a quarter"
    expected = raw * 0.25 + 2.0
    expected[5, 1] = np.nan
    for name, options, processes in (("t", [], 3), ("t", ["--stream"], 1), ("s", ["--collective"], 3)):
        x = contents(path, name, tmp_path, *options, processes=processes)
        assert x.dtype == ("f8" if name == "t" else "f4")
        np.testing.assert_array_equal(x, expected)
    refused = tessera("fit", "StandardScaler", f"{path}:/odd", "--model", tmp_path / "m", expect=1)
    assert "scale_factor" in refused.err and str(path) in refused.err


@pytest.mark.parametrize("layout", ["csr", "csc"])
def test_sparse_matrices_are_said_to_be_and_read_dense(tmp_path, layout):
    from scipy import sparse

    path = tmp_path / "cells.h5ad"
    x = sparse.random(700, 5, 0.3, format=layout, random_state=0)
    with h5py.File(path, "w") as f:
        g = f.create_group("X")
        g.attrs["encoding-type"] = f"{layout}_matrix"
        g.attrs["shape"] = x.shape
        for part in ("data", "indices", "indptr"):
            g[part] = getattr(x, part)
    refused = tessera("fit", "PCA", f"{path}:/X", "--model", tmp_path / "m", expect=1)
    assert f"is a sparse matrix ({layout}, 700 x 5, float64)" in refused.err
    assert "--dense" in refused.err
    np.testing.assert_array_equal(contents(path, "X", tmp_path, "--dense", processes=3), x.toarray())
    with h5py.File(path, "a") as f:
        f["X/indices"][7] = 9999
    broken = tessera("fit", "PCA", f"{path}:/X", "--dense", "--model", tmp_path / "m", expect=1)
    assert "is damaged: it has an index of 9999 in" in broken.err


def test_more_chunks_than_hdf5_reads_at_once(tmp_path):
    """They are read in parts of rows and columns: every number is still where it belongs."""
    path = tmp_path / "chunks.h5"
    x = np.arange(83.0 * 9001).reshape(83, 9001)
    with h5py.File(path, "w") as f:
        f.create_dataset("columns", data=x, chunks=(16, 2))
        f.create_dataset("rows", data=x.T, chunks=(1, 83))
        f.create_dataset("packed", data=(x % 7).astype("i2"), chunks=(5, 1))
        f["packed"].attrs["scale_factor"] = 0.5
    for name, expected in {"columns": x, "rows": x.T, "packed": x % 7 / 2}.items():
        for options, processes in (([], 1), (["--stream"], 3)):
            read = contents(path, name, tmp_path, *options, processes=processes)
            np.testing.assert_array_equal(read, expected)
