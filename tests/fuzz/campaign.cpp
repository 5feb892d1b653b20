#include "tests/fuzz/campaign.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "tests/fuzz/alone.hpp"
#include "tests/fuzz/child.hpp"

namespace gradbook::fuzz {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto between_parts = 250ms;

/// What we and the child that runs the programs both see.
struct Shared {
  std::atomic<std::uint64_t> position = 0;  ///< of the program that it is at
  std::atomic<bool> stop = false;           ///< it is to end after this program
};

class SharedMemory {
 public:
  SharedMemory() {
    void* memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    shared_ = new (memory) Shared;
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(shared_, sizeof(Shared)); }
  Shared& operator*() const { return *shared_; }
  Shared* operator->() const { return shared_; }

 private:
  Shared* shared_;
};

/// The child's side: programs [from, to) of the shard, a part of the report every now and then.
void run_programs(const Campaign& campaign, const Subject& subject, std::uint64_t from,
                  std::uint64_t to, Shared& shared, const Send& send) {
  const Report nothing{
      .seed = campaign.seed, .programs = campaign.programs, .shard = campaign.shard};
  Report part = nothing;
  auto sent = Clock::now();
  const auto send_part = [&] {
    std::string json = to_json(std::exchange(part, nothing));
    json.pop_back();  // the end of its line
    send(json);
    sent = Clock::now();
  };
  for (std::uint64_t position = from; position < to && !shared.stop; ++position) {
    shared.position = position;
    const std::uint64_t index = campaign.shard.index(position);
    const Comparison comparison =
        compare_or_say_why(subject, [&] { return subject.generate(campaign.seed, index); });
    part.counts.add(comparison, index);
    ++part.done;
    const bool failed = !comparison.disagreement.empty();
    if (failed) part.add({.index = index, .found = comparison.disagreement});
    if (!failed && Clock::now() - sent < between_parts) continue;
    send_part();
  }
  send_part();
}

class Run {
 public:
  Run(const Campaign& campaign, const Subject& subject, const Progress& progress,
      const volatile std::sig_atomic_t* stop)
      : campaign_(campaign), subject_(subject), progress_(progress), stop_(stop) {
    report_.seed = campaign.seed;
    report_.programs = campaign.programs;
    report_.shard = campaign.shard;
    report_.libtorch = subject.libtorch;
    report_.commit = subject.commit;
    for (const std::string& operation : subject.operations) {
      for (const Feature& feature : subject.features) report_.counts.pairs[operation][feature] = 0;
    }
    for (const std::string& name : subject.intended) report_.counts.intended[name] = 0;
  }

  Report run() {
    const std::uint64_t all = campaign_.shard.size(campaign_.programs);
    while (report_.done < all && !is_to_stop()) {
      if (fatal_ && fatal_->position == report_.done) {
        take_fatal();
      } else {
        run_child(fatal_ ? fatal_->position : all);
      }
    }
    report_.seconds = seconds();
    return std::move(report_);
  }

 private:
  /// A program that ended its child.
  struct Fatal {
    std::uint64_t position;
    std::string how;
  };

  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  bool is_interrupted() const { return stop_ != nullptr && *stop_ != 0; }
  bool is_to_stop() const {
    return is_interrupted() || (campaign_.minutes && seconds() >= 60 * *campaign_.minutes);
  }

  void show_progress() {
    report_.seconds = seconds();
    if (progress_) progress_(report_);
  }

  void run_child(std::uint64_t to) {
    shared_->stop = false;
    shared_->position = report_.done;
    Child child(
        [&](const Send& send) {
          run_programs(campaign_, subject_, report_.done, to, *shared_, send);
        },
        Child::Messages::shown);
    std::uint64_t at = report_.done;
    auto since = Clock::now();
    bool hangs = false;
    while (!child.at_end() && !hangs) {
      const auto line = child.line(between_parts);
      if (line) take_part(report_from_json(*line));
      show_progress();
      if (is_to_stop()) shared_->stop = true;
      if (line || at != shared_->position) {
        at = shared_->position;
        since = Clock::now();
      }
      hangs = Clock::now() - since > subject_.patience;
    }
    if (hangs) child.kill();
    const std::string how = child.wait();
    if (!how.empty()) fatal_ = {shared_->position, hangs ? did_not_end(subject_) : how};
  }

  void take_part(const Report& part) {
    report_.done += part.done;
    report_.counts.add(part.counts);
    for (const Finding& finding : part.findings) take_finding(finding);
  }

  void take_fatal() {
    const Finding finding{.index = report_.next(), .found = fatal_->how};
    fatal_.reset();
    ++report_.done;
    ++report_.counts.programs;
    take_finding(finding);
  }

  void take_finding(Finding finding) {
    if (report_.findings.size() < Report::most_shrunk)
      shrink_finding(finding, subject_, campaign_.seed, stop_);
    report_.add(std::move(finding));
    show_progress();
  }

  const Campaign& campaign_;
  const Subject& subject_;
  const Progress& progress_;
  const volatile std::sig_atomic_t* stop_;
  const Clock::time_point start_ = Clock::now();
  SharedMemory shared_;
  Report report_;
  std::optional<Fatal> fatal_;
};

}  // namespace

Report run_campaign(const Campaign& campaign, const Subject& subject, const Progress& progress,
                    const volatile std::sig_atomic_t* stop) {
  return Run(campaign, subject, progress, stop).run();
}

}  // namespace gradbook::fuzz
