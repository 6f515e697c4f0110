#pragma once
#include <string>

#include <tessera/model/value.hpp>
#include <tessera/runtime/communicator.hpp>

namespace tessera::io {

/// Writes a fitted estimator as a model file, all or nothing. Equal models give equal bytes. Arrays
/// that are not replicated are gathered first. OSError when the file cannot be written. Collective;
/// every process gives the same model.
void write_model(const std::string& path, const Model& model,
                 const Communicator& comm = Communicator::world());

/// Reads a model file; arrays come back replicated over `comm`. Rank 0 reads and verifies, the
/// others get the verified bytes. Nothing is parsed before a checksum that notices every flipped
/// bit has been verified, and no size in the file makes the reader take more memory than the file
/// has bytes. OSError naming the file and what is wrong with it: missing, not a Tessera model file,
/// truncated, damaged, of a newer format. Collective.
Model read_model(const std::string& path, const Communicator& comm = Communicator::world());

/// The model as one line of JSON, {"estimator", "params", "attributes", "chosen"}. What 'auto'
/// meant is in "chosen", where there is something: attributes with a leading underscore. An integer
/// is an int64, a number with a point or exponent a float64; a scalar of another dtype is an array
/// of shape []. Arrays are {"shape", "dtype", "data"} with flat row-major data; complex numbers are
/// [real, imaginary]. Arrays above 10^6 elements have their data only when `full`, otherwise null
/// and a "note". Non-finite numbers are the strings "NaN", "Infinity" and "-Infinity"; all others
/// read back as the same number. ValueError for a full array that is not replicated. Local.
std::string to_json(const Model& model, bool full = false);

/// The readable datasets of an HDF5 file as JSON, [{"name", "shape", "dtype"}, ...], a sparse
/// matrix with "sparse". Errors as
/// list_datasets(). Collective.
std::string datasets_json(const std::string& file,
                          const Communicator& comm = Communicator::world());

/// write_model() of an estimator that has model(), which throws NotFittedError before fit.
template <class E>
void save_model(const std::string& path, const E& estimator,
                const Communicator& comm = Communicator::world()) {
  write_model(path, estimator.model(), comm);
}

/// read_model() for an estimator with a static from_model(), which refuses other estimators'
/// models.
template <class E>
E load_model(const std::string& path, const Communicator& comm = Communicator::world()) {
  return E::from_model(read_model(path, comm));
}

}  // namespace tessera::io
