"""Random arrays: the same numbers on any number of processes, each a function of seed, stream and its
index. What is to be independent takes another stream, below 2**24, or another seed.

``uniform``, ``normal``, ``integers``, ``permutation`` and ``choice``, made from C++'s table
(``array/random.hpp``).
"""

from .array_api import _spaces

for _name, _function in vars(_spaces["random"]).items():
    if not _name.startswith("_"):
        _function.__module__ = __name__
        globals()[_name] = _function

__all__ = sorted(_name for _name in globals() if not _name.startswith("_"))
