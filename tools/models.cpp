#include "models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <type_traits>

#include <tessera/estimators/preprocessing/categories.hpp>
#include <tessera/tessera.hpp>

namespace tessera {
namespace {

std::string dashed(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}
/// A command-line name: --n-clusters for n_clusters, which is taken as well.
std::string flag(const std::string& parameter) {
  const std::string with_dashes = dashed(parameter);
  return with_dashes == parameter ? "--" + parameter : "--" + with_dashes + ",--" + parameter;
}

/// Labels on the command line, a,b,c: numbers where all are, else words.
Value labels_from(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  std::vector<Value> values;
  const Allowed any_number = integers(std::numeric_limits<std::int64_t>::min()) |
                             reals(-std::numeric_limits<double>::infinity());
  for (const std::string& word : words) values.push_back(any_number.parse(word));
  const auto all = [&](auto&& is) { return std::all_of(values.begin(), values.end(), is); };
  const auto is_int = [](const Value& v) { return v.is<std::int64_t>(); };
  const auto labels = [&](auto as) {
    std::vector<decltype(as(values[0]))> out;
    for (const Value& v : values) out.push_back(as(v));
    return replicated(out, {std::ssize(out)}, Communicator::world());
  };
  if (all(is_int)) return labels([](const Value& v) { return v.as<std::int64_t>(); });
  if (!all([&](const Value& v) { return is_int(v) || v.is<double>(); })) return words;
  return labels([&](const Value& v) {
    return is_int(v) ? static_cast<double>(v.as<std::int64_t>()) : v.as<double>();
  });
}

/// fit, which learns anew, or partial_fit, which goes on with the model of an earlier call.
struct Fit {
  std::unique_ptr<Estimator> estimator;
  bool goes_on;
  std::map<std::string, std::optional<std::string>> given;
  std::string x, y, weights, model, labels, transformed, classes;
  Common common;

  Fit(CLI::App& fit, const EstimatorType& type, bool partial, Command& chosen)
      : estimator(type.make()), goes_on(partial) {
    const std::string name(type.name());
    CLI::App* app = fit.add_subcommand(name, std::string(type.summary()));
    app->add_option("X", x, "data, FILE.h5:/dataset (n_samples x n_features)")->required();
    app->add_option("--y", y, "targets, FILE.h5:/dataset");
    app->add_option("--sample-weight", weights, "weights of the rows, FILE.h5:/dataset");
    app->add_option("--model", model,
                    goes_on ? "model to go on with, which is replaced; a file to begin with"
                            : "file to write the fitted model to")
        ->required();
    if (goes_on && dynamic_cast<Classifier*>(estimator.get()))
      app->add_option("--classes", classes,
                      "all labels that there will be, a,b,c or FILE.h5:/dataset; needed to begin");
    if (!goes_on && estimator->has_labels())
      app->add_option("--labels", labels, "where to write labels_, FILE.h5:/name");
    if (!goes_on && type.method("transform"))
      app->add_option("--transformed", transformed,
                      "where to write what fit_transform gives, FILE.h5:/name");
    common.add_to(*app, Common::Reads::rows);
    for (const auto& p : type.parameter_info())
      app->add_option(
             flag(p.name), given[p.name],
             fmt::format("{}; {} [{}]", p.doc, p.allowed.describe(), p.default_value.to_string()))
          ->group("Parameters of " + name)
          ->type_name("VALUE");
    app->callback([this, &chosen] { chosen = [this] { run(); }; });
  }

  // Whether a word means a dataset rather than a misspelt value: it is written as one, or a file of
  // that name is there.
  static bool is_location(const std::string& text) {
    return text.find(":/") != std::string::npos || text.ends_with(".h5") ||
           text.ends_with(".hdf5") || is_there(text);
  }
  static bool is_there(const std::string& path) {
    char found = 0;
    const auto world = Communicator::world();
    on_first(world, [&] {
      std::error_code ignored;
      if (std::filesystem::exists(path, ignored)) found = 1;
    });
    world.broadcast(std::span(&found, 1), 0);
    return found != 0;
  }

