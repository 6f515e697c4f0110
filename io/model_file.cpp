#include <tessera/io/model_file.hpp>

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cereal/archives/portable_binary.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <streambuf>
#include <unordered_set>

#include <tessera/io/file_source.hpp>
#include <tessera/io/pending_file.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

// The file, all numbers little-endian:
//
//    0  magic                       8 bytes
//    8  format version              u32
//   12  length of library version   u32
//   16  length of estimator name    u32
//   20  length of payload           u64
//   28  checksum                    u64, of all bytes of the file but these eight: their
//   XXH3_64bits 36  library version, estimator name, payload; then the file ends
//
// The payload is written by cereal's portable binary archive, number by number: parameters, then
// attributes, each a count and then name, kind and contents.

namespace tessera::io {
namespace {

constexpr std::string_view magic("\x89TSRA\r\n\x1a", 8);
/// Version 2 brought lists of strings, 3 values inside values and the checksum that it has now.
constexpr std::uint32_t newest_format = 3;
constexpr std::string_view library_version = TESSERA_VERSION;
constexpr std::uint64_t most_values = 1 << 17;
constexpr std::uint32_t most_dimensions = 32;
constexpr int most_levels = 32;
constexpr std::size_t format_at = 8;
constexpr std::size_t checksum_at = 28;
constexpr std::size_t header_bytes = 36;

template <class T>
void put(std::string& out, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(number >> (8 * i));
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  T number = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    number |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[at + i])) << (8 * i));
  return number;
}

// Of files of the versions 1 and 2.
std::uint64_t older_checksum(std::uint64_t sum, std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    sum = std::rotl((sum ^ word) * 0x9e3779b97f4a7c15U, 29);
    sum ^= sum >> 32;
  }
  return sum;
}

std::uint64_t checksum_of(std::string_view file) {
  const std::string_view before = file.substr(0, checksum_at);
  const std::string_view after = file.substr(header_bytes);
  if (get<std::uint32_t>(file, format_at) < 3)
    return older_checksum(older_checksum(file.size(), before), after);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       XXH3_freeState);
  XXH3_64bits_reset(state.get());
  for (const std::string_view part : {before, after})
    XXH3_64bits_update(state.get(), part.data(), part.size());
  return XXH3_64bits_digest(state.get());
}

// The order of Value::Variant.
enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,
  floating,
  text,
  array,
  texts,
  list,
  tuple,
  mapping,
  model
};

class Writer {
 public:
  explicit Writer(std::ostream& stream) : archive_(stream) {}

  template <class T>
  void number(T value) {
    archive_(value);
  }
  void text(const std::string& value) {
    number<std::uint64_t>(value.size());
    archive_(cereal::binary_data(value.data(), value.size()));
  }
  void values(const Values& all) {
    number<std::uint64_t>(all.size());
    for (const auto& [name, value] : all) {
      text(name);
      one(value);
    }
  }

 private:
  void one(const Value& value) {
    if (++level_ > most_levels)
      throw ValueError(fmt::format("values inside values, more than {} levels", most_levels));
    number(static_cast<std::uint8_t>(value.variant().index()));
    std::visit([&](const auto& v) { content(v); }, value.variant());
    --level_;
  }
  void content(const List& v) {
    number<std::uint64_t>(v.size());
    for (const Value& item : v) one(item);
  }
  void content(const Tuple& v) { content(v.items); }
  void content(const Mapping& v) {
    number<std::uint64_t>(v.items.size());
    for (const auto& [key, value] : v.items) {
      one(key);
      one(value);
    }
  }
  void content(const std::shared_ptr<const Model>& v) {
    text(v->estimator);
    values(v->params);
    values(v->attributes);
  }
  void content(std::monostate) {}
  void content(bool v) { number<std::uint8_t>(v); }
  void content(std::int64_t v) { number(v); }
  void content(double v) { number(v); }
  void content(const std::string& v) { text(v); }
  void content(const std::vector<std::string>& v) {
    number<std::uint64_t>(v.size());
    for (const auto& item : v) text(item);
  }
  void content(const Array& v) {
    number(static_cast<std::uint8_t>(v.dtype()));
    number(static_cast<std::uint32_t>(v.ndim()));
    for (const auto extent : v.shape()) number(extent);
    visit(v.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto data = v.values<T>();
      if constexpr (std::is_same_v<T, std::complex<float>>)
        archive_(
            cereal::binary_data(reinterpret_cast<const float*>(data.data()), data.size_bytes()));
      else if constexpr (std::is_same_v<T, std::complex<double>>)
        archive_(
            cereal::binary_data(reinterpret_cast<const double*>(data.data()), data.size_bytes()));
      else
        archive_(cereal::binary_data(data.data(), data.size_bytes()));
    });
  }

  cereal::PortableBinaryOutputArchive archive_;
  int level_ = 0;
};

