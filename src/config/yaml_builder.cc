#include "config/yaml_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace docktor {

namespace {

std::size_t size_of(const YamlNode& node) {
  std::size_t n = 1;
  for (const auto& item : node.items) n += size_of(item);
  for (const auto& entry : node.entries) n += size_of(entry.value);
  return n;
}

}  // namespace

YamlNode YamlBuilder::take() {
  if (!root_) return YamlNode{.at = {1, 1}};
  return std::move(*root_);
}

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  const auto at = to_position(mark);
  if (started_) {
    // Text that fits nowhere also begins a document for yaml-cpp; before some of it (",") it would do so for
    // ever.
    const bool marked = text_.from(at).starts_with("---") || text_.from(at).starts_with("...");
    throw YamlRefusal{
        at, marked ? "a second YAML document; a configuration is one document"
                   : "not valid YAML: this does not continue what stands before; look at the indentation "
                     "and the quotes here"};
  }
  started_ = true;
}

void YamlBuilder::check_tag(Position at, const std::string& tag) {
  if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:")) return;
  mistakes_.add(
      at, fmt::format("unknown YAML tag {}; write a text that begins with ! in quotes", in_quotes(tag)));
}

void YamlBuilder::count(Position at, std::size_t nodes) {
  nodes_ += nodes;
  if (nodes_ > kMaxYamlNodes) {
    throw YamlRefusal{
        at, fmt::format("more than {} values, each use of an alias counted; write less", kMaxYamlNodes)};
  }
}

void YamlBuilder::remember(YAML::anchor_t anchor, const YamlNode& node) {
  if (anchor == 0) return;
  count(node.at, size_of(node));
  anchors_[anchor] = node;
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  YamlNode node{.at = to_position(mark)};
  count(node.at, 1);
  remember(anchor, node);
  attach(std::move(node), true);
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto at = to_position(mark);
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) throw YamlRefusal{at, "an alias within its own anchor; it would never end"};
  count(at, size_of(found->second));
  attach(found->second, false);
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  YamlNode node{.kind = YamlNode::Kind::kScalar, .at = to_position(mark), .text = value};
  const bool plain = tag == "?";
  if (!plain) {
    check_tag(node.at, tag);
    if (text_.quote_is_open(node.at)) {
      throw YamlRefusal{node.at, "not valid YAML: a quote is opened here and never closed; close it"};
    }
    node.block = text_.is_block(node.at);
  }
  count(node.at, 1);
  remember(anchor, node);
  attach(std::move(node), plain);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value /*style*/) {
  open({.kind = YamlNode::Kind::kList, .at = to_position(mark)}, tag, anchor);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value /*style*/) {
  open({.kind = YamlNode::Kind::kMap, .at = to_position(mark)}, tag, anchor);
}

void YamlBuilder::open(YamlNode node, const std::string& tag, YAML::anchor_t anchor) {
  check_tag(node.at, tag);
  count(node.at, 1);
  if (stack_.size() == kMaxYamlDepth) {
    throw YamlRefusal{node.at, fmt::format("nested too deeply; allowed: at most {} levels", kMaxYamlDepth)};
  }
  Frame frame;
  frame.node = std::move(node);
  frame.anchor = anchor;
  stack_.push_back(std::move(frame));
}

void YamlBuilder::close() {
  Frame frame = std::move(stack_.back());
  stack_.pop_back();
  drop_duplicates(frame.node);
  merge(frame);
  remember(frame.anchor, frame.node);
  attach(std::move(frame.node), false);
}

void YamlBuilder::attach(YamlNode node, bool plain) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return;
  }
  auto& frame = stack_.back();
  if (frame.node.kind == YamlNode::Kind::kList) {
    frame.node.items.push_back(std::move(node));
  } else if (!frame.has_key) {
    take_key(frame, std::move(node), plain);
  } else {
    frame.has_key = false;
    // yaml-cpp marks an absent value where the next thing begins, which may be lines away.
    if (node.kind == YamlNode::Kind::kNull) node.at = frame.entry.key_at;
    if (frame.key_merges) {
      frame.merges.push_back({frame.entry.key_at, std::move(node)});
    } else {
      frame.entry.value = std::move(node);
      frame.node.entries.push_back(std::move(frame.entry));
    }
    frame.entry = {};
  }
}

void YamlBuilder::take_key(Frame& frame, YamlNode node, bool plain) {
  if (node.kind != YamlNode::Kind::kScalar)
    throw YamlRefusal{node.at, "a key is not a text; write key: value"};
  frame.has_key = true;
  frame.key_merges = plain && node.text == "<<";
  frame.entry.key = std::move(node.text);
  frame.entry.key_at = node.at;
}

void YamlBuilder::drop_duplicates(YamlNode& map) {
  std::unordered_map<std::string_view, Position> seen;
  std::vector<bool> twice(map.entries.size());
  bool any = false;
  for (std::size_t i = 0; i < map.entries.size(); ++i) {
    const auto& e = map.entries[i];
    const auto [it, is_new] = seen.emplace(e.key, e.key_at);
    if (is_new) continue;
    any = twice[i] = true;
    mistakes_.add(e.key_at, fmt::format("duplicate key {}, first written at line {}; write it once",
                                        in_quotes(e.key), it->second.line));
  }
  if (!any) return;
  std::vector<YamlEntry> once;
  for (std::size_t i = 0; i < map.entries.size(); ++i) {
    if (!twice[i]) once.push_back(std::move(map.entries[i]));
  }
  map.entries = std::move(once);
}

// What the map itself says wins, then the earlier of several merged maps.
void YamlBuilder::merge(Frame& frame) {
  if (frame.merges.size() > 1) {
    mistakes_.add(frame.merges[1].at, "duplicate key \"<<\"; write <<: [*first, *second]");
  }
  for (auto& m : frame.merges) {
    if (m.value.kind == YamlNode::Kind::kList) {
      for (auto& item : m.value.items) merge_map(frame.node, std::move(item), m.at);
    } else {
      merge_map(frame.node, std::move(m.value), m.at);
    }
  }
}

void YamlBuilder::merge_map(YamlNode& into, YamlNode from, Position at) {
  if (from.kind != YamlNode::Kind::kMap) {
    mistakes_.add(at, "<< merges only maps; write <<: *anchor_of_a_map");
    return;
  }
  std::unordered_set<std::string> have;
  for (const auto& e : into.entries) have.insert(e.key);
  for (auto& e : from.entries) {
    if (have.insert(e.key).second) into.entries.push_back(std::move(e));
  }
}

}  // namespace docktor
