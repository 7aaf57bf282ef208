#include "queues/rabbitmq/amqp_socket.h"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

#include "core/json_text.h"

namespace docktor {

namespace {

constexpr int kHeartbeat = 30;  // s
constexpr int kMostFrame = 131'072;
constexpr auto kSystemCertificates = "/etc/ssl/certs/ca-certificates.crt";

timeval to_timeval(Duration d) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  return {us / 1'000'000, us % 1'000'000};
}

Result<amqp_socket_t*> make_socket(amqp_connection_state_t state, const RabbitSpec& spec) {
  auto* socket = spec.address.tls ? amqp_ssl_socket_new(state) : amqp_tcp_socket_new(state);
  if (!socket) return fail(ErrorCode::kExhausted, "no socket could be made", true);
  if (!spec.address.tls) return socket;
  amqp_ssl_socket_set_verify_peer(socket, spec.tls_verify ? 1 : 0);
  amqp_ssl_socket_set_verify_hostname(socket, spec.tls_verify ? 1 : 0);
  const auto& ca = spec.tls_ca_file.empty() ? kSystemCertificates : spec.tls_ca_file;
  // Without verification nothing is checked against it, and it need not be there.
  if (amqp_ssl_socket_set_cacert(socket, ca.c_str()) != AMQP_STATUS_OK && spec.tls_verify)
    return fail(ErrorCode::kDenied, fmt::format("{} is no file of certificates (PEM)", ca));
  if (!spec.tls_cert_file.empty() && amqp_ssl_socket_set_key(socket, spec.tls_cert_file.c_str(),
                                                             spec.tls_key_file.c_str()) != AMQP_STATUS_OK)
    return fail(ErrorCode::kDenied, fmt::format("{} and {} are not a certificate and its key (PEM)",
                                                spec.tls_cert_file, spec.tls_key_file));
  return socket;
}

Error open_error(int status, const RabbitSpec& spec, const std::string& shown) {
  if (status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED) {
    return {
        ErrorCode::kDenied,
        fmt::format(
            "{}: the server's certificate is not for the name {}; write in url the name that stands in the "
            "certificate (an IP address is none)",
            shown, spec.address.host),
        false};
  }
  if (status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED) {
    return {ErrorCode::kDenied,
            fmt::format(
                "{}: the server's certificate is not trusted ({}); set tls.ca_file to the certificate of who "
                "signed it",
                shown, amqp_error_string2(status)),
            false};
  }
  // The library's own words for it, "a socket error occurred", name neither refusal nor an unreachable host.
  const auto seen = status == AMQP_STATUS_SOCKET_ERROR
                        ? std::string("takes no connections")
                        : fmt::format("does not answer ({})", amqp_error_string2(status));
  return {status == AMQP_STATUS_TIMEOUT ? ErrorCode::kTimeout : ErrorCode::kUnavailable,
          fmt::format("{} {}; check that RabbitMQ runs there and listens on {}{}", shown, seen,
                      spec.address.tls ? "the port for TLS, " : "port ", spec.address.port),
          true};
}

Error login_error(const amqp_rpc_reply_t& reply, const RabbitSpec& spec, const std::string& shown) {
  const auto& a = spec.address;
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
    const auto said = close_text(close->reply_text);
    if (close->reply_code == AMQP_ACCESS_REFUSED) {
      return {ErrorCode::kDenied,
              fmt::format("{} refuses user {}: {}; check user and password{}", shown, a.user, said,
                          a.user == "guest" ? " (guest may sign in from the server's own machine only)" : ""),
              false};
    }
    if (close->reply_code == AMQP_NOT_ALLOWED) {
      return {ErrorCode::kDenied,
              fmt::format("{} does not let user {} into virtual host {}: {}; check vhost, or rabbitmqctl "
                          "set_permissions -p {} {} '^$' '^$' '^$'",
                          shown, a.user, a.vhost, said, a.vhost, a.user),
              false};
    }
    return {ErrorCode::kUnavailable, fmt::format("{} closed the connection: {}", shown, said), true};
  }
  const int status = reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? reply.library_error
                                                                         : AMQP_STATUS_UNEXPECTED_STATE;
  return {
      status == AMQP_STATUS_TIMEOUT ? ErrorCode::kTimeout : ErrorCode::kUnavailable,
      fmt::format("{} takes connections and does not speak AMQP as it should ({}); check the port{}", shown,
                  amqp_error_string2(status), a.tls ? "" : ", and whether it is one for TLS (amqps://)"),
      true};
}

amqp_table_entry_t text_entry(const char* key, const std::string& value) {
  amqp_table_entry_t e{};
  e.key = amqp_cstring_bytes(key);
  e.value.kind = AMQP_FIELD_KIND_UTF8;
  e.value.value.bytes = {value.size(),
                         const_cast<char*>(value.data())};  // NOLINT: the library does not write to it
  return e;
}

}  // namespace

std::string close_text(const amqp_bytes_t& text) {
  constexpr std::size_t kMost = 300;
  return plain_text(std::string_view(static_cast<const char*>(text.bytes), std::min(text.len, kMost)));
}

Result<AmqpState> connect_amqp(const RabbitSpec& spec, const std::string& host, int port,
                               const std::string& shown, Duration timeout) {
  AmqpState state(amqp_new_connection());
  if (!state) return fail(ErrorCode::kExhausted, fmt::format("{}: no memory for a connection", shown), true);
  const auto socket = make_socket(state.get(), spec);
  if (!socket) return Error{socket.error().code, fmt::format("{}: {}", shown, socket.error().message), false};
  const timeval tv = to_timeval(timeout);
  if (const int status = amqp_socket_open_noblock(*socket, host.c_str(), port, &tv); status != AMQP_STATUS_OK)
    return open_error(status, spec, shown);
  amqp_set_handshake_timeout(state.get(), &tv);
  amqp_set_rpc_timeout(state.get(), &tv);

  const std::string name = fmt::format("docktor (pid {})", ::getpid()), product = "docktor";
  std::array<amqp_table_entry_t, 2> entries{text_entry("connection_name", name),
                                            text_entry("product", product)};
  const amqp_table_t properties{static_cast<int>(entries.size()), entries.data()};
  const auto& a = spec.address;
  const auto reply =
      amqp_login_with_properties(state.get(), a.vhost.c_str(), 0, kMostFrame, kHeartbeat, &properties,
                                 AMQP_SASL_METHOD_PLAIN, a.user.c_str(), a.password.c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) return login_error(reply, spec, shown);
  return state;
}

}  // namespace docktor
