// Products, norms and diagonals in the table.
#include <tessera/linalg/stacks.hpp>
#include <tessera/linalg/table.hpp>

namespace tessera::linalg::tables {

std::vector<Signature> of_products() {
  return {
      {"matmul",
       "matrix product (numpy.matmul)",
       two,
       {trans("trans_a", "A"), trans("trans_b", "B")},
       {"matmul"},
       false,
       "matmul data.h5:/X data.h5:/X --trans-a T --out xtx.h5",
       [](const Arguments& in) -> Results {
         return {{"matmul", matmul({in[0], transpose_of(in, "trans_a")},
                                   {in[1], transpose_of(in, "trans_b")})}};
       }},
      {"gram",
       "X^H X, small for tall X",
       {{"X", "matrix"}},
       {},
       {"gram"},
       false,
       "gram data.h5:/X --out gram.h5",
       [](const Arguments& in) -> Results {
         return {{"gram", gram(in[0])}};
       }},
      {"outer",
       "products of the elements of two vectors (numpy.outer)",
       two,
       {},
       {"outer"},
       false,
       "outer data.h5:/a data.h5:/b --out outer.h5",
       [](const Arguments& in) -> Results {
         return {{"outer", outer(in[0], in[1])}};
       }},
      {"vecdot",
       "sum of conj(A) B over the last axis (numpy.vecdot)",
       two,
       {},
       {"vecdot"},
       false,
       "vecdot data.h5:/X data.h5:/Y --out dots.h5",
       [](const Arguments& in) -> Results {
         return {{"vecdot", vecdot(in[0], in[1])}};
       }},
      {"tensordot",
       "the last axes of A summed against the first of B (numpy.tensordot)",
       two,
       {integer("axes", "how many axes", 2)},
       {"tensordot"},
       false,
       "tensordot data.h5:/A data.h5:/B --axes 1 --out product.h5",
       [](const Arguments& in) -> Results {
         return {{"tensordot", tensordot(in[0], in[1], in.integer("axes"))}};
       }},
      {"transpose",
       "the transpose, or adjoint, of a matrix",
       any,
       {flag("conjugate", "the adjoint")},
       {"transpose"},
       false,
       "transpose data.h5:/X --out transposed.h5",
       [](const Arguments& in) -> Results {
         return {{"transpose", evaluate(in.flag("conjugate") ? adjoint(in[0]) : transpose(in[0]))}};
       }},
      {"norm",
       "a norm of a matrix or vector (numpy.linalg.norm)",
       {{"X", "matrix or vector"}},
       {order("fro, for vectors 2"),
        {"axis", "norms of vectors along this axis", Kind::integer, {}, "one of all"},
        flag("keepdims", "keep the axes as ones of extent 1")},
       {"norm"},
       true,
       "norm data.h5:/X --ord 2",
       [](const Arguments& in) -> Results {
         const bool keepdims = in.flag("keepdims");
         if (const auto* axis = std::get_if<std::int64_t>(&in.value("axis")))
           return {{"norm", stacks::vector_norm(in[0], {{*axis}}, norm_order(in), keepdims)}};
         if (keepdims && in[0].ndim() == 2)
           return {{"norm", stacks::matrix_norm(in[0], norm_order(in), true)}};
         if (keepdims) return {{"norm", stacks::vector_norm(in[0], {}, norm_order(in), true)}};
         return {{"norm", scalar(norm(in[0], norm_order(in)), in)}};
       }},
      {"trace",
       "the sum of a diagonal (numpy.trace)",
       any,
       {integer("offset", "which diagonal", 0)},
       {"trace"},
       true,
       "trace data.h5:/A",
       [](const Arguments& in) -> Results {
         return {{"trace", linalg::trace(in[0], in.integer("offset"))}};
       }},
      {"diagonal",
       "a diagonal (numpy.diagonal)",
       any,
       {integer("offset", "which diagonal", 0)},
       {"diagonal"},
       false,
       "diagonal data.h5:/A --offset 1 --out diagonal.h5",
       [](const Arguments& in) -> Results {
         return {{"diagonal", diagonal(in[0], in.integer("offset"))}};
       }},
  };
}

}  // namespace tessera::linalg::tables
