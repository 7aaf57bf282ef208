#include "queues/kafka/cluster_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "core/pause.h"

namespace docktor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Questions that come within this time share what is read; the more services there are, the more it saves.
constexpr Duration kGatherEach = std::chrono::microseconds(200);
constexpr Duration kGatherMost = milliseconds(100);
constexpr std::size_t kChunk = 200;  // partitions in one question: librdkafka sorts them in by looking at all
constexpr Duration kMetadataGood = std::chrono::seconds(10);
constexpr Duration kSlowLeader = std::chrono::seconds(1);
constexpr Duration kMembersBusy = milliseconds(900);
constexpr int kMembersPerSecond = 50;
constexpr Duration kLook = milliseconds(500);
constexpr Duration kLookAgain = milliseconds(500);  // doubled with each miss
constexpr Duration kMargin = milliseconds(50);

}  // namespace

std::uint64_t KafkaCluster::Reader::add(GroupQuery query) {
  const std::lock_guard lock(mutex_);
  const auto id = next_id_++;
  added_.emplace(id, std::move(query));
  live_.insert(id);
  return id;
}

void KafkaCluster::Reader::remove(std::uint64_t id) {
  std::deque<Ask> dropped;  // their callbacks end without the lock
  {
    const std::lock_guard lock(mutex_);
    live_.erase(id);
    removed_.push_back(id);
    const auto gone =
        std::stable_partition(asks_.begin(), asks_.end(), [&](const Ask& a) { return a.id != id; });
    std::move(gone, asks_.end(), std::back_inserter(dropped));
    asks_.erase(gone, asks_.end());
  }
}

void KafkaCluster::Reader::read(std::uint64_t id, SteadyTime until, Done done) {
  const std::lock_guard lock(mutex_);
  asks_.push_back({id, until, std::move(done)});
  changed_.notify_all();
  if (client_) client_->wake();
}

void KafkaCluster::Reader::start(const std::shared_ptr<Reader>& reader) {
  const std::lock_guard lock(reader->mutex_);
  if (reader->started_) return;
  std::thread([reader] { reader->run(); }).detach();
  reader->started_ = true;
}

void KafkaCluster::Reader::stop(Duration most) {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
  if (client_) client_->give_up();
  if (started_) changed_.wait_for(lock, most, [&] { return ended_; });
}

void KafkaCluster::Reader::answer(Ask ask, Result<GroupFigures> result) {
  {
    const std::lock_guard lock(mutex_);
    if (!live_.contains(ask.id)) return;
  }
  ask.done(std::move(result));
}

void KafkaCluster::Reader::run() {
  std::unique_ptr<KafkaClient> client;
  while (true) {
    auto asks = take_asks(tags_.empty());
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) break;
    }
    if (!client && !asks.empty()) {
      auto opened = KafkaClient::open(spec_, options_);
      if (!opened) {  // a file that is not there now may be later
        for (auto& ask : asks) answer(std::move(ask), tl::unexpected(opened.error()));
        continue;
      }
      client = std::move(*opened);
      const std::lock_guard lock(mutex_);
      client_ = client.get();
    }
    if (!client) continue;
    take_changes();
    if (!asks.empty()) round(std::move(asks));
    const auto deadline = state_.next_deadline();
    while (!tags_.empty() && steady_clock::now() < deadline) {
      auto answered = client->next(deadline);
      if (!answered) break;  // the time is up, or a question came
      took(std::move(*answered));
    }
    expire();
    look_for_residue();
  }
  {
    const std::lock_guard lock(mutex_);
    client_ = nullptr;
  }
  state_.groups.clear();  // with what waits: nobody is asked any more
  client.reset();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

std::vector<KafkaCluster::Reader::Ask> KafkaCluster::Reader::take_asks(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) changed_.wait(lock, [&] { return stopped_ || !asks_.empty(); });
  if (!asks_.empty() && !stopped_) {
    const auto gather = std::min<Duration>(kGatherMost, kGatherEach * static_cast<int>(live_.size()));
    changed_.wait_for(lock, gather, [&] { return stopped_ || asks_.size() >= live_.size(); });
  }
  std::vector<Ask> out;
  if (stopped_) return out;
  for (auto& ask : asks_) out.push_back(std::move(ask));
  asks_.clear();
  return out;
}

