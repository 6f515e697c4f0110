"""Arrays: what goes in and comes out."""

import contextlib
import math
import os
import threading

import numpy as np

from . import _core
from ._comm import communicator
from ._core import Array, Stream

_NATIVE = frozenset("? b h i q l B H I Q L f d F D".split())


def native(x):
    """A NumPy array of a dtype that Tessera has: float16 as float32, long double as float64."""
    if x.dtype.char in _NATIVE:
        return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))
    if x.dtype.kind == "f":
        return x.astype(np.float32 if x.dtype.itemsize == 2 else np.float64)
    if x.dtype.kind == "c":
        return x.astype(np.complex128)
    raise TypeError(f"no Array holds the dtype {x.dtype}")


def _check_alike(x, comm):
    """Finds the process that passes something else; a debugging aid, for it reads all of x."""
    import zlib

    mine = zlib.crc32(np.ascontiguousarray(x)) ^ zlib.crc32(repr((x.shape, x.dtype)).encode())
    everyone = whole(from_local(np.array([mine], dtype=np.int64), comm=comm))
    usual = max(everyone.tolist(), key=lambda one: np.count_nonzero(everyone == one))
    others = np.flatnonzero(everyone != usual).tolist()
    if others:
        raise ValueError(
            "all processes must pass the same array; that of "
            f"process{'es' if len(others) > 1 else ''} {', '.join(map(str, others))} differs from "
            f"that of process {everyone.tolist().index(usual)}"
        )


def _words(x):
    """Text as codes of the different words, ascending; no words where an object is none."""
    text = x.astype(str) if x.dtype.kind == "S" else x.astype(x.dtype.newbyteorder("="), copy=False)
    codes = np.empty(x.size, dtype=np.int64)
    words = _core.words(np.ascontiguousarray(text).reshape(-1), codes)
    return codes.reshape(x.shape), words


_MARK = "\x1f"  # before the kind of a word of a table


def _check_integers(values):
    """ValueError for integers that int64 does not hold: the words of a table stand for no others."""
    large = [each for each in values if isinstance(each, int) and not -(2**63) <= each < 2**63]
    if large:
        raise ValueError(f"integers beside text, and objects, must be from -2**63 to 2**63 - 1, got {large[0]}")


def _levels(column, mixed=False):
    """The different values of a column as words, which of them each row has, and their kind; with
    `mixed` text and numbers may stand in one column."""
    if column.dtype.kind in "biuf":
        values, places = np.unique(native(column), return_inverse=True)
        if column.dtype == np.uint64:
            _check_integers(values[-1:].tolist())
        return list(map(str, values)), places, values.dtype.name
    if column.dtype.kind in "US":
        places, values = _words(column)
        return values, places, "text"
    if column.dtype.kind != "O":
        raise TypeError(f"no Array holds the dtype {column.dtype}")
    places, values = _words(column)
    if values is not None:
        return values, places, "text"
    number, places = {}, None
    with contextlib.suppress(TypeError):  # of what is not hashable
        places = np.fromiter((number.setdefault(each, len(number)) for each in column), np.int64, len(column))
    values = [each.item() if isinstance(each, np.generic) else each for each in number]
    words = sum(isinstance(each, str) for each in values)
    missing = sum(each is None or isinstance(each, float) and each != each for each in values)
    numbers = sum(isinstance(each, (bool, int, float)) and each == each for each in values)
    _check_integers(values)
    if places is None or words + missing + numbers < len(values) or words and numbers and not mixed:
        raise TypeError("Encoders require their input argument must be uniformly strings or numbers. Got "
                        f"{sorted({type(each).__qualname__ for each in column})}")
    return [f"'{each}" if isinstance(each, str) else str(each) for each in values], places, "object"


def table(columns, comm=None, mixed=False) -> Array:
    """An Array of columns of their own dtypes, text among them: of codes that say what they stand for."""
    words, described = {}, [_levels(column, mixed) for column in columns]
    plain = all(kind == "text" for _, _, kind in described)
    codes = np.empty((len(columns[0]), len(columns)), dtype=np.int64)
    for j, (levels, places, kind) in enumerate(described):
        names = levels if plain else [f"{_MARK}{kind}:{each}" for each in levels]
        codes[:, j] = np.array([words.setdefault(each, len(words)) for each in names], dtype=np.int64)[places]
    return asarray(codes, comm=comm).categorized(list(words))


def _values(words, kind):
    """What words of that kind say, as a NumPy array."""
    if kind == "text":
        return np.array(words, dtype=object)
    if kind != "object":
        return np.array([word == "True" for word in words] if kind == "bool" else words).astype(kind)
    return np.array([word[1:] if word[:1] == "'" else _core.value(word) for word in words], dtype=object)


def _on_gpu(x):
    """Whether x is memory of a GPU; TypeError for that of other devices."""
    if not hasattr(x, "__dlpack_device__"):
        return hasattr(x, "__cuda_array_interface__")
    kind = int(x.__dlpack_device__()[0])
    if kind not in (1, 2, 13):  # of the host, of CUDA, CUDA's managed memory
        raise TypeError(f"an array on a device of DLPack's kind {kind} must be copied to the host first")
    return kind != 1


