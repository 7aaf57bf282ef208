#include "tests/support/test_pki.h"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

namespace docktor::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Cert = std::unique_ptr<X509, decltype(&X509_free)>;

void must_have(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(fmt::format("cannot make {}", what));
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  must_have(key != nullptr, "a key");
  return key;
}

Cert new_cert(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, const char* alt_names) {
  Cert cert(X509_new(), &X509_free);
  X509* c = cert.get();
  static long serial = 1;
  X509_set_version(c, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(c), -3600);
  X509_gmtime_adj(X509_getm_notAfter(c), 24 * 3600);
  X509_set_pubkey(c, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c));
  const auto add = [&](int nid, const char* value) {
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer : c, c, nullptr, nullptr, 0);
    X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &ctx, nid, value);
    must_have(e != nullptr, "a certificate's extension");
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
  };
  add(NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (alt_names) add(NID_subject_alt_name, alt_names);
  must_have(X509_sign(c, issuer_key, EVP_sha256()) > 0, "a certificate");
  return cert;
}

std::string write_pem(const TempDir& dir, const std::string& name, X509* cert, EVP_PKEY* key) {
  const std::string path = (dir.path() / name).string();
  FILE* f = fopen(path.c_str(), "w");
  must_have(f != nullptr, "a PEM file");
  if (cert) PEM_write_X509(f, cert);
  if (key) PEM_write_PrivateKey(f, key, nullptr, nullptr, 0, nullptr, nullptr);
  fclose(f);
  return path;
}

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

std::string base32(const std::string& bytes) {
  std::string out;
  unsigned bits = 0;
  int have = 0;
  for (const unsigned char b : bytes) {
    bits = (bits << 8) | b;
    for (have += 8; have >= 5; have -= 5) out += kBase32[(bits >> (have - 5)) & 31];
  }
  if (have > 0) out += kBase32[(bits << (5 - have)) & 31];
  return out;
}

std::string with_checksum(std::string bytes) {
  unsigned crc = 0;
  for (const unsigned char b : bytes) {
    crc ^= static_cast<unsigned>(b) << 8;
    for (int i = 0; i < 8; ++i)
      crc = (crc & 0x8000u) ? ((crc << 1) ^ 0x1021u) & 0xffffu : (crc << 1) & 0xffffu;
  }
  bytes += static_cast<char>(crc & 0xff);
  bytes += static_cast<char>(crc >> 8);
  return bytes;
}

std::string base64url(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

// A NATS JWT: who says it, of whom, and what.
std::string jwt(const TestNkey& issuer, const std::string& subject, const std::string& name,
                const nlohmann::json& claims) {
  const nlohmann::json head = {{"typ", "JWT"}, {"alg", "ed25519-nkey"}};
  nlohmann::json body = {{"jti", "TEST"},     {"iat", std::time(nullptr)},
                         {"iss", issuer.pub}, {"sub", subject},
                         {"name", name},      {"nats", claims}};
  const std::string text = base64url(head.dump()) + "." + base64url(body.dump());
  return text + "." + base64url(issuer.sign(text));
}

}  // namespace

TestCertificates::TestCertificates(const TempDir& dir) {
  const Key ca_key = new_key(), server = new_key(), client = new_key();
  const Cert ca_cert = new_cert("docktor test authority", ca_key.get(), nullptr, ca_key.get(), nullptr);
  const Cert server_c =
      new_cert("localhost", server.get(), ca_cert.get(), ca_key.get(), "IP:127.0.0.1,DNS:localhost");
  const Cert client_c = new_cert("docktor", client.get(), ca_cert.get(), ca_key.get(), "DNS:docktor");
  ca = write_pem(dir, "ca.pem", ca_cert.get(), nullptr);
  server_cert = write_pem(dir, "server.pem", server_c.get(), nullptr);
  server_key = write_pem(dir, "server-key.pem", nullptr, server.get());
  client_cert = write_pem(dir, "client.pem", client_c.get(), nullptr);
  client_key = write_pem(dir, "client-key.pem", nullptr, client.get());
}

TestNkey::TestNkey(char prefix) : secret_(32, '\0') {
  must_have(RAND_bytes(reinterpret_cast<unsigned char*>(secret_.data()), 32) == 1, "a key");
  const auto kind = static_cast<unsigned>(kBase32.find(prefix)) << 3;
  constexpr unsigned kSeed = 18u << 3;
  std::string raw = {static_cast<char>(kSeed | (kind >> 5)), static_cast<char>((kind & 31u) << 3)};
  seed = base32(with_checksum(raw + secret_));
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                             reinterpret_cast<const unsigned char*>(secret_.data()), 32),
                &EVP_PKEY_free);
  std::string half(32, '\0');
  std::size_t size = half.size();
  must_have(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(half.data()), &size) == 1,
            "a public key");
  pub = base32(with_checksum(std::string(1, static_cast<char>(kind)) + half));
}

std::string TestNkey::sign(const std::string& text) const {
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                             reinterpret_cast<const unsigned char*>(secret_.data()), 32),
                &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string out(64, '\0');
  std::size_t size = out.size();
  must_have(EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                EVP_DigestSign(ctx.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                               reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1,
            "a signature");
  return out;
}

TestOperator::TestOperator(const TempDir& dir) {
  const TestNkey op('O'), system('A'), account('A'), user('U');
  const nlohmann::json unlimited = {{"subs", -1},         {"data", -1},    {"payload", -1},
                                    {"imports", -1},      {"exports", -1}, {"wildcards", true},
                                    {"conn", -1},         {"leaf", -1},    {"mem_storage", -1},
                                    {"disk_storage", -1}, {"streams", -1}, {"consumer", -1}};
  const std::string op_jwt = jwt(op, op.pub, "test", {{"type", "operator"}, {"version", 2}});
  const std::string account_jwt =
      jwt(op, account.pub, "A", {{"type", "account"}, {"version", 2}, {"limits", unlimited}});
  const std::string user_jwt =
      jwt(account, user.pub, "u",
          {{"type", "user"}, {"version", 2}, {"subs", -1}, {"data", -1}, {"payload", -1}});
  const std::string system_jwt = jwt(op, system.pub, "SYS", {{"type", "account"}, {"version", 2}});
  config = fmt::format(
      "operator: \"{}\"\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: \"{}\", {}: \"{}\" "
      "}}",
      op_jwt, system.pub, system.pub, system_jwt, account.pub, account_jwt);
  creds_file = dir.file("user.creds",
                        fmt::format("-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n"
                                    "-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
                                    user_jwt, user.seed));
}

}  // namespace docktor::test