void KafkaCluster::Reader::take_changes() {
  std::vector<std::uint64_t> removed;
  std::map<std::uint64_t, GroupQuery> added;
  {
    const std::lock_guard lock(mutex_);
    removed.swap(removed_);
    added.swap(added_);
  }
  for (auto& [id, query] : added) {
    for (const auto& t : query.topics) {
      if (state_.topics[t].users++ == 0) client_->follow(t);
    }
    state_.groups[id].query = std::move(query);
  }
  for (const auto id : removed) {
    const auto it = state_.groups.find(id);
    if (it == state_.groups.end()) continue;
    for (const auto& t : it->second.query.topics) {
      if (--state_.topics[t].users > 0) continue;
      client_->unfollow(t);
      state_.topics.erase(t);
    }
    state_.groups.erase(it);
  }
}

void KafkaCluster::Reader::round(std::vector<Ask> asks) {
  std::erase_if(asks, [&](const Ask& ask) { return !state_.groups.contains(ask.id); });  // removed meanwhile
  if (asks.empty()) return;
  auto until = asks.front().until;
  for (const auto& ask : asks) until = std::min(until, ask.until);
  until -= kMargin;
  if (!refresh_topics(asks, until)) return;

  std::vector<Ask> healthy, slow;
  for (auto& ask : asks) {
    const auto& group = state_.groups.at(ask.id);
    if (auto trouble = state_.trouble_of(group, client_->shown())) {
      answer(std::move(ask), tl::unexpected(*trouble));
      continue;
    }
    const bool is_slow = std::ranges::any_of(group.query.topics, [&](const auto& t) {
      return std::ranges::any_of(state_.topics.at(t).info.leaders,
                                 [&](int leader) { return slow_.contains(leader); });
    });
    (is_slow ? slow : healthy).push_back(std::move(ask));
  }
  // Who needs a broker that does not answer waits for it alone.
  for (auto* some : {&healthy, &slow}) {
    read_edges(*some, until);
    for (auto& ask : *some) {
      auto& group = state_.groups.at(ask.id);
      const auto id = ask.id;
      if (auto trouble = state_.lay_out(group)) {
        answer(std::move(ask), tl::unexpected(*trouble));
        continue;
      }
      ask_group(id, group, std::move(ask));
    }
  }
}

// False where the cluster does not answer, which every asker is told then.
bool KafkaCluster::Reader::refresh_topics(std::vector<Ask>& asks, SteadyTime until) {
  const auto now = steady_clock::now();
  bool all_known = now - metadata_at_ < kMetadataGood && !client_->troubled();
  for (const auto& ask : asks) {
    for (const auto& t : state_.groups.at(ask.id).query.topics)
      all_known = all_known && state_.topics.at(t).known;
  }
  if (all_known) return true;
  const auto found = client_->metadata(until);
  if (!found) {
    for (auto& ask : asks) answer(std::move(ask), tl::unexpected(found.error()));
    return false;
  }
  metadata_at_ = now;
  for (auto& [name, topic] : state_.topics) {
    const auto it = found->find(name);
    topic.info = it != found->end() ? it->second : TopicInfo{};
    if (it == found->end() || (!topic.info.error && topic.info.leaders.empty()))
      topic.info.error =
          Error{ErrorCode::kUnavailable,
                fmt::format("Kafka at {} tells nothing of topic {}", client_->shown(), name), true};
    const bool whole =
        !topic.info.error && std::ranges::none_of(topic.info.leaders, [](int l) { return l < 0; });
    topic.known = whole;  // what is missing is looked for in each round
    if (topic.edges.size() != topic.info.leaders.size()) {
      topic.edges.assign(topic.info.leaders.size(), {});
      topic.begins_at = {};
    }
  }
  return true;
}

