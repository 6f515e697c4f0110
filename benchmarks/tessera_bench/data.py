"""Data of the cases: functions of their shape alone, written once for all contenders."""

import numpy as np

BLOCK = 1 << 16  # rows that are drawn at once


def _normal(rng, shape, state):
    return rng.standard_normal(shape, dtype=np.float32)


def _blobs(rng, shape, state):
    centers = np.random.default_rng(1).uniform(-10, 10, (10, *shape[1:]))
    return centers[rng.integers(10, size=shape[0])] + rng.standard_normal(shape)


def _magnitude(rng, shape, state):
    return abs(rng.standard_normal(shape, dtype=np.float32))


def _category(rng, shape, state):
    return rng.integers(20, size=shape)


def _coin(rng, shape, state):
    return rng.integers(2, size=shape)


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


def _positive_definite(rng, shape, state):
    a = rng.random(shape)
    return np.triu(a) + np.triu(a, 1).T + len(a) * np.eye(len(a))


# Targets are made of the rows of X, the first operand.
TARGETS = {"number": _number, "two": _two, "ten": _ten, "count": _count}
KINDS = {"normal": _normal, "blobs": _blobs, "magnitude": _magnitude, "category": _category, "coin": _coin, "positive_definite": _positive_definite, **TARGETS}


def write(file, kind, shape, dtype, number, x=None):
    """Writes operand `number` of a case as a .npy file, a block of rows at a time."""
    out = np.lib.format.open_memmap(file, mode="w+", dtype="int64" if kind in ("two", "ten", "coin") else dtype, shape=shape)
    block = BLOCK if kind != "positive_definite" else max(1, shape[0])
    for at in range(0, shape[0], block):
        rng = np.random.Generator(np.random.Philox(key=[number, at]))
        rows = min(block, shape[0] - at)
        out[at : at + rows] = KINDS[kind](rng, (rows, *shape[1:]), None if x is None else x[at : at + rows])
    out.flush()
    return out


def write_all(case, folder):
    """The files of all operands of a case, in order."""
    files, x = [], None
    for number, (kind, shape) in enumerate(case.operands):
        files.append(f"{folder}/operand-{number}.npy")
        written = write(files[-1], kind, shape, case.dtype, number, x if kind in TARGETS else None)
        x = written if number == 0 else x
    return files
