// A formula as text: what a row of engine/rules.hpp says when it is read on this instead of on
// numbers.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "lessons/workbook/numbers.hpp"

namespace gradbook {

/// Computing with formulas writes them down: `Formula("g") * (1 - Formula("y"))` has the text
/// "g * (1 - y)". Parentheses stand only where they are needed.
class Formula {
 public:
  explicit Formula(std::string text) : text_(std::move(text)) {}
  Formula(double number) : text_(workbook::number(number)) {}
  const std::string& text() const { return text_; }

  friend Formula operator+(const Formula& a, const Formula& b) { return joined(a, "+", b, sum); }
  friend Formula operator-(const Formula& a, const Formula& b) { return joined(a, "-", b, sum); }
  friend Formula operator*(const Formula& a, const Formula& b) {
    return joined(a, "*", b, product);
  }
  friend Formula operator/(const Formula& a, const Formula& b) {
    return joined(a, "/", b, product);
  }
  friend Formula operator-(const Formula& a) { return {"-" + a.inside(a.binds_ < sign), sign}; }
  friend Formula exp(const Formula& a) { return Formula("exp(" + a.text_ + ")"); }
  friend Formula log(const Formula& a) { return Formula("log(" + a.text_ + ")"); }
  friend Formula sqrt(const Formula& a) { return Formula("sqrt(" + a.text_ + ")"); }
  friend Formula tanh(const Formula& a) { return Formula("tanh(" + a.text_ + ")"); }
  friend Formula pow(const Formula& a, const Formula& b) {
    return Formula("pow(" + a.text_ + ", " + b.text_ + ")");
  }
  friend Formula gate(const Formula& g, const Formula& y) {
    return Formula("gate(" + g.text_ + ", " + y.text_ + ")");
  }
  friend Formula zero_like(const Formula&) { return 0; }

 private:
  // How tightly the outermost operation holds its operands together.
  enum Binds { sum, product, sign, atom };

  Formula(std::string text, Binds binds) : text_(std::move(text)), binds_(binds) {}

  std::string inside(bool parentheses) const { return parentheses ? "(" + text_ + ")" : text_; }

  // Operations of one kind are read from the left: a / b / b needs none, a / (b * b) does.
  static Formula joined(const Formula& a, std::string_view op, const Formula& b, Binds binds) {
    return {a.inside(a.binds_ < binds) + " " + std::string(op) + " " + b.inside(b.binds_ <= binds),
            binds};
  }

  std::string text_;
  Binds binds_ = atom;
};

}  // namespace gradbook
