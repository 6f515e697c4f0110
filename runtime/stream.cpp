#include <tessera/runtime/stream.hpp>

#include <cstring>
#include <string_view>

#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/trace.hpp>

namespace tessera {

Stream::Stream(Device device) : device_(device) {
  if (device != cpu) queue_ = device_layer(device.kind).open_queue(device.index);
}
Stream::~Stream() = default;

void Stream::synchronize() {
  if (queue_) queue_->synchronize();
}

std::byte* Stream::scratch(std::size_t bytes) {
  if (scratch_.size() < bytes) {
    synchronize();  // what is queued may use the old one
    scratch_ = Buffer(bytes, device_);
  }
  return scratch_.data();
}

namespace {

void copy_rows(const Tile& from, const Tile& to) {
  const std::size_t row_bytes = static_cast<std::size_t>(to.cols) * size_of(to.dtype);
  if (row_bytes == 0) return;
  const bool packed = from.stride == from.cols && to.stride == to.cols;
  const std::int64_t pieces = packed ? std::min<std::int64_t>(1, to.rows) : to.rows;
  const std::size_t piece = packed ? row_bytes * static_cast<std::size_t>(to.rows) : row_bytes;
  for (std::int64_t i = 0; i < pieces; ++i)
    std::memcpy(to.slice(i, 1).data, from.slice(i, 1).data, piece);
}

std::string_view direction(const Tile& from, const Tile& to) {
  if (from.device == cpu) return to.device == cpu ? "host" : "host to device";
  return to.device == cpu ? "device to host" : "device to device";
}

}  // namespace

void copy(Stream& stream, const Tile& from, const Tile& to) {
  const auto run = [&] {
    if (from.device == cpu && to.device == cpu)
      copy_rows(from, to);
    else
      device_layer(stream.device().kind).copy(stream.queue(), from, to);
  };
  if (!trace::enabled()) return run();
  trace::Span span("runtime.copy", direction(from, to), stream.device());
  span.work(0.0, static_cast<double>(to.rows * to.cols) * static_cast<double>(size_of(to.dtype)));
  run();
  stream.synchronize();
}

}  // namespace tessera
