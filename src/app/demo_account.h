// What became of every message of a demo, from the records that its producer and its workers write.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace docktor {

/// Reads the two files as they grow. Lines: `run sequence intended_ns confirmed_ns` of the producer, and
/// `run sequence intended_ns begun_ns pid` of the workers. Not thread-safe.
class MessageAccount {
 public:
  MessageAccount(std::string published_file, std::string processed_file);

  /// Takes in what was appended since the last call.
  void refresh();

  std::uint64_t published() const { return published_; }     ///< confirmed by the stream
  std::uint64_t processed() const { return processed_; }     ///< distinct messages
  std::uint64_t repeated() const { return repeated_; }       ///< processed more than once
  std::uint64_t lost() const { return published_ - both_; }  ///< published, and not processed (yet)

  /// Seconds from when a message was due until a worker began with it (the first time), of all processed so
  /// far; quantile from 0 to 1. 0 when there are none.
  double wait(double quantile) const;

 private:
  struct Fate {
    bool published = false;
    bool processed = false;
  };
  struct Tail {
    std::string path;
    std::uint64_t offset = 0;
  };
  template <class Each>
  void read(Tail& tail, const Each& each);

  Tail published_file_;
  Tail processed_file_;
  std::unordered_map<std::string, Fate> messages_;
  std::vector<double> waits_;
  std::uint64_t published_ = 0;
  std::uint64_t processed_ = 0;
  std::uint64_t both_ = 0;
  std::uint64_t repeated_ = 0;
};

}  // namespace docktor
