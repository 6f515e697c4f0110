#pragma once
#include <string>

#include <tessera/io/location.hpp>
#include <tessera/runtime/rows.hpp>

/// Files of one array each: images (.png, .tif, .tiff) and NumPy's (.npy). io::read(), io::stream()
/// and io::convert() take them by these endings, in any case of letters.
///
/// A PNG is an array of bool, uint8 or uint16 of shape (rows, columns), with a last axis of 2, 3 or
/// 4 for grey with alpha, RGB and RGBA; palettes and transparent colours are expanded, 2 and 4 bits
/// to 8. A TIFF may also hold other integers, float32 and float64 (float16 becomes float32), and
/// several pages of one shape, which are a stack along axis 0; smaller copies of a page are left
/// out. Both are optional when Tessera is built: NotImplementedError without their library.
namespace tessera::io {

/// Whether a location without a dataset has one of these endings. Local.
bool is_array_file(const Location& location);

/// The array of a file as rows, decoded in order when needed, by each process its own and what is
/// compressed before them. OSError for what cannot be read, is damaged or claims more elements than
/// its bytes can hold; TypeError for other contents. Collective.
Rows open_array_file(const std::string& file, const Communicator& comm = Communicator::world());

/// Writes `x` as such a file, by way of rank 0: uncompressed TIFF of one page, or of one for each
/// row of a stack, which an array of three dimensions is whose last extent is not 2, 3 or 4. All or
/// nothing, as io::write(). TypeError and ValueError for a dtype or a shape that the format does
/// not hold; OSError when writing fails. Collective.
void write_array_file(const std::string& file, const Rows& x);

}  // namespace tessera::io
