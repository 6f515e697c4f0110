#include "functions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <tessera/array/signatures.hpp>
#include <tessera/estimators/linear_model/signatures.hpp>
#include <tessera/estimators/metrics/signatures.hpp>
#include <tessera/linalg/norm.hpp>
#include <tessera/ndimage/signatures.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using functions::Option;
using functions::Setting;
using functions::Signature;
using Settings = std::map<std::string, Setting>;

/// check_finite as --check-finite.
std::string flag_of(std::string name) {
  for (char& c : name)
    if (c == '_') c = '-';
  return "--" + name;
}

/// Adds an option that stores what it is given in `settings`.
void add_option(CLI::App& app, const Option& option, const std::shared_ptr<Settings>& settings) {
  const std::string flag = flag_of(option.off.empty() ? option.name : option.off);
  const auto set = [settings, name = option.name](Setting value) {
    (*settings)[name] = std::move(value);
  };
  if (option.kind == Option::Kind::flag) {
    app.add_flag_callback(
        flag, [set, on = option.off.empty()] { set(on); }, option.doc);
    return;
  }
  std::string doc = option.doc;
  if (option.kind == Option::Kind::word) doc += fmt::format(": {}", fmt::join(option.words, ", "));
  if (const auto text = option.default_text(); !text.empty()) doc += fmt::format(" [{}]", text);
  CLI::Option* added = nullptr;
  if (option.kind == Option::Kind::integers) {
    added = app.add_option_function<std::vector<std::int64_t>>(
        flag, [set](const std::vector<std::int64_t>& values) { set(values); }, doc);
    added->expected(option.words.empty() ? -1 : static_cast<int>(option.words.size()));
    added->type_name(option.words.empty() ? "INT ..."
                                          : fmt::format("INT({})", fmt::join(option.words, " ")));
  } else if (option.kind == Option::Kind::numbers) {
    added = app.add_option_function<std::vector<double>>(
        flag, [set](const std::vector<double>& values) { set(values); }, doc);
    added->expected(static_cast<int>(option.words.size()));
    added->type_name(fmt::format("FLOAT({})", fmt::join(option.words, " ")));
  } else {
    added = app.add_option_function<std::string>(
        flag,
        [set, option, flag](const std::string& text) {
          try {
            set(option.parse(text));
          } catch (const ValueError& e) {
            throw CLI::ValidationError(flag, e.what());
          }
        },
        doc);
    added->type_name(option.kind == Option::Kind::integer  ? "INT"
                     : option.kind == Option::Kind::number ? "FLOAT"
                                                           : "WORD");
  }
  if (option.required) added->required();
}

/// As Python prints it: 1.5, (1+2j).
std::string text_of(const Array& x) {
  std::string text;
  if (!x.categories().empty())
    return x
        .categories()[static_cast<std::size_t>(x.astype(DType::int64).values<std::int64_t>()[0])];
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = x.values<T>()[0];
    if constexpr (requires { v.imag(); })
      text = fmt::format("({}{:+}j)", v.real(), v.imag());
    else
      text = fmt::format("{}", v);
  });
  return text;
}

