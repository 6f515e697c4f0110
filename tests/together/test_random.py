"""Random arrays: the same on any number of processes, and what they are said to be."""

import zlib

import numpy as np
import pytest
import tessera
import tessera.array_api as xp
from tessera import random

CALLS = [f"uniform({shape})" for shape in ["()", "0", "1", "(3,)", "(1031, 2)", "(0, 3)", "(2, 300, 5)"]] + [
    "uniform((700, 3), low=-2.0, high=5.0, dtype=xp.float32, seed=3)", "uniform(700, seed=2**40, stream=2**24 - 1)",
    "normal((1031, 3))", "normal((5, 4, 3), loc=10.0, scale=0.1, dtype=xp.float32, stream=1)",
    "integers((1031, 3), -5, 1000)", "integers(700, 0, 256, dtype=xp.uint8)", "integers((30, 30), -2**63, 2**63 - 1)",
    "permutation(0)", "permutation(1)", "permutation(1031)", "permutation(table, seed=1)", "choice(10, (1031, 2))",
    "choice(1031, 700, replace=False)", "choice(table, (3, 2), seed=4)", "choice(10, (), seed=4)",
    "choice(1031, 5000, p=weights)", "choice(1031, 600, replace=False, p=weights)", "choice(0, 0)"]  # fmt: skip


def run(text):
    i = np.arange(1031.0)
    table = xp.asarray(np.stack([i, i + 0.5], axis=1))
    return eval(f"random.{text}", {"random": random, "xp": xp, "table": table, "weights": xp.asarray(i % 7)})


@pytest.mark.parametrize("text", CALLS)
def test_same_numbers(text, of_one, everyones):
    x = run(text).numpy()
    mine = zlib.crc32(np.ascontiguousarray(x)), x.shape, x.dtype.name
    assert set(everyones(mine)) == {mine} and mine == of_one(text, mine)


def test_what_is_drawn():
    u = random.uniform((20000, 3)).numpy()
    assert u.dtype == np.float64 and 0 <= u.min() and u.max() < 1
    assert abs(u.mean() - 0.5) < 0.005 and abs(u.var() - 1 / 12) < 0.002
    assert np.abs(np.corrcoef(u.T) - np.eye(3)).max() < 0.03
    np.testing.assert_array_equal(random.uniform(60000).numpy(), u.ravel())
    f = random.uniform(60000, low=1.0, high=1.0000002, dtype=xp.float32).numpy()
    assert f.dtype == np.float32 and f.min() >= 1 and f.max() < np.float32(1.0000002)
    n = random.normal(60000, loc=3.0, scale=2.0).numpy()
    assert abs(n.mean() - 3) < 0.03 and abs(n.std() - 2) < 0.03 and abs(np.mean((n > 5)) - 0.1587) < 0.006
    k = random.integers(60000, -3, 7).numpy()
    counts = np.bincount(k + 3, minlength=10)
    assert k.dtype == np.int64 and len(counts) == 10 and np.abs(counts - 6000).max() < 300
    wide = random.integers(5000, -(2**63), 2**63 - 1).numpy()
    assert abs(np.mean(wide < 0) - 0.5) < 0.03 and len(set(wide % 4096)) > 2500


def test_streams_and_seeds_are_apart():
    draws = [f(5000, **how).numpy() for how in ({}, {"stream": 1}, {"seed": 1}, {"seed": 1, "stream": 1})
             for f in (random.uniform, random.normal)]  # fmt: skip
    assert np.abs(np.corrcoef(draws) - np.eye(8)).max() < 0.06
    np.testing.assert_array_equal(random.uniform(9, seed=1).numpy(), draws[4][:9])


def test_numbers_of_numpy_and_lists():
    draws = random.choice(3, 50, p=[0.5, 0.25, 0.25]).numpy()
    np.testing.assert_array_equal(draws, random.choice(np.int64(3), (np.int32(50),), p=xp.asarray([0.5, 0.25, 0.25])).numpy())
    np.testing.assert_array_equal(random.choice(5, 3, replace=np.False_).numpy(), random.choice(5, 3, replace=False).numpy())
    low = random.uniform(9, low=np.float32(0.5), seed=np.uint8(3)).numpy()
    np.testing.assert_array_equal(low, random.uniform(9, low=0.5, seed=3).numpy())