void KafkaCluster::Reader::read_edges(const std::vector<Ask>& asks, SteadyTime until) {
  std::set<std::string> names;
  for (const auto& ask : asks) {
    const auto& topics = state_.groups.at(ask.id).query.topics;
    names.insert(topics.begin(), topics.end());
  }
  const auto now = steady_clock::now();
  std::map<int, std::vector<Partition>> ends, begins;  // by leader
  for (const auto& name : names) {
    auto& topic = state_.topics.at(name);
    const bool again = now - topic.begins_at >= rarely_asked(state_.topics.size());
    if (again) topic.begins_at = now;
    for (std::size_t n = 0; n < topic.info.leaders.size(); ++n) {
      const Partition id{name, static_cast<int>(n)};
      topic.edges[n].error.reset();
      ends[topic.info.leaders[n]].push_back(id);
      if (again) begins[topic.info.leaders[n]].push_back(id);
    }
  }
  for (const auto& [leader, partitions] : begins)
    read_leader(leader, partitions, KafkaClient::Edge::kBegin, until);
  for (const auto& [leader, partitions] : ends)
    read_leader(leader, partitions, KafkaClient::Edge::kEnd, until);
}

void KafkaCluster::Reader::read_leader(int leader, const std::vector<Partition>& partitions,
                                       KafkaClient::Edge edge, SteadyTime until) {
  const auto fail_all = [&](const std::vector<Partition>& some, const Error& error) {
    for (const auto& p : some) {
      auto& topic = state_.topics.at(p.topic);
      topic.edges[static_cast<std::size_t>(p.number)].error = error;
      topic.known = false;  // its leader may be another one by now, or the topic gone
      topic.begins_at = {};
    }
  };
  const auto ask = [&](const std::vector<Partition>& some) -> std::optional<Error> {
    const auto deadline = slow_.contains(leader) ? std::min(until, steady_clock::now() + kSlowLeader) : until;
    const auto found = client_->offsets(edge, some, deadline);
    if (!found) return found.error();
    slow_.erase(leader);
    for (std::size_t i = 0; i < some.size(); ++i) {
      auto& edges = state_.topics.at(some[i].topic).edges[static_cast<std::size_t>(some[i].number)];
      (edge == KafkaClient::Edge::kEnd ? edges.end : edges.begin) = (*found)[i];
    }
    return std::nullopt;
  };
  for (std::size_t from = 0; from < partitions.size(); from += kChunk) {
    const std::vector<Partition> chunk(
        partitions.begin() + static_cast<std::ptrdiff_t>(from),
        partitions.begin() + static_cast<std::ptrdiff_t>(std::min(from + kChunk, partitions.size())));
    const auto error = ask(chunk);
    if (!error) continue;
    const bool silent = error->code == ErrorCode::kTimeout || steady_clock::now() >= until;
    if (silent) {
      slow_.insert(leader);
      fail_all({partitions.begin() + static_cast<std::ptrdiff_t>(from), partitions.end()}, *error);
      return;
    }
    // One topic's trouble is not the others': each is asked for alone.
    for (std::size_t i = 0; i < chunk.size();) {
      std::vector<Partition> one;
      for (const auto& name = chunk[i].topic; i < chunk.size() && chunk[i].topic == name; ++i)
        one.push_back(chunk[i]);
      if (const auto own = ask(one)) fail_all(one, *own);
    }
  }
}

void KafkaCluster::Reader::ask_group(std::uint64_t id, Group& group, Ask ask) {
  group.waits = std::move(ask);
  if (state_.at_rest(group)) {
    ask_members(id, group);
    return finish(group);
  }
  group.ends.clear();
  for (const auto& p : group.partitions)
    group.ends.push_back(state_.topics.at(p.topic).edges[static_cast<std::size_t>(p.number)].end);
  group.tag = next_tag_++;
  tags_[group.tag] = id;
  client_->ask_commits(group.tag, group.query.group, group.partitions, group.waits->until);
  ask_members(id, group);
}

