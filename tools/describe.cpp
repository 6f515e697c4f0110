#include "describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/array/quantile.hpp>
#include <tessera/linalg/moments.hpp>

namespace tessera {

Describe::Describe(CLI::App& program, Command& chosen) {
  CLI::App* app = program.add_subcommand(
      "describe", "count, mean, standard deviation, quartiles and NaN of every column");
  app->add_option("X", *x_, "data, FILE.h5:/dataset")->required()->type_name("");
  common_->add_to(*app, Common::Reads::rows);
  app->footer(
      "count is of numbers that are not NaN, and so is the rest; std has count - 1 below it; "
      "quartiles are exact.\nExamples:\n"
      "  tessera describe points.h5:/X\n"
      "  mpirun -n 4 tessera describe points.h5:/X --stream   # also if larger than memory");
  app->callback([this, &chosen] {
    chosen = [this] {
      common_->apply();
      run();
    };
  });
}

void Describe::run() const {
  const Rows read = common_->read_x(*x_);
  const Rows x = is_floating(read.dtype()) ? read : read.as(DType::float64);
  const auto moments = linalg::column_moments(x);
  constexpr double shares[] = {0, 0.25, 0.5, 0.75, 1};
  const Array q = quantile(x, shares, {.ignore_nan = true}).astype(DType::float64);
  const auto values = q.values<double>();
  constexpr std::size_t fields = 9;
  std::vector<std::vector<std::string>> table = {
      {"column", "count", "mean", "std", "min", "25%", "50%", "75%", "max", "NaN"}};
  const auto cols = static_cast<std::size_t>(x.cols());
  const auto rows = static_cast<double>(x.rows());
  for (std::size_t j = 0; j < cols; ++j) {
    const double count = moments.count[j];
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    std::vector<std::string> row = {x.column_names().empty() ? std::to_string(j)
                                                             : printable(x.column_names()[j])};
    const auto number = [&](double v) { row.push_back(fmt::format("{:.6g}", v)); };
    row.push_back(fmt::format("{:.0f}", count));
    number(count > 0 ? moments.mean[j] : none);
    number(count > 1 ? std::sqrt(moments.m2[j] / (count - 1)) : none);
    for (std::size_t k = 0; k < std::size(shares); ++k) number(values[k * cols + j]);
    row.push_back(fmt::format("{:.0f}", rows - count));
    table.push_back(std::move(row));
  }
  std::vector<std::size_t> widths(fields + 1);
  for (const auto& row : table)
    for (std::size_t k = 0; k <= fields; ++k) widths[k] = std::max(widths[k], row[k].size());
  std::string text = fmt::format("{} rows of {}", x.rows(), name_of(read.dtype()));
  for (const auto& row : table) {
    text += fmt::format("\n{:<{}}", row[0], widths[0]);
    for (std::size_t k = 1; k <= fields; ++k) text += fmt::format("  {:>{}}", row[k], widths[k]);
  }
  print(text);
}

}  // namespace tessera
