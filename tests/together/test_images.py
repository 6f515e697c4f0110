"""Images and NumPy files, read and written by all processes: beside Pillow, and hostile ones."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tessera
from PIL import Image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (700, 33), dtype=np.uint8)
IMAGES = {  # by file, what it is to be read as
    "grey.png": GREY,
    "grey.tif": GREY,
    "grey16.png": (GREY.astype(np.uint16) << 8) + 7,
    "grey16.tif": (GREY.astype(np.uint16) << 8) + 7,
    "bits.png": GREY > 99,
    "bits.tif": GREY > 99,
    "alpha.png": RNG.integers(0, 256, (20, 30, 2), dtype=np.uint8),
    "rgb.png": RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8),
    "rgb.tif": RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8),
    "rgba.png": RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8),
    "rgba.tif": RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8),
    "float.tif": RNG.normal(size=(40, 50)).astype(np.float32),
    "int32.tif": RNG.integers(-(2**31), 2**31, (40, 50), dtype=np.int32),
    "numbers.npy": RNG.normal(size=(300, 4)),
}



@pytest.fixture
def save(everyones):
    """Writes a file on rank 0 for all: bytes, or an array by Pillow or NumPy."""

    def write(name, content, **options):
        if tessera.rank() == 0:
            if isinstance(content, (bytes, bytearray)):
                Path(name).write_bytes(content)
            elif name.endswith(".npy"):
                np.save(name, content)
            else:
                of_pillow(content).save(name, **options)
        everyones(None)
        return name

    return write


def of_pillow(values):
    if isinstance(values, Image.Image):
        return values
    if values.dtype == bool:
        return Image.fromarray(values.astype(np.uint8) * 255).convert("1")
    return Image.fromarray(values, "LA") if values.shape[2:] == (2,) else Image.fromarray(values)


def check(got, want, what):
    if isinstance(got, str):
        got = tessera.read(got).numpy()
    assert got.dtype == want.dtype and got.shape == want.shape, f"{what}: {got.dtype} {got.shape}"
    np.testing.assert_array_equal(got, want, err_msg=what)


def written(name, values):
    """The file that tessera.write makes, by another reader."""
    tessera.write(name, tessera.asarray(values))
    return np.load(name) if name.endswith(".npy") else np.asarray(Image.open(name))


def test_what_pillow_writes_and_reads(save):
    for name, want in IMAGES.items():
        check(save(name, want), want, name)
        check(written(f"again-{name}", want), want, f"{name} written")


def test_ways_to_store_them(save):
    palette = Image.fromarray(GREY).quantize(16)
    check(save("palette.png", palette), np.asarray(palette.convert("RGB")), "a palette")
    blank = Image.fromarray(np.zeros((3000, 3000), np.uint8)).quantize(2)
    check(save("blank.png", blank), np.asarray(blank.convert("RGB")), "a palette of one colour")
    save("palette.tif", palette)
    with pytest.raises(TypeError, match="^'palette.tif' has a palette of colours; expected grey or RGB"):
        tessera.read("palette.tif")
    save("transparent.png", palette, transparency=3)
    check("transparent.png", np.asarray(Image.open("transparent.png").convert("RGBA")), "a palette with alpha")
    save("interlaced.png", interlaced(GREY[:50]))
    check("interlaced.png", np.asarray(Image.open("interlaced.png")), "Adam7")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        for name in ("grey.tif", "rgb.tif", "float.tif"):
            check(save(name, IMAGES[name], compression=compression), IMAGES[name], f"{name} {compression}")
    save("jpeg.tif", GREY, compression="jpeg")
    check("jpeg.tif", np.asarray(Image.open("jpeg.tif")), "JPEG in TIFF")
    check(save("big.tif", IMAGES["rgb.tif"], big_tiff=True), IMAGES["rgb.tif"], "BigTIFF")


def test_rows_read_as_needed(save):
    for name in ("grey.png", "rgb.tif", "numbers.npy"):
        save(name, IMAGES[name])
        rows = tessera.stream(name)
        assert (rows.shape, rows.dtype) == (IMAGES[name].shape, IMAGES[name].dtype)
        tessera.write("a.h5:/x", rows)
        check("a.h5:/x", IMAGES[name], name)
        again = f"again-{name}"
        tessera.write(again, tessera.stream("a.h5:/x"))
        check(again, IMAGES[name], again)


def interlaced(values):
    """Adam7 of 8 bits of grey: Pillow does not write it."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [values[i::di, j::dj] for i, j, di, dj in passes]
    lines = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    return png(chunk("IHDR", struct.pack(">IIBBBBB", *values.shape[::-1], 8, 0, 0, 0, 1)), lines)


