#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include <tessera/runtime/rows.hpp>

namespace tessera::io {

/// A regular file, read at given places by several threads at once. OSError naming the file.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  std::int64_t size() const { return size_; }
  /// Exactly `bytes` bytes from `offset` on.
  void read(std::int64_t offset, std::size_t bytes, void* to) const;

 private:
  std::string path_;
  int fd_ = -1;
  std::int64_t size_ = 0;
};

/// Base of sources that fill one leaf at a time from a file.
class FileSource : public RowSource {
 public:
  FileSource(std::string file, Shape shape, DType dtype, const Communicator& comm)
      : RowSource(std::move(shape), dtype, comm), file_(std::move(file)) {}
  void visit_leaves(std::span<const std::int64_t> leaves, const LeafVisitor& visit,
                    int threads) const override;

 protected:
  /// Fills `out` with the rows of one leaf. Called on several threads at once.
  virtual void fill(const InputFile& input, std::int64_t leaf, Range rows,
                    const Tile& out) const = 0;
  const std::string& file() const { return file_; }

 private:
  std::string file_;
};

}  // namespace tessera::io
