#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera {

std::string to_string(const Shape& shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape, ", "));
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const auto extent : shape) {
    if (extent < 0) throw ValueError("negative extent in shape " + to_string(shape));
    if (__builtin_mul_overflow(count, extent, &count))
      throw ValueError("more than 2^63 elements in shape " + to_string(shape));
  }
  return count;
}

std::int64_t row_count(const Shape& shape) { return shape.empty() ? 1 : shape[0]; }

std::int64_t elements_per_row(const Shape& shape) {
  return shape.empty() ? 1 : element_count(Shape(shape.begin() + 1, shape.end()));
}

Shape with_rows(Shape shape, std::int64_t rows) {
  shape[0] = rows;
  return shape;
}

}  // namespace tessera
