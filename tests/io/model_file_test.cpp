#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <random>

#include <tessera/io/model_file.hpp>
#include <tessera/runtime/error.hpp>

#include "scratch.hpp"

namespace tessera {
namespace {

using test::error_of;
using test::Scratch;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

Model small_model() {
  return {"KMeans",
          {{"n_clusters", 2}, {"tol", 1e-4}, {"init", "k-means++"}, {"random_state", Value()}},
          {{"cluster_centers_", replicated(std::vector<double>{1, -2.5, NAN, 4}, {2, 2}, world())},
           {"converged", true}}};
}

std::string array_bytes(const Array& x) {
  const Tile t = x.local();
  return {static_cast<const char*>(t.data),
          static_cast<std::size_t>(t.rows * t.cols) * size_of(x.dtype())};
}

void expect_same(const Model& a, const Model& b) {
  EXPECT_EQ(a.estimator, b.estimator);
  for (const auto member : {&Model::params, &Model::attributes}) {
    ASSERT_EQ((a.*member).size(), (b.*member).size());
    for (std::size_t i = 0; i < (a.*member).size(); ++i) {
      const auto& [name, value] = (a.*member)[i];
      const auto& [other_name, other] = (b.*member)[i];
      EXPECT_EQ(name, other_name);
      ASSERT_EQ(value.variant().index(), other.variant().index());
      if (!value.is<Array>()) {
        EXPECT_EQ(value.to_string(), other.to_string());
        continue;
      }
      EXPECT_EQ(value.as<Array>().shape(), other.as<Array>().shape());
      EXPECT_EQ(value.as<Array>().dtype(), other.as<Array>().dtype());
      EXPECT_EQ(array_bytes(value.as<Array>()), array_bytes(other.as<Array>()));
    }
  }
}

TEST(ModelFile, RoundTripOfEveryKindOfValue) {
  const Scratch folder;
  Model model = small_model();
  model.attributes.emplace_back(
      "bools", replicated(std::vector<std::int32_t>{1, 0, 1}, {3}, world()).astype(DType::boolean));
  model.attributes.emplace_back(
      "z", replicated(std::vector<std::complex<float>>{{1, 2}, {3, -4}}, {2, 1}, world()));
  model.attributes.emplace_back("w",
                                replicated(std::vector<std::complex<double>>{{1, 2}}, {}, world()));
  for (const DType d : {DType::int8, DType::int16, DType::int32, DType::int64, DType::uint8,
                        DType::uint16, DType::uint32, DType::uint64, DType::float32})
    model.attributes.emplace_back(
        std::string(name_of(d)),
        replicated(std::vector<double>{1, 2, 3, 100, 5, 6}, {1, 2, 3}, world()).astype(d));
  model.attributes.emplace_back("empty", replicated(std::vector<float>{}, {0, 4}, world()));
  model.attributes.emplace_back("huge int", std::numeric_limits<std::int64_t>::min());
  model.attributes.emplace_back("nan", std::nan(""));
  const auto version_of = [&](const std::string& name) {
    return static_cast<int>(test::shared_bytes(folder / name)[8]);
  };
  io::write_model(folder / "m.tessera", model);
  EXPECT_EQ(version_of("m.tessera"), 3);
  model.attributes.emplace_back("names", std::vector<std::string>{"width", "", "h\xc3\xb6he"});
  model.attributes.emplace_back("text", std::string("zero \0 and \xff inside", 19));
  io::write_model(folder / "m.tessera", model);
  expect_same(io::read_model(folder / "m.tessera"), model);
  EXPECT_EQ(
      find(io::read_model(folder / "m.tessera").attributes, "names").as<std::vector<std::string>>(),
      (std::vector<std::string>{"width", "", "h\xc3\xb6he"}));
  io::write_model(folder / "n.tessera", io::read_model(folder / "m.tessera"));
  EXPECT_EQ(test::file_bytes(folder / "m.tessera"), test::file_bytes(folder / "n.tessera"));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"m.tessera", "n.tessera"}));
}

