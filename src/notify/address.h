// A receiver's address, as people paste it, taken apart: the forms of notifications, in one table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/notify_spec.h"
#include "core/result.h"

namespace docktor::notify {

enum class Form { kJson, kCloudEvents, kSlack, kDiscord, kNtfy, kAlertmanager, kHeartbeat };

struct FormInfo {
  Form form;
  std::string_view name;     ///< before "+https://"
  std::string_view meaning;  ///< who takes it
  bool signs = false;        ///< its requests can be signed
  bool for_people = false;   ///< several events become one text
};

std::span<const FormInfo> forms();
const FormInfo& info(Form form);

struct Address {
  Form form = Form::kJson;
  std::string base;           ///< "https://hooks.slack.com", no credentials, no slash at the end
  std::string path;           ///< from the slash on
  std::string authorization;  ///< value of that header; empty: none
  std::string topic;          ///< of ntfy
  std::string shown;          ///< for people: nothing of it is secret
};

/// FORM+http(s)://..., slack://A/B/C, discord://TOKEN@ID, ntfy[s]://[USER:PASSWORD@]HOST/TOPIC, and the https addresses
/// that Slack, Discord and ntfy.sh themselves give out. The error says what would be right and repeats nothing of it.
Result<Address> parse_address(std::string_view url);

/// For the table of kinds.
Result<ReceiverTraits> receiver_traits(std::string_view url);

}  // namespace docktor::notify
