// An example of a shell: a line for each start, stop and reload of the daemon, in a file beside its log. One that serves people
// would call parts.ask("status", ...) from a thread of its own, never from the calls below: they are the loop's.
#include "examples/extending/diary_shell.h"

#include <fstream>

namespace docktor {
namespace {

class DiaryShell final : public Shell {
 public:
  explicit DiaryShell(const ShellParts& parts) : parts_(parts) {}

  Result<void> open(const DaemonSpec&) override {
    file_.open(parts_.instance.log_dir + "/diary", std::ios::app);
    if (!file_)
      return fail(ErrorCode::kDenied,
                  parts_.instance.log_dir + "/diary cannot be written; let docktor's user write there");
    return {};
  }
  void reloaded(const std::string& error) override {
    write(error.empty() ? "reloaded" : "reload refused: " + error);
  }
  void tell(std::string_view event, const std::string& detail) override {
    write(std::string(event) + ": " + detail);
  }
  void close() override { file_.close(); }

 private:
  void write(const std::string& line) { file_ << to_seconds(parts_.clock.now()) << " " << line << std::endl; }

  const ShellParts& parts_;
  std::ofstream file_;
};

}  // namespace

std::unique_ptr<Shell> make_diary_shell(const ShellParts& parts) {
  return std::make_unique<DiaryShell>(parts);
}

}  // namespace docktor