/// One function on datasets: where the operands come from, how they lie, where results go.
class Run {
 public:
  Run(CLI::App& app, const std::string& room, const Signature& function,
      std::shared_ptr<Common> common)
      : function_(function), common_(std::move(common)), inputs_(function.inputs.size()) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto& input = function.inputs[i];
      app.add_option(input.optional ? flag_of(input.name) : input.name, inputs_[i],
                     input.doc + ", FILE.h5:/dataset, or an image or NumPy file")
          ->required(!input.optional)
          ->type_name("");
    }
    auto* out = app.add_option(
        "--out", out_,
        fmt::format(
            "file, FILE.h5 or FILE.h5:/group, to write /{} to; it may have other contents; or "
            "FILE.png, FILE.tif or FILE.npy for one array",
            fmt::join(function.outputs, ", /")));
    if (!function.scalars) out->required();
    for (const Option& option : function.options) add_option(app, option, settings_);
    if (function.inputs.empty() || function.inputs[0].verbatim) {  // which stays as it is
      app.footer(fmt::format("Example:\n  mpirun -n 4 tessera {} {}", room, function.example));
      return;
    }
    app.add_option("--layout", layout_,
                   "how operands are spread: rows, block_cyclic (ScaLAPACK's) or replicated [rows]")
        ->check(CLI::IsMember({"rows", "block_cyclic", "replicated"}));
    app.add_option("--block", block_, "rows and columns of a block for --layout block_cyclic [64]")
        ->check(within(1, std::numeric_limits<int>::max()));
    app.add_option("--dtype", dtype_,
                   "convert operands to float32, float64, complex64 or complex128 first")
        ->check(CLI::IsMember({"float32", "float64", "complex64", "complex128"}));
    app.footer(fmt::format("Example:\n  mpirun -n 4 tessera {} {}", room, function.example));
  }

  void operator()() const {
    io::Location to;
    if (!out_.empty()) {
      to = io::parse_location(out_);
      io::require_writable(to.file);
    }
    std::vector<Array> operands;
    for (std::size_t i = common_->stream ? 1 : 0; i < inputs_.size(); ++i)
      operands.push_back(function_.inputs[i].verbatim ? common_->read(inputs_[i])
                                                      : operand(inputs_[i]));
    if (common_->stream) return write(to, streamed(function_, rows(), operands, *settings_));
    std::vector<std::pair<std::string, Rows>> results;
    for (const auto& [name, result] : function_(std::move(operands), *settings_)) {
      if (!result) continue;  // not with these options
      const bool cyclic = result.distribution().kind() == Distribution::Kind::block_cyclic;
      results.emplace_back(
          name,
          cyclic ? redistribute(result, row_distribution(result.shape(), result.comm())) : result);
    }
    write(to, results);
  }

 private:
  void write(const io::Location& to,
             const std::vector<std::pair<std::string, Rows>>& results) const {
    std::vector<io::NamedRows> datasets;
    for (const auto& [name, x] : results) {
      if (x.ndim() == 0 && !x.categories().empty() && !out_.empty())
        throw ValueError(
            fmt::format("{} gives text, which is printed: leave out --out", function_.name));
      datasets.push_back({to.dataset + "/" + name, x});
      if (x.ndim() == 0)
        print((results.size() > 1 ? name + " " : "") + text_of(x.array()->to(cpu)));
      if (x.ndim() > 0 && out_.empty())
        throw ValueError(fmt::format("{} gives an array of shape {} here, which needs --out",
                                     function_.name, to_string(x.shape())));
    }
    if (io::is_array_file(to)) {
      std::erase_if(datasets, [](const auto& d) { return d.rows.ndim() == 0; });
      if (datasets.size() != 1)
        throw ValueError(fmt::format("'{}' holds one array, and {} gives {}; write them to FILE.h5",
                                     to.file, function_.name, fmt::join(function_.outputs, ", ")));
      return io::write_array_file(to.file, datasets[0].rows);
    }
    if (!out_.empty()) io::write(to.file, datasets);
  }

  // The first argument, leaf by leaf.
  Rows rows() const {
    return io::stream(inputs_[0], {.dense = common_->dense}).to(common_->where());
  }

  Array operand(const std::string& location) const {
    Array x = common_->read(location);
    if (!x) return x;
    if (!dtype_.empty()) together(x.comm(), [&] { x = x.astype(dtype_from_name(dtype_)); });
    if (layout_ == "replicated") x = gather(x);
    if (layout_ == "block_cyclic" && x.ndim() == 2) x = linalg::block_cyclic(x, block_);
    return x.to(common_->where());
  }

  const Signature& function_;
  std::shared_ptr<Common> common_;
  std::vector<std::string> inputs_;
  std::shared_ptr<Settings> settings_ = std::make_shared<Settings>();
  std::string out_, dtype_, layout_ = "rows";
  std::int64_t block_ = 64;
};

