// The `tessera` program: the estimators from the command line, alone or under mpirun.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <tessera/io/readable.hpp>
#include <tessera/runtime/device_layer.hpp>
#include <tessera/tessera.hpp>

#include "bench.hpp"
#include "command.hpp"
#include "functions.hpp"
#include "make.hpp"
#include "peaks.hpp"

namespace {

using namespace tessera;

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
  std::string x, y, weights, model, labels, classes;
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
    for (const auto& location : {x, y, weights, labels, common.trace}) require_own_file(location);
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
    const auto labels_to = labels.empty() ? io::Location{} : output(labels);
    io::require_writable(model);
    if (!labels.empty()) io::require_writable(labels_to.file);
    if (goes_on) {
      Value all;
      if (is_location(classes)) {
        require_own_file(classes);
        all = common.read(classes);
      } else if (!classes.empty()) {
        all = labels_from(classes);
      }
      estimator->partial_fit(common.read_x(x), common.read(y), all, common.read(weights));
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
    const std::vector<Rows> results = estimator->call(method.name, common.read_x(x));
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

struct Make {
  std::string out, dtype = "float64";
  MakeOptions options;
  Common common;

  Make(CLI::App& make, const std::string& name, const std::string& doc,
       DataSet (*generate)(const MakeOptions&), Command& chosen) {
    CLI::App* app = make.add_subcommand(name, doc);
    app->add_option("--rows", options.rows, "number of rows")->required()->check(within(0));
    app->add_option("--cols", options.cols, "number of columns [2]")->check(within(1));
    app->add_option("--out", out, "HDF5 file to write /X and /y to")->required();
    app->add_option("--dtype", dtype, "float32 or float64 [float64]")
        ->check(CLI::IsMember({"float32", "float64"}));
    app->add_option("--random-state", options.random_state, "seed [0]")->check(within(0, 0x1p64));
    if (name == "blobs") {
      app->add_option("--centers", options.centers, "number of blobs [3]")
          ->check(within(1, std::numeric_limits<std::int32_t>::max()));
      app->add_option("--cluster-std", options.cluster_std, "standard deviation of a blob [1]")
          ->check(within(0));
    } else {
      app->add_option("--targets", options.targets, "columns of y; one makes it 1-D [1]")
          ->check(within(1));
      app->add_option("--noise", options.noise, "standard deviation of the noise in y [0]")
          ->check(within(0));
    }
    common.add_to(*app, Common::Reads::nothing);
    app->callback([this, generate, &chosen] {
      chosen = [this, generate] {
        common.apply();
        options.dtype = dtype_from_name(dtype);
        const DataSet data = generate(options);
        io::write(out, {{"/X", data.x}, {"/y", data.y}});
      };
    });
  }
};

/// Prints support_table(): what docs/support.md is made from.
struct Backends {
  static constexpr const char* preamble =
      "# Which backend takes which operation\n\n"
      "Written by `tessera backends --markdown`; [backends.md](backends.md) says how to write it "
      "anew.\n"
      "A cell has the dtypes that a backend takes. It may still decline a call; errors and traces\n"
      "then have the reason. What is composed of others (whole functions, the methods of "
      "estimators)\n"
      "runs wherever its parts do, also where no backend overrides it.\n\n";
  bool markdown = false;
  Common common;

  Backends(CLI::App& program, Command& chosen) {
    CLI::App* app = program.add_subcommand(
        "backends", "print which backend implements which operation for which dtypes");
    app->add_flag("--markdown", markdown, "as docs/support.md has it");
    app->add_option("--plugin", common.plugins, "shared library with more backends")
        ->allow_extra_args(false);
    app->callback([this, &chosen] {
      chosen = [this] {
        common.apply();
        device_count(Device::Kind::cuda);  // loads the module, if there is one
        print(table());
      };
    });
  }

  std::string table() const {
    std::vector<std::vector<std::string>> lines = {{"operation"}};
    for (const auto& name : backend_names()) lines[0].push_back(name);
    lines[0].emplace_back("otherwise");
    for (const Support& s : support_table()) {
      auto& line = lines.emplace_back(lines[0].size());
      line.front() = s.operation;
      for (const auto& e : s.entries) {
        const auto column = std::find(lines[0].begin() + 1, lines[0].end() - 1, e.backend);
        std::string& cell = line[static_cast<std::size_t>(column - lines[0].begin())];
        cell += (cell.empty() ? "" : "; ") + e.dtypes.to_string();
      }
      line.back() = s.composed ? "composed of others" : "";
    }
    std::vector<std::size_t> width(lines[0].size());
    for (const auto& line : lines)
      for (std::size_t c = 0; c < line.size(); ++c) width[c] = std::max(width[c], line[c].size());
    std::string out = markdown ? preamble : "";
    for (std::size_t l = 0; l < lines.size(); ++l) {
      std::string text;
      for (std::size_t c = 0; c < width.size(); ++c)
        text += fmt::format("{}{:<{}}", markdown ? "| " : "", lines[l][c], width[c]) +
                (markdown ? " " : "  ");
      if (!markdown) text.erase(text.find_last_not_of(' ') + 1);
      out += text + (markdown ? "|" : "") + "\n";
      if (markdown && l == 0) {
        for (const std::size_t w : width) out += "|" + std::string(w + 2, '-');
        out += "|\n";
      }
    }
    out.pop_back();
    return out;
  }
};

struct Convert {
  std::string source, target, header = "auto";
  io::TableOptions options;

  Convert(CLI::App& program, Command& chosen) {
    CLI::App* app = program.add_subcommand(
        "convert",
        "turn a CSV, TSV or NumPy file into an HDF5 dataset\n\n"
        "  tessera convert table.csv table.h5:/X\n"
        "  tessera convert table.csv table.h5:/X --columns 2-        # without pandas' index\n"
        "  tessera convert table.csv table.h5:/X --drop-columns price,id\n"
        "  tessera convert table.csv table.h5:/y --columns price\n"
        "  tessera convert german.csv table.h5:/X --delimiter ';' --decimal ,\n\n"
        "Numbers become float64; an empty cell, NA, N/A, n/a, #N/A, NULL, null, None, NaN and the "
        "other words that pandas\n"
        "takes for missing become NaN. A column whose first cell is a word becomes a dataset of "
        "strings, TARGET_text/NAME.\n"
        "The names of the columns become the dataset's attribute column_names: a model remembers "
        "and checks them.\n"
        "COLUMNS are names, numbers from 1, and ranges: 2-, 1,3-5, width-height; a name "
        "with a comma, or one that\n"
        "looks like a number, is written with double quotes: '\"a,b\"'.");
    app->add_option("SOURCE", source, "FILE.csv, FILE.tsv or FILE.npy")->required();
    app->add_option("TARGET", target, "FILE.h5:/name")->required();
    const auto add = [&](const std::string& name, auto& value, const std::string& type,
                         const std::string& doc) {
      return app->add_option(name, value, doc)->type_name(type)->group("Text tables");
    };
    add("--header", header, "yes|no|auto",
        "whether the first row has names; auto: unless all its cells are numbers, or when they "
        "count 0, 1, 2, ... as pandas' names do; it says so when in doubt [auto]")
        ->check(CLI::IsMember({"yes", "no", "auto"}));
    add("--columns", options.columns, "COLUMNS", "the columns to take, in this order [all]");
    add("--drop-columns", options.drop_columns, "COLUMNS", "columns to leave out");
    add("--text", options.text, "COLUMNS", "columns that are text whatever they look like");
    add("--delimiter", options.delimiter, "CHAR",
        "what separates cells: a character, tab, or blank for runs of blanks [what fits the first "
        "two rows: tab ; | , or blanks]");
    add("--decimal", options.decimal, "CHAR", "decimal character [.]");
    add("--thousands", options.thousands, "CHAR", "character between thousands [none]");
    add("--na-values", na_values, "VALUES",
        "more words or numbers, with commas between them, that stand for a missing value; may be "
        "repeated")
        ->allow_extra_args(false);
    add("--skip-rows", options.skip_rows, "INT", "lines to leave out at the start [0]")
        ->check(within(0));
    add("--comment", options.comment, "CHAR",
        "what starts a comment, anywhere [# at the start of lines above the table]");
    app->callback([this, &chosen] { chosen = [this] { run(); }; });
  }

  void run() {
    using Header = io::TableOptions::Header;
    options.header = header == "yes"  ? Header::yes
                     : header == "no" ? Header::no
                                      : Header::automatic;
    for (const auto& list : na_values)
      for (auto& value : io::split_list(list)) options.na_values.push_back(std::move(value));
    io::convert(source, output(target), options, Communicator::world());
  }

 private:
  std::vector<std::string> na_values;
};

/// The subcommand that was being parsed when something went wrong.
const CLI::App* innermost(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::string usage_error(const CLI::App& program, const CLI::ParseError& e) {
  const CLI::App* app = innermost(&program);
  std::string text = e.what();
  if (dynamic_cast<const CLI::ValidationError*>(&e) ||
      dynamic_cast<const CLI::ConversionError*>(&e))
    text = "ValueError: " + text;
  if (dynamic_cast<const CLI::ExtrasError*>(&e) || dynamic_cast<const CLI::RequiredError*>(&e)) {
    const auto extra = app->remaining();
    const auto subcommands = app->get_subcommands([](const CLI::App*) { return true; });
    std::vector<std::string> known;
    if (!subcommands.empty()) {
      for (const auto* s : subcommands) known.push_back(s->get_name());
      text =
          fmt::format("{}; there are {}",
                      extra.empty() ? "a subcommand is missing" : "unknown '" + extra.front() + "'",
                      fmt::join(known, ", "));
    } else if (!extra.empty()) {
      for (const auto* o : app->get_options())
        if (!o->get_lnames().empty()) known.push_back("--" + o->get_lnames().front());
      text = fmt::format("unknown argument '{}' for {}; the options are {}", extra.front(),
                         app->get_name(), fmt::join(known, ", "));
    }
  }
  std::string path;
  for (const auto* a = app; a; a = a->get_parent())
    path = a->get_name() + (path.empty() ? "" : " ") + path;
  return fmt::format("tessera: {} (see {} --help)", text, path);
}

// Processes that were started with different options (mpirun can do that) would wait for each other
// in different places. Where X lies may differ.
void require_same_options(int argc, char** argv) {
  std::string mine;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool free = word.starts_with("--device") || word.starts_with("--threads");
    if (free && word.find('=') == std::string_view::npos) ++i;
    if (!free) mine.append(word) += '\n';
  }
  const auto all = Communicator::world().all_gather(std::hash<std::string>{}(mine));
  for (std::size_t rank = 0; rank < all.size(); ++rank)
    if (all[rank] != all[0])
      throw ValueError(fmt::format(
          "rank {} was started with other options than rank 0; only --device and --threads may "
          "differ",
          rank));
}

// A file opened later must not get the number of a standard stream, to which messages go.
void occupy_closed_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", O_RDONLY);
}

// OpenBLAS chooses its kernels when it is loaded, so the choice is made for a program started anew.
void start_with_portable_blas(char** argv) {
  const char* core = std::getenv("OPENBLAS_CORETYPE");
  for (char** arg = argv; *arg; ++arg) {
    if (std::string_view(*arg) != "--portable-bits") continue;
    setenv("TESSERA_PORTABLE_BITS", "1", 1);
    if (core && std::string_view(core) == "Haswell") return;
    setenv("OPENBLAS_CORETYPE", "Haswell", 1);
    execv("/proc/self/exe", argv);
  }
}

// Whether nothing is asked for that could need MPI.
bool only_prints(char** argv) {
  if (argv[1] && std::string_view(argv[1]) == "show") return true;
  for (char** arg = argv; *arg; ++arg) {
    const std::string_view word = *arg;
    if (word == "--help" || word == "-h" || word == "--version") return true;
  }
  return false;
}

// Before the command line is parsed, for a plug-in may bring estimators, which it then has.
void load_plugins(char** argv) {
  const std::string_view flag = "--plugin";
  for (char** arg = argv; *arg; ++arg) {
    const std::string_view word = *arg;
    const bool joined = word.starts_with(flag) && word.substr(flag.size()).starts_with('=');
    if (!joined && (word != flag || !arg[1])) continue;
    register_operations();
    load_plugin(joined ? std::string(word.substr(flag.size() + 1)) : std::string(*++arg));
  }
}

// What CLI11 parses, last word first. To it "--name=" has no value; here it has an empty one.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool empty = word.starts_with("--") && word.find('=') == word.size() - 1;
    words.emplace_back(word.substr(0, word.size() - (empty ? 1 : 0)));
    if (empty) words.emplace_back();
  }
  std::reverse(words.begin(), words.end());
  return words;
}

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_streams();
  start_with_portable_blas(argv);
  run_bench(argv);
  std::optional<Runtime> one;
  if (only_prints(argv) && !Runtime::launched())
    one.emplace(Runtime::WithoutMpi{});
  else
    one.emplace(argc, argv);
  Runtime& runtime = *one;
  const bool first = Communicator::world().rank() == 0;
  if (const int status = runtime.run([&] {
        require_same_options(argc, argv);
        load_plugins(argv);
        return 0;
      }))
    return status;
  Command chosen;
  const io::InputsStay inputs_stay;

  CLI::App program{
      "Distributed scikit-learn-style estimators and SciPy's linear algebra on HDF5 data.\n"
      "Every command also runs under mpirun, with the same bits at any number of processes:\n\n"
      "  tessera make blobs --rows 1000000 --cols 16 --out points.h5\n"
      "  mpirun -n 4 tessera fit KMeans points.h5:/X --n-clusters 8 --model kmeans.tessera\n"
      "  mpirun -n 4 tessera predict kmeans.tessera points.h5:/X --out labels.h5:/labels\n"
      "  tessera show kmeans.tessera\n"
      "  mpirun -n 4 tessera linalg svd points.h5:/X --out svd.h5",
      "tessera"};
  program.set_version_flag("--version", "tessera " TESSERA_VERSION);
  program.require_subcommand(1);

  CLI::App* fit = program.add_subcommand(
      "fit", "fit an estimator; see fit ESTIMATOR --help for its parameters");
  fit->require_subcommand(1);
  CLI::App* partial_fit = program.add_subcommand(
      "partial-fit", "go on fitting with more rows; see partial-fit ESTIMATOR --help");
  partial_fit->require_subcommand(1);
  std::vector<std::unique_ptr<Fit>> fits;
  for (const EstimatorType* type : estimator_types()) {
    fits.push_back(std::make_unique<Fit>(*fit, *type, false, chosen));
    if (type->method("partial_fit"))
      fits.push_back(std::make_unique<Fit>(*partial_fit, *type, true, chosen));
  }
  std::vector<std::unique_ptr<Apply>> applies;
  std::vector<std::unique_ptr<Measure>> measures;
  for (Offer& offer : Offer::all())
    if (offer.measures)
      measures.push_back(std::make_unique<Measure>(program, std::move(offer), chosen));
    else
      applies.push_back(std::make_unique<Apply>(program, std::move(offer), chosen));
  Show show(program, chosen);
  CLI::App* make = program.add_subcommand("make", "make a data set for trying and benchmarking");
  make->require_subcommand(1);
  Make blobs(*make, "blobs", "Gaussian blobs: /X, and /y with the blob of each row", make_blobs,
             chosen);
  Make regression(*make, "regression", "normal features /X and linear targets /y", make_regression,
                  chosen);
  const Functions linalg(program, Functions::linear_algebra(), chosen);
  const Functions metrics(program, Functions::metrics(), chosen);
  Convert convert(program, chosen);
  Backends backends(program, chosen);
  const Peaks peaks(program, chosen);
  add_bench(program);
  check_values(program);

  try {
    program.parse(words_of(argc, argv));
  } catch (const CLI::Success& e) {  // --help, --version
    std::ostringstream text;
    program.exit(e, text, text);
    std::string whole = text.str();
    while (whole.ends_with('\n')) whole.pop_back();
    return runtime.run([&] {
      print(whole);
      return 0;
    });
  } catch (const CLI::ParseError& e) {
    if (first) tessera::detail::say(usage_error(program, e));
    return 2;
  }
  return runtime.run([&] {
    chosen();
    trace::finish(Communicator::world());
    finish_printing();
    return 0;
  });
}