class SpanBuffer : public std::streambuf {
 public:
  explicit SpanBuffer(std::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }
  std::uint64_t remaining() const { return static_cast<std::uint64_t>(egptr() - gptr()); }
};

/// What the payload says that it must not. The caller adds the file.
struct Malformed : OSError {
  using OSError::OSError;
};

class Reader {
 public:
  Reader(std::string_view payload, const Communicator& comm)
      : buffer_(payload), stream_(&buffer_), archive_(stream_), comm_(comm) {}

  template <class T>
  T number() {
    require(sizeof(T));
    T value{};
    archive_(value);
    return value;
  }
  std::string text() {
    const auto length = number<std::uint64_t>();
    require(length);
    std::string value(length, '\0');
    archive_(cereal::binary_data(value.data(), value.size()));
    return value;
  }
  Values values() {
    const auto count = number_of_values();
    Values all;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string name = text();
      all.emplace_back(std::move(name), value());
    }
    std::unordered_set<std::string_view> names;
    for (const auto& [name, value] : all)
      if (!names.insert(name).second)
        throw Malformed(fmt::format("two values are called '{}'", name));
    return all;
  }
  void finish() const {
    if (buffer_.remaining() != 0)
      throw Malformed(fmt::format("{} bytes follow the last attribute", buffer_.remaining()));
  }

 private:
  void require(std::uint64_t bytes) const {
    if (bytes > buffer_.remaining())
      throw Malformed(
          fmt::format("a value of {} bytes where {} are left", bytes, buffer_.remaining()));
  }
  bool flag() {
    const auto v = number<std::uint8_t>();
    if (v > 1) throw Malformed(fmt::format("a bool of value {}", v));
    return v != 0;
  }
  std::uint64_t number_of_values() {
    const auto count = number<std::uint64_t>();
    if (count > most_values - values_)  // in memory they are larger than in the file
      throw Malformed(fmt::format("{} values where at most {} are allowed", count, most_values));
    values_ += count;
    return count;
  }
  List list() {
    List all;
    for (auto count = number_of_values(); count > 0; --count) all.push_back(value());
    return all;
  }
  Mapping mapping() {
    Mapping all;
    for (auto count = number_of_values(); count > 0; --count) {
      Value key = value();
      all.items.emplace_back(std::move(key), value());
    }
    return all;
  }
  Model model() {
    std::string estimator = text();
    Values params = values();
    return {std::move(estimator), std::move(params), values()};
  }
  Value value() {
    if (++level_ > most_levels)
      throw Malformed(fmt::format("values inside values, more than {} levels", most_levels));
    Value v = content();
    --level_;
    return v;
  }
  Value content() {
    switch (const auto kind = number<std::uint8_t>(); static_cast<Kind>(kind)) {
      case Kind::none:
        return {};
      case Kind::boolean:
        return flag();
      case Kind::integer:
        return number<std::int64_t>();
      case Kind::floating:
        return number<double>();
      case Kind::text:
        return text();
      case Kind::array:
        return array();
      case Kind::texts:
        return texts();
      case Kind::list:
        return list();
      case Kind::tuple:
        return Tuple{list()};
      case Kind::mapping:
        return mapping();
      case Kind::model:
        return model();
      default:
        throw Malformed(fmt::format("a value of unknown kind {}", kind));
    }
  }
  std::vector<std::string> texts() {
    const auto count = number<std::uint64_t>();
    // In memory each takes more than its eight bytes in the file: many of next to no letters are no
    // list that anybody has written.
    constexpr std::uint64_t many = 1 << 20;
    const std::uint64_t least = (count > many ? 2 : 1) * sizeof(std::uint64_t);
    if (count > buffer_.remaining() / least)
      throw Malformed(
          fmt::format("a list of {} strings where {} bytes are left", count, buffer_.remaining()));
    std::vector<std::string> all;
    all.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) all.push_back(text());
    return all;
  }
  Array array() {
    const auto dtype = number<std::uint8_t>();
    if (dtype >= dtype_count) throw Malformed(fmt::format("an array of unknown dtype {}", dtype));
    const auto ndim = number<std::uint32_t>();
    if (ndim > most_dimensions) throw Malformed(fmt::format("an array of {} dimensions", ndim));
    require(std::uint64_t{ndim} * sizeof(std::int64_t));
    Shape shape(ndim);
    for (auto& extent : shape) extent = number<std::int64_t>();
    std::uint64_t bytes = 0;
    try {
      const auto elements = static_cast<std::uint64_t>(element_count(shape));
      if (__builtin_mul_overflow(elements, size_of(static_cast<DType>(dtype)), &bytes))
        throw ValueError("more than 2^64 bytes in shape " + to_string(shape));
    } catch (const ValueError& error) {
      throw Malformed(error.what());
    }
    require(bytes);
    const Distribution distribution = replicated_distribution(shape, comm_);
    Array out(std::move(shape), static_cast<DType>(dtype), distribution, comm_);
    visit(out.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto data = out.mutable_values<T>();
      if constexpr (std::is_same_v<T, bool>)
        for (auto& v : data) v = flag();
      else if constexpr (std::is_same_v<T, std::complex<float>>)
        archive_(cereal::binary_data(reinterpret_cast<float*>(data.data()), data.size_bytes()));
      else if constexpr (std::is_same_v<T, std::complex<double>>)
        archive_(cereal::binary_data(reinterpret_cast<double*>(data.data()), data.size_bytes()));
      else
        archive_(cereal::binary_data(data.data(), data.size_bytes()));
    });
    return out;
  }

  SpanBuffer buffer_;
  std::istream stream_;
  cereal::PortableBinaryInputArchive archive_;
  const Communicator& comm_;
  std::uint64_t values_ = 0;
  int level_ = 0;
};

