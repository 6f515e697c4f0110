#pragma once
#include <cstddef>

#include <tessera/array/kernels/elementwise.hpp>

namespace tessera::on_cpu {

/// Rows of function `index` of functions::Simple, for the instruction set in force.
functions::RowFunction simple_row(std::size_t index, DType dtype);

void implement_simple(Backend& backend);
void implement_involved(Backend& backend);

}  // namespace tessera::on_cpu
