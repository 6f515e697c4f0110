// Measurements in the table of functions.
#include <tessera/ndimage/arguments.hpp>
#include <tessera/ndimage/functions.hpp>
#include <tessera/ndimage/measurements.hpp>

namespace tessera::ndimage {

void add_measurements(std::vector<ArrayFunction>& all) {
  const auto add = [&](std::string name, std::string parameters, std::string doc, auto call) {
    all.push_back({std::move(name), std::move(parameters), std::move(doc),
                   [call](In in) -> Argument { return call(in); }});
  };
  add("label", "input, structure=None, output=None",
      "Connected objects, numbered: labels, how many.", [](In in) {
        const Labels found = label(in.array(0), maybe_array(in, 1), in.dtype(2));
        return std::vector{found.labels, Scalar(found.count).array(DType::int64, in.comm())};
      });
  add("find_objects", "input, max_label=0", "The boxes that hold objects.",
      [](In in) { return find_objects(in.array(0), in.integer(1)); });
  using Measure = Array (*)(const Array&, const Groups&);
  const auto measure = [&](std::string name, std::string doc, Measure f) {
    add(std::move(name), "input, labels=None, index=None", std::move(doc), [f](In in) {
      return f(in.array(0), {maybe_array(in, 1), maybe_array(in, 2)});
    });
  };
  measure("sum", "Sums of objects.", sum_labels);
  measure("sum_labels", "Sums of objects.", sum_labels);
  measure("mean", "Means of objects.", mean);
  measure("variance", "Variances of objects.", variance);
  measure("standard_deviation", "Standard deviations of objects.", standard_deviation);
  measure("minimum", "The smallest elements of objects.", minimum);
  measure("maximum", "The largest elements of objects.", maximum);
  measure("minimum_position", "Where the first of the smallest elements of objects is.",
          minimum_position);
  measure("maximum_position", "Where the first of the largest elements of objects is.",
          maximum_position);
  measure("center_of_mass", "Centres of objects.", center_of_mass);
  add("extrema", "input, labels=None, index=None",
      "The smallest and largest elements of objects, and where they are.", [](In in) {
        const Extrema ends = extrema(in.array(0), {maybe_array(in, 1), maybe_array(in, 2)});
        return std::vector{ends.minimum, ends.maximum, ends.minimum_position,
                           ends.maximum_position};
      });
  add("histogram", "input, min, max, bins, labels=None, index=None",
      "How many elements of objects lie in bins of one width.", [](In in) {
        return histogram(in.array(0), in.number(1), in.number(2), in.integer(3),
                         {maybe_array(in, 4), maybe_array(in, 5)});
      });
}

}  // namespace tessera::ndimage
