#pragma once
#include <string>
#include <vector>

#include <tessera/io/hdf5.hpp>

/// Sparse matrices as others store them: a group of data, indices and indptr whose attributes or
/// shape say csr or csc (AnnData, h5sparse, 10x Genomics), or MATLAB's data, ir and jc. Callers
/// hold a Session.
namespace tessera::io::hdf5 {

/// "csr", "csc", or "" for a group that is no sparse matrix.
std::string sparse_format(Handle group_id);

/// Shape, dtype and format. OSError for parts that do not fit each other, errors of describe() for
/// parts that cannot be read.
DatasetInfo describe_sparse(Handle group_id, const std::string& file, const std::string& path);

/// The datasets that a sparse matrix consists of. Errors as describe_sparse().
std::vector<DatasetInfo> sparse_parts(Handle group_id, const std::string& file,
                                      const std::string& path);

/// Writes `rows` of the matrix to `to`, row-major, zeros included; values of one place are added up
/// in the order of the file. Reads only these rows of a csr matrix, all of a csc matrix, in pieces.
/// OSError for indices outside of the matrix.
void read_sparse_rows(Handle group_id, const DatasetInfo& info, Range rows, void* to);

}  // namespace tessera::io::hdf5
