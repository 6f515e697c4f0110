// The table of functions against the operations: it has all of them, and who is asked for runs.
#include <tessera/linalg/signatures.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <sstream>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/precision.hpp>

#include "support/near.hpp"

namespace tessera::linalg {
namespace {

using functions::Option;
using functions::Setting;
using functions::signature;
using functions::Signature;

Array random(const Shape& shape, DType dtype, std::uint64_t seed = 1) {
  const Array re =
      test::make<double>(shape, [seed](std::int64_t i) { return test::unit(i, seed) - 0.5; });
  return re.astype(dtype);
}
/// Symmetric positive definite.
Array definite(std::int64_t n, DType dtype) {
  return test::make<double>({n, n},
                            [n](std::int64_t i) {
                              const std::int64_t a = i / n, b = i % n;
                              return (a == b ? 3.0 * static_cast<double>(n) : 0.0) +
                                     test::unit(std::min(a, b) * n + std::max(a, b));
                            })
      .astype(dtype);
}

struct Call {
  std::vector<Array> arrays;
  std::map<std::string, Setting> settings = {};
};

/// Arguments that every function takes well.
Call good_call(const std::string& name, DType dtype) {
  constexpr std::int64_t n = 12;
  if (name == "outer") return {{random({30}, dtype), random({5}, dtype, 2)}};
  if (name == "vecdot") return {{random({300, 4}, dtype), random({300, 4}, dtype, 2)}};
  if (name == "tensordot")
    return {{random({300, 4}, dtype), random({4, 3}, dtype, 2)}, {{"axes", 1}}};
  if (name == "qr") return {{random({600, 4}, dtype)}};  // tall: R and Q of a tree
  if (name == "svds") return {{definite(n, dtype)}, {{"k", 2}}};
  if (name == "matrix_power") return {{definite(n, dtype)}, {{"n", 3}}};
  if (name == "lu_solve") {
    const Lu f = lu_factor(definite(n, dtype));
    return {{f.lu, f.piv, random({n, 2}, dtype)}};
  }
  if (name == "rsf2csf") {
    const Schur f = schur(definite(n, dtype));
    return {{f.t, f.z}};
  }
  const Array vector = random({n}, dtype), first = test::make<double>({n}, [](std::int64_t i) {
                                                     return i == 0 ? 9.0 : test::unit(i) - 0.5;
                                                   }).astype(dtype);
  if (name.ends_with("_toeplitz") || name == "solve_circulant") return {{first, vector}};
  if (name.ends_with("_tridiagonal")) {
    const DType real = detail::real_of(dtype);
    return {{random({n}, real), random({n - 1}, real)}};
  }
  const Array band = test::make<double>({2, n}, [](std::int64_t i) {
                       return i < n ? test::unit(i) : 4.0;
                     }).astype(dtype);
  if (name == "solve_banded")
    return {{band, vector}, {{"l_and_u", std::vector<std::int64_t>{0, 1}}}};
  if (name == "solveh_banded" || name == "cho_solve_banded") return {{band, vector}};
  if (name.ends_with("_banded")) return {{band}};
  if (name == "solve_sylvester")
    return {{definite(n, dtype), definite(n, dtype), random({n, n}, dtype)}};
  if (name.ends_with("_are"))
    return {
        {random({n, n}, dtype), random({n, 2}, dtype, 2), definite(n, dtype), definite(2, dtype)}};
  if (name == "tensorsolve") return {{definite(n, dtype), vector}};
  if (name == "tensorinv") return {{definite(n, dtype)}, {{"ind", 1}}};
  if (name == "cossin") return {{qr(random({n, n}, dtype)).q}, {{"p", 5}, {"q", 4}}};
  if (name == "funm") return {{definite(n, dtype)}, {{"func", "sqrt"}}};
  if (name == "clarkson_woodruff_transform")
    return {{random({300, 4}, dtype)}, {{"sketch_size", 20}}};
  if (name == "qr_multiply") return {{definite(n, dtype), random({2, n}, dtype)}};
  if (name == "khatri_rao" || name == "orthogonal_procrustes" || name == "subspace_angles")
    return {{random({n, 4}, dtype), random({n, 4}, dtype, 2)}};
  if (name == "expm_frechet" || name == "qz" || name.ends_with("_lyapunov"))
    return {{random({n, n}, dtype), definite(n, dtype)}};
  if (name.ends_with("m") && (name.starts_with("cos") || name.starts_with("sin") ||
                              name.starts_with("tan") || name == "expm_cond"))
    return {{random({n, n}, dtype)}};
  std::vector<Array> arrays = {definite(n, dtype)};
  const auto& inputs = signature(name, signatures()).inputs;
  if (inputs.size() == 2 && !inputs[1].optional) arrays.push_back(random({n, 2}, dtype));
  return {arrays};
}

/// Runs `work` with a trace; the operations and backends that ran anywhere, on rank 0.
std::set<std::pair<std::string, std::string>> traced(const std::function<void()>& work) {
  const Communicator world = Communicator::world();
  trace::start("/dev/null", world);
  work();
  testing::internal::CaptureStderr();
  trace::finish(world);
  std::stringstream lines(testing::internal::GetCapturedStderr());
  std::set<std::pair<std::string, std::string>> ran;
  std::string line, operation, backend;
  while (std::getline(lines, line))
    if (std::stringstream words(line); words >> operation >> backend)
      if (operation.find('.') != std::string::npos) ran.emplace(operation, backend);
  return ran;
}

TEST(Signatures, AreThoseOfTheOperations) {
  functions();
  std::set<std::string> operations, named;
  for (const Support& s : support_table())
    if (s.composed && s.operation.starts_with("linalg.")) operations.insert(s.operation);
  for (const Signature& s : signatures())
    EXPECT_TRUE(named.insert("linalg." + s.name).second) << s.name << " is there twice";
  named.erase("linalg.transpose");  // moves data, computes nothing
  // Of rows, for estimators.
  for (const char* of_rows : {"linalg.column_moments", "linalg.centered_gram",
                              "linalg.group_moments", "linalg.group_gram", "linalg.tsqr"})
    EXPECT_EQ(operations.erase(of_rows), 1u) << of_rows;
  EXPECT_EQ(named, operations);
}

TEST(Signatures, CallWhatTheyName) {
  for (const DType dtype : {DType::float32, DType::complex128}) {
    const auto ran = traced([&] {
      for (const Signature& s : signatures()) {
        const Call call = good_call(s.name, dtype);
        const auto results = s(call.arrays, call.settings);
        ASSERT_LE(results.size(), s.outputs.size()) << s.name;
        for (std::size_t i = 0; i < results.size(); ++i) {
          EXPECT_EQ(results[i].first, s.outputs[i]) << s.name;
          EXPECT_TRUE(!s.scalars || results[i].second.ndim() == 0) << s.name;
        }
      }
    });
    if (Communicator::world().rank() != 0) continue;
    for (const Signature& s : signatures())
      EXPECT_TRUE(s.name == "transpose" || ran.contains({"linalg." + s.name, "composed"}))
          << s.name;
  }
}

// Under only("reference") nothing else computes: a function runs by plain loops, or says which
// operation has none.
TEST(Signatures, OnlyWhoIsAskedForRuns) {
  for (const DType dtype : {DType::float32, DType::float64, DType::complex64, DType::complex128}) {
    std::set<std::string> refused;
    std::map<std::string, Call> calls;
    for (const Signature& s : signatures()) calls[s.name] = good_call(s.name, dtype);
    const auto ran = traced([&] {
      const auto guard = only("reference");
      for (const Signature& s : signatures()) try {
          s(calls[s.name].arrays, calls[s.name].settings);
        } catch (const NotImplementedError& e) {
          refused.insert(s.name);
          const std::string text = e.what();
          EXPECT_TRUE(text.find("scalapack.") != std::string::npos ||
                      text.find("lapack.") != std::string::npos)
              << text;
        }
    });
    for (const auto& [operation, backend] : ran)
      EXPECT_TRUE(backend == "reference" || backend == "composed" ||
                  operation.starts_with("runtime."))
          << operation << " ran on " << backend;
    for (const char* name : {"matmul", "gram", "tensordot", "vecdot", "norm", "trace", "qr",
                             "cholesky", "svd", "svdvals", "pinv", "orth", "lstsq", "cond"})
      EXPECT_FALSE(refused.contains(name)) << name;
    EXPECT_TRUE(refused.contains("lu_factor") && refused.contains("eigh"));
    if (Communicator::world().rank() == 0) {
      EXPECT_TRUE(dtype == DType::float64 || ran.contains({"linalg.leaf_q", "reference"}));
      EXPECT_TRUE(ran.contains({"linalg.gemm", "reference"}));  // Q down the tree
    }
  }
}

TEST(Signatures, ReferenceAndCpuAgree) {
  for (const char* name : {"matmul", "gram", "outer", "vecdot", "tensordot", "norm", "trace", "qr",
                           "cholesky", "svdvals", "pinv", "lstsq", "matrix_rank"}) {
    const Call call = good_call(name, DType::complex128);
    const auto by_cpu = signature(name, signatures())(call.arrays, call.settings);
    const auto guard = only("reference");
    const auto by_loops = signature(name, signatures())(call.arrays, call.settings);
    ASSERT_EQ(by_cpu.size(), by_loops.size());
    for (std::size_t i = 0; i < by_cpu.size(); ++i) {
      const Array a = gather(by_cpu[i].second).astype(DType::complex128);
      const Array b = gather(by_loops[i].second).astype(DType::complex128);
      ASSERT_EQ(a.shape(), b.shape()) << name;
      const auto x = a.values<std::complex<double>>(), y = b.values<std::complex<double>>();
      for (std::size_t k = 0; k < x.size(); ++k)
        ASSERT_NEAR(std::abs(x[k] - y[k]), 0, 1e-12 * (1 + std::abs(x[k]))) << name;
    }
  }
}

TEST(Signatures, Errors) {
  const Array a = definite(4, DType::float64);
  const auto refuse = [&](const char* name, std::vector<Array> arrays,
                          const std::map<std::string, Setting>& settings, const std::string& text) {
    test::expect_error<ValueError>(
        [&] { signature(name, signatures())(std::move(arrays), settings); }, text);
  };
  refuse("svd", {}, {}, "svd takes 1 array, got 0");
  refuse("solve", {a}, {}, "solve takes 2 arrays, got 1");
  refuse("svds", {a}, {}, "svds needs k");
  refuse("svd", {a}, {{"fool_matrices", true}}, "svd has no option fool_matrices");
  refuse("svd", {a}, {{"full_matrices", 1.5}}, "svd: full_matrices must be True or False, got 1.5");
  refuse("qr", {a}, {{"mode", "whole"}},
         "qr: mode must be one of reduced, economic, complete, full, r, raw, got whole");
  refuse("svds", {a}, {{"k", 2}, {"random_state", -1}},
         "svds: random_state must be an int in [0, 4294967295], got -1");
  refuse("svds", {a}, {{"k", {}}}, "svds: k must be an int, got None");
  refuse("eigh", {a}, {{"subset_by_index", std::vector<std::int64_t>{1}}},
         "eigh: subset_by_index must be 2 ints (FIRST, LAST), got 1");
  refuse("pinv", {a}, {{"rtol", "much"}}, "pinv: rtol must be a number, got much");
  test::expect_error<ValueError>(
      [&] {
        signature("solve_banded", signatures())({a, a},
                                                {{"l_and_u", std::vector<std::int64_t>{1}}});
      },
      "solve_banded: l_and_u must be 2 ints (L, U), got 1");
  refuse("eigvalsh", {a}, {{"subset_by_value", 1.5}},
         "eigvalsh: subset_by_value must be 2 numbers (LOW, HIGH), got 1.5");
  refuse("funm", {a}, {}, "funm needs func");
  try {
    signature("qzz", signatures());
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with(
        "there is no function 'qzz'; there are matmul, gram, outer, vecdot, tensordot, "))
        << e.what();
  }
}

TEST(Signatures, TextsOfACommandLineBecomeSettings) {
  const auto option = [](const char* function, const char* name) -> const Option& {
    for (const Option& o : signature(function, signatures()).options)
      if (o.name == name) return o;
    throw std::out_of_range(name);
  };
  EXPECT_EQ(option("svds", "k").parse("12"), Setting(std::int64_t{12}));
  EXPECT_EQ(option("lstsq", "cond").parse("1e-3"), Setting(1e-3));
  EXPECT_EQ(option("norm", "ord").parse("-inf"), Setting(-HUGE_VAL));
  EXPECT_EQ(option("norm", "ord").parse("fro"), Setting(std::string("fro")));
  EXPECT_EQ(option("lu_solve", "trans").parse("C"), Setting(std::string("C")));
  test::expect_error<ValueError>([&] { option("svds", "k").parse("1.5"); },
                                 "must be an int, got 1.5");
  test::expect_error<ValueError>([&] { option("lu_solve", "trans").parse("H"); },
                                 "must be one of N, T, C, got H");
}

}  // namespace
}  // namespace tessera::linalg
