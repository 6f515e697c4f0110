#include <tessera/runtime/trace.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/rows.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A folder for the files of one test, the same on all processes.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "tessera-trace-XXXXXX").string();
    if (world_.rank() == 0 && mkdtemp(name.data())) path_ = name;
    world_.broadcast(path_, 0);
  }
  ~Folder() {
    world_.barrier();
    if (world_.rank() == 0) fs::remove_all(path_);
  }
  Folder(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  bool empty() const {
    world_.barrier();
    const bool none = fs::is_empty(path_);
    world_.barrier();
    return none;
  }

 private:
  Communicator world_ = Communicator::world();
  std::string path_;
};

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

// What finish() leaves: the file's events, and rank 0's table.
struct Trace {
  std::vector<json> events;
  std::string table;
};
Trace finished(const std::string& file) {
  testing::internal::CaptureStderr();
  trace::finish(world());
  Trace t{{}, testing::internal::GetCapturedStderr()};
  const json all = json::parse(std::ifstream(file));
  EXPECT_EQ(all.at("displayTimeUnit"), "ms");
  for (const json& e : all.at("traceEvents"))
    if (e.at("ph") == "X") t.events.push_back(e);
  world().barrier();
  return t;
}

// Operations must outlive what is recorded.
using Scale = Operation<void(Stream&, double factor, const Tile&)>;
const Scale& scale() {
  static const Scale op = [] {
    const Scale scale("trace.scale", [](Stream&, double, const Tile& t) {
      return static_cast<double>(t.rows * t.cols);
    });
    const auto run = [](Stream&, double factor, const Tile& t) {
      for (std::int64_t i = 0; i < t.rows; ++i) t.as<double>()[i] *= factor;
    };
    install(Backend("plain", Device::Kind::cpu, 0).implement(scale, run));
    install(Backend("picky", Device::Kind::cpu, 1)
                .implement(
                    scale, DTypes::all(),
                    [](Stream&, double factor, const Tile&) -> Verdict {
                      if (factor == 2) return {};
                      return Decline{"only \"2\"\nis a\tfactor\\"};
                    },
                    run));
    return scale;
  }();
  return op;
}

TEST(Trace, OffIsNothing) {
  EXPECT_FALSE(trace::enabled());
  testing::internal::CaptureStderr();
  trace::finish(world());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Trace, HasEveryCallOfEveryProcessAndThread) {
  const Folder folder;
  const std::string file = folder / "trace.json";
  std::vector<double> values(800, 1.0);
  trace::start(file, world());
  EXPECT_TRUE(trace::enabled());
  parallel_for({0, 80}, 2, [&](std::int64_t i, Stream& stream) {
    scale()(stream, i < 20 ? 2 : 3, tile_of(values.data() + 10 * i, 10, 1, 1));
  });
  const Trace t = finished(file);
  EXPECT_FALSE(trace::enabled());

  const int n = world().size();
  std::map<std::pair<std::string, std::string>, int> calls;  // by backend and reasons
  std::set<std::pair<int, int>> lanes;
  std::set<int> processes;
  double work = 0;
  double traffic = 0;
  for (const json& e : t.events) {
    EXPECT_EQ(e.at("name"), "trace.scale");
    EXPECT_EQ(e.at("args").at("device"), "cpu");
    EXPECT_GE(e.at("ts").get<double>(), 0);
    EXPECT_GE(e.at("dur").get<double>(), 0);
    EXPECT_EQ(e.at("args").at("communicated"), 0);
    ++calls[{e.at("args").at("backend").get<std::string>(),
             e.at("args").at("declined").get<std::string>()}];
    lanes.emplace(e.at("pid").get<int>(), e.at("tid").get<int>());
    processes.insert(e.at("pid").get<int>());
    work += e.at("args").at("flops").get<double>();
    traffic += e.at("args").at("bytes").get<double>();
  }
  EXPECT_EQ(calls,
            (std::map<std::pair<std::string, std::string>, int>{
                {{"picky", ""}, 20 * n}, {{"plain", "picky: only \"2\" is a\tfactor\\"}, 60 * n}}));
  EXPECT_EQ(std::ssize(processes), n);
  EXPECT_LE(std::ssize(lanes), 2 * n);
  EXPECT_EQ(work, 800 * n);
  EXPECT_EQ(traffic, 800 * 8 * n);
  // One line per backend and reason on rank 0.
  EXPECT_EQ(std::count(t.table.begin(), t.table.end(), '\n'), world().rank() == 0 ? 3 : 0);
  for (const auto& text : {std::string("MB sent  declined\n"), fmt::format(" {} ", 60 * n)})
    EXPECT_EQ(t.table.find(text) != std::string::npos, world().rank() == 0) << t.table;
}

