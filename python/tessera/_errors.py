"""Errors and warnings of C++ as the classes that Python's libraries have for them."""

import builtins
import sys
import warnings


def _class(kind):
    if kind == "LinAlgError":
        from numpy.linalg import LinAlgError

        return LinAlgError
    if kind == "InvalidParameterError":
        from sklearn.utils._param_validation import InvalidParameterError

        return InvalidParameterError
    if kind == "NotFittedError":
        from sklearn.exceptions import NotFittedError

        return NotFittedError
    return getattr(builtins, kind, RuntimeError)


def is_known(kind):
    """Whether C++ has the class of that name."""
    return kind in ("ValueError", "TypeError", "InvalidParameterError", "NotFittedError",
                    "LinAlgError", "NotImplementedError", "OSError", "MemoryError", "RuntimeError")


def error(kind, text):
    return _class(kind)(text)


def _warning_class(kind):
    if hasattr(builtins, kind):
        return getattr(builtins, kind)
    if kind == "LinAlgWarning":
        from scipy.linalg import LinAlgWarning

        return LinAlgWarning
    import sklearn.exceptions

    return getattr(sklearn.exceptions, kind, UserWarning)


speaks = None  # while one of our warnings is on its way: whether this process prints it


def _outside():
    """The stacklevel of whoever called the package, seen from the function that asks. Functions made from lists have no
    module."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "tessera").partition(".")[0] == "tessera":
        level, frame = level + 1, frame.f_back
    return level


def warn(text, kind, first):
    """A Python warning, on every process; the first of those whose arrays it is about prints it."""
    global speaks
    speaks = first
    try:
        warnings.warn(text, _warning_class(kind), stacklevel=_outside())
    finally:
        speaks = None
