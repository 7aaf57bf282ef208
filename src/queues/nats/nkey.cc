#include "queues/nats/nkey.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace docktor {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

bool decode_base32(std::string_view text, std::vector<std::uint8_t>& out) {
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const auto v = kBase32.find(c);
    if (v == std::string_view::npos) return false;
    bits = (bits << 5) | static_cast<std::uint32_t>(v);
    have += 5;
    if (have >= 8) {
      have -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> have));
    }
  }
  return true;
}

std::string encode_base32(const std::vector<std::uint8_t>& bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const auto b : bytes) {
    bits = (bits << 8) | b;
    for (have += 8; have >= 5; have -= 5) out += kBase32[(bits >> (have - 5)) & 31];
  }
  if (have > 0) out += kBase32[(bits << (5 - have)) & 31];
  return out;
}

// CRC-16/XMODEM, as the nkeys format has it.
std::uint16_t crc16(const std::uint8_t* data, std::size_t size) {
  std::uint16_t crc = 0;
  for (std::size_t i = 0; i < size; ++i) {
    crc = static_cast<std::uint16_t>(crc ^ (data[i] << 8));
    for (int b = 0; b < 8; ++b) {
      crc = static_cast<std::uint16_t>((crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1);
    }
  }
  return crc;
}

}  // namespace

Result<std::string> nkey_public(std::string_view seed) {
  const auto no_seed = [] {
    return fail(ErrorCode::kInvalid,
                "the nkey is not a seed: it starts with SU and has 58 characters, from nsc or nk -gen user");
  };
  std::vector<std::uint8_t> raw;
  struct Wipe {
    std::vector<std::uint8_t>& bytes;
    ~Wipe() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  } wipe{raw};
  raw.reserve(64);
  // Two bytes of prefix (seed, kind of key), 32 of seed, 2 of checksum.
  if (seed.size() != 58 || !decode_base32(seed, raw) || raw.size() != 36) return no_seed();
  const auto checksum = static_cast<std::uint16_t>(raw[34] | (raw[35] << 8));
  constexpr std::uint8_t kPrefixSeed = 18 << 3;
  if ((raw[0] & 0xf8) != kPrefixSeed || crc16(raw.data(), 34) != checksum) return no_seed();
  const auto kind = static_cast<std::uint8_t>(((raw[0] & 7) << 5) | ((raw[1] & 0xf8) >> 3));

  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw.data() + 2, 32), &EVP_PKEY_free);
  std::array<std::uint8_t, 32> pub{};
  std::size_t size = pub.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), pub.data(), &size) != 1 || size != pub.size())
    return no_seed();
  std::vector<std::uint8_t> out{kind};
  out.insert(out.end(), pub.begin(), pub.end());
  const auto crc = crc16(out.data(), out.size());
  out.push_back(static_cast<std::uint8_t>(crc & 0xff));
  out.push_back(static_cast<std::uint8_t>(crc >> 8));
  return encode_base32(out);
}

}  // namespace docktor
