#include "docktor/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/text.h"
#include "docktor/nats.h"
#include "provisioner/adopted_link.h"
#include "provisioner/connection_impl.h"

namespace docktor {
namespace {

std::string url_of(natsConnection* nc) {
  char buffer[512] = "";
  if (natsConnection_GetConnectedUrl(nc, buffer, sizeof buffer) != NATS_OK || !*buffer) return "NATS";
  return redacted_url(buffer);
}

// What nats.c has to do besides what it does for the daemon: here it comes back by itself.
natsStatus reconnect_for_ever(natsOptions* o, const NatsLinkOptions& link, std::chrono::milliseconds wait) {
  natsStatus s = natsOptions_SetAllowReconnect(o, true);
  if (s == NATS_OK) s = natsOptions_SetMaxReconnect(o, -1);
  if (s == NATS_OK) s = natsOptions_SetReconnectWait(o, std::max<std::int64_t>(1, wait.count()));
  if (s == NATS_OK) s = natsOptions_SetReconnectJitter(o, wait.count() / 4, wait.count() / 4);
  auto urls = split_urls(link.url);
  for (auto& u : urls) static_cast<void>(take_encoded_credentials(u));  // the first one's hold
  std::vector<const char*> servers;
  servers.reserve(urls.size());
  for (const auto& u : urls) servers.push_back(u.c_str());
  if (s == NATS_OK && urls.size() > 1)
    s = natsOptions_SetServers(o, servers.data(), static_cast<int>(servers.size()));
  return s;
}

}  // namespace

std::string unique_name() {
  natsInbox* inbox = nullptr;
  if (natsInbox_Create(&inbox) != NATS_OK) return {};
  std::string text(inbox);
  natsInbox_Destroy(inbox);
  return text.substr(text.find('.') + 1);
}

Connection::Impl::Impl(natsConnection* nc, bool owned, std::unique_ptr<NatsLinkOptions> options)
    : nc_(nc), owned_(owned), options_(std::move(options)), shown_url_(url_of(nc)) {}

Connection::Impl::~Impl() {
  api_.reset();
  if (owned_) natsConnection_Destroy(nc_);
}

std::shared_ptr<JetStreamConnection> Connection::Impl::api() {
  const std::lock_guard lock(mutex_);
  if (!api_) {
    api_ = std::make_shared<JetStreamConnection>(
        shown_url_, [nc = nc_, url = shown_url_](EventLoop& loop, LinkEvents events) {
          return std::make_unique<AdoptedLink>(loop, nc, url, std::move(events));
        });
  }
  return api_;
}

Result<std::string> Connection::Impl::call(std::string subject, std::string body, Duration timeout) {
  auto answer = api()->call(std::move(subject), std::move(body), timeout);
  if (answer || answer.error().code != ErrorCode::kTimeout) return answer;
  const char* text = nullptr;
  natsConnection_GetLastError(nc_, &text);
  if (text && std::string_view(text).find("Permissions Violation") != std::string_view::npos)
    return fail(ErrorCode::kDenied, fmt::format("{}: {}", shown_url_, text));
  return answer;
}

Result<Connection> Connection::connect(const std::string& url, const ConnectionOptions& options) {
  auto link = std::make_unique<NatsLinkOptions>();
  link->url = url;
  link->user = options.user;
  link->password.value = options.password;
  link->token.value = options.token;
  link->creds_file = options.creds_file;
  link->nkey_seed.value = options.nkey_seed;
  link->tls_ca_file = options.tls_ca_file;
  link->tls_cert_file = options.tls_cert_file;
  link->tls_key_file = options.tls_key_file;
  link->connect_timeout = options.timeout;
  const auto servers = split_urls(url);
  if (servers.empty())
    return fail(ErrorCode::kInvalid, "the url to connect to is empty: give one, as nats://localhost:4222");
  Error error;
  for (const bool secure : {false, true}) {  // as other clients do, TLS where the server asks for it
    const auto made = make_nats_options(*link, servers.front(), secure);
    if (!made) return made.error();
    if (reconnect_for_ever(made->get(), *link, options.reconnect_wait) != NATS_OK)
      return fail(ErrorCode::kInvalid, fmt::format("{}: {}", redacted_url(url), nats_GetLastError(nullptr)));
    natsConnection* nc = nullptr;
    const natsStatus s = natsConnection_Connect(&nc, made->get());
    if (s == NATS_OK) return Connection(std::make_shared<Impl>(nc, true, std::move(link)));
    const char* text = nats_GetLastError(nullptr);
    error = connect_error(s, text && *text ? text : natsStatus_GetText(s), servers.front());
    if (s != NATS_SECURE_CONNECTION_REQUIRED) break;
  }
  return error;
}

bool Connection::connected() const {
  return natsConnection_Status(impl_->nc()) == NATS_CONN_STATUS_CONNECTED;
}

Connection adopt(natsConnection* connection) {
  return Connection(std::make_shared<Connection::Impl>(connection, false, nullptr));
}

}  // namespace docktor
