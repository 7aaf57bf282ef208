// Certificates, nkeys and credentials made for one test, so that no key lies in the repository.
#pragma once

#include <string>

#include "tests/support/temp_dir.h"

namespace docktor::test {

/// An authority and two certificates of it, as PEM files: the server's (for 127.0.0.1 and localhost) and a
/// client's.
struct TestCertificates {
  explicit TestCertificates(const TempDir& dir);
  std::string ca, server_cert, server_key, client_cert, client_key;
};

/// An Ed25519 key in the nkeys form. `prefix` is the kind: 'O'perator, 'A'ccount, 'U'ser.
struct TestNkey {
  explicit TestNkey(char prefix);
  std::string seed;                                 ///< "SU..."
  std::string pub;                                  ///< "U..."
  std::string sign(const std::string& text) const;  ///< 64 raw bytes

 private:
  std::string secret_;
};

/// What an operator would hand out: the server's configuration lines and a user's credentials file.
struct TestOperator {
  explicit TestOperator(const TempDir& dir);
  std::string config;
  std::string creds_file;
};

}  // namespace docktor::test
