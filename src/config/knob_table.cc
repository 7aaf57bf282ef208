#include <array>

#include "config/knobs.h"
#include "core/sample.h"
#include "core/spec.h"

namespace docktor {

namespace {

constexpr double kHour = 3600;
constexpr double kDay = 86'400;
constexpr double kMaxText = 4096;

// clang-format off: a table, one knob after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    // --- the file
    {.forms = kTop, .key = "version", .type = KnobType::kText,
     .meaning = "Version of this format.", .standard = "1", .choices = "1"},
    {.forms = kTop, .key = "llm", .type = KnobType::kSection,
     .meaning = "Language model that advises, or explains; scaling neither waits for it nor needs it."},
    {.forms = kTop, .key = "http", .type = KnobType::kSection,
     .meaning = "Where the page, the metrics and the API can be reached over the network; nowhere by default."},
    {.forms = kTop, .key = "high_availability", .type = KnobType::kSection,
     .meaning = "Several docktors with this file, of which one acts: they share a Lease of a Kubernetes cluster. {} is enough in a pod."},
    {.forms = kTop, .key = "notifications", .type = KnobType::kSections,
     .meaning = "Whom docktor tells of trouble, once when it begins and once when it ends.", .least = 0, .most = 16},
    {.forms = kTop, .key = "services", .type = KnobType::kSections,
     .meaning = "The services to scale, each with rules or an objective.", .least = 1, .most = 10'000},
    {.forms = kTop, .key = "max_total_replicas", .type = KnobType::kInteger,
     .meaning = "Most replicas of all services together; unlimited where it is not written. Who gets them, priority says.",
     .least = 1, .most = 1'000'000'000},
    {.forms = kTop, .key = "host", .type = KnobType::kSection,
     .meaning = "How much of this machine replicas may take: no replica is added beyond that, and none is stopped for it."},
    {.forms = kTop, .key = "service", .type = KnobType::kText,
     .meaning = "Legacy form: name of the one service to scale by its CPU.", .least = 1, .most = 100,
     .flag = "--service"},
    {.forms = kTop, .key = "scaling", .type = KnobType::kSection,
     .meaning = "Legacy form: how that one service is scaled; stands in place of services."},
    {.forms = kTop, .key = "target", .type = KnobType::kSection,
     .meaning = "Legacy form: where the replicas of that one service live."},

    // --- the legacy form
    {.forms = kScaling, .key = "cpu_high", .type = KnobType::kNumber,
     .meaning = "Scale up when the mean CPU of the replicas is above this, in percent of one core"
                " (rule cpu.avg > cpu_high).",
     .least = 0, .most = 100'000},
    {.forms = kScaling, .key = "cpu_low", .type = KnobType::kNumber,
     .meaning = "Scale down when the mean CPU of the replicas is below this, in percent of one "
                "core (rule cpu.avg < cpu_low).",
     .least = 0, .most = 100'000},

    // --- a service
    {.forms = kService, .key = "name", .type = KnobType::kText,
     .meaning = "Name of the service, unique in the file.", .least = 1,
     .most = 100, .required = true},
    {.forms = kService | kScaling, .key = "min_replicas", .type = KnobType::kInteger,
     .meaning = "Fewest replicas that a decision leaves; 0 needs a queue, which wakes the service.",
     .standard = "1", .least = 0, .most = kMaxReplicas, .variable = "DOCKTOR_MIN_REPLICAS"},
    {.forms = kService | kScaling, .key = "max_replicas", .type = KnobType::kInteger,
     .meaning = "Most replicas that a decision may ask for.", .least = 1, .most = kMaxReplicas,
     .variable = "DOCKTOR_MAX_REPLICAS", .required = true},
    {.forms = kService | kScaling, .key = "scale_up_by", .type = KnobType::kInteger,
     .meaning = "Replicas that one decision of the rules adds; where written, also the most that "
                "an objective adds.",
     .standard = "2", .least = 1, .most = kMaxReplicas, .variable = "DOCKTOR_SCALE_UP_BY"},
    {.forms = kService | kScaling, .key = "scale_down_by", .type = KnobType::kInteger,
     .meaning = "Replicas that one decision of the rules removes; where written, also the most "
                "that an objective removes.",
     .standard = "1", .least = 1, .most = kMaxReplicas, .variable = "DOCKTOR_SCALE_DOWN_BY"},
    {.forms = kService | kScaling, .key = "check_interval", .type = KnobType::kDuration,
     .meaning = "Time between two decisions; the default with an objective is sample_interval, unless a model advises.", .standard = "10s", .least = 0.01, .most = kHour,
     .variable = "DOCKTOR_CHECK_INTERVAL", .flag = "--interval"},
    {.forms = kService | kScaling, .key = "sample_interval", .type = KnobType::kDuration,
     .meaning = "Time between two samples of queue and CPU, at most check_interval; the default "
                "is the smaller of 1s and check_interval, with an objective max_wait / 5 between 500ms and 1s.",
     .least = 0.01, .most = kHour, .variable = "DOCKTOR_SAMPLE_INTERVAL"},
    {.forms = kService | kScaling, .key = "metrics_window", .type = KnobType::kDuration,
     .meaning = "Time over which the values that rules see are averaged; longer is calmer and slower.",
     .standard = "10s", .least = 0.01, .most = kHour, .variable = "DOCKTOR_METRICS_WINDOW"},
    {.forms = kService | kScaling, .key = "cooldown_up", .type = KnobType::kDuration,
     .meaning = "Least time from a change of the replicas to the next scale-up.", .standard = "0s",
     .least = 0, .most = kDay, .variable = "DOCKTOR_COOLDOWN_UP"},
    {.forms = kService | kScaling, .key = "cooldown_down", .type = KnobType::kDuration,
     .meaning = "Least time from a change of the replicas to the next scale-down.", .standard = "0s",
     .least = 0, .most = kDay, .variable = "DOCKTOR_COOLDOWN_DOWN"},
    {.forms = kService | kScaling, .key = "stabilization", .type = KnobType::kDuration,
     .meaning = "A scale-down goes no lower than the highest recommendation of this long.", .standard = "0s",
     .least = 0, .most = kDay, .variable = "DOCKTOR_STABILIZATION"},
    {.forms = kService, .key = "schedule", .type = KnobType::kSections,
     .meaning = "Other bounds at times of the calendar; where several count, the highest min_replicas and the highest"
                " max_replicas of theirs.",
     .least = 0, .most = 50},
    {.forms = kService, .key = "priority", .type = KnobType::kInteger,
     .meaning = "Where max_total_replicas is short, a service of higher priority gets replicas first, and others give"
                " theirs up for it, down to their min_replicas.",
     .standard = "0", .least = -1'000'000, .most = 1'000'000},
    {.forms = kService, .key = "rules", .type = KnobType::kSection,
     .meaning = "Thresholds: up when any of scale_up_when holds, else down when all of scale_down_when hold."},
    {.forms = kService, .key = "objective", .type = KnobType::kSection,
     .meaning = "A goal in place of thresholds; needs a queue."},
    {.forms = kService, .key = "rules_mode", .type = KnobType::kText,
     .meaning = "How rules act beside an objective: floor only adds replicas, veto only stops scale-downs.",
     .standard = "floor", .choices = "floor|veto"},
    {.forms = kService, .key = "queue", .type = KnobType::kSection,
     .meaning = "The queue that the replicas work off."},
    {.forms = kService, .key = "queues", .type = KnobType::kSections,
     .meaning = "In place of queue, several that the same replicas work off; queue.* and an objective are about all "
                "of them together.",
     .least = 1, .most = kMaxQueues},
    {.forms = kService, .key = "target", .type = KnobType::kSection,
     .meaning = "Where the replicas live."},
    {.forms = kService, .key = "worker", .type = KnobType::kPairs,
     .meaning = "How the workers behave, for `docktor simulate` alone: a map of the habits of its --worker, as"
                " {poll: 500ms, fetch: 100, cv: 3}.",
     .least = 0, .most = 20},

    // --- schedule
    {.forms = kSchedule, .key = "cron", .type = KnobType::kText,
     .meaning = "When it begins: minute, hour, day of the month, month, day of the week, as in crontab(5):"
                " `0 8 * * 1-5` is 08:00 from Monday to Friday.",
     .least = 1, .most = 200, .required = true},
    {.forms = kSchedule, .key = "for", .type = KnobType::kDuration,
     .meaning = "How long it counts from then on, by the clock on the wall.", .least = 60, .most = 31 * kDay,
     .required = true},
    {.forms = kSchedule, .key = "timezone", .type = KnobType::kText,
     .meaning = "Time zone of cron, as `Europe/Berlin`; the machine's own by default.", .least = 1, .most = 100},
    {.forms = kSchedule, .key = "min_replicas", .type = KnobType::kInteger,
     .meaning = "In place of the service's own meanwhile.", .least = 0, .most = kMaxReplicas},
    {.forms = kSchedule, .key = "max_replicas", .type = KnobType::kInteger,
     .meaning = "In place of the service's own meanwhile.", .least = 1, .most = kMaxReplicas},

    // --- rules and objective
    {.forms = kRules, .key = "scale_up_when", .type = KnobType::kSections,
     .meaning = "Scale up when any of these rules holds.", .least = 0, .most = 100},
    {.forms = kRules, .key = "scale_down_when", .type = KnobType::kSections,
     .meaning = "Scale down when all of these rules hold and none of scale_up_when.", .least = 0,
     .most = 100},
    {.forms = kRule, .key = "metric", .type = KnobType::kText,
     .meaning = "Name of a metric; the names are below.", .least = 1, .most = 100, .required = true},
    {.forms = kRule, .key = "op", .type = KnobType::kText,
     .meaning = "How the metric is compared with the value; quote it, since a bare > means "
                "something else in YAML.",
     .choices = ">|>=|<|<=|==|!=", .required = true},
    {.forms = kRule, .key = "value", .type = KnobType::kNumber,
     .meaning = "The threshold, in the metric's unit.", .least = -1e15, .most = 1e15, .required = true},
    {.forms = kObjective, .key = "max_wait", .type = KnobType::kDuration,
     .meaning = "Longest time that a message may wait from its publishing until a worker begins with it.",
     .standard = "5s", .least = 0.01, .most = kDay},
    {.forms = kObjective, .key = "quantile", .type = KnobType::kNumber,
     .meaning = "Share of the messages that are to wait no longer than max_wait.", .standard = "0.99",
     .least = 0.5, .most = 0.9999},
    {.forms = kObjective, .key = "max_headroom", .type = KnobType::kPercent,
     .meaning = "Where load comes faster than replicas start: the most that may stand by for it, as a part of "
                "what the load needs in the mean over hours, and at least of min_replicas.",
     .standard = "600%", .least = 0, .most = 100000},

    // --- llm
    {.forms = kLlm, .key = "provider", .type = KnobType::kText,
     .meaning = "Who runs the model: dmr (Docker Model Runner) or openai (OpenAI, or a server "
                "that speaks like it).",
     .standard = "dmr", .choices = "dmr|openai", .variable = "DOCKTOR_LLM_PROVIDER"},
    {.forms = kLlm, .key = "base_url", .type = KnobType::kText,
     .meaning = "Address of its API; the default is the provider's usual one.", .least = 0, .most = kMaxText,
     .variable = "DOCKTOR_LLM_BASE_URL"},
    {.forms = kLlm, .key = "model", .type = KnobType::kText,
     .meaning = "Name of the model.", .least = 1, .most = 255, .variable = "DOCKTOR_LLM_MODEL",
     .required = true},
    {.forms = kLlm, .key = "mode", .type = KnobType::kText,
     .meaning = "What the model is asked for: off nothing; explain a sentence after each change; advise also "
                "to add replicas after a scale-up, and to delay or cancel a scale-down.",
     .standard = "advise", .choices = "off|explain|advise", .variable = "DOCKTOR_LLM_MODE"},
    {.forms = kLlm, .key = "api_key", .type = KnobType::kText,
     .meaning = "Key of the API; with openai the variable OPENAI_API_KEY counts where neither this nor "
                "api_key_file is given.",
     .least = 0, .most = kMaxText, .variable = "DOCKTOR_LLM_API_KEY", .secret = true,
     .file_key = "api_key_file"},
    {.forms = kLlm, .key = "timeout", .type = KnobType::kDuration,
     .meaning = "Longest time that an answer may take; a scale-down waits for it no longer than half its "
                "check_interval, everything else not at all.",
     .standard = "10s", .least = 0.05, .most = 300, .variable = "DOCKTOR_LLM_TIMEOUT"},
    {.forms = kLlm, .key = "max_tokens", .type = KnobType::kInteger,
     .meaning = "Most tokens of one answer.", .standard = "256", .least = 16, .most = 8192,
     .variable = "DOCKTOR_LLM_MAX_TOKENS"},
    {.forms = kLlm, .key = "max_delay", .type = KnobType::kDuration,
     .meaning = "Longest time that one answer may put a scale-down off.", .standard = "1m", .least = 0,
     .most = kHour, .variable = "DOCKTOR_LLM_MAX_DELAY"},

    // --- host
    {.forms = kHost, .key = "memory_reserve", .type = KnobType::kPercent,
     .meaning = "Part of the memory that stays free: of the machine's, and of what docktor's own control group may have.",
     .standard = "10%", .least = 0, .most = 100},
    {.forms = kHost, .key = "cpu_max", .type = KnobType::kPercent,
     .meaning = "Part of the cores that may be busy before a replica is added to those that use them.",
     .standard = "95%", .least = 1, .most = 100},
    {.forms = kHost, .key = "enabled", .type = KnobType::kBool,
     .meaning = "With false the machine bounds nothing.", .standard = "true"},

    // --- http
    {.forms = kHttp, .key = "listen", .type = KnobType::kText,
     .meaning = "Address and port, as 127.0.0.1:3625 or [::1]:3625; an address beyond this host needs tokens.",
     .least = 0, .most = 100, .variable = "DOCKTOR_HTTP_LISTEN"},
    {.forms = kHttp, .key = "hosts", .type = KnobType::kList,
     .meaning = "Names by which browsers and proxies reach it, beside IP addresses and localhost; a request for "
                "another name is refused.",
     .least = 0, .most = 100},
    {.forms = kHttp, .key = "public_url", .type = KnobType::kText,
     .meaning = "Where people reach the page, as https://docktor.example.org or https://tools.example.org/docktor: "
                "notifications link to it, its name is taken as one of hosts, and its path may come before each of ours.",
     .least = 0, .most = 500},
    {.forms = kHttp, .key = "tokens", .type = KnobType::kSections,
     .meaning = "Who may ask: a request sends one in its header Authorization: Bearer TOKEN.", .least = 0,
     .most = 100},
    {.forms = kHttpToken, .key = "name", .type = KnobType::kText,
     .meaning = "Whom the record names: http:NAME.", .least = 1, .most = 64, .required = true},
    {.forms = kHttpToken, .key = "file", .type = KnobType::kPath,
     .meaning = "File with the token: 32 characters or more, on one line.", .least = 1, .most = kMaxText,
     .required = true, .readable = true},
    {.forms = kHttpToken, .key = "acts", .type = KnobType::kBool,
     .meaning = "Whether it may change something (pause, scale, approve, ...); else it only looks.",
     .standard = "false"},

    // --- high availability
    {.forms = kHighAvailability, .key = "name", .type = KnobType::kText,
     .meaning = "Name of the Lease; the ConfigMap NAME-state beside it has what a new leader is to know.", .standard = "docktor",
     .least = 1, .most = 200},
    {.forms = kHighAvailability, .key = "namespace", .type = KnobType::kText,
     .meaning = "Its namespace. Without: that of the kubeconfig's context, or of docktor's own pod.", .least = 0, .most = 63},
    {.forms = kHighAvailability, .key = "kubeconfig", .type = KnobType::kText,
     .meaning = "As in a target of kind kubernetes: the file that says where the cluster is. Without: KUBECONFIG, then the service "
                "account of docktor's own pod, then ~/.kube/config.",
     .least = 0, .most = kMaxText},
    {.forms = kHighAvailability, .key = "context", .type = KnobType::kText,
     .meaning = "Context of the kubeconfig. Without: its current one.", .least = 0, .most = 1024},
    {.forms = kHighAvailability, .key = "identity", .type = KnobType::kText,
     .meaning = "What the others call this docktor. Without: the host's name, which is the pod's.", .least = 0, .most = 200},
    {.forms = kHighAvailability, .key = "lease_duration", .type = KnobType::kDuration,
     .meaning = "A leader that was not heard of for this long is followed by another; whole seconds.", .standard = "15s", .least = 2,
     .most = kHour},
    {.forms = kHighAvailability, .key = "renew_deadline", .type = KnobType::kDuration,
     .meaning = "A leader that could not renew for this long stops acting; shorter than lease_duration.", .standard = "10s", .least = 1,
     .most = kHour},
    {.forms = kHighAvailability, .key = "retry_period", .type = KnobType::kDuration,
     .meaning = "Time between two renewals, and between two looks of those that follow; renew_deadline is longer than 1.2 of it.",
     .standard = "2s", .least = 0.1, .most = kHour},

    // --- notifications
    {.forms = kNotification, .key = "name", .type = KnobType::kText,
     .meaning = "What log, status and metrics call this channel.", .least = 1, .most = 64, .required = true},
    {.forms = kNotification, .key = "url", .type = KnobType::kText,
     .meaning = "The receiver: slack://A/B/C, discord://TOKEN@ID, ntfys://HOST/TOPIC, json+https://, cloudevents+https://,"
                " alertmanager+http://, heartbeat+https://, or the https address that Slack, Discord or ntfy.sh shows.",
     .least = 0, .most = 2048, .secret = true, .file_key = "url_file"},
    {.forms = kNotification, .key = "events", .type = KnobType::kList,
     .meaning = "What it is told of: names of events and conditions, or usual, all, override; without it the usual ones.",
     .least = 0, .most = 100},
    {.forms = kNotification, .key = "services", .type = KnobType::kList,
     .meaning = "Of which services; without it of all.", .least = 0, .most = 10'000},
    {.forms = kNotification, .key = "hold_off", .type = KnobType::kDuration,
     .meaning = "Something must last this long before it is told, and be over this long before its end is told.",
     .standard = "30s", .least = 0, .most = kHour},
    {.forms = kNotification, .key = "repeat", .type = KnobType::kDuration,
     .meaning = "Told again this often while it lasts; 0 is once. Of a heartbeat: the time between two (1m).",
     .standard = "0s", .least = 0, .most = 7 * kDay},
    {.forms = kNotification, .key = "secret_file", .type = KnobType::kPath,
     .meaning = "File with a key (whsec_ and base64) by which json and cloudevents are signed; two lines while a key changes.",
     .least = 1, .most = kMaxText, .readable = true},
});
// clang-format on

}  // namespace

std::span<const Knob> knobs() { return kTable; }

}  // namespace docktor
