#include "targets/compose/compose_yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>
#include <utility>

namespace docktor {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostYamlBytes = 4 << 20;
constexpr int kMostNodes = 100'000;  // an alias of aliases is small as a file and endless as a tree
constexpr int kMostDepth = 100;
constexpr int kMostFiles = 100;

class Loader {
 public:
  Result<json> file(const std::string& path) {
    if (++files_ > kMostFiles)
      return fail(ErrorCode::kExhausted,
                  fmt::format("{}: more than {} files are included", path, kMostFiles));
    const auto text = read_text(path);
    if (!text) return tl::unexpected<Error>(text.error());
    json root;
    try {
      nodes_ = 0;
      root = convert(YAML::Load(*text), 0);
    } catch (const YAML::Exception& e) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}:{}:{}: {}", path, e.mark.line + 1, e.mark.column + 1, e.msg));
    }
    if (nodes_ > kMostNodes)
      return fail(ErrorCode::kExhausted, fmt::format("{} is too large when its aliases are followed", path));
    if (!root.is_object())
      return fail(ErrorCode::kInvalid, fmt::format("{} is not a Compose file: it holds no mapping", path));
    extend_all(root, path);
    include_all(root, path);
    return root;
  }

  static void merge(json& to, const json& over) {
    if (to.is_object() && over.is_object()) {
      for (const auto& [key, value] : over.items()) merge(to[key], value);
    } else if (to.is_array() && over.is_array()) {
      to.insert(to.end(), over.begin(), over.end());
    } else if (to.is_null() || !over.is_null()) {
      to = over;
    }
  }

  bool complete() const { return complete_; }

 private:
  static Result<std::string> read_text(const std::string& path) {
    std::error_code ec;
    std::ifstream in;
    if (fs::is_regular_file(path, ec)) in.open(path, std::ios::binary);
    if (!in.is_open())
      return fail(ErrorCode::kNotFound,
                  fmt::format("{} cannot be read: does it exist, and may docktor read it?", path));
    std::string text;
    std::array<char, 16384> block;
    while (in.read(block.data(), block.size()), in.gcount() > 0) {
      text.append(block.data(), static_cast<std::size_t>(in.gcount()));
      if (text.size() > kMostYamlBytes)
        return fail(ErrorCode::kExhausted, fmt::format("{} is larger than {} bytes", path, kMostYamlBytes));
    }
    return text;
  }

  json convert(const YAML::Node& n, int depth) {
    if (++nodes_ > kMostNodes || depth > kMostDepth) return {};
    if (n.Tag() == "!reset") return {};
    if (n.IsScalar()) return n.Scalar();
    if (n.IsSequence()) {
      json list = json::array();
      for (const auto& item : n) list.push_back(convert(item, depth + 1));
      return list;
    }
    if (!n.IsMap()) return {};
    json own = json::object(), merged = json::object();
    for (const auto& entry : n) {
      if (!entry.first.IsScalar()) continue;
      auto value = convert(entry.second, depth + 1);
      if (entry.first.Scalar() != "<<") {
        own[entry.first.Scalar()] = std::move(value);
        continue;
      }
      // Of several, the first that has a key wins.
      auto sources = value.is_array() ? std::move(value) : json::array({std::move(value)});
      for (const auto& source : sources) {
        if (source.is_object()) merged.insert(source.begin(), source.end());
      }
    }
    own.insert(merged.begin(), merged.end());  // what is there already stays
    return own;
  }

  static std::string beside(const std::string& path, const std::string& other) {
    return (fs::path(other).is_absolute() ? fs::path(other) : fs::path(path).parent_path() / other).string();
  }

  void extend_all(json& root, const std::string& path) {
    const auto services = root.find("services");
    if (services == root.end() || !services->is_object()) return;
    json extended = json::object();
    for (const auto& [name, service] : services->items()) {
      std::set<std::string> seen;
      extended[name] = extend(*services, name, path, seen);
    }
    *services = std::move(extended);
  }

  json extend(const json& services, const std::string& name, const std::string& path,
              std::set<std::string>& seen) {
    const auto found = services.find(name);
    if (found == services.end() || !seen.insert(path + "\n" + name).second) {
      complete_ = false;
      return {};
    }
    auto own = *found;
    const auto extends = own.is_object() ? own.find("extends") : own.end();
    if (extends == own.end()) return own;
    const auto text_of = [&](const char* key) {
      return extends->is_object() && extends->contains(key) && (*extends)[key].is_string()
                 ? (*extends)[key].get<std::string>()
                 : std::string();
    };
    const auto base = extends->is_string() ? extends->get<std::string>() : text_of("service");
    const auto other = text_of("file");
    own.erase("extends");
    json result;
    if (other.empty()) {
      result = extend(services, base, path, seen);
    } else {
      const auto where = beside(path, other);
      const auto root = file(where);  // it follows its own extends
      if (root && root->contains("services") && (*root)["services"].is_object() &&
          (*root)["services"].contains(base)) {
        result = (*root)["services"][base];
      } else {
        complete_ = false;
      }
    }
    // Not inherited: https://docs.docker.com/reference/compose-file/services/#extends
    if (result.is_object()) result.erase("depends_on");
    merge(result, own);
    return result;
  }

  // `include: [a.yaml, {path: [b.yaml, c.yaml]}]`: what is included stands under what includes it.
  void include_all(json& root, const std::string& path) {
    const auto include = root.find("include");
    if (include == root.end()) return;
    json included = json::object();
    const auto add = [&](const json& where) {
      const auto other = where.is_string() ? file(beside(path, where.get<std::string>()))
                                           : Result<json>(fail(ErrorCode::kInvalid, "no path"));
      if (other)
        merge(included, *other);
      else
        complete_ = false;
    };
    if (!include->is_array()) complete_ = false;
    for (const auto& item : include->is_array() ? *include : json::array()) {
      const auto where = item.is_object() ? item.value("path", json()) : item;
      if (!where.is_array()) {
        add(where);
      } else {
        for (const auto& one : where) add(one);
      }
    }
    root.erase("include");
    included.erase("name");
    merge(included, root);
    root = std::move(included);
  }

  int nodes_ = 0;
  int files_ = 0;
  bool complete_ = true;
};

}  // namespace

Result<ComposeModel> load_compose_model(const std::vector<std::string>& paths) {
  Loader loader;
  ComposeModel out{.model = json::object()};
  for (const auto& path : paths) {
    const auto root = loader.file(path);
    if (!root) return tl::unexpected<Error>(root.error());
    Loader::merge(out.model, *root);
  }
  out.complete = loader.complete();
  return out;
}

std::vector<std::string> files_with_override(const std::string& file) {
  static constexpr std::array<std::string_view, 4> kOwn{"compose.yaml", "compose.yml", "docker-compose.yml",
                                                        "docker-compose.yaml"};
  static constexpr std::array<std::string_view, 4> kOverrides{"compose.override.yml", "compose.override.yaml",
                                                              "docker-compose.override.yml",
                                                              "docker-compose.override.yaml"};
  std::vector<std::string> all{file};
  const fs::path path(file);
  if (std::ranges::find(kOwn, path.filename().string()) == kOwn.end()) return all;
  for (const auto name : kOverrides) {
    std::error_code ec;
    if (const auto other = path.parent_path() / name; fs::is_regular_file(other, ec)) {
      all.push_back(other.string());
      break;
    }
  }
  return all;
}

}  // namespace docktor
