"""tessera.fft against scipy.fft, alone and as SciPy's backend; the same bits on any number of processes."""

import itertools
import warnings
import zlib

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import tessera

REAL = ["dct", "idct", "dst", "idst"]
_turn = 0


def some(cases, step=9):
    """All of them in one process, else every step-th, from another one on each time."""
    global _turn
    _turn += 3
    return cases if tessera.size() == 1 else itertools.islice(cases, _turn % step, None, step)


def data(shape, dtype="float64"):
    i = np.arange(np.prod(shape, dtype=np.int64))
    part = (i * 2654435761 + 12345) % 10007 / 1000 - 5
    return (part + 1j * part[::-1] if np.dtype(dtype).kind == "c" else part).astype(dtype).reshape(shape)


def compare(got, want, what, of_one, least=32):
    value = got.numpy()
    assert value.shape == want.shape and value.dtype == want.dtype, f"{what}: {value.dtype} {value.shape}"
    mine = zlib.crc32(np.ascontiguousarray(value))
    assert mine == of_one(what, mine), f"{what}: other bits"
    eps = np.finfo(want.dtype).eps
    np.testing.assert_allclose(value, want, rtol=0, atol=least * eps * np.abs(want).max(initial=0), err_msg=what)


def test_cosines_and_sines(of_one):
    cases = itertools.product(REAL, (1, 2, 3, 4), ((2,), (97,), (600, 3), (3, 30), (2, 5, 7)), (-1, 0),
                              (("float64", None, None, None), ("float32", "ortho", None, 1),
                               ("float64", "forward", True, -1), ("complex128", "ortho", None, None),
                               ("float64", "ortho", False, None)))  # fmt: skip
    for name, kind, shape, axis, (d, norm, orthogonalize, change) in some(cases):
        x = data(shape, d)
        n = None if change is None else max(2, shape[axis] + change)
        want = getattr(scipy.fft, name)(x, kind, n, axis, norm, orthogonalize=orthogonalize)
        got = getattr(tessera.fft, name)(tessera.asarray(x), kind, n, axis, norm, orthogonalize=orthogonalize)
        compare(got, want, f"{name} {kind} {shape} {axis} {d} {norm} {orthogonalize} {n}", of_one)
    for name in ("dctn", "idctn", "dstn", "idstn"):
        for s, axes in [(None, None), ((5, 4), (0, 2)), (None, (1,)), ((8, 3), None)]:
            x = data((6, 5, 4))
            want = getattr(scipy.fft, name)(x, 2, s, axes, "ortho")
            compare(getattr(tessera.fft, name)(tessera.asarray(x), 2, s, axes, "ortho"), want,
                    f"{name} {s} {axes}", of_one)  # fmt: skip


def test_hankel_transforms(of_one):
    for mu, bias, offset in [(0, 0, 0), (0.5, 0.3, -1), (2, -1.5, 0.2), (-0.7, 0, 3), (-3.2, 0.1, 0), (40, 2.5, -5)]:
        for shape, dln, dtype in (((64,), 0.1, "float64"), ((3, 97), 0.03, "float64"), ((600, 16), -0.5, "float32")):
            x = data(shape, dtype)
            for name in ("fht", "ifht"):
                want = getattr(scipy.fft, name)(x, dln, mu, offset, bias)
                got = getattr(tessera.fft, name)(tessera.asarray(x), dln, mu, offset, bias)
                compare(got, want, f"{name} {shape} {mu} {bias} {offset}", of_one, 2000)  # phases of 10^3
            assert tessera.fft.fhtoffset(dln, mu, offset, bias) == pytest.approx(
                scipy.fft.fhtoffset(dln, mu, offset, bias), abs=1e-12)  # fmt: skip


def test_singular_hankel_transforms():
    x = data((64,))
    for name, mu, bias in [("fht", -4, 1), ("ifht", 1.5, 2.5 + 1), ("fht", -2, -1), ("ifht", -2, 1), ("fht", -3, 0), ("ifht", -3, 4)]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = getattr(scipy.fft, name)(x, 0.1, mu, 0.5, bias)
        got = getattr(tessera.fft, name)(tessera.asarray(x), 0.1, mu, 0.5, bias).numpy()
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * np.abs(want).max(), err_msg=f"{name} {mu} {bias}")


def test_next_fast_len():
    for n in [*range(1, 300), 1031, 10007, 65537, 2**31 + 1, 10**12 + 39]:
        for real in (False, True):
            for name in ("next_fast_len", "prev_fast_len"):
                assert getattr(tessera.fft, name)(n, real) == getattr(scipy.fft, name)(n, real), (name, n, real)
    assert tessera.fft.next_fast_len(0) == scipy.fft.next_fast_len(0) == 0