TEST(Trace, StartsAnew) {
  const Folder folder;
  double value = 1;
  Stream stream;
  for (int calls = 1; calls <= 3; ++calls) {
    const std::string file = folder / fmt::format("{}.json", calls);
    trace::start(file, world());
    for (int i = 0; i < calls; ++i) scale()(stream, 2, tile_of(&value, 1, 1, 1));
    EXPECT_EQ(std::ssize(finished(file).events), calls * world().size());
    scale()(stream, 2, tile_of(&value, 1, 1, 1));  // between two traces: in none
  }
}

TEST(Trace, CountsWhatIsCommunicated) {
  const Folder folder;
  const auto op =
      Operation<void(const Array&)>::composed_of("trace.gather", [](const Array& x) { gather(x); });
  const auto x = test::make<double>({1000, 3});
  trace::start(folder / "trace.json", world());
  op(x);
  const Trace t = finished(folder / "trace.json");
  double bytes = 0;
  for (const json& e : t.events) bytes += e.at("args").at("communicated").get<double>();
  if (world().size() == 1)
    EXPECT_EQ(bytes, 0);
  else
    EXPECT_GE(bytes, 1000 * 3 * 8);
}

TEST(Trace, ACallThatThrowsIsThere) {
  const Folder folder;
  const Operation<void(Stream&, double, const Tile&)> op("trace.throws");
  install(Backend("plain", Device::Kind::cpu, 0).implement(op, [](Stream&, double, const Tile&) {
    throw LinAlgError("singular");
  }));
  Stream stream;
  trace::start(folder / "trace.json", world());
  test::expect_error<LinAlgError>([&] { op(stream, 1, {}); }, "singular");
  EXPECT_EQ(std::ssize(finished(folder / "trace.json").events), world().size());
}

TEST(Trace, AFileThatCannotBeWrittenIsOneErrorAndNoFile) {
  const Folder folder;
  test::expect_error<OSError>(
      [&] { trace::start(folder / "none/trace.json", world()); },
      "cannot write the trace '" + folder / "none/trace.json" + "': No such file or directory");
  test::expect_error<OSError>([&] { trace::start(folder / "", world()); },
                              "cannot write the trace '" + folder / "" + "': Is a directory");
  EXPECT_FALSE(trace::enabled());
  EXPECT_TRUE(folder.empty());
  // A slip of the keyboard must not cost anybody their data; an older trace goes.
  const std::string data = folder / "data";
  if (world().rank() == 0) std::ofstream(data) << "precious";
  test::expect_error<OSError>([&] { trace::start(data, world()); },
                              "cannot write the trace '" + data + "': it is there and no trace");
  if (world().rank() == 0) fs::remove(data);
  for (int i = 0; i < 2; ++i) {
    trace::start(data, world());
    EXPECT_EQ(finished(data).events.size(), 0u);
  }
  world().barrier();
  if (world().rank() == 0) fs::remove(data);

  double value = 1;
  Stream stream;
  trace::start("/dev/full", world());
  scale()(stream, 2, tile_of(&value, 1, 1, 1));
  test::expect_error<OSError>([] { trace::finish(world()); },
                              "cannot write the trace '/dev/full': No space left on device");
  EXPECT_FALSE(trace::enabled());

  // A folder that goes away while the program runs.
  const std::string gone = folder / "gone";
  if (world().rank() == 0) fs::create_directory(gone);
  world().barrier();
  trace::start(gone + "/trace.json", world());
  if (world().rank() == 0) fs::remove(gone);
  test::expect_error<OSError>(
      [] { trace::finish(world()); },
      "cannot write the trace '" + gone + "/trace.json': No such file or directory");
  EXPECT_TRUE(folder.empty());
}

}  // namespace
}  // namespace tessera
