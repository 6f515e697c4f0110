// The `tessera` program: the estimators from the command line, alone or under mpirun.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <tessera/io/readable.hpp>
#include <tessera/ndimage/registry.hpp>
#include <tessera/runtime/device_layer.hpp>
#include <tessera/tessera.hpp>

#include "bench.hpp"
#include "command.hpp"
#include "describe.hpp"
#include "functions.hpp"
#include "make.hpp"
#include "models.hpp"
#include "peaks.hpp"

namespace {

using namespace tessera;

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
        "turn a CSV, TSV or NumPy file or an image into an HDF5 dataset, or a dataset into "
        "these\n\n"
        "  tessera convert table.csv table.h5:/X\n"
        "  tessera convert table.csv table.h5:/X --columns 2-        # without pandas' index\n"
        "  tessera convert table.csv table.h5:/X --drop-columns price,id\n"
        "  tessera convert table.csv table.h5:/y --columns price\n"
        "  tessera convert german.csv table.h5:/X --delimiter ';' --decimal ,\n"
        "  tessera convert photo.png photo.h5:/image                 # or .tif; pages are a stack\n"
        "  tessera convert photo.h5:/image photo.tif                 # or .png, .npy\n\n"
        "Numbers become float64; an empty cell, NA, N/A, n/a, #N/A, NULL, null, None, NaN and the "
        "other words that pandas\n"
        "takes for missing become NaN. A column whose first cell is a word becomes a dataset of "
        "strings, TARGET_text/NAME.\n"
        "The names of the columns become the dataset's attribute column_names: a model remembers "
        "and checks them.\n"
        "COLUMNS are names, numbers from 1, and ranges: 2-, 1,3-5, width-height; a name "
        "with a comma, or one that\n"
        "looks like a number, is written with double quotes: '\"a,b\"'.");
    app->add_option("SOURCE", source,
                    "FILE.csv, FILE.tsv, FILE.npy, FILE.png, FILE.tif or FILE.h5:/name")
        ->required();
    app->add_option("TARGET", target, "FILE.h5:/name, or FILE.npy, FILE.png or FILE.tif")
        ->required();
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
    const io::Location to = io::parse_location(target);
    io::convert(source, io::is_array_file(to) ? to : output(target), options,
                Communicator::world());
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
    register_ndimage_operations();
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

  const Models models(program, chosen);
  CLI::App* make = program.add_subcommand("make", "make a data set for trying and benchmarking");
  make->require_subcommand(1);
  Make blobs(*make, "blobs", "Gaussian blobs: /X, and /y with the blob of each row", make_blobs,
             chosen);
  Make regression(*make, "regression", "normal features /X and linear targets /y", make_regression,
                  chosen);
  const Functions arrays(program, Functions::arrays(), chosen);
  const Functions fourier(program, Functions::fourier(), chosen);
  const Functions images(program, Functions::images(), chosen);
  const Describe describe(program, chosen);
  const Functions linalg(program, Functions::linear_algebra(), chosen);
  const Functions linear_models(program, Functions::linear_models(), chosen);
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
