#include <tessera/linalg/standard.hpp>

#include <fmt/format.h>

#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/stacks.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::linalg {
namespace {

using In = const ArrayArguments&;
using Pairs = std::vector<std::vector<std::int64_t>>;

NormOrder order_of(In in, std::size_t i) {
  if (!in.given(i)) return {};
  if (const auto* word = std::get_if<std::string>(&in[i])) return *word;
  return in.number(i);
}

std::optional<Operand> tolerance(In in, std::size_t i) {
  return in.given(i) ? std::optional(in.operand(i)) : std::nullopt;
}

QrMode mode_of(const std::string& word) {
  if (word == "reduced") return QrMode::reduced;
  if (word == "complete") return QrMode::complete;
  throw ValueError(fmt::format("qr: mode must be 'reduced' or 'complete', got '{}'", word));
}

// In the main namespace and in the extension.
void add_products(std::vector<ArrayFunction>& all, const std::string& space) {
  all.insert(
      all.end(),
      {{"matmul", "x1, x2, /", "Matrix products.",
        [](In in) -> Argument { return stacks::matmul(in.array(0), in.array(1)); }, space},
       {"tensordot", "x1, x2, /, *, axes=2", "Sums of products over pairs of axes.",
        [](In in) -> Argument {
          if (const auto* pairs = std::get_if<Pairs>(&in[2]); pairs && pairs->size() == 2)
            return stacks::tensordot(in.array(0), in.array(1), (*pairs)[0], (*pairs)[1]);
          return stacks::tensordot(in.array(0), in.array(1), in.integer(2));
        },
        space},
       {"vecdot", "x1, x2, /, *, axis=-1", "Sums of conj(x1) * x2 along an axis.",
        [](In in) -> Argument { return stacks::vecdot(in.array(0), in.array(1), in.integer(2)); },
        space}});
}

void add_extension(std::vector<ArrayFunction>& all) {
  const std::string space = "linalg";
  add_products(all, space);
  all.insert(
      all.end(),
      {{"cholesky", "x, /, *, upper=False", "The factor L of L L^H, or U of U^H U.",
        [](In in) -> Argument { return stacks::cholesky(in.array(0), in.flag(1)); }, space},
       {"cross", "x1, x2, /, *, axis=-1", "Cross products of vectors of three elements.",
        [](In in) -> Argument { return stacks::cross(in.array(0), in.array(1), in.integer(2)); },
        space},
       {"det", "x, /", "Determinants.", [](In in) -> Argument { return stacks::det(in.array(0)); },
        space},
       {"diagonal", "x, /, *, offset=0", "Diagonals.",
        [](In in) -> Argument { return stacks::diagonal(in.array(0), in.integer(1)); }, space},
       {"eig", "x, /", "Eigenvalues and eigenvectors: eigenvalues, eigenvectors.",
        [](In in) -> Argument {
          const Eig e = stacks::eig(in.array(0));
          return std::vector{e.values, e.vectors};
        },
        space, "EigResult eigenvalues eigenvectors"},
       {"eigh", "x, /", "Those of Hermitian matrices: eigenvalues, eigenvectors.",
        [](In in) -> Argument {
          const Eigh e = stacks::eigh(in.array(0));
          return std::vector{e.values, e.vectors};
        },
        space, "EighResult eigenvalues eigenvectors"},
       {"eigvals", "x, /", "Eigenvalues.",
        [](In in) -> Argument { return stacks::eigvals(in.array(0)); }, space},
       {"eigvalsh", "x, /", "Eigenvalues of Hermitian matrices.",
        [](In in) -> Argument { return stacks::eigvalsh(in.array(0)); }, space},
       {"inv", "x, /", "Inverses.", [](In in) -> Argument { return stacks::inv(in.array(0)); },
        space},
       {"matrix_norm", "x, /, *, keepdims=False, ord='fro'", "Norms of matrices.",
        [](In in) -> Argument {
          return stacks::matrix_norm(in.array(0), order_of(in, 2), in.flag(1));
        },
        space},
       {"matrix_power", "x, n, /", "Powers of square matrices.",
        [](In in) -> Argument { return stacks::matrix_power(in.array(0), in.integer(1)); }, space},
       {"matrix_rank", "x, /, *, rtol=None", "How many singular values are not 0.",
        [](In in) -> Argument { return stacks::matrix_rank(in.array(0), tolerance(in, 1)); },
        space},
       {"matrix_transpose", "x, /", "The last two axes exchanged.",
        [](In in) -> Argument { return matrix_transpose(in.array(0)); }, space},
       {"outer", "x1, x2, /", "Products of the elements of two vectors.",
        [](In in) -> Argument { return stacks::outer(in.array(0), in.array(1)); }, space},
       {"pinv", "x, /, *, rtol=None", "Moore-Penrose inverses.",
        [](In in) -> Argument { return stacks::pinv(in.array(0), tolerance(in, 1)); }, space},
       {"qr", "x, /, *, mode='reduced'", "x = Q R with orthonormal columns: Q, R.",
        [](In in) -> Argument {
          const Qr f = stacks::qr(in.array(0), mode_of(in.word(1)));
          return std::vector{f.q, f.r};
        },
        space, "QRResult Q R"},
       {"slogdet", "x, /", "Determinants: sign, logabsdet.",
        [](In in) -> Argument {
          const auto [sign, logabsdet] = stacks::slogdet(in.array(0));
          return std::vector{sign, logabsdet};
        },
        space, "SlogdetResult sign logabsdet"},
       {"solve", "x1, x2, /", "The x with x1 @ x = x2.",
        [](In in) -> Argument { return stacks::solve(in.array(0), in.array(1)); }, space},
       {"svd", "x, /, *, full_matrices=True", "x = U diag(S) Vh: U, S, Vh.",
        [](In in) -> Argument {
          const Svd f = stacks::svd(in.array(0), in.flag(1));
          return std::vector{f.u, f.s, f.vh};
        },
        space, "SVDResult U S Vh"},
       {"svdvals", "x, /", "Singular values.",
        [](In in) -> Argument { return stacks::svdvals(in.array(0)); }, space},
       {"trace", "x, /, *, offset=0, dtype=None", "Sums of diagonals.",
        [](In in) -> Argument { return stacks::trace(in.array(0), in.integer(1), in.dtype(2)); },
        space},
       {"vector_norm", "x, /, *, axis=None, keepdims=False, ord=2", "Norms of vectors.",
        [](In in) -> Argument {
          return stacks::vector_norm(in.array(0), in.maybe_integers(1), order_of(in, 3),
                                     in.flag(2));
        },
        space}});
}

}  // namespace

const std::vector<ArrayFunction>& standard_functions() {
  static const auto functions = [] {
    std::vector<ArrayFunction> more;
    add_products(more, "");
    add_extension(more);
    tessera::detail::dispatch(more);
    std::vector<ArrayFunction> all = array_functions();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return functions;
}

}  // namespace tessera::linalg