  // The model takes the place of whatever has its name.
  void require_own_file(const std::string& location) const {
    if (location.empty()) return;
    on_first(Communicator::world(), [&] {
      const auto file = io::parse_location(location).file;
      std::error_code e;  // of a loop of links: writing says so
      const auto its_own = std::filesystem::weakly_canonical(model, e);
      if (!e && std::filesystem::weakly_canonical(file, e) == its_own && !e)
        throw ValueError(
            fmt::format("the model would replace '{}', which this command also uses", file));
    });
  }

  void run() {
    common.apply();
    for (const auto& location : {x, y, weights, labels, transformed, common.trace})
      require_own_file(location);
    Values params;
    for (const auto& p : estimator->type().parameter_info()) {
      if (!given[p.name]) continue;
      const std::string& text = *given[p.name];
      Value value = p.allowed.parse(text);
      if (p.allowed.takes_array() && !p.allowed.accepts(value) && is_location(text)) {
        require_own_file(text);
        value = gather(common.read(text));
      }
      params.emplace_back(p.name, std::move(value));
    }
    if (goes_on && is_there(model)) estimator->restore(io::read_model(model));
    estimator->set_params(params);
    const auto place = [](const std::string& text) {
      return text.empty() ? io::Location{} : output(text);
    };
    const auto labels_to = place(labels), transformed_to = place(transformed);
    io::require_writable(model);
    for (const auto& to : {labels_to, transformed_to})
      if (!to.file.empty()) io::require_writable(to.file);
    if (goes_on) {
      Value all;
      if (is_location(classes)) {
        require_own_file(classes);
        all = common.read(classes);
      } else if (!classes.empty()) {
        all = labels_from(classes);
      }
      estimator->partial_fit(common.read_x(x), common.read(y), all, common.read(weights));
    } else if (!transformed.empty()) {
      io::write(transformed_to.file, transformed_to.dataset,
                detail::plain_words(estimator->fit_transform_rows(common.read_x(x), common.read(y),
                                                                  common.read(weights))));
    } else {
      estimator->fit(common.read_x(x), common.read(y), common.read(weights));
    }
    if (!labels.empty()) io::write(labels_to.file, labels_to.dataset, estimator->labels());
    io::write_model(model, estimator->model());
  }
};

/// A method of fitted models, and which estimators have it with what they say of it.
struct Offer {
  std::string name;
  std::vector<std::pair<std::string_view, std::string_view>> by = {};
  bool of_rows = false;
  bool measures = false;

