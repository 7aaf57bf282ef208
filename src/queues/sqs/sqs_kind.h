// The row of kind sqs in the table of kinds.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/kind.h"
#include "queues/over_http/asked_source.h"
#include "queues/sqs/sqs_spec.h"

namespace docktor {

extern const QueueKind kSqsKind;

/// One queue's source.
std::unique_ptr<AskedSource> sqs_source(std::shared_ptr<Asker> asker, const SqsSpec& spec);

/// The asker of that endpoint and identity, made where there is none: it signs what it sends.
std::shared_ptr<Asker> sqs_asker(Askers& askers, const SqsSpec& spec, const Reach& reach,
                                 std::function<std::string(const char*)> variable);

}  // namespace docktor