// For information, so that it comes with the next reading; rarely where nothing moves, and never for thousands at once.
void KafkaCluster::Reader::ask_members(std::uint64_t id, Group& group) {
  const auto now = steady_clock::now();
  const bool busy = (group.members && group.members->rebalancing) || !group.commits_at ||
                    now - *group.commits_at < kMembersBusy || !state_.at_rest(group);
  if (group.members_asked &&
      now - *group.members_asked <
          (busy ? kMembersBusy : std::max(kMembersBusy, rarely_asked(state_.groups.size()))))
    return;
  if (now - members_second_ >= std::chrono::seconds(1)) {
    members_second_ = now;
    members_asked_ = 0;
  }
  if (++members_asked_ > kMembersPerSecond) return;
  group.members_asked = now;
  const auto tag = next_tag_++;
  tags_[tag] = id;
  client_->ask_members(tag, group.query.group, now + std::chrono::seconds(5));
}

void KafkaCluster::Reader::took(GroupAnswer answered) {
  const auto tag = tags_.find(answered.tag);
  if (tag == tags_.end()) return;
  const auto it = state_.groups.find(tag->second);
  tags_.erase(tag);
  if (it == state_.groups.end()) return;
  auto& group = it->second;
  if (auto* members = std::get_if<Result<std::optional<GroupMembers>>>(&answered.what)) {
    group.members = *members ? **members : std::nullopt;
    if (group.members) group.note_assignor();
    return;
  }
  if (!group.waits || group.tag != answered.tag) return;  // of a question that was given up
  auto& commits = std::get<Result<Commits>>(answered.what);
  if (!commits) {
    group.commits_at.reset();
    return answer(*std::exchange(group.waits, std::nullopt), tl::unexpected(commits.error()));
  }
  if (commits->size() != group.partitions.size())
    return answer(*std::exchange(group.waits, std::nullopt),
                  fail(ErrorCode::kInternal, "the topic changed", true));
  group.commits = std::move(*commits);
  group.commits_at = steady_clock::now();
  finish(group);
}

void KafkaCluster::Reader::finish(Group& group) {
  answer(*std::exchange(group.waits, std::nullopt), state_.figures_of(group));
}

// One at a time, and only while nobody waits: it may take as long as a fetch.
void KafkaCluster::Reader::look_for_residue() {
  const auto now = steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (!asks_.empty() || stopped_) return;
  }
  const Partition* partition = nullptr;
  KafkaStill* oldest = nullptr;  // so that those that do not answer hold up nobody for ever
  std::int64_t begin = 0;
  for (auto& [id, group] : state_.groups) {
    for (auto& [p, still] : group.still) {
      const auto pause = still.misses > 0 ? pause_after(still.misses + 1, kLookAgain, options_.still_after)
                                          : options_.still_after;
      if (still.looked || now - still.since < pause) continue;
      if (oldest && oldest->since <= still.since) continue;
      const auto& edges = state_.topics.at(p.topic).edges;
      if (static_cast<std::size_t>(p.number) >= edges.size()) continue;  // the topic is gone
      partition = &p;
      oldest = &still;
      begin = edges[static_cast<std::size_t>(p.number)].begin;
    }
  }
  if (!oldest) return;
  // What retention deleted cannot be read any more.
  const auto has = client_->has_record(*partition, std::max(oldest->committed, begin), now + kLook);
  oldest->looked = has.has_value();
  oldest->residue = has && !*has;
  // The library may begin to fetch too late for the answer; where there is none again and again, it is asked for rarely.
  oldest->since = steady_clock::now();
  oldest->misses += !has;
}

void KafkaCluster::Reader::expire() {
  const auto now = steady_clock::now();
  for (auto& [id, group] : state_.groups) {
    if (!group.waits || group.waits->until > now) continue;
    group.commits_at.reset();
    answer(*std::exchange(group.waits, std::nullopt),
           fail(ErrorCode::kTimeout,
                fmt::format("Kafka at {} did not tell the commits of group {} in time", client_->shown(),
                            group.query.group),
                true));
  }
}

}  // namespace docktor