# Calls of scipy.fft on x (6, 5, 4) real, z complex; hfft and irfft take z, too.
CALLS = ["fft(z)", "ifft(z, 7, axis=0, norm='ortho')", "fft2(z)", "ifft2(x, (3, 3))", "fftn(x)", "ifftn(z, workers=2)",
         "rfft(x, overwrite_x=True)", "irfft(z, axis=1)", "rfft2(x, axes=(0, 1))", "irfft2(z)", "rfftn(x, s=(4, 8), axes=(0, 2))",
         "irfftn(z, axes=(1, 2))", "hfft(z, 9)", "ihfft(x)", "hfft2(z)", "ihfft2(x)", "hfftn(z, norm='forward')", "ihfftn(x, norm='ortho')",
         "dct(x, 3)", "idct(x, norm='ortho')", "dst(x, 1, axis=0)", "idst(x, 4)", "dctn(x)", "idctn(x, axes=(0, 1))", "dstn(x, 3)",
         "idstn(x)", "fht(x, 0.1, 0.5)", "ifht(x, dln=0.1, mu=0.5, offset=1, bias=0.2)"]  # fmt: skip


def test_as_scipys_backend(everyones):
    host = {"x": data((6, 5, 4)), "z": data((6, 5, 4), "complex128")}
    ours = {name: tessera.asarray(x) for name, x in host.items()}
    for text in CALLS:
        want = eval(f"fft.{text}", {"fft": scipy.fft, **host})
        with scipy.fft.set_backend(tessera, only=True):
            of_numpy = eval(f"fft.{text}", {"fft": scipy.fft, **host})
            of_array = eval(f"fft.{text}", {"fft": scipy.fft, **ours})
        assert type(of_numpy) is np.ndarray and type(of_array) is tessera.Array, text
        np.testing.assert_array_equal(of_numpy, of_array.numpy(), err_msg=text)
        np.testing.assert_allclose(of_numpy, want, rtol=1e-12, atol=1e-10, err_msg=text)
    assert len(set(everyones(zlib.crc32(of_array.numpy())))) == 1
    try:
        scipy.fft.set_global_backend(tessera)
        assert type(scipy.fft.fft(ours["z"])) is tessera.Array
    finally:
        scipy.fft.set_global_backend("scipy")
    with scipy.fft.set_backend(tessera), pytest.raises(ValueError, match="dct has types 1 to 4, not 5"):
        scipy.fft.dct(ours["x"], 5)


def test_convolutions_of_numpy_arrays():
    a, b = data((50, 3)), data((5, 3))
    for convolve in (scipy.signal.fftconvolve, scipy.signal.oaconvolve):
        want = convolve(a, b, axes=0)
        with scipy.fft.set_backend(tessera, only=True):
            got = convolve(a, b, axes=0)
        assert type(got) is np.ndarray
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * np.abs(want).max())


def test_arguments_that_change_nothing_or_are_refused():
    x = data((6, 5, 4))
    for workers in (1, 7, -1, np.int64(2), True):
        np.testing.assert_array_equal(tessera.fft.rfft(x, workers=workers), tessera.fft.rfft(x))
    for axes in ((), []):
        assert tessera.fft.fftn(x, axes=axes) is x
    for workers in ("2", 1.5):
        with pytest.raises(TypeError):
            tessera.fft.fft(x, workers=workers)
    with pytest.raises(NotImplementedError, match="transforms take no plan made before"):
        tessera.fft.fft(x, plan=1)
    for dtype in ("float16", ">f4", "int8"):
        assert tessera.fft.fftshift(x.astype(dtype)).dtype == scipy.fft.fftshift(x.astype(dtype)).dtype
    for name in ("irfftn", "hfftn", "irfft2"):
        want = getattr(scipy.fft, name)(x, s=(3, -1), axes=(0, 1))
        np.testing.assert_allclose(getattr(tessera.fft, name)(x, s=(3, -1), axes=(0, 1)), want, rtol=0, atol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tessera.fft.fht(data((64,)), 0.3, -2.5, bias=0.5)  # whose first coefficient is 0


ERRORS = {
    "fft(x, workers=0)": "workers must not be zero",
    "fftn(x, (None, 2))": "s must be an integer or integers, got (None, 2)",
    "fftfreq(2.5)": "n must be an integer, got 2.5",
    "dct(x, 0)": "dct has types 1 to 4, not 0",
    "dct(x, 1, n=1)": "dct of type 1 needs at least 2 elements in a line, got 1",
    "dst(x, 2, n=0)": "dst of type 2 needs at least 1 element in a line, got 0",
    "dct(x, axis=3)": "axis 3 is out of bounds for array of dimension 2",
    "dctn(x, s=(2,), axes=(0, 1))": "dctn needs a length for each axis, got 1 lengths and 2 axes",
    "idstn(x, axes=(0, -2))": "duplicate value in axis",
    "fht(x, 0.0, 1.0)": "fht needs a dln other than 0, got 0",
    "next_fast_len(-1)": "next_fast_len needs a length from 0 to 2^62, got -1",
    "prev_fast_len(0)": "prev_fast_len needs a length from 1 to 2^62, got 0",
}


@pytest.mark.parametrize("text", ERRORS)
def test_error(text, everyones):
    with pytest.raises(ValueError) as failure:
        eval(f"fft.{text}", {"fft": tessera.fft, "x": tessera.asarray(data((6, 5)))})
    assert str(failure.value) == ERRORS[text] and set(everyones(str(failure.value))) == {ERRORS[text]}
