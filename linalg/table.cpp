// The table of signatures: one entry per function, written once, group by group.
#include <algorithm>
#include <iterator>

#include <tessera/linalg/table.hpp>

namespace tessera::linalg {

const std::vector<functions::Signature>& signatures() {
  static const auto table = [] {
    std::vector<functions::Signature> all;
    for (auto* part : {tables::of_products, tables::of_factorisations, tables::of_spectra,
                       tables::of_bases, tables::of_equations, tables::of_functions})
      std::ranges::move(part(), std::back_inserter(all));
    return all;
  }();
  return table;
}

}  // namespace tessera::linalg
