// Builds a YamlNode tree from yaml-cpp's events. Private to parse_yaml().
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/yaml.h"
#include "config/yaml_text.h"

namespace docktor {

/// Thrown through yaml-cpp to end the parse, and caught in parse_yaml().
struct YamlRefusal {
  Position at;
  std::string message;
};

inline Position to_position(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

class YamlBuilder final : public YAML::EventHandler {
 public:
  YamlBuilder(const YamlText& text, Mistakes& mistakes) : text_(text), mistakes_(mistakes) {}

  /// The root, once the parse is over.
  YamlNode take();

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  struct Merge {
    Position at;
    YamlNode value;
  };
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // a key waits for its value
    bool key_merges = false;
    YamlEntry entry;  // the key that waits
    std::vector<Merge> merges;
  };

  void check_tag(Position at, const std::string& tag);
  void count(Position at, std::size_t nodes);
  void open(YamlNode node, const std::string& tag, YAML::anchor_t anchor);
  void close();
  void remember(YAML::anchor_t anchor, const YamlNode& node);
  void attach(YamlNode node, bool plain);
  void take_key(Frame& frame, YamlNode node, bool plain);
  void drop_duplicates(YamlNode& map);
  void merge(Frame& frame);
  void merge_map(YamlNode& into, YamlNode from, Position at);

  const YamlText& text_;
  Mistakes& mistakes_;
  bool started_ = false;
  std::size_t nodes_ = 0;
  std::optional<YamlNode> root_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, YamlNode> anchors_;
};

}  // namespace docktor