/// Adds all functions below `app`; the one that is named becomes `chosen`.
void add_functions(CLI::App& app, const Functions::Table& table,
                   const std::shared_ptr<Common>& common, Command& chosen, bool alone) {
  for (const Signature& function : table.functions) {
    CLI::App* own = app.add_subcommand(function.name, function.doc);
    const auto run = std::make_shared<Run>(*own, table.name, function, common);
    const bool rows = table.name == "array" && streams(function);
    if (alone) common->add_to(*own, rows ? Common::Reads::rows : Common::Reads::arrays);
    own->callback([run, common, alone, &chosen] {
      chosen = [run, common, alone] {
        if (alone) common->apply();
        (*run)();
      };
    });
  }
  app.require_subcommand(1);
}

/// Text inside a cell of a table.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

/// The table of all functions: what docs/linalg_functions.md is made from.
std::string functions_as_markdown(const Functions::Table& table) {
  std::string text =
      table.title + "| function | arguments | options | results |\n|---|---|---|---|\n";
  for (const Signature& function : table.functions) {
    std::vector<std::string> inputs, options, outputs;
    for (const auto& input : function.inputs)
      inputs.push_back(fmt::format("{} ({}{})", input.name, cell(input.doc),
                                   input.optional ? ", optional" : ""));
    for (const Option& option : function.options) {
      const std::string initial = option.required ? "required" : option.default_text();
      std::string allowed = option.kind == Option::Kind::flag ? "" : ", " + option.allowed();
      if (!option.off.empty()) allowed = fmt::format(", `{}`", flag_of(option.off));
      options.push_back(fmt::format("`{}`{}{}", option.name, allowed,
                                    initial.empty() ? "" : fmt::format(" [{}]", initial)));
    }
    for (const auto& output : function.outputs) outputs.push_back("`" + output + "`");
    text +=
        fmt::format("| `{}`: {} | {} | {} | {} |\n", function.name, cell(function.doc),
                    fmt::join(inputs, ", "), fmt::join(options, "; "), fmt::join(outputs, ", "));
  }
  text.pop_back();
  return text;
}

/// Runs the functions that a file names, one a line.
void run_batch(const std::string& file, const Functions::Table& table,
               const std::shared_ptr<Common>& common) {
  std::string text;
  on_first(Communicator::world(), [&] {
    std::ifstream input(file);
    std::stringstream all;
    if (!(all << input.rdbuf())) throw OSError(fmt::format("cannot read commands from '{}'", file));
    text = all.str();
  });
  Communicator::world().broadcast(text, 0);
  std::stringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t") == std::string::npos || line[0] == '#') continue;
    try {
      CLI::App app("", "line");
      Command command;
      add_functions(app, table, common, command, false);
      check_values(app);
      app.parse(line);
      command();
    } catch (const CLI::ParseError& e) {
      throw ValueError(fmt::format("line {} of '{}': {}", number, file, e.what()));
    } catch (const Error& e) {
      e.with_text(fmt::format("line {} of '{}': {}", number, file, e.what()))->raise();
    }
  }
}

}  // namespace

Functions::Table Functions::linear_algebra() {
  return {"linalg", "SciPy's linear algebra on datasets; see linalg FUNCTION --help",
          "Examples:\n"
          "  tessera make regression --rows 100000 --cols 8 --out data.h5\n"
          "  mpirun -n 4 tessera linalg lstsq data.h5:/X data.h5:/y --out fit.h5\n"
          "  tessera show fit.h5\n"
          "  tessera linalg cond data.h5:/X",
          "# The functions of linear algebra\n\n"
          "Written by `tessera linalg functions`; [linalg.md](linalg.md) says how to write it anew "
          "and what the\nfunctions do. Options have these names in C++ and Python; on the command "
          "line `_` is `-`, and what is on\nby default is turned off by the word behind it.\n\n",
          linalg::signatures()};
}

Functions::Table Functions::arrays() {
  return {
      "array", "statistics, sorting, sets and selection on datasets; see array FUNCTION --help",
      "Examples:\n"
      "  tessera make blobs --rows 100000 --cols 8 --out points.h5\n"
      "  mpirun -n 4 tessera array mean points.h5:/X --axis 0 --out means.h5\n"
      "  tessera array unique_counts points.h5:/y --out classes.h5   # /values and /counts\n"
      "  tessera array max points.h5:/X                              # of all elements: printed\n"
      "  tessera describe points.h5:/X",
      "# Functions of arrays\n\n"
      "Written by `cmake --build --preset release --target array_page`. They are those of the "
      "array API\nstandard ([array_api.md](array_api.md)) that make sense on files, and some "
      "beside them. Input keeps its dtype;\non the command line `_` in options is `-`.\n\n",
      array_signatures()};
}