def _from_gpu(x, comm):
    described = getattr(x, "__cuda_array_interface__", None)
    if described is None:
        address, shape, dtype, index = _core.cuda_memory(x)
        dtype, packed, strides = np.dtype(dtype), None, None
    else:
        address, shape, dtype = described["data"][0], tuple(described["shape"]), np.dtype(described["typestr"])
        # Which GPU it is, only DLPack knows; else this process's.
        index = int(x.__dlpack_device__()[1]) if hasattr(x, "__dlpack_device__") else -1
        packed = tuple(dtype.itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape)))
        strides = described.get("strides")
        if native(np.empty(0, dtype)).dtype != dtype:
            raise TypeError(f"an array of dtype {dtype} on a GPU must be converted first")
        if described.get("mask") is not None:
            raise TypeError("an array on a GPU must have no mask")
    if not shape or strides not in (None, packed):
        raise ValueError("an array on a GPU must have rows and be C-contiguous")
    return _core.adopt_cuda(x, address, shape, dtype.name, index, comm)


def _in_order(x):
    """Row-major and aligned."""
    return x if x.flags.c_contiguous and x.flags.aligned else np.require(x, requirements=["C", "A"])


def asarray(x, dtype=None, *, comm=None) -> Array:
    """An Array, of rows spread over the processes, from what every process has whole.

    Parameters
    ----------
    x : Array, Stream, ndarray, or anything with ``__array__`` or ``__dlpack__``
        The same on every process; under ``TESSERA_CHECK=1`` that is checked. A C-contiguous NumPy
        array is not copied: leave it as it is while the Array lives. float16 becomes float32 and
        long double float64; objects are text, or columns of text or of numbers. C-contiguous memory of a GPU (DLPack,
        ``__cuda_array_interface__``) is used where it lies.
    dtype : dtype, optional
        To convert to.
    comm : Communicator or mpi4py.MPI.Comm, optional
        Whose processes have x; all of the job by default.

    Returns
    -------
    Array
    """
    if isinstance(x, (Array, Stream)):
        if comm is not None and communicator(comm) != x.comm:
            raise ValueError("the array lies on other processes than those of comm")
        x = x if isinstance(x, Array) else x.collect()
        return x if dtype is None else x.astype(dtype)
    if type(x) is not np.ndarray or dtype is not None:
        if _on_gpu(x):
            array = _from_gpu(x, communicator(comm))
            return array if dtype is None else array.astype(dtype)
        if not hasattr(x, "__array__") and hasattr(x, "__dlpack__"):
            x = np.from_dlpack(x)
        x = np.asarray(x, dtype=dtype)
    categories = None
    if x.dtype.kind == "O" and x.ndim == 2 and x.size:
        return table(list(x.T), comm)
    if x.dtype.kind in "OUS":
        x, categories = _words(x)
        if categories is None:
            raise TypeError("a vector of objects must hold strings alone")
    x = native(x)
    comm = communicator(comm)
    if x.ndim == 0:
        return _core.replicated(x, comm)
    part = x
    if comm.size > 1:
        if os.environ.get("TESSERA_CHECK") == "1":
            _check_alike(x, comm)
        begin, end = _core.local_range(x.shape, comm)
        part = x[begin:end]
    array = _core.adopt(_in_order(part), len(x), comm)
    return array if categories is None else array.categorized(categories)


def from_local(part, *, comm=None) -> Array:
    """An Array from the rows that each process has, one process's after the other's.

    Parameters
    ----------
    part : array_like
        This process's rows, any number; dtype and further extents are the same on all. Where every
        process has the rows that the row distribution deals it, they are not copied; else they move.
    comm : Communicator or mpi4py.MPI.Comm, optional
        The processes; all of the job by default.
    """
    part = _in_order(native(np.asarray(part)))
    if part.ndim == 0:
        raise ValueError("from_local takes rows, got a scalar")
    return _core.from_parts(part, communicator(comm))


def _at(location, dataset):
    """``FILE.h5:/name`` from a location, or a file and the dataset in it."""
    location = os.fspath(location)
    return location if dataset is None else f"{location}:/{dataset.lstrip('/')}"


def read(location, dataset=None, *, collective: bool = False, dense: bool = False,
         comm=None) -> Array:
    """The dataset ``FILE.h5:/name``, or `dataset` of FILE.h5 (or a .csv, .tsv, .npy, .png or .tif file),
    as an Array on the processes of `comm`: each reads its rows."""
    return _core.read(_at(location, dataset), collective, dense, communicator(comm))


def stream(location, dataset=None, *, comm=None) -> Stream:
    """The same as rows that stay on disk and are read when they are needed."""
    return _core.stream(_at(location, dataset), communicator(comm))