def chunk(name, body):
    body = name.encode() + body
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def png(header, lines, *, ends=True):
    body = b"\x89PNG\r\n\x1a\n" + header + chunk("IDAT", zlib.compress(lines))
    return body + chunk("IEND", b"") if ends else body


def test_stacks_and_tiles(save):
    pages = RNG.normal(size=(5, 40, 50)).astype(np.float32)
    first, *more = [Image.fromarray(page) for page in pages]
    check(save("stack.tif", first, save_all=True, append_images=more), pages, "pages")
    tessera.write("again.tif", pages)
    check("again.tif", pages, "pages written")
    with Image.open("again.tif") as image:
        assert image.n_frames == 5
    for what in (RNG.integers(0, 9, (3, 6, 7, 4), dtype=np.uint8), np.arange(4200).reshape(1400, 3), pages.astype("float64")):
        tessera.write("some.tif", what)
        check("some.tif", what, f"{what.shape}")
    tessera.write("one.tif", pages[:1])
    check("one.tif", pages[0], "a stack of one page")
    # Tiles and planes one behind another, by hand: Pillow writes neither.
    image = RNG.integers(0, 2**16, (40, 35, 3), dtype=np.uint16)
    for options in ({"planes": True}, {"tile": 16}, {"planes": True, "tile": 16}, {"order": ">"}):
        check(save("made.tif", tiff(image, **options)), image, f"{options}")
    save("differ.tif", first, save_all=True, append_images=[Image.fromarray(pages[0, :30])])
    with pytest.raises(ValueError, match=r"is no stack of images: page 0 has shape \(40, 50\) and float32, page 1 has shape \(30, 50\)"):
        tessera.read("differ.tif")