TEST(ModelFile, HoldsValuesInsideValues) {
  const Scratch folder;
  const Array x = arange(0, 700);
  Model inside = small_model();
  inside.attributes.emplace_back("x", x);
  Model model = {"Pipe",
                 {{"steps", List{Tuple{{"a", inside}}, Tuple{{"b", Model{"Toy", {}, {}}}}}},
                  {"range", Tuple{{1, 0.5}}},
                  {"weights", Mapping{{{"a", 1}, {2, List{}}, {true, Value()}}}}},
                 {{"steps_", List{inside, List{x}}}}};
  io::write_model(folder / "m.tessera", model);
  const Model read = io::read_model(folder / "m.tessera");
  expect_same(read, model);
  EXPECT_EQ(test::shared_bytes(folder / "m.tessera")[8], 3);
  Model gathered = inside;
  gathered.attributes.back().second = gather(x);
  const List& steps = find(read.attributes, "steps_").as<List>();
  expect_same(steps[0].as<Model>(), gathered);
  EXPECT_EQ(array_bytes((*steps[1].items())[0].as<Array>()), array_bytes(gather(x)));
  expect_same((*find(read.params, "steps").as<List>()[0].items())[1].as<Model>(), gathered);

  Value deep = 1;
  for (int i = 0; i < 31; ++i) deep = List{deep};
  io::write_model(folder / "d", {"E", {{"x", deep}}, {}});
  EXPECT_EQ(io::read_model(folder / "d").params[0].second.to_string(), deep.to_string());
  deep = List{deep};
  EXPECT_EQ(error_of([&] {
              io::write_model(folder / "e", {"E", {{"x", deep}}, {}});
            }),
            "ValueError: values inside values, more than 32 levels");
  io::write_model(folder / "f", {"E", {{"x", List(140'000, Value(1))}}, {}});
  EXPECT_EQ(error_of([&] { io::read_model(folder / "f"); }),
            "OSError: '" + (folder / "f") +
                "' is damaged: 140000 values where at most 131072 are allowed");
  EXPECT_EQ(
      io::to_json({"Pipe",
                   {{"range", Tuple{{1, 0.5}}},
                    {"weights", Mapping{{{"a", 1}, {2, List{}}, {true, Value()}}}}},
                   {{"all", List{Model{"Toy", {{"k", 1}}, {}}}}}}),
      R"({"estimator":"Pipe","params":{"range":[1,0.5],"weights":{"a":1,"2":[],"True":null}},)"
      R"("attributes":{"all":[{"estimator":"Toy","params":{"k":1},"attributes":{}}]}})");
}

TEST(ModelFile, GathersDistributedArrays) {
  const Scratch folder;
  Model model = small_model();
  const Array x = arange(0, 1000);
  model.attributes.emplace_back("x", x);
  io::write_model(folder / "m.tessera", model);
  model.attributes.back().second = gather(x);
  expect_same(io::read_model(folder / "m.tessera"), model);
}

TEST(ModelFile, NamesAreUniqueAndNotTooMany) {
  const Scratch folder;
  Model model = small_model();
  model.attributes.emplace_back("converged", 1);
  io::write_model(folder / "m", model);
  EXPECT_EQ(error_of([&] { io::read_model(folder / "m"); }),
            "OSError: '" + (folder / "m") + "' is damaged: two values are called 'converged'");
  model = {"E", {}, {}};
  for (int i = 0; i < 100'000; ++i) model.attributes.emplace_back(std::to_string(i), i);
  io::write_model(folder / "m", model);
  const Model many = io::read_model(folder / "m");
  EXPECT_EQ(many.attributes.size(), 100'000U);
  EXPECT_EQ(many.file, folder / "m");
  EXPECT_TRUE(io::to_json(many).ends_with(",\"99999\":99999}}"));
  for (int i = 100'000; i < 140'000; ++i) model.attributes.emplace_back(std::to_string(i), i);
  io::write_model(folder / "m", model);
  EXPECT_EQ(error_of([&] { io::read_model(folder / "m"); }),
            "OSError: '" + (folder / "m") +
                "' is damaged: 140000 values where at most 131072 are allowed");
}

struct Toy {
  double slope = 0;
  Model model() const { return {"Toy", {}, {{"slope", slope}}}; }
  static Toy from_model(const Model& m) { return {find(m.attributes, "slope").as<double>()}; }
};

TEST(ModelFile, SavesAndLoadsEstimators) {
  const Scratch folder;
  io::save_model(folder / "toy.tessera", Toy{0.1});
  EXPECT_EQ(io::load_model<Toy>(folder / "toy.tessera").slope, 0.1);
}

TEST(ModelFile, RefusesEverySingleBitFlip) {
  const Scratch folder;
  const std::string path = folder / "m.tessera";
  const auto self = Communicator::self();
  io::write_model(path, small_model());
  test::on_rank_0([&] {
    const std::string good = test::file_bytes(path);
    ASSERT_LT(good.size(), 500U);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      test::flip_bit(path, bit);
      EXPECT_THROW(io::read_model(path, self), OSError) << "bit " << bit;
      test::flip_bit(path, bit);
    }
    EXPECT_EQ(test::file_bytes(path), good);
  });
}

TEST(ModelFile, RefusesEveryLength) {
  const Scratch folder;
  const std::string path = folder / "m.tessera";
  io::write_model(path, small_model());
  const std::string good = test::shared_bytes(path);
  const auto total = std::to_string(good.size());
  for (std::size_t length = 0; length < good.size(); ++length) {
    test::on_rank_0([&] { test::put_file(path, good.substr(0, length)); });
    const std::string wanted = length == 0   ? "OSError: '" + path + "' is not a Tessera model file"
                               : length < 36 ? "OSError: '" + path + "' is truncated: it has " +
                                                   std::to_string(length) + " bytes of 36"
                                             : "OSError: '" + path + "' is truncated: it has " +
                                                   std::to_string(length) + " bytes of " + total;
    EXPECT_EQ(error_of([&] { io::read_model(path); }), wanted);
  }
  test::on_rank_0([&] { test::put_file(path, good + "abc"); });
  EXPECT_EQ(error_of([&] { io::read_model(path); }),
            "OSError: '" + path + "' is damaged: 3 bytes follow the end of the model");
}

TEST(ModelFile, SaysWhatIsWrong) {
  const Scratch folder;
  const std::string path = folder / "m.tessera";
  EXPECT_EQ(error_of([&] { io::read_model(path); }),
            "OSError: cannot read '" + path + "': No such file or directory");
  EXPECT_EQ(error_of([&] { io::read_model(folder.path()); }),
            "OSError: cannot read '" + folder.path() + "': it is a folder");
  EXPECT_EQ(error_of([&] { io::write_model(folder.path(), small_model()); }),
            "OSError: cannot write '" + folder.path() + "': it is a folder");
  EXPECT_EQ(error_of([&] { io::write_model("/dev/null/m", small_model()); }),
            "OSError: cannot write '/dev/null/m': Not a directory");
  EXPECT_EQ(error_of([&] {
              io::write_model(folder / "m", {"E", {{"x", Array()}}, {}});
            }),
            "ValueError: 'x' is an empty Array handle");
  EXPECT_TRUE(folder.names().empty());
  test::on_rank_0([&] { test::put_file(path, "PK\x03\x04 a pickle, say"); });
  EXPECT_EQ(error_of([&] { io::read_model(path); }),
            "OSError: '" + path + "' is not a Tessera model file");
  io::write_model(path, small_model());
  std::string bytes = test::shared_bytes(path);
  bytes[8] = 9;
  test::on_rank_0([&] { test::put_file(path, bytes); });
  const std::string newer = error_of([&] { io::read_model(path); });
  EXPECT_TRUE(newer.starts_with("OSError: '" + path +
                                "' has format version 9, newer than the 3 that Tessera"))
      << newer;
  bytes[8] = 1;
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  test::on_rank_0([&] { test::put_file(path, bytes); });
  EXPECT_EQ(error_of([&] { io::read_model(path); }),
            "OSError: '" + path + "' is damaged: its checksum does not match");
}

TEST(Json, HoldsEverythingInOrder) {
  Model model = small_model();
  model.attributes.emplace_back("inf", -std::numeric_limits<double>::infinity());
  model.attributes.emplace_back("third", 1.0 / 3.0);
  model.attributes.emplace_back(
      "z", replicated(std::vector<std::complex<double>>{{1, -2}}, {1}, world()));
  EXPECT_EQ(
      io::to_json(model),
      R"({"estimator":"KMeans","params":{"n_clusters":2,"tol":0.0001,"init":"k-means++",)"
      R"("random_state":null},"attributes":{"cluster_centers_":{"shape":[2,2],)"
      R"("dtype":"float64","data":[1.0,-2.5,"NaN",4.0]},"converged":true,"inf":"-Infinity",)"
      R"("third":0.3333333333333333,"z":{"shape":[1],"dtype":"complex128","data":[[1.0,-2.0]]}}})");
}

TEST(Json, LeavesOutLargeArraysUnlessAsked) {
  const std::vector<std::int8_t> data(1'000'001);
  const Model model = {"E", {}, {{"x", replicated(data, {1'000'001}, world())}}};
  EXPECT_EQ(io::to_json(model),
            R"({"estimator":"E","params":{},"attributes":{"x":{"shape":[1000001],"dtype":"int8",)"
            R"("data":null,"note":"1000001 elements; ask for the full output to see them"}}})");
  EXPECT_GT(io::to_json(model, true).size(), 2'000'000U);
}

TEST(Json, DoublesReadBackAsTheSameNumber) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const double v = std::bit_cast<double>(random());
    if (!std::isfinite(v)) continue;
    const std::string json = io::to_json({"E", {{"v", v}}, {}});
    const auto at = json.find("\"v\":") + 4;
    EXPECT_EQ(std::strtod(json.c_str() + at, nullptr), v) << json;
  }
}

}  // namespace
}  // namespace tessera
