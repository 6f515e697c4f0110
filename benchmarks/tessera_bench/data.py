"""Data of the cases: functions of their shape alone, written once for all contenders."""

import numpy as np

BLOCK = 1 << 16  # rows that are drawn at once


def _normal(rng, shape, rows):
    return rng.standard_normal(shape, dtype=np.float32)


def _blobs(rng, shape, rows):
    centers = np.random.default_rng(1).uniform(-10, 10, (10, *shape[1:]))
    return centers[rng.integers(10, size=shape[0])] + rng.standard_normal(shape)


def _magnitude(rng, shape, rows):
    return abs(rng.standard_normal(shape, dtype=np.float32))


def _category(rng, shape, rows):
    return rng.integers(20, size=shape)


def _coin(rng, shape, rows):
    return rng.integers(2, size=shape)


def _index(rng, shape, rows):
    return rng.integers(rows, size=shape)


def _spots(rng, shape, rows):
    squares = rng.random([-(-extent // 8) for extent in shape]) < 0.3
    return np.kron(squares, np.ones((8,) * len(shape), bool))[tuple(slice(extent) for extent in shape)]


def _score(x):
    weights = np.random.default_rng(2).standard_normal(x.shape[1])
    return x @ weights / x.shape[1] ** 0.5


def _number(rng, shape, x):
    return _score(x) + 0.5 * rng.standard_normal(shape)


def _two(rng, shape, x):
    return _score(x) + rng.logistic(size=shape) > 0


def _ten(rng, shape, x):
    return np.argmax(x[:, :10] + rng.gumbel(size=(len(x), min(10, x.shape[1]))), axis=1)


def _count(rng, shape, x):
    return rng.poisson(np.exp(0.5 * _score(x)))


def _positive_definite(rng, shape, rows):
    a = rng.random(shape)
    return np.triu(a) + np.triu(a, 1).T + len(a) * np.eye(len(a))


# Targets are made of the rows of X, the first operand; the others may know how many rows there are.
TARGETS = {"number": _number, "two": _two, "ten": _ten, "count": _count}
FILES = {"contiguous": {}, "gzip": {"chunks": True, "compression": "gzip", "shuffle": True}}  # dataset /X of an HDF5 file
KINDS = {
    "normal": _normal, "blobs": _blobs, "magnitude": _magnitude, "category": _category, "coin": _coin, "mask": _coin,
    "index": _index, "spots": _spots, "positive_definite": _positive_definite, **dict.fromkeys(FILES, _normal), **TARGETS,
}  # fmt: skip
WHOLE = ("positive_definite", "spots")  # not made of blocks of rows
DTYPES = dict.fromkeys(("two", "ten", "coin", "index"), "int64") | dict.fromkeys(("mask", "spots"), "bool")


def _blocks(kind, shape, number, x):
    """(first row, rows) that make the operand `number` of a case."""
    step = max(1, shape[0]) if kind in WHOLE else BLOCK
    for at in range(0, shape[0], step):
        rng = np.random.Generator(np.random.Philox(key=[number, at]))
        rows = min(step, shape[0] - at)
        yield at, KINDS[kind](rng, (rows, *shape[1:]), shape[0] if x is None else x[at : at + rows])


def _write_hdf5(file, kind, shape, dtype, number):
    import h5py

    with h5py.File(file, "w") as opened:
        out = opened.create_dataset("X", shape, dtype, **FILES[kind])
        for at, rows in _blocks(kind, shape, number, None):
            out[at : at + len(rows)] = rows


def write(file, kind, shape, dtype, number, x=None):
    """Writes operand `number` of a case as a .npy file, a block of rows at a time."""
    out = np.lib.format.open_memmap(file, mode="w+", dtype=DTYPES.get(kind, dtype), shape=shape)
    for at, rows in _blocks(kind, shape, number, x):
        out[at : at + len(rows)] = rows
    out.flush()
    return out


def write_all(case, folder):
    """The files of all operands of a case, in order."""
    files, x = [], None
    for number, (kind, shape) in enumerate(case.operands):
        files.append(f"{folder}/operand-{number}.{'h5' if kind in FILES else 'npy'}")
        if kind in FILES:
            _write_hdf5(files[-1], kind, shape, case.dtype, number)
            continue
        written = write(files[-1], kind, shape, case.dtype, number, x if kind in TARGETS else None)
        x = written if number == 0 else x
    return files
