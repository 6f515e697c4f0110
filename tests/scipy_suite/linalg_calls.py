"""Calls of scipy.linalg as calls of tessera.linalg, whose functions take factors apart and options by name."""

import inspect

import numpy as np
import scipy.linalg
import tessera
from tessera import linalg

# What changes no result.
_IGNORED = {"overwrite_a", "overwrite_b", "overwrite_ab", "overwrite_x", "overwrite_c", "overwrite_d", "lapack_driver",
            "driver", "lwork", "lapack", "method", "blocksize", "disp", "turbo", "balanced", "debug",
            "max_ev", "workers"}  # fmt: skip
_TRANS = {0: "N", 1: "T", 2: "C"}


def call(theirs, args, kwargs):
    """`theirs`, a function of scipy.linalg, by tessera.linalg."""
    name = theirs.__name__
    bound = inspect.signature(theirs).bind(*args, **kwargs)
    bound.apply_defaults()
    given = {key: value for key, value in bound.arguments.items() if key not in _IGNORED or name == "solve_discrete_lyapunov"}
    special = _SPECIAL.get(name)
    return special(given) if special else _plain(name, given)


def _plain(name, given):
    ours = getattr(linalg, name)
    takes = inspect.signature(ours).parameters.values()
    arrays = [each.name for each in takes if each.kind is each.POSITIONAL_OR_KEYWORD]
    options = {each.name for each in takes} - set(arrays)
    values = list(given.items())
    operands = [value for _, value in values[: len(arrays)]]
    rest = {key: _plainly(value) for key, value in values[len(arrays) :]}
    for key, value in list(rest.items()):
        if key not in options:
            default = _default(name, key)
            if value is not None and value is not False and value is not default and value != default:
                raise NotImplementedError(f"{name} without {key}")
            del rest[key]
    while operands and operands[-1] is None:
        operands.pop()
    return ours(*operands, **{key: value for key, value in rest.items() if value is not None})


def _default(name, key):
    theirs = inspect.signature(getattr(scipy.linalg, name)).parameters
    return theirs[key].default if key in theirs else None


def _plainly(value):
    return value.tolist() if isinstance(value, np.generic) else value


def _with(name, given, **changes):
    given = {key: value for key, value in given.items() if key not in changes} | changes
    return _plain(name, {key: value for key, value in given.items() if value is not _GONE})


_GONE = object()


def _qr(given):
    mode = given["mode"]
    if mode not in ("full", "r", "economic", "raw"):
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
    out = _plain("qr", given)
    if mode == "r":
        return out if isinstance(out, tuple) else (out,)
    return ((out[0], out[1]), *out[2:]) if mode == "raw" else out


def _eigh(given):
    if given.pop("eigvals_only"):
        return _plain("eigvalsh", given)
    return _plain("eigh", given)


def _eig(given):
    if given.pop("homogeneous_eigvals"):
        raise NotImplementedError("eig(homogeneous_eigvals=True)")
    left, right = given["left"], given["right"]
    if not (left or right):
        return _with("eigvals", given, left=_GONE, right=_GONE)
    out = _plain("eig", given)
    return (out[0], out[2], out[1]) if left and right else out


def _svd(given):
    if given.pop("compute_uv"):
        return _plain("svd", given)
    return _with("svdvals", given, full_matrices=_GONE)


def _trans(name):
    def function(given):
        if "lu_and_piv" in given:
            lu, piv = given.pop("lu_and_piv")
            given = {"lu": lu, "piv": piv} | given
        given["trans"] = _TRANS.get(given["trans"], given["trans"])
        return _plain(name, given)

    return function


def _factored(name, key):
    def function(given):
        factor, lower = given.pop(key)
        return _plain(name, {"c": factor} | given | {"lower": bool(lower)})

    return function


def _solve_banded(given):
    l_and_u = [int(each) for each in given.pop("l_and_u")]
    return _plain("solve_banded", given | {"l_and_u": l_and_u})


def _toeplitz(name):
    def function(given):
        c = given.pop("c_or_cr")
        c, r = c if isinstance(c, tuple) else (c, None)
        (key, b), *rest = given.items()
        return _plain(name, {"c": c, key: b, "r": r} | dict(rest))

    return function


def _cossin(given):
    left, right = given.pop("compute_u"), given.pop("compute_vh")
    x = given.pop("X")
    if isinstance(x, (tuple, list)):
        blocks = [np.atleast_2d(np.asarray(each)) for each in x]
        given |= {"p": blocks[0].shape[0], "q": blocks[0].shape[1]}
        x = tessera.asarray(np.block([blocks[:2], blocks[2:]]))
    out = _plain("cossin", {"X": x} | given)
    u, cs, vh = ((out[0], out[1]), out[2], (out[3], out[4])) if given["separate"] else out
    nothing = np.empty((0, 0))
    nothing = (nothing, nothing) if given["separate"] else nothing
    return u if left else nothing, cs, vh if right else nothing


def _homogeneous(name):
    def function(given):
        if given.pop("homogeneous_eigvals"):
            raise NotImplementedError(f"{name}(homogeneous_eigvals=True)")
        return _plain(name, given)

    return function


_SPECIAL = {
    "cossin": _cossin,
    "norm": lambda given: _with("norm", given, check_finite=_GONE),
    "qr": _qr,
    "eigh": _eigh,
    "eig": _eig,
    "eigvals": _homogeneous("eigvals"),
    "svd": _svd,
    "lu_solve": _trans("lu_solve"),
    "solve_triangular": _trans("solve_triangular"),
    "cho_factor": lambda given: (_plain("cho_factor", given), given["lower"]),
    "cho_solve": _factored("cho_solve", "c_and_lower"),
    "cho_solve_banded": _factored("cho_solve_banded", "cb_and_lower"),
    "solve_banded": _solve_banded,
    "solve_toeplitz": _toeplitz("solve_toeplitz"),
    "matmul_toeplitz": _toeplitz("matmul_toeplitz"),
}
assert all(hasattr(scipy.linalg, name) for name in _SPECIAL)
