// Result<T>: a value, or an Error that a user can act on.
#pragma once

#include <cassert>
#include <concepts>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "docktor/error.h"

namespace docktor {

namespace detail {
/// What stands for an error and nothing else (tl::unexpected<Error>, std::unexpected<Error>).
template <class U>
concept Unexpected = (
    requires(const U& u) {
      { u.value() } -> std::same_as<const Error&>;
    } ||
    requires(const U& u) {
      { u.error() } -> std::same_as<const Error&>;
    }) && !requires(const U& u) { u.has_value(); };

template <Unexpected U>
const Error& error_of(const U& u) {
  if constexpr (requires { u.value(); }) {
    return u.value();
  } else {
    return u.error();
  }
}
}  // namespace detail

/// Holds either a T or an Error; made from either, with nothing around it:
///
///     Result<int> half(int n) {
///       if (n % 2) return Error{ErrorCode::kInvalid, "an odd number has no half"};
///       return n / 2;
///     }
///     if (auto h = half(n)) use(*h); else log(h.error().message);
///
/// The interface is that of std::expected<T, Error> (C++23). As safe between threads as a T.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Error;

  Result()
    requires std::default_initializable<T>
      : state_(std::in_place_index<0>) {}
  template <class U = T>
    requires(std::is_constructible_v<T, U> && !std::same_as<std::remove_cvref_t<U>, Result> &&
             !std::same_as<std::remove_cvref_t<U>, Error> && !detail::Unexpected<std::remove_cvref_t<U>>)
  // NOLINTNEXTLINE(google-explicit-constructor): a value is a result
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): and so is an error
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  template <detail::Unexpected U>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(const U& error) : state_(std::in_place_index<1>, detail::error_of(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// The value; only where there is one.
  T& operator*() & { return *held(); }
  const T& operator*() const& { return *held(); }
  T&& operator*() && { return std::move(*held()); }
  T* operator->() { return held(); }
  const T* operator->() const { return held(); }

  /// As operator*, but throws std::logic_error with the error's message where there is none.
  T& value() & { return checked(*this); }
  const T& value() const& { return checked(*this); }
  T&& value() && { return std::move(checked(*this)); }

  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }
  template <class U>
  T value_or(U&& other) && {
    return has_value() ? std::move(**this) : static_cast<T>(std::forward<U>(other));
  }

  /// The error; only where there is no value.
  Error& error() & { return *fault(); }
  const Error& error() const& { return *fault(); }
  Error&& error() && { return std::move(*fault()); }

 private:
  T* held() {
    assert(has_value());
    return std::get_if<0>(&state_);
  }
  const T* held() const {
    assert(has_value());
    return std::get_if<0>(&state_);
  }
  Error* fault() {
    assert(!has_value());
    return std::get_if<1>(&state_);
  }
  const Error* fault() const {
    assert(!has_value());
    return std::get_if<1>(&state_);
  }
  template <class Self>
  static auto& checked(Self& self) {
    if (!self.has_value()) throw std::logic_error(self.error().message);
    return *self;
  }

  std::variant<T, Error> state_;
};

/// Done, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Error;

  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): an error is a result
  Result(Error error) : error_(std::move(error)) {}
  template <detail::Unexpected U>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(const U& error) : error_(detail::error_of(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }

  /// Throws std::logic_error with the error's message where there is one.
  void value() const {
    if (error_) throw std::logic_error(error_->message);
  }

  /// The error; only where there is one.
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace docktor
