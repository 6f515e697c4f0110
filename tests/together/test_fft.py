"""Fourier transforms against NumPy's, and the same bits on any number of processes. One process makes
all comparisons, several make a sample of them."""

import itertools
import zlib

import numpy as np
import pytest
import tessera
import tessera.array_api as xp

fft = xp.fft
PRECISION = {"float32": "complex64", "complex64": "complex64"}
NORMS = ["backward", "ortho", "forward"]
LENGTHS = [1, 2, 3, 5, 8, 30, 97, 600, 1031]
ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
SEVERAL = ["fftn", "ifftn", "rfftn", "irfftn"]
_bits = None
_turn = 0


@pytest.fixture(autouse=True)
def _bits_of_one(of_one):
    global _bits, _turn
    _bits, _turn = of_one, 0


def some(cases, step=11):
    """All of them in one process, else every step-th, from another one on each time."""
    global _turn
    _turn += 3
    return cases if tessera.size() == 1 else itertools.islice(cases, _turn % step, None, step)


def data(shape, dtype, seed=0):
    """Numbers that are a function of the shape, the dtype and the seed."""
    i = np.arange(np.prod(shape, dtype=np.int64)) + 1000 * seed
    part = (i * 2654435761 + 12345) % 10007 / 1000 - 5
    if np.dtype(dtype).kind == "c":
        part = part + 1j * np.roll(part, 1) / 2
    return part.astype(dtype).reshape(shape)


def wide(x):
    return x.astype("complex128" if x.dtype.kind == "c" else "float64")


def compare(got, want, what, dtype):
    """Within rounding of the largest; the bits are those that one process gets."""
    complex_dtype = np.dtype(PRECISION.get(dtype, "complex128"))
    kind = want.dtype.kind
    expected = complex_dtype if kind == "c" else np.empty(0, complex_dtype).real.dtype
    value = got.numpy()
    assert got.dtype == expected, f"{what}: dtype {got.dtype} instead of {expected}"
    assert got.shape == want.shape, f"{what}: shape {got.shape} instead of {want.shape}"
    mine = zlib.crc32(np.ascontiguousarray(value))
    assert mine == _bits(what, mine), f"{what}: other bits"
    largest = np.abs(want).max(initial=0)
    np.testing.assert_allclose(value, want, rtol=0, atol=16 * np.finfo(expected).eps * largest, err_msg=what)


def kinds_of(name):
    return ["float32", "float64", "int16"] if name in ("rfft", "ihfft", "rfftn") else [
        "float32", "float64", "complex64", "complex128", "bool", "int64"]


def test_one_axis():
    shapes = [(n,) for n in LENGTHS] + [(600, 3), (3, 600), (2, 5, 7), (1031, 4), (4, 1, 3), (300, 2, 9)]
    for name in ONE:
        cases = ((d, shape, axis, change, norm) for d in kinds_of(name) for shape in shapes
                 for axis in range(-len(shape), 1 if len(shape) == 1 else 2)
                 for change, norm in zip([None, -1, 2, None, 1], itertools.cycle(NORMS)))
        for d, shape, axis, change, norm in some(cases):
            n = None if change is None else shape[axis] + change
            if (n is not None and n < 1) or (n is None and name in ("irfft", "hfft") and shape[axis] == 1):
                continue
            x = data(shape, d)
            what = f"{name} {d} {shape} {axis} {n} {norm}"
            want = getattr(np.fft, name)(wide(x), n=n, axis=axis, norm=norm)
            compare(getattr(fft, name)(xp.asarray(x), n=n, axis=axis, norm=norm), want, what, d)


def test_several_axes():
    for name in SEVERAL:
        cases = ((d, shape, axes, s, norm) for d in kinds_of(name)
                 for shape, axes, s in [((30,), None, None), ((40, 7), None, None), ((40, 7), (0,), None),
                                        ((40, 7), (-1, 0), None), ((40, 7), (0, 1), (50, 5)),
                                        ((6, 5, 4), None, None), ((6, 5, 4), (0, 2), None),
                                        ((6, 5, 4), (2, 1), (3, 9)), ((700, 3), (1, 0), None),
                                        ((700, 3), None, None), ((2, 3, 4, 5), (0, 1, 3), None)]
                 for norm in NORMS)
        for d, shape, axes, s, norm in some(cases):
            x = data(shape, d, 1)
            what = f"{name} {d} {shape} {axes} {s} {norm}"
            want = getattr(np.fft, name)(wide(x), s=s, axes=axes, norm=norm)
            compare(getattr(fft, name)(xp.asarray(x), s=s, axes=axes, norm=norm), want, what, d)
    x = data((6, 5), "float64")
    compare(fft.fftn(xp.asarray(x), axes=()), x.astype(complex), "no axes", "float64")
    compare(fft.fftn(xp.asarray(x), s=(-1, 3), axes=(0, 1)), np.fft.fft2(x, (6, 3)), "a length of -1", "float64")


