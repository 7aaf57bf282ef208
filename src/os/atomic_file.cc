#include "os/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace docktor {
namespace {

tl::unexpected<Error> file_error(const std::string& path, const char* what) {
  const int e = errno;
  const auto code = e == ENOENT                 ? ErrorCode::kNotFound
                    : e == EACCES || e == EPERM ? ErrorCode::kDenied
                                                : ErrorCode::kExhausted;
  return fail(code, fmt::format("{}: {}: {}", path, what, std::strerror(e)), true);
}

bool write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

void sync_files(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::syncfs(fd);
  ::close(fd);
}

Result<void> write_atomically(const std::string& path, const std::string& text, AtomicWrite how) {
  struct stat old{};
  if (how.as_it_was && ::stat(path.c_str(), &old) != 0) return file_error(path, "cannot read");
  if (auto r = make_folder(folder_of(path)); !r) return r;
  // A name that nobody else uses where the folder is a user's own.
  std::string beside = path + (how.as_it_was ? ".XXXXXX" : ".new");
  const int fd =
      how.as_it_was ? ::mkostemp(beside.data(), O_CLOEXEC)
                    : ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, how.mode);
  if (fd < 0)
    return how.as_it_was ? file_error(path, "cannot write beside it") : file_error(beside, "cannot write");
  bool ok = true;
  if (how.as_it_was) {
    (void)!::fchown(fd, old.st_uid, old.st_gid);  // only root can give it to somebody else
    ok = ::fchmod(fd, old.st_mode & 07777) == 0;
  }
  ok = ok && write_all(fd, text) && (how.then == OnDisk::kNotKnown || ::fsync(fd) == 0);
  const int e = errno;
  const bool closed = ::close(fd) == 0;
  if (!ok || !closed || ::rename(beside.c_str(), path.c_str()) != 0) {
    if (!ok) errno = e;
    auto error = file_error(path, "cannot write");
    ::unlink(beside.c_str());
    return error;
  }
  if (how.then != OnDisk::kNew) return {};
  const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error(path, "cannot read");
  std::string text;
  char block[16 << 10];
  while (true) {
    const auto n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto error = file_error(path, "cannot read");
      ::close(fd);
      return error;
    }
    if (n == 0) break;
    text.append(block, static_cast<std::size_t>(n));
    if (text.size() > most) {
      ::close(fd);
      return fail(ErrorCode::kInvalid, fmt::format("{}: larger than {} bytes", path, most));
    }
  }
  ::close(fd);
  return text;
}

Result<void> make_folder(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) == 0) {
    if (S_ISDIR(s.st_mode)) return {};
    return fail(ErrorCode::kInvalid, fmt::format("{}: is not a folder; move it away", path));
  }
  if (const auto parent = folder_of(path); parent != path) {
    if (auto r = make_folder(parent); !r) return r;
  }
  if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return file_error(path, "cannot make the folder");
  return {};
}

Result<void> own_folder(const std::string& path) {
  if (auto r = make_folder(path); !r) return r;
  for (const auto& folder : {path, folder_of(path)}) {
    struct stat s{};
    if (::stat(folder.c_str(), &s) != 0) return file_error(folder, "cannot look at the folder");
    if (s.st_uid != ::geteuid() && s.st_uid != 0) {
      return fail(
          ErrorCode::kDenied,
          fmt::format("{}: belongs to another user (uid {}), who may change what is in it: remove it, "
                      "or name another folder",
                      folder, s.st_uid));
    }
    if ((s.st_mode & S_IWOTH) && (folder == path || !(s.st_mode & S_ISVTX))) {
      return fail(ErrorCode::kDenied,
                  fmt::format("{}: everybody may write there: chmod o-w it, or name another folder", folder));
    }
  }
  return {};
}

}  // namespace docktor