  /// Of all estimators, but for what learns.
  static std::vector<Offer> all() {
    std::vector<Offer> offers;
    for (const EstimatorType* type : estimator_types())
      for (const Method& m : type->methods()) {
        if (std::holds_alternative<std::function<Method::Learn>>(m.does)) continue;
        auto found = std::find_if(offers.begin(), offers.end(),
                                  [&](const Offer& o) { return o.name == m.name; });
        if (found == offers.end()) found = offers.insert(found, {.name = std::string(m.name)});
        found->by.emplace_back(type->name(), m.doc);
        found->measures |= std::holds_alternative<std::function<Method::Measure>>(m.does);
        found->of_rows |= !std::holds_alternative<std::function<Method::Tell>>(m.does);
      }
    return offers;
  }
  CLI::App* add_to(CLI::App& program) {
    constexpr std::size_t most = 5;
    std::vector<std::string_view> names;
    std::string all = "What it gives:";
    for (const auto& [estimator, doc] : by) {
      names.push_back(estimator);
      all += fmt::format("\n  {}: {}", estimator, doc);
    }
    const std::size_t more = names.size() - std::min(most, names.size());
    names.resize(names.size() - more);
    CLI::App* app = program.add_subcommand(
        dashed(name),
        fmt::format("{} what {} of a model gives ({}{})", measures ? "print" : "write", name,
                    fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
    app->footer(all);
    app->add_option("MODEL", model, "model file")->required();
    return app;
  }
  std::string model = {};  // what the command line names
};

/// A method that gives arrays: of rows of data, or of the model alone.
struct Apply {
  Offer method;
  std::string x, out;
  Common common;

  Apply(CLI::App& program, Offer offer, Command& chosen) : method(std::move(offer)) {
    CLI::App* app = method.add_to(program);
    if (method.of_rows) app->add_option("X", x, "data, FILE.h5:/dataset")->required();
    app->add_option("--out", out,
                    "where to write the result, FILE.h5:/name; several go into a group of that "
                    "name")
        ->required();
    common.add_to(*app, method.of_rows ? Common::Reads::rows : Common::Reads::nothing);
    app->callback([this, &chosen] { chosen = [this] { run(); }; });
  }

  void run() {
    common.apply();
    const auto to = output(out);
    io::require_writable(to.file);
    const auto estimator = make_estimator(io::read_model(method.model));
    if (!method.of_rows) return io::write(to.file, to.dataset, estimator->call(method.name));
    std::vector<Rows> results = estimator->call(method.name, common.read_x(x));
    for (Rows& rows : results) rows = detail::plain_words(rows);
    std::vector<io::NamedRows> datasets;
    for (std::size_t i = 0; i < results.size(); ++i) {
      std::string name = to.dataset;
      if (results.size() > 1)
        name += fmt::format("/{}", estimator->type().method(method.name)->options.outputs[i]);
      datasets.push_back({name, common.stream ? results[i] : Rows(collect(results[i]))});
    }
    io::write(to.file, datasets);
  }
};

/// A method that gives one number.
struct Measure {
  Offer method;
  std::string x, y, weights;
  Common common;

  Measure(CLI::App& program, Offer offer, Command& chosen) : method(std::move(offer)) {
    CLI::App* app = method.add_to(program);
    app->add_option("X", x, "data, FILE.h5:/dataset")->required();
    app->add_option("--y", y, "targets, FILE.h5:/dataset");
    app->add_option("--sample-weight", weights, "weights of the rows, FILE.h5:/dataset");
    common.add_to(*app, Common::Reads::rows);
    app->callback([this, &chosen] {
      chosen = [this] {
        common.apply();
        const auto estimator = make_estimator(io::read_model(method.model));
        print(fmt::format("{}", estimator->measure(method.name, common.read_x(x), common.read(y),
                                                   common.read(weights))));
      };
    });
  }
};

struct Show {
  std::string file;
  bool full = false;
  bool trusted = false;

  Show(CLI::App& program, Command& chosen) {
    CLI::App* app = program.add_subcommand(
        "show", "print a model file, or the datasets of an HDF5 file, as JSON");
    app->add_option("FILE", file, "model file or HDF5 file")->required();
    app->add_flag("--trusted", trusted,
                  "open an HDF5 file without a look at it in a process of its own");
    app->add_flag("--full", full, "also print arrays of more than 10^6 elements");
    app->callback([this, &chosen] {
      chosen = [this] {
        const auto world = Communicator::world();
        if (trusted) io::set_trusted(true);
        print(io::is_hdf5(file, world) ? io::datasets_json(file, world)
                                       : io::to_json(io::read_model(file, world), full));
      };
    });
  }
};

}  // namespace

Models::Models(CLI::App& program, Command& chosen) {
  CLI::App* fit = program.add_subcommand(
      "fit", "fit an estimator; see fit ESTIMATOR --help for its parameters");
  fit->require_subcommand(1);
  CLI::App* partial_fit = program.add_subcommand(
      "partial-fit", "go on fitting with more rows; see partial-fit ESTIMATOR --help");
  partial_fit->require_subcommand(1);
  for (const EstimatorType* type : estimator_types()) {
    commands_.push_back(std::make_shared<Fit>(*fit, *type, false, chosen));
    if (type->method("partial_fit"))
      commands_.push_back(std::make_shared<Fit>(*partial_fit, *type, true, chosen));
  }
  for (Offer& offer : Offer::all())
    if (offer.measures)
      commands_.push_back(std::make_shared<Measure>(program, std::move(offer), chosen));
    else
      commands_.push_back(std::make_shared<Apply>(program, std::move(offer), chosen));
  commands_.push_back(std::make_shared<Show>(program, chosen));
}

}  // namespace tessera
