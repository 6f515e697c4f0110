#pragma once

#include <cstdint>
#include <vector>

namespace tessera::on_cpu {

/// Cluster centres laid out for assign_nearest. T is float or double.
template <class T>
class PackedCenters {
 public:
  /// centers: k x d row-major, finite, given relative to offset; offset: d values near the data's
  /// mean that are subtracted from the data before products are formed (may be null = 0). Both are
  /// copied.
  PackedCenters(const T* centers, std::int64_t k, std::int64_t d, const T* offset);

  std::int64_t k() const { return k_; }
  std::int64_t d() const { return d_; }

  // What the kernels read; not meant for other callers.

  /// Centres per panel; a panel holds [d][kPanel] values of -center.
  static constexpr std::int64_t kPanel = 8;
  /// k rounded up to whole panels.
  std::int64_t padded_k() const { return padded_k_; }
  const T* panels() const { return panels_.data(); }
  /// padded_k values of |center|^2 / 2; infinity for padding, which therefore never wins.
  const T* half_norms() const { return half_norms_.data(); }
  /// The centres as given, k x d.
  const T* centers() const { return centers_.data(); }
  /// The offset, d values, in T and in float64.
  const T* offset() const { return offset_.data(); }
  const double* wide_offset() const { return wide_offset_.data(); }

 private:
  std::int64_t k_;
  std::int64_t d_;
  std::int64_t padded_k_;
  std::vector<T> panels_;
  std::vector<T> half_norms_;
  std::vector<T> centers_;
  std::vector<T> offset_;
  std::vector<double> wide_offset_;
};

/// One Lloyd pass over a block of rows (x: rows x d, row-major with `stride` values between rows).
///
/// labels[i] = argmin_j |x_i - offset - c_j|^2, compared as |c_j|^2/2 - x_i.c_j on offset-shifted
/// values, each one sequential FMA chain over d, so that labels do not depend on the vector width.
/// Ties take the lowest index; a row whose distances are all NaN or infinite gets 0.
///
/// With w_i = weights[i] (1 where weights is null) it adds, where the pointer is not null,
///   sums[j*d + t] += w_i (x_i[t] - offset[t])   over rows with label j   (k x d, float64)
///   counts[j]     += w_i                        over rows with label j   (k, float64)
///   *inertia      += w_i |x_i - offset - c_label|^2   by direct differences
///   *changed      += number of labels that differ from what labels[] held before
template <class T>
void assign_nearest(const T* x, std::int64_t rows, std::int64_t stride,
                    const PackedCenters<T>& centers, const T* weights, std::int32_t* labels,
                    double* sums, double* counts, double* inertia, std::int64_t* changed);

/// potentials[t] += sum_i w_i min(closest[i], |x_i - c_t|^2) for the m candidate rows c (m x d,
/// contiguous), by direct differences; closest (rows values) is only read. A NaN distance counts as
/// closest[i]. weights may be null (= 1).
template <class T>
void candidate_potentials(const T* x, std::int64_t rows, std::int64_t stride, std::int64_t d,
                          const T* candidates, std::int64_t m, const T* weights, const T* closest,
                          double* potentials);

/// closest[i] = min(closest[i], |x_i - c|^2) by direct differences (a NaN distance leaves it as it
/// is); returns sum_i w_i closest[i] in float64. weights may be null (= 1).
template <class T>
double update_closest(const T* x, std::int64_t rows, std::int64_t stride, std::int64_t d,
                      const T* center, const T* weights, T* closest);

/// out[i*out_stride + j] = |x_i - c_j| (Euclidean, direct differences) for the rows x d block x and
/// the k x d contiguous centers; out is rows x k.
template <class T>
void distances(const T* x, std::int64_t rows, std::int64_t stride, const T* centers, std::int64_t k,
               std::int64_t d, T* out, std::int64_t out_stride);

}  // namespace tessera::on_cpu
