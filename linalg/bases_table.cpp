// What is orthonormal, and sketches in the table.
#include <tessera/linalg/table.hpp>

namespace tessera::linalg::tables {
namespace {

Option rcond() {
  return number("rcond", "singular values up to this times the largest are 0", "eps max(m, n)");
}

}  // namespace

std::vector<Signature> of_bases() {
  return {
      {"polar",
       "A = u p, u with orthonormal columns, p positive semidefinite (scipy.linalg.polar)",
       any,
       {word("side", "right: A = u p, left: A = p u", {"right", "left"})},
       {"u", "p"},
       false,
       "polar data.h5:/A --out polar.h5",
       [](const Arguments& in) -> Results {
         const Polar f = polar(in[0], in.word("side") == "left");
         return {{"u", f.u}, {"p", f.p}};
       }},
      {"orthogonal_procrustes",
       "the unitary r with the least |A r - B| (scipy.linalg.orthogonal_procrustes)",
       {{"A", "matrix"}, {"B", "matrix"}},
       {check_finite()},
       {"r", "scale"},
       false,
       "orthogonal_procrustes data.h5:/X data.h5:/Y --out r.h5",
       [](const Arguments& in) -> Results {
         const Procrustes f = orthogonal_procrustes(in[0], in[1], in.flag("check_finite"));
         return {{"r", f.r}, {"scale", scalar(f.scale, in)}};
       }},
      {"subspace_angles",
       "angles between what columns span (scipy.linalg.subspace_angles)",
       {{"A", "matrix"}, {"B", "matrix"}},
       {},
       {"subspace_angles"},
       false,
       "subspace_angles data.h5:/X data.h5:/Y --out angles.h5",
       [](const Arguments& in) -> Results {
         return {{"subspace_angles", subspace_angles(in[0], in[1])}};
       }},
      {"khatri_rao",
       "Kronecker products of columns (scipy.linalg.khatri_rao)",
       {{"A", "matrix"}, {"B", "matrix"}},
       {},
       {"khatri_rao"},
       false,
       "khatri_rao data.h5:/X data.h5:/Y --out products.h5",
       [](const Arguments& in) -> Results {
         return {{"khatri_rao", khatri_rao(in[0], in[1])}};
       }},
      {"clarkson_woodruff_transform",
       "a random sketch of the rows of A (scipy.linalg.clarkson_woodruff_transform)",
       any,
       {required_integer("sketch_size", "its rows"),
        between(integer("seed", "another seed, another sketch", 0), 0)},
       {"sketch"},
       false,
       "clarkson_woodruff_transform data.h5:/X --sketch-size 100 --out sketch.h5",
       [](const Arguments& in) -> Results {
         return {{"sketch",
                  clarkson_woodruff_transform(in[0], in.integer("sketch_size"),
                                              static_cast<std::uint64_t>(in.integer("seed")))}};
       }},
      {"orth",
       "an orthonormal basis of the columns (scipy.linalg.orth)",
       any,
       {rcond()},
       {"orth"},
       false,
       "orth data.h5:/X --out basis.h5",
       [](const Arguments& in) -> Results {
         return {{"orth", orth(in[0], in.number("rcond"))}};
       }},
      {"null_space",
       "an orthonormal basis of what A maps to 0 (scipy.linalg.null_space)",
       any,
       {rcond(), check_finite()},
       {"null_space"},
       false,
       "null_space data.h5:/A --rcond 1e-10 --out basis.h5",
       [](const Arguments& in) -> Results {
         return {{"null_space", null_space(in[0], in.number("rcond"), in.flag("check_finite"))}};
       }},
  };
}

}  // namespace tessera::linalg::tables