Functions::Table Functions::fourier() {
  return {
      "fft", "scipy.fft's transforms of datasets; see fft FUNCTION --help",
      "Examples:\n"
      "  mpirun -n 4 tessera fft rfft signal.h5:/x --axis 0 --out spectrum.h5   # complex: {r, i}\n"
      "  tessera fft dctn scan.h5:/image --norm ortho --out coefficients.h5\n"
      "  tessera fft fftfreq --n 1000 --d 0.01 --out frequencies.h5\n"
      "  tessera fft next_fast_len --target 10007                              # printed",
      "# Transforms\n\n", fft::signatures()};
}

Functions::Table Functions::images() {
  return {
      "ndimage", "SciPy's functions of images on datasets; see ndimage FUNCTION --help",
      "Examples:\n"
      "  mpirun -n 4 tessera ndimage gaussian_filter scan.h5:/image --sigma 2 --out smooth.h5\n"
      "  tessera ndimage median_filter photo.png --size 3 --out clean.png       # or .tif, .npy\n"
      "  tessera ndimage label scan.h5:/image --out objects.h5          # /labels and /count\n"
      "  tessera ndimage mean scan.h5:/image                           # of all elements: printed",
      "# Functions of images\n\n", ndimage::signatures()};
}

Functions::Table Functions::linear_models() {
  return {"linear-model",
          "paths of penalties, as sklearn.linear_model; see linear-model NAME --help",
          "Examples:\n"
          "  mpirun -n 4 tessera linear-model lasso_path data.h5:/X data.h5:/y --out path.h5",
          "# Functions of linear models\n\n", tessera::linear_model::signatures()};
}

Functions::Table Functions::metrics() {
  return {"metric", "how good predictions are, as sklearn.metrics; see metric NAME --help",
          "Examples:\n"
          "  tessera predict linear.tessera data.h5:/X --out predicted.h5:/y\n"
          "  mpirun -n 4 tessera metric r2_score data.h5:/y predicted.h5:/y\n"
          "  tessera metric classification_report labels.h5:/y predicted.h5:/y",
          "# Metrics\n\n"
          "Written by `cmake --build --preset release --target metrics_page`. In C++ they are "
          "functions of\n`tessera::metrics` (`tessera/estimators/metrics/`). Names are "
          "scikit-learn's; on the command line `_` is `-`,\nand what is on by default is turned "
          "off by the word behind it. Labels may be text or numbers of any real\ndtype, several "
          "metrics of numbers take several targets. Everything is exact and the same bits at any "
          "number\nof processes: what needs an order sorts all rows by their score, never a "
          "sample.\n\n",
          tessera::metrics::signatures()};
}

Functions::Functions(CLI::App& program, Table table, Command& chosen) : table_(std::move(table)) {
  CLI::App* app = program.add_subcommand(table_.name, table_.doc);
  app->footer(table_.footer);
  add_functions(*app, table_, common_, chosen, true);
  CLI::App* functions =
      app->add_subcommand("functions", "print all functions as a page of the documentation");
  functions->callback(
      [this, &chosen] { chosen = [this] { print(functions_as_markdown(table_)); }; });
  CLI::App* batch =
      app->add_subcommand("batch", "run several functions in one start of the program");
  const auto file = std::make_shared<std::string>();
  batch
      ->add_option("COMMANDS", *file,
                   fmt::format("file with one command a line, without 'tessera {}'", table_.name))
      ->required()
      ->type_name("");
  common_->add_to(*batch, Common::Reads::arrays);
  batch->footer(fmt::format("Ends at the first error. Example of a line:\n  {}",
                            table_.functions.front().example));
  batch->callback([this, file, &chosen] {
    chosen = [this, file] {
      common_->apply();
      run_batch(*file, table_, common_);
    };
  });
}

}  // namespace tessera
