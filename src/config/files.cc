#include "config/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace docktor {

namespace {

class Descriptor final {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> system_failure(int error) {
  const auto code = error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound
                    : error == EACCES || error == EPERM ? ErrorCode::kDenied
                                                        : ErrorCode::kInvalid;
  return fail(code, std::generic_category().message(error));
}

// O_NONBLOCK: opening a pipe that nobody writes would block before it could be refused.
Result<Descriptor> open_regular(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) return system_failure(errno);
  struct stat st{};
  if (::fstat(file.get(), &st) != 0) return system_failure(errno);
  if (S_ISDIR(st.st_mode)) return fail(ErrorCode::kInvalid, "it is a folder");
  if (!S_ISREG(st.st_mode)) return fail(ErrorCode::kInvalid, "it is not a regular file");
  return file;
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
  const auto file = open_regular(path);
  if (!file) return tl::unexpected<Error>(file.error());
  // By blocks: the limit is no measure of what a file takes.
  std::string content;
  std::array<char, 16384> block;
  while (true) {
    const auto n = ::read(file->get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure(errno);
    if (n == 0) return content;
    content.append(block.data(), static_cast<std::size_t>(n));
    if (content.size() > limit)
      return fail(ErrorCode::kExhausted, fmt::format("it is larger than {} KiB", limit / 1024));
  }
}

Result<void> check_readable_file(const std::string& path) {
  const auto file = open_regular(path);
  if (!file) return tl::unexpected<Error>(file.error());
  return {};
}

std::string path_under(std::string_view folder, std::string_view path) {
  const std::filesystem::path p(path);
  const auto joined = p.is_absolute() ? p : std::filesystem::path(folder) / p;
  auto text = joined.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace docktor
