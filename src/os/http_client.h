// An HTTP client over TCP, TLS or a unix socket: many requests at once from one thread, each with a deadline
// and limits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// Where requests go. Proxy variables of the environment count for base URLs that are not local, as with
/// curl.
struct HttpServer {
  std::string base_url;     ///< "http://localhost", "https://10.0.0.7:2376"; no slash at the end
  std::string unix_socket;  ///< absolute path; empty: TCP to base_url's host
  std::string ca_file;      ///< PEM; empty: the system's
  std::string cert_file;    ///< PEM, the client's certificate; empty: none
  std::string key_file;
  std::string ca_pem, cert_pem, key_pem;  ///< the same as text, in place of a file
  std::string tls_name;  ///< the name that the server's certificate must have; empty: base_url's host
  std::string proxy;     ///< "http://proxy:3128"; empty: as the environment says
  bool verify = true;    ///< check the server's certificate and its name
  bool gzip = false;     ///< takes compressed answers
  bool http1 = false;    ///< a connection carries one request at a time: what hangs holds up nothing else
  long most_connections = 0;  ///< at once; further requests wait for one. 0: as many as there are requests
};

struct HttpRequest {
  std::string method = "GET";
  std::string path;  ///< with its query, from the slash on
  std::string body;
  std::string content_type = "application/json";  ///< of the body; not sent without one
  std::vector<std::string> headers;               ///< "Name: value"
  std::string aws_sigv4;  ///< "aws:amz:REGION:SERVICE": signed with AWS's version 4, by the next two
  std::string user;       ///< access key id
  std::string password;   ///< secret access key
  Duration timeout = std::chrono::seconds(10);  ///< from submit to the last byte; zero: none (for streams)
  Duration connect_timeout = std::chrono::seconds(5);
  std::size_t max_body = 16 << 20;  ///< bytes of an answer; more is kExhausted. Not for streams
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< empty for a stream
};

/// Thread-safe. One thread of its own does all transfers and calls all callbacks, which must not block and
/// must not destroy the client. Connections are kept and used again.
///
/// An answer is a value whatever its status; an Error means that there was none: kUnavailable (no connection,
/// cut off), kTimeout, kDenied (TLS), kExhausted (larger than max_body). They carry what curl says, not a
/// cure: the caller knows what the server is.
class HttpClient {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;
  using Data = std::function<bool(std::string_view)>;  ///< false ends the transfer with an error
  using Id = std::uint64_t;

  explicit HttpClient(HttpServer server);
  /// Ends what is under way; each `done` is called with kUnavailable before the destructor returns.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Calls `done` exactly once. With `on_data`, a 2xx answer's body goes there piece by piece; other bodies
  /// are kept.
  Id submit(HttpRequest request, Done done, Data on_data = {});

  /// `done` gets kUnavailable soon. Nothing happens when it was called already.
  void cancel(Id id);

  /// Waits for the answer, or for the token. Never call it from a callback.
  Result<HttpResponse> send(HttpRequest request, const std::stop_token& stop = {});

  const HttpServer& server() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

/// Percent-encodes everything but letters, digits and "-._~".
std::string url_encoded(std::string_view text);

}  // namespace docktor
