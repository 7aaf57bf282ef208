// The journal on disk: one JSON object a line, rotated by size.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/journal.h"
#include "os/still_there.h"

namespace docktor {

/// A file is as large as max_bytes, or four times what its `start` and `snapshot` records take, where that is
/// more: thousands of services, or much that was learned, must not leave room for nothing else. As many older
/// files are kept as fit into the same space all together, one at least. A folder or file that was removed is
/// made anew.
///
/// Not thread-safe. A line is written by one call and taken back when the disk is full, so that a reader
/// never sees half a record; after a crash in the middle of a line the next record begins a new one.
class FileJournal final : public Journal {
 public:
  struct Options {
    std::string path;                       ///< decisions.jsonl; older files are path.1 (newest) to path.N
    std::uint64_t max_bytes = 16ull << 20;  ///< of one file; larger keeps more history in fewer files
    int files = 8;                          ///< kept beside the present one; older ones are deleted
    std::chrono::milliseconds look_every{1000};  ///< whether it was moved: until then records follow it
  };

  explicit FileJournal(Options options);
  ~FileJournal() override;
  FileJournal(const FileJournal&) = delete;
  FileJournal& operator=(const FileJournal&) = delete;

  Result<void> append(const nlohmann::ordered_json& record) override;

  std::uint64_t file() const override { return file_; }

 private:
  Result<void> open();
  Result<void> write_line(const std::string& line);
  void rotate();
  std::uint64_t most() const;

  Options options_;
  StillThere still_there_{options_.look_every};
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t file_ = 0;
  std::uint64_t snapshots_ = 0;  // bytes of the present file
};

/// All complete records of a journal, oldest file first; lines that are no JSON object are skipped. `each`
/// returns false to end the reading. Reads line by line: memory does not grow with the journal. Where `wanted`
/// is given, only lines for which it holds are parsed, which is what takes the time.
Result<void> read_journal(const std::string& path,
                          const std::function<bool(const nlohmann::ordered_json&)>& each,
                          const std::function<bool(std::string_view line)>& wanted = {});

/// For read_journal: lines that may hold anything of `service` (of any when it is empty) from Unix second `since` on;
/// and its events, which have the configuration, from whenever.
std::function<bool(std::string_view line)> lines_of(const std::string& service, double since);

/// The last `most` records for which `wanted` holds, oldest first. Reads from the end: cheap on a long
/// journal.
std::vector<nlohmann::ordered_json> read_journal_tail(
    const std::string& path, std::size_t most,
    const std::function<bool(const nlohmann::ordered_json&)>& wanted);

}  // namespace docktor