Values gathered(const Values& values);

// With its arrays replicated in host memory.
Value gathered(const Value& value, const std::string& name) {
  if (value.is<Array>()) {
    Array x = value.as<Array>();
    if (!x) throw ValueError(fmt::format("'{}' is an empty Array handle", name));
    x = x.to(cpu);
    return x.distribution().kind() == Distribution::Kind::replicated ? x : gather(x);
  }
  if (const List* items = value.items()) {
    List all;
    for (const Value& item : *items) all.push_back(gathered(item, name));
    return value.is<List>() ? Value(std::move(all)) : Value(Tuple{std::move(all)});
  }
  if (value.is<Mapping>()) {
    Mapping all;
    for (const auto& [key, item] : value.as<Mapping>().items)
      all.items.emplace_back(key, gathered(item, name));
    return all;
  }
  if (value.is<Model>()) {
    const auto& model = value.as<Model>();
    return Model{model.estimator, gathered(model.params), gathered(model.attributes)};
  }
  return value;
}

Values gathered(const Values& values) {
  Values all = values;
  for (auto& [name, value] : all) value = gathered(value, name);
  return all;
}

std::string file_of(const Model& model) {
  std::ostringstream stream(std::ios::binary);
  {
    Writer writer(stream);
    writer.values(model.params);
    writer.values(model.attributes);
  }
  const std::string payload = std::move(stream).str();
  std::string file(magic);
  put(file, newest_format);
  put(file, static_cast<std::uint32_t>(library_version.size()));
  put(file, static_cast<std::uint32_t>(model.estimator.size()));
  put(file, static_cast<std::uint64_t>(payload.size()));
  put(file, std::uint64_t{0});
  file.append(library_version).append(model.estimator).append(payload);
  std::string sum;
  put(sum, checksum_of(file));
  file.replace(checksum_at, sum.size(), sum);
  return file;
}

