// The few commands of the nats CLI that this example uses, in its words and flags, for an image that has no
// nats CLI.
//
// nats stream info STREAM | nats stream add STREAM --subjects=... --storage=file|memory --max-age=24h
// nats consumer info STREAM CONSUMER | nats consumer add STREAM CONSUMER --pull --ack=explicit|none|all
// --deliver=all|new|last NATS_URL=nats://localhost:4222
#include <nats/nats.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace {

[[noreturn]] void end(const std::string& message) {
  std::fprintf(stderr, "nats: error: %s\n", message.c_str());
  std::exit(1);
}

void check(natsStatus s, jsErrCode error, const std::string& what) {
  if (s == NATS_OK) return;
  if (error == JSStreamNotFoundErr) end(what + ": stream not found");
  if (error == JSConsumerNotFoundErr) end(what + ": consumer not found");
  end(what + ": " + natsStatus_GetText(s));
}

/// "24h", "90m", "30s", "1d"; "" and "0" are unlimited.
std::int64_t nanoseconds(const std::string& text) {
  if (text.empty()) return 0;
  char* unit = nullptr;
  const double n = std::strtod(text.c_str(), &unit);
  const std::map<std::string, double> units{{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  const auto found = units.find(unit);
  if (found == units.end() || n < 0) end("--max-age=" + text + ": write it as 30s, 90m, 24h or 1d");
  return static_cast<std::int64_t>(n * found->second * 1e9);
}

std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < text.size();) {
    const auto comma = std::min(text.find(',', from), text.size());
    if (comma > from) out.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return out;
}

using Flags = std::map<std::string, std::string>;

std::string choice(const Flags& flags, const char* name, const char* standard,
                   const std::vector<std::string>& choices) {
  const auto found = flags.find(name);
  const std::string value = found == flags.end() ? standard : found->second;
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return value;
  std::string all;
  for (const auto& c : choices) all += (all.empty() ? "" : ", ") + c;
  end(std::string("--") + name + "=" + value + ": must be one of " + all);
}

void stream_info(jsCtx* js, const std::string& name) {
  jsStreamInfo* info = nullptr;
  jsErrCode error{};
  check(js_GetStreamInfo(&info, js, name.c_str(), nullptr, &error), error, "stream " + name);
  std::string subjects;
  for (int i = 0; i < info->Config->SubjectsLen; ++i)
    subjects += (i ? ", " : "") + std::string(info->Config->Subjects[i]);
  const auto& state = info->State;
  std::printf("Information for Stream %s\n\n", name.c_str());
  std::printf("             Subjects: %s\n", subjects.c_str());
  std::printf("              Storage: %s\n", info->Config->Storage == js_FileStorage ? "File" : "Memory");
  std::printf("          Maximum Age: %g h\n", static_cast<double>(info->Config->MaxAge) / 3.6e12);
  std::printf("\nState:\n\n");
  std::printf("             Messages: %" PRIu64 "\n", state.Msgs);
  std::printf("                Bytes: %" PRIu64 "\n", state.Bytes);
  std::printf("       First Sequence: %" PRIu64 "\n", state.FirstSeq);
  std::printf("        Last Sequence: %" PRIu64 "\n", state.LastSeq);
  std::printf("     Active Consumers: %" PRId64 "\n", static_cast<std::int64_t>(state.Consumers));
  jsStreamInfo_Destroy(info);
}

void stream_add(jsCtx* js, const std::string& name, const Flags& flags) {
  const auto given = flags.find("subjects");
  const auto subjects = list(given == flags.end() ? "" : given->second);
  if (subjects.empty()) end("stream add: --subjects is missing");
  std::vector<const char*> pointers;
  pointers.reserve(subjects.size());
  for (const auto& s : subjects) pointers.push_back(s.c_str());
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = name.c_str();
  config.Subjects = pointers.data();
  config.SubjectsLen = static_cast<int>(pointers.size());
  config.Storage =
      choice(flags, "storage", "file", {"file", "memory"}) == "file" ? js_FileStorage : js_MemoryStorage;
  const auto age = flags.find("max-age");
  config.MaxAge = nanoseconds(age == flags.end() ? "" : age->second);
  jsStreamInfo* info = nullptr;
  jsErrCode error{};
  auto s = js_AddStream(&info, js, &config, nullptr, &error);
  if (s != NATS_OK && error == JSStreamNameExistErr)
    end("stream add: a stream " + name + " with another configuration is there");
  check(s, error, "stream add");
  jsStreamInfo_Destroy(info);
  std::printf("Stream %s was created\n\n", name.c_str());
  stream_info(js, name);
}

void consumer_info(jsCtx* js, const std::string& stream, const std::string& name) {
  jsConsumerInfo* info = nullptr;
  jsErrCode error{};
  check(js_GetConsumerInfo(&info, js, stream.c_str(), name.c_str(), nullptr, &error), error,
        "consumer " + stream + " > " + name);
  const auto& c = *info->Config;
  const char* ack = c.AckPolicy == js_AckExplicit ? "Explicit" : c.AckPolicy == js_AckAll ? "All" : "None";
  std::printf("Information for Consumer %s > %s\n\nConfiguration:\n\n", stream.c_str(), name.c_str());
  std::printf("                    Name: %s\n", name.c_str());
  std::printf("               Pull Mode: %s\n", c.DeliverSubject && *c.DeliverSubject ? "false" : "true");
  std::printf("              Ack Policy: %s\n", ack);
  std::printf("                Ack Wait: %g s\n", static_cast<double>(c.AckWait) / 1e9);
  if (c.FilterSubject && *c.FilterSubject) std::printf("          Filter Subject: %s\n", c.FilterSubject);
  std::printf("\nState:\n\n");
  std::printf("  Last Delivered Message: Consumer sequence: %" PRIu64 " Stream sequence: %" PRIu64 "\n",
              info->Delivered.Consumer, info->Delivered.Stream);
  std::printf("    Acknowledgment Floor: Consumer sequence: %" PRIu64 " Stream sequence: %" PRIu64 "\n",
              info->AckFloor.Consumer, info->AckFloor.Stream);
  std::printf("        Outstanding Acks: %" PRId64 "\n", static_cast<std::int64_t>(info->NumAckPending));
  std::printf("    Redelivered Messages: %" PRId64 "\n", static_cast<std::int64_t>(info->NumRedelivered));
  std::printf("    Unprocessed Messages: %" PRIu64 "\n", info->NumPending);
  std::printf("           Waiting Pulls: %" PRId64 "\n", static_cast<std::int64_t>(info->NumWaiting));
  jsConsumerInfo_Destroy(info);
}

void consumer_add(jsCtx* js, const std::string& stream, const std::string& name, const Flags& flags) {
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = name.c_str();
  const auto ack = choice(flags, "ack", "explicit", {"explicit", "none", "all"});
  config.AckPolicy = ack == "explicit" ? js_AckExplicit : ack == "all" ? js_AckAll : js_AckNone;
  const auto deliver = choice(flags, "deliver", "all", {"all", "new", "last"});
  config.DeliverPolicy = deliver == "all" ? js_DeliverAll : deliver == "new" ? js_DeliverNew : js_DeliverLast;
  config.AckWait = std::int64_t{30} * 1'000'000'000;
  if (const auto filter = flags.find("filter"); filter != flags.end())
    config.FilterSubject = filter->second.c_str();
  // One that is there stays as it is: workers may be connected to it.
  jsConsumerInfo* info = nullptr;
  jsErrCode error{};
  if (js_GetConsumerInfo(&info, js, stream.c_str(), name.c_str(), nullptr, &error) != NATS_OK) {
    error = {};
    check(js_AddConsumer(&info, js, stream.c_str(), &config, nullptr, &error), error, "consumer add");
    std::printf("Consumer %s > %s was created\n\n", stream.c_str(), name.c_str());
  }
  jsConsumerInfo_Destroy(info);
  consumer_info(js, stream, name);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words;
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (!a.starts_with("--")) {
      words.push_back(a);
      continue;
    }
    const auto equals = a.find('=');
    flags[a.substr(2, equals == std::string::npos ? equals : equals - 2)] =
        equals == std::string::npos ? "" : a.substr(equals + 1);
  }
  const char* url = std::getenv("NATS_URL");
  natsConnection* connection = nullptr;
  jsCtx* js = nullptr;
  auto s = natsConnection_ConnectTo(&connection, url && *url ? url : "nats://localhost:4222");
  if (s == NATS_OK) s = natsConnection_JetStream(&js, connection, nullptr);
  check(s, {}, "cannot connect");
  const auto is = [&](const char* what, const char* verb, std::size_t count) {
    return words.size() == count && words[0] == what && words[1] == verb;
  };
  if (is("stream", "info", 3)) {
    stream_info(js, words[2]);
  } else if (is("stream", "add", 3)) {
    stream_add(js, words[2], flags);
  } else if (is("consumer", "info", 4)) {
    consumer_info(js, words[2], words[3]);
  } else if (is("consumer", "add", 4)) {
    consumer_add(js, words[2], words[3], flags);
  } else {
    std::fprintf(
        stderr,
        "usage: nats stream info STREAM | stream add STREAM --subjects=S | consumer info STREAM CONSUMER | "
        "consumer add STREAM CONSUMER --pull --ack=explicit --deliver=all\n");
    return 2;
  }
  jsCtx_Destroy(js);
  natsConnection_Destroy(connection);
  nats_Close();
  return 0;
}
