#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <tessera/io/file_identity.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::io {

/// A regular file, read at given places by several threads at once. OSError naming the file.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  std::int64_t size() const { return size_; }
  int descriptor() const { return fd_; }
  /// Exactly `bytes` bytes from `offset` on.
  void read(std::int64_t offset, std::size_t bytes, void* to) const;

 private:
  std::string path_;
  std::string what_;  ///< for the watchdog
  int fd_ = -1;
  std::int64_t size_ = 0;
};

/// Opens `file`, runs `read`, which reads it in whatever way, and checks before and after that it
/// is as it was at first: if not, that is the error, whatever `read` made of it. Local.
void reading_unchanged(const std::string& file, const FileIdentity& first,
                       const std::function<void(const InputFile&)>& read);

/// Base of sources that fill one leaf at a time from a file. A pass over a file that is not as it
/// was at first is an OSError.
class FileSource : public RowSource {
 public:
  /// `first` from require_readable().
  FileSource(std::string file, const FileIdentity& first, Shape shape, DType dtype,
             const Communicator& comm)
      : RowSource(std::move(shape), dtype, comm), file_(std::move(file)), first_(first) {}
  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override;
  bool is_everywhere() const override { return true; }

 protected:
  /// Fills `out` with the rows of one leaf. Called on several threads at once.
  virtual void fill(const InputFile& input, std::int64_t leaf, Range rows,
                    const Tile& out) const = 0;
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  FileIdentity first_;
};

}  // namespace tessera::io
