// The one header that most programs need. The guide is docs/library.md.
//
//     auto connection = docktor::Connection::connect("nats://localhost:4222");
//     if (!connection) return fail(connection.error().message);
//     docktor::set_up(*connection, {.stream = "ORDERS", .subjects = {"orders.*"}, .consumer = "WORKERS"});
//     docktor::ThreadProvisioner pool(*connection, "ORDERS", "WORKERS", [](docktor::Message& m) {
//       return handle(m.data());
//     });
//     auto running = docktor::start_provisioner({}, *connection, pool, "ORDERS", "WORKERS");
#pragma once

#include "docktor/connection.h"
#include "docktor/message.h"
#include "docktor/provisioner.h"
#include "docktor/requester.h"
#include "docktor/result.h"
#include "docktor/stream_setup.h"
#include "docktor/thread_provisioner.h"