@pytest.mark.parametrize("n", [2**17, 3 * 2**16 + 2**14, 131101, 2 * 65537])
def test_few_long_lines(n):
    """As a matrix where n has two large factors; 131101 is a prime, and so is the half of the last."""
    cases = [((n,), 0, "complex128", "fft", 0), ((n,), 0, "float32", "fft", 0), ((n, 2), 0, "complex64", "ifft", 0),
             ((2, n), 1, "float64", "rfft", 0), ((1, n, 3), 1, "complex128", "irfft", 0),
             ((n,), 0, "float64", "rfft", -256), ((n - 9,), 0, "complex128", "ifft", 9)]
    for shape, axis, d, name, change in some(cases, 2):
        x = data(shape, d)
        length = shape[axis] + change if change else None
        want = getattr(np.fft, name)(wide(x), n=length, axis=axis)
        compare(getattr(fft, name)(xp.asarray(x), n=length, axis=axis), want, f"{name} {d} {shape} {length}", d)


def test_replicated_lines_stay_where_they_are():
    from tessera import _core

    x = data((60, 40), "float64")
    for axis in (0, 1):
        out = fft.fft(_core.replicated(x, _core.world()), axis=axis)
        assert tessera.size() == 1 or "replicated" in str(out.distribution)
        np.testing.assert_array_equal(out.numpy(), fft.fft(xp.asarray(x), axis=axis).numpy())


def test_there_and_back():
    x = data((300, 11), "complex128")
    back = fft.ifftn(fft.fftn(xp.asarray(x)))
    np.testing.assert_allclose(back.numpy(), x, rtol=1e-13, atol=1e-13)
    r = data((300, 11), "float32")
    np.testing.assert_allclose(fft.irfftn(fft.rfftn(xp.asarray(r)), s=r.shape, axes=(0, 1)).numpy(), r, atol=1e-5)


def test_what_has_no_elements():
    for shape in [(0, 3), (3, 0), (5, 0, 2)]:
        axis = next(k for k, extent in enumerate(shape) if extent)
        x = np.zeros(shape, "complex128")
        compare(fft.fft(xp.asarray(x), axis=axis), np.fft.fft(x, axis=axis), f"empty {shape}", "complex128")
    x = np.zeros((3, 0))
    compare(fft.fft(xp.asarray(x), n=4), np.fft.fft(x, n=4), "zeros alone", "float64")


def test_frequencies_and_shifts():
    for n in (1, 2, 7, 8, 601):
        for d in (1.0, 0.25):
            for name in ("fftfreq", "rfftfreq"):
                want = getattr(np.fft, name)(n, d)
                np.testing.assert_array_equal(getattr(fft, name)(n, d=d).numpy(), want)
                assert getattr(fft, name)(n, d=d, dtype=xp.float32).dtype == np.float32
    for shape in [(7,), (8,), (601, 3), (2, 3, 4), (0, 3)]:
        x = data(shape, "float64")
        for axes in (None, 0, tuple(range(len(shape)))):
            for name in ("fftshift", "ifftshift"):
                want = getattr(np.fft, name)(x, axes)
                np.testing.assert_array_equal(getattr(fft, name)(xp.asarray(x), axes=axes).numpy(), want)


def test_backends():
    """`reference` defines what `cpu` computes."""
    x = data((5, 97), "float64")
    ours = fft.fft(xp.asarray(x)).numpy()
    with tessera.only("reference"):
        theirs = fft.fft(xp.asarray(x)).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


ERRORS = {
    "fft.fft(x, n=0)": (ValueError, "fft needs at least 1 element in a line, got 0"),
    "fft.fft(x, axis=2)": (ValueError, "axis 2 is out of bounds for array of dimension 2"),
    "fft.fft(x, norm='much')": (ValueError, "norm must be 'backward', 'ortho' or 'forward', got 'much'"),
    "fft.fft(xp.asarray(1.0))": (ValueError, "fft needs an array of one dimension at least"),
    "fft.rfft(xp.asarray([1j]))": (TypeError, "rfft takes real numbers, not complex128"),
    "fft.irfft(xp.asarray([1j]))": (ValueError, "irfft needs at least 1 element in a line, got 0"),
    "fft.fft(xp.zeros((3, 0)))": (ValueError, "fft needs at least 1 element in a line, got 0"),
    "fft.fftn(x, s=(2,), axes=(0, 1))": (ValueError, "fftn needs a length for each axis, got 1 lengths and 2 axes"),
    "fft.fftn(x, axes=(1, -1))": (ValueError, "duplicate value in axis"),
    "fft.irfftn(x, axes=(0, 1, -2))": (ValueError, "duplicate value in axis"),
    "fft.rfftn(x, axes=())": (ValueError, "rfftn needs at least one axis"),
    "fft.fftfreq(0)": (ValueError, "fftfreq needs at least 1 element in a line, got 0"),
    "fft.rfftfreq(4, dtype=xp.int8)": (TypeError, "rfftfreq makes float32 or float64, not int8"),
}


@pytest.mark.parametrize("text", ERRORS)
def test_error(text, everyones):
    kind, words = ERRORS[text]
    with pytest.raises(kind) as failure:
        eval(text, {"fft": fft, "xp": xp, "x": xp.asarray(data((3, 4), "float64"))})
    assert str(failure.value) == words and set(everyones(words)) == {words}