def write(location, x, dataset=None) -> None:
    """Writes an Array, a Stream or a NumPy array as the dataset ``FILE.h5:/name``, or `dataset` of
    FILE.h5; other contents of the file stay. Or as a file of its own: .npy, .png or .tif. All or
    nothing."""
    if isinstance(x, Array) and x.categories and x.categories[0].startswith(_MARK):
        raise TypeError("a table, whose columns hold different things, is not written; write its columns")
    if dataset is None and _core.is_array_file(os.fspath(location)):
        return _core.write_array_file(os.fspath(location), x if isinstance(x, (Array, Stream)) else asarray(x))
    file, colon, name = _at(location, dataset).rpartition(":/")
    if not colon or not name:
        raise ValueError(f"write to FILE.h5:/name, got '{location}'")
    _core.write(file, {"/" + name: x if isinstance(x, (Array, Stream)) else asarray(x)})


def _dtype(x) -> np.dtype:
    return np.dtype(x.dtype_name)


def _repr(x) -> str:
    where = f"{x.comm.size} process{'es' if x.comm.size > 1 else ''}"
    return (f"tessera.{type(x).__name__}(shape={x.shape}, dtype={x.dtype_name}, "
            f"distribution='{x.distribution}', device='{x.device}', {where})")


def _with_words(x, values):
    words = x.categories
    if not words or not words[0].startswith(_MARK):
        return np.asarray(words)[values] if words else values
    if not values.size:
        return np.empty(values.shape, dtype=object)
    columns = []
    for codes in values.reshape(len(values), -1).T:
        used, places = np.unique(codes, return_inverse=True)
        kinds, _, said = zip(*(words[code][1:].partition(":") for code in used))
        columns.append(_values(said, kinds[0])[places])
    out = np.empty(values.shape, dtype=np.result_type(*columns))
    for to, column in zip(out.reshape(len(values), -1).T, columns):
        to[:] = column
    return out


def _local(x) -> np.ndarray:
    """This process's rows, as a read-only view in NumPy. Of a transpose collective, at first."""
    return x._local()


_forbidding = threading.Lock()
_forbidden = int(os.environ.get("TESSERA_EXPORT", "always") == "never")  # by how many; of all threads


@contextlib.contextmanager
def no_export():
    """Inside of it, on all threads, and everywhere with ``TESSERA_EXPORT=never``, a distributed array
    goes to NumPy or another library in no way: numpy(), ``numpy.asarray`` and DLPack raise, so that what
    would copy all of it to every process is found."""
    global _forbidden
    with _forbidding:
        _forbidden += 1
    try:
        yield
    finally:
        with _forbidding:
            _forbidden -= 1


def _check_export(x, kind):
    if _forbidden:
        raise kind(f"an array of shape {x.shape} would be copied to the host of every process; "
                   "no_export() or TESSERA_EXPORT=never forbids that")


def whole(x, writable=False):
    """numpy(), which nothing forbids."""
    return _with_words(x, x._whole(writable))


def numpy(x, *, writable: bool = False) -> np.ndarray:
    """All of the array, on every process; of one process a read-only view. Collective."""
    _check_export(x, TypeError)
    return whole(x, writable)


def redistribute(x, layout, *, block: int = 64) -> Array:
    """The same array in another layout. Collective.

    Parameters
    ----------
    layout : {"rows", "replicated", "block_cyclic"}
        Rows spread over the processes, all of it on each, or ScaLAPACK's blocks over a grid of them
        (of matrices).
    block : int, default=64
        Rows and columns of a block.
    """
    return x._redistribute(layout, block)


def _dlpack(x, /, *, stream=None, max_version=None, dl_device=None, copy=None):
    _check_export(x, BufferError)
    how = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
    return numpy(x).copy().__dlpack__(**{name: said for name, said in how.items() if said is not None})


def _array(x, dtype=None, copy=None) -> np.ndarray:
    values = numpy(x)
    if dtype is not None and values.dtype != dtype:
        if copy is False:
            raise ValueError("a conversion needs a copy")
        return values.astype(dtype)
    return values.copy() if copy else values


def _reduce(x):
    if x.comm.size > 1:
        raise TypeError(f"an Array on {x.comm.size} processes is not pickled, for its rows lie on "
                        "all of them; write() it, or pickle its numpy()")
    return asarray, (numpy(x),)


def _length(x) -> int:
    if not x.shape:
        raise TypeError("len() of an array of shape ()")
    return x.shape[0]


for cls in (Array, Stream):
    cls.__module__ = "tessera"
    cls.dtype = property(_dtype, doc="Its dtype, NumPy's.")
    cls.__repr__ = _repr
    cls.__len__ = _length
Array.local = property(_local, doc=_local.__doc__)
Array.numpy = numpy
Array.__array__ = _array
Array.__reduce__ = _reduce
Array.__copy__ = lambda x: x._astype(x.dtype_name)
Array.__deepcopy__ = lambda x, memo: x._astype(x.dtype_name)  # nobody writes to what an Array holds
Array.astype = lambda x, dtype: x._astype(np.dtype(dtype).name)
Array.to = lambda x, device: x._to(device)
Array.redistribute = redistribute
# Of a writable copy, for DLPack of older consumers knows no read-only memory.
Array.__dlpack__ = _dlpack
Array.__dlpack_device__ = lambda x: (1, 0)