def tiff(image, *, planes=False, tile=0, order="<", claimed=None):
    """An uncompressed TIFF of uint16."""
    rows, cols, channels = image.shape
    side = tile or max(rows, cols)
    high, wide = (-(-n // side) * side if tile else n for n in (rows, cols))
    padded = np.zeros((high, wide, channels), order + "u2")
    padded[:rows, :cols] = image
    parts = [padded[..., c : c + 1] for c in range(channels)] if planes else [padded]
    step = (side, side) if tile else (rows, cols)
    blocks = [part[i : i + step[0], j : j + step[1]].tobytes()
              for part in parts for i in range(0, high, step[0]) for j in range(0, wide, step[1])]  # fmt: skip
    offsets, data = [], b""
    for block in blocks:
        offsets.append(8 + len(data))
        data += block
    counts = [len(block) for block in blocks]
    rows, cols = claimed or (rows, cols)
    tags = {256: (4, [cols]), 257: (4, [rows]), 258: (3, [16] * channels), 259: (3, [1]), 262: (3, [2]),
            277: (3, [channels]), 284: (3, [2 if planes else 1])}  # fmt: skip
    tags |= {322: (4, [tile]), 323: (4, [tile]), 324: (4, offsets), 325: (4, counts)} if tile else {
        273: (4, offsets), 278: (4, [rows]), 279: (4, counts)}  # fmt: skip
    at = 8 + len(data)
    entries, extra = b"", b""
    for tag, (code, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{'H' if code == 3 else 'I'}", *values)
        if len(packed) > 4:
            extra += packed
            packed = struct.pack(order + "I", at + 2 + 12 * len(tags) + 4 + len(extra) - len(packed))
        entries += struct.pack(order + "HHI", tag, code, len(values)) + packed.ljust(4, b"\0")
    return (struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, at) + data +
            struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + extra)  # fmt: skip


def half_a_strip(compression):
    """A TIFF of which the second half of each strip is zeros."""
    out = io.BytesIO()
    image = Image.fromarray(GREY)
    (image.convert("1") if compression == "group4" else image).save(out, "TIFF", compression=compression)
    body = bytearray(out.getvalue())
    tags = Image.open(io.BytesIO(body)).tag_v2
    for offset, count in zip(tags[273], tags[279], strict=True):
        body[offset + count // 2 : offset + count] = bytes(count - count // 2)
    return bytes(body)


def header(rows, cols, depth=8, colour=0, interlaced=0):
    return chunk("IHDR", struct.pack(">IIBBBBB", cols, rows, depth, colour, 0, 0, interlaced))


HOSTILE = {  # what a file holds, and what is said
    "no.png": (b"GIF89a, or so", "'no.png' is not a PNG file"),
    "empty.png": (b"", "'empty.png' is not a PNG file"),
    "huge.png": (png(header(0x7FFFFFFF, 0x7FFFFFFF), b"\0" * 100), " bytes cannot hold the shape (2147483647, 2147483647) that it claims"),
    "interlaced.png": (png(header(30000, 30000, 16, 6, 1), b"\0" * 100), "cannot hold the shape (30000, 30000, 4)"),
    "cut.png": (png(header(4, 4), b"\0" * 20)[:-20], "'cut.png' is truncated"),
    "short.png": (png(header(4, 4), b"\0" * 10), "cannot read 'short.png': "),
    "flipped.png": (png(header(4, 4), b"\0" * 20).replace(b"IDAT", b"IDAU"), "cannot read 'flipped.png': "),
    "no.tif": (b"GIF89a, or so", "cannot read 'no.tif': Not a TIFF"),
    "empty.tif": (b"", "cannot read 'empty.tif': "),
    "huge.tif": (tiff(np.zeros((4, 5, 3), np.uint16), claimed=(2**31 - 1, 2**31 - 1)), "huge.tif"),
    "longer.tif": (tiff(np.zeros((4, 5, 3), np.uint16), claimed=(4000, 5)), "longer.tif"),
    "cut.tif": (tiff(np.zeros((4, 5, 3), np.uint16))[:-30], "cannot read 'cut.tif': "),
    "lossy.tif": (half_a_strip("jpeg"), "cannot read 'lossy.tif': "),
    "fax.tif": (half_a_strip("group4"), "cannot read 'fax.tif': "),
    "loop.tif": (tiff(np.zeros((4, 5, 3), np.uint16)), "loop.tif"),
}  # fmt: skip




@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name, save, everyones):
    body, error = HOSTILE[name]
    if name == "loop.tif":  # its only page is followed by itself
        at = struct.unpack_from("<I", body, 4)[0]
        body = bytearray(body)
        struct.pack_into("<I", body, at + 2 + 12 * struct.unpack_from("<H", body, at)[0], at)
    save(name, body)
    with pytest.raises((OSError, TypeError, MemoryError)) as failure:
        tessera.read(name)
    assert error in str(failure.value) and set(everyones(str(failure.value))) == {str(failure.value)}


def test_fuzzed_files(save):
    """Bytes changed at random: a result or one error, in bounded time and memory."""
    whole = {"a.png": GREY[:40], "a.tif": GREY[:40], "b.tif": tiff(np.zeros((40, 35, 3), np.uint16), tile=16)}
    for name, content in whole.items():
        save(name, content, **({"compression": "tiff_lzw"} if name == "a.tif" else {}))
    for k in range(150):
        name = list(whole)[k % 3]
        body = bytearray(Path(name).read_bytes())
        low = 8 if name == "a.png" else len(body) - 200 if name == "b.tif" else 0  # headers and tags
        for place in RNG.integers(low, len(body) if k % 2 else min(low + 200, len(body)), 3):
            body[place] = RNG.integers(0, 256)
        try:
            tessera.read(save(f"fuzzed-{k}{name[1:]}", body))
        except (OSError, TypeError, ValueError, MemoryError, NotImplementedError):
            pass


NOT_WRITTEN = {
    "out.png": [(np.ones((30, 4)), "'out.png' cannot hold float64: a PNG has uint8 or uint16, or bool of one channel"),
                (np.ones(4, np.uint8), "'out.png' cannot hold an array of shape (4,): expected (rows, columns)"),
                (np.ones((2, 5, 4, 3), np.uint8), "'out.png' cannot hold an array of shape (2, 5, 4, 3)")],
    "out.tif": [(np.ones((0, 3)), "'out.tif' cannot hold an array of shape (0, 3)"),
                (np.ones((4, 5, 3), bool), "'out.tif' cannot hold bool"),
                (np.ones((3, 3), complex), "'out.tif' cannot hold complex128")],
    "nowhere/out.npy": [(np.ones(3), "cannot write 'nowhere/out.npy'")],
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_WRITTEN)
def test_what_cannot_be_written(name, everyones):
    for values, error in NOT_WRITTEN[name]:
        with pytest.raises((OSError, TypeError, ValueError)) as failure:
            tessera.write(name, values)
        assert error in str(failure.value) and set(everyones(str(failure.value))) == {str(failure.value)}
        assert not list(Path().iterdir())