struct Header {
  std::uint32_t version_length;
  std::uint32_t name_length;
  std::uint64_t payload_length;
};

// OSError unless the first bytes of the file and its size agree on a model file we can read.
Header verified_header(std::string_view bytes, std::uint64_t file_size, const std::string& path) {
  const std::size_t known = std::min(bytes.size(), magic.size());
  if (known == 0 || bytes.substr(0, known) != magic.substr(0, known))
    throw OSError(fmt::format("'{}' is not a Tessera model file", path));
  const auto truncated = [&](std::uint64_t wanted) {
    return OSError(
        fmt::format("'{}' is truncated: it has {} bytes of {}", path, file_size, wanted));
  };
  if (bytes.size() < header_bytes) throw truncated(header_bytes);
  if (const auto format = get<std::uint32_t>(bytes, format_at); format > newest_format)
    throw OSError(
        fmt::format("'{}' has format version {}, newer than the {} that Tessera {} reads, "
                    "or is damaged; use a newer Tessera",
                    path, format, newest_format, library_version));
  else if (format == 0)
    throw OSError(fmt::format("'{}' is damaged: format version 0", path));
  const Header header{get<std::uint32_t>(bytes, 12), get<std::uint32_t>(bytes, 16),
                      get<std::uint64_t>(bytes, 20)};
  std::uint64_t wanted = header_bytes + std::uint64_t{header.version_length} + header.name_length;
  if (__builtin_add_overflow(wanted, header.payload_length, &wanted))
    throw OSError(fmt::format("'{}' is damaged: impossible payload length", path));
  if (file_size < wanted) throw truncated(wanted);
  if (file_size > wanted)
    throw OSError(fmt::format("'{}' is damaged: {} bytes follow the end of the model", path,
                              file_size - wanted));
  return header;
}

// The bytes of a model file that is all it claims to be.
std::string verified_file(const InputFile& input, const std::string& path) {
  const auto size = static_cast<std::uint64_t>(input.size());
  std::string bytes(std::min<std::uint64_t>(size, header_bytes), '\0');
  input.read(0, bytes.size(), bytes.data());
  verified_header(bytes, size, path);
  bytes.resize(size);
  input.read(header_bytes, size - header_bytes, bytes.data() + header_bytes);
  if (checksum_of(bytes) != get<std::uint64_t>(bytes, checksum_at))
    throw OSError(fmt::format("'{}' is damaged: its checksum does not match", path));
  return bytes;
}

Model parsed(const std::string& file, const std::string& path, const Communicator& comm) {
  const Header header = verified_header(file, file.size(), path);
  const std::string_view rest = std::string_view(file).substr(header_bytes);
  Model model;
  model.estimator = rest.substr(header.version_length, header.name_length);
  try {
    Reader reader(rest.substr(std::size_t{header.version_length} + header.name_length), comm);
    model.params = reader.values();
    model.attributes = reader.values();
    reader.finish();
  } catch (const Malformed& error) {
    throw OSError(fmt::format("'{}' is damaged: {}", path, error.what()));
  } catch (const cereal::Exception& error) {
    throw OSError(fmt::format("'{}' is damaged: {}", path, error.what()));
  }
  return model;
}

}  // namespace

void write_model(const std::string& path, const Model& model, const Communicator& comm) {
  const Model whole{model.estimator, gathered(model.params), gathered(model.attributes)};
  on_first(comm, [&] {
    PendingFile pending(path);
    pending.write(file_of(whole));
    pending.commit();
  });
}

Model read_model(const std::string& path, const Communicator& comm) {
  std::string file;
  on_first(comm, [&] {
    const InputFile input(path);
    reading_unchanged(path, first_look(path, input.descriptor()),
                      [&](const InputFile&) { file = verified_file(input, path); });
  });
  comm.broadcast(file, 0);
  Model model;
  together(comm, [&] { model = parsed(file, path, comm); });
  model.file = path;
  return model;
}

}  // namespace tessera::io