def test_permutation_and_choice():
    p = random.permutation(5000).numpy()
    assert np.array_equal(np.sort(p), np.arange(5000)) and np.mean(p == np.arange(5000)) < 0.01
    assert abs(np.corrcoef(p, np.arange(5000))[0, 1]) < 0.05
    table = run("permutation(table)").numpy()
    assert np.array_equal(table[:, 0] + 0.5, table[:, 1]) and np.array_equal(np.sort(table[:, 0]), np.arange(1031))
    once = random.choice(5000, 4000, replace=False).numpy()
    assert len(set(once)) == 4000 and once.min() >= 0 and once.max() < 5000
    weights = xp.asarray([0.0, 1.0, 0.0, 3.0, 0.0])
    k = random.choice(5, 40000, p=weights).numpy()
    counts = np.bincount(k, minlength=5)
    assert counts[[0, 2, 4]].sum() == 0 and abs(counts[3] / 40000 - 0.75) < 0.01
    first = [int(random.choice(5, 2, replace=False, p=weights, seed=s).numpy()[0]) for s in range(200)]
    assert set(first) == {1, 3} and 120 < first.count(3) < 180
    rows = run("choice(table, (3, 2))").numpy()
    assert rows.shape == (3, 2, 2) and np.array_equal(rows[..., 0] + 0.5, rows[..., 1])


ERRORS = {
    "uniform('a')": (TypeError, "uniform: shape must be an integer or integers, got 'a'"),
    "uniform(3.5)": (TypeError, "uniform: shape must be an integer, got 3.5"),
    "uniform(None)": (TypeError, "uniform: shape must be an integer or integers, got None"),
    "uniform((2, 'a'))": (TypeError, "uniform: shape: expected arrays, numbers or words, got several of these"),
    "uniform(-1)": (ValueError, "negative extent in shape (-1,)"),
    "uniform(3, low='a')": (TypeError, "uniform: low must be a number, got 'a'"),
    "uniform(3, low=1j)": (TypeError, "uniform: low must be a real number, got 0+1j"),
    "uniform(3, low=table)": (TypeError, "uniform: low must be a number, got an Array of shape (1031, 2)"),
    "uniform(3, low=2.0)": (ValueError, "uniform needs low <= high, got 2 and 1"),
    "uniform(3, dtype='float32')": (TypeError, "uniform: dtype must be a dtype of Tessera, got 'float32'"),
    "uniform(3, seed=1.5)": (TypeError, "uniform: seed must be an integer, got 1.5"),
    "uniform(3, seed=None)": (TypeError, "uniform: seed must be an integer, got None"),
    "uniform(3, seed=True)": (TypeError, "uniform: seed must be an integer, got True"),
    "uniform(3, seed=2**63)": (TypeError, "uniform: seed must be an integer below 2^63, got 9223372036854775808"),
    "uniform(3, seed=2**64)": (ValueError, "uniform: seed: no dtype holds the integer 18446744073709551616"),
    "uniform(3, stream=1.0)": (TypeError, "uniform: stream must be an integer, got 1.0"),
    "integers(3, 0.5, 3)": (TypeError, "integers: low must be an integer, got 0.5"),
    "permutation([1, 2])": (TypeError, "permutation: x must be an integer, got (1, 2)"),
    "choice(3, 2, replace='a')": (TypeError, "choice: replace must be True or False, got 'a'"),
    "choice(3, 2, p='a')": (TypeError, "choice: p must be an Array, got 'a'"),
    "choice(3, 2, p=[0.5, 0.5])": (ValueError, "p must be 3 probabilities, got an array of shape (2,)"),
    "uniform(3, dtype=xp.int8)": (TypeError, "uniform makes float32 or float64, not int8"),
    "uniform(3, high=float('inf'))": (ValueError, "uniform needs a finite range, got 0 to inf"),
    "uniform(3, seed=-1)": (ValueError, "seed must not be negative, got -1"),
    "uniform(3, stream=2**24)": (ValueError, "stream must be from 0 to 2^24 - 1, got 16777216"),
    "normal(3, scale=-1.0)": (ValueError, "normal needs scale >= 0, got -1"),
    "integers(3, 5, 5)": (ValueError, "integers needs low < high, got 5 and 5"),
    "integers(3, 0, 300, dtype=xp.uint8)": (ValueError, "uint8 holds 0 to 255, not 299"),
    "integers(3, 0, 3, dtype=xp.float32)": (TypeError, "integers makes integers, not float32"),
    "permutation(-1)": (ValueError, "permutation needs n >= 0, got -1"),
    "choice(0, 3)": (ValueError, "choice needs something to choose from, got 0"),
    "choice(3, 4, replace=False)": (ValueError, "choice without replacement has 3 to give, not 4"),
    "choice(3, 2, p=weights)": (ValueError, "p must be 3 probabilities, got an array of shape (1031,)"),
    "choice(1031, 1000, replace=False, p=weights)": (
        ValueError, "choice without replacement needs 1000 probabilities above 0, got 883"),
    "choice(1031, 2, p=-weights)": (
        ValueError, "p must not be negative and have a positive, finite sum; the sum is -3088"),
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_error(text, everyones):
    kind, words = ERRORS[text]
    with pytest.raises(kind) as failure:
        run(text)
    assert str(failure.value) == words and set(everyones(words)) == {words}
