#include "tests/fuzz/alone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <nlohmann/json.hpp>

#include "tests/fuzz/child.hpp"
#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/print.hpp"

namespace gradbook::fuzz {

using reference::Program;

namespace {

using Json = nlohmann::json;

/// Runs `work` in a child and gives the one line that it sends, or else how the child ended.
struct Sent {
  std::optional<std::string> line;
  std::string how;
};
Sent in_child(const Subject& subject, const std::function<void(const Send&)>& work) {
  Child child(work, Child::Messages::hidden);
  const auto until = std::chrono::steady_clock::now() + subject.patience;
  std::optional<std::string> line;
  while (!line && !child.at_end() && std::chrono::steady_clock::now() < until)
    line = child.line(std::chrono::seconds(1));
  if (line) return {std::move(line), {}};
  if (child.at_end()) return {{}, child.wait()};
  child.kill();
  return {{}, did_not_end(subject)};
}

}  // namespace

std::string did_not_end(const Subject& subject) {
  return fmt::format("did not end within {} s", subject.patience.count());
}

Comparison compare_or_say_why(const Subject& subject, const std::function<Program()>& make) {
  try {
    return subject.compare(make());
  } catch (const std::exception& error) {
    return {.disagreement = fmt::format("an exception ended it: {}", error.what())};
  }
}

std::optional<Program> make_safely(const Subject& subject, std::uint64_t seed,
                                   std::uint64_t index) {
  const Sent sent = in_child(subject, [&](const Send& send) {
    subject.generate(seed, index);
    send("made");
  });
  if (!sent.line) return std::nullopt;
  return subject.generate(seed, index);
}

std::string failure_of(const Subject& subject, const Program& program) {
  const Sent sent = in_child(subject, [&](const Send& send) {
    send(Json(compare_or_say_why(subject, [&] { return program; }).disagreement)
             .dump(-1, ' ', false, Json::error_handler_t::replace));
  });
  return sent.line ? Json::parse(*sent.line).get<std::string>() : sent.how;
}

std::string kind_of(const std::string& found) {
  std::string kind;
  std::string word;
  const auto end_word = [&] {
    const bool is_number =
        word.empty() || word == "nan" || word == "inf" || word == "e" ||
        std::ranges::any_of(word, [](unsigned char c) { return std::isdigit(c); });
    if (!is_number) kind += (kind.empty() ? "" : " ") + word;
    word.clear();
  };
  for (const char c : found.substr(0, found.find('\n'))) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      word += c;
    } else {
      end_word();
    }
  }
  end_word();
  return kind;
}

void shrink_finding(Finding& finding, const Subject& subject, std::uint64_t seed,
                    const volatile std::sig_atomic_t* stop) {
  if (finding.found == did_not_end(subject)) return;  // each try would take as long
  const std::optional<Program> made = make_safely(subject, seed, finding.index);
  if (!made) {
    finding.found += " (as the program was made, before it ran)";
    return;
  }
  const Program& program = *made;
  const std::string failure = failure_of(subject, program);
  if (failure.empty()) {
    finding.found += " (only after the programs before it: by itself it does not fail)";
    return;
  }
  const std::string kind = kind_of(failure);
  const auto still_fails = [&](const Program& smaller) {
    const bool interrupted = stop != nullptr && *stop != 0;
    return !interrupted && kind_of(failure_of(subject, smaller)) == kind;
  };
  const bool ends_the_process = failure.starts_with("ended by") || failure.starts_with("exited");
  ShrinkOptions options;
  if (!ends_the_process) options.evaluate = subject.evaluate;
  const Program smallest = shrink(program, still_fails, options);
  const Origin origin{.seed = seed, .index = finding.index, .shrunk = true};
  Shrunk shrunk{.found = failure_of(subject, smallest), .text = to_text(smallest)};
  try {
    shrunk.engine = engine_source(smallest, origin, shrunk.found);
    shrunk.libtorch = libtorch_source(smallest, origin, shrunk.found);
  } catch (const std::exception& error) {
    shrunk.engine = fmt::format("// {}\n", error.what());
  }
  finding.shrunk = std::move(shrunk);
}

}  // namespace gradbook::fuzz
