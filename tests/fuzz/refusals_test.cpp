#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "tests/fuzz/expect_outcome.hpp"

// Programs that are refused, in both interpreters and both precisions.

namespace gradbook::fuzz {
namespace {

using reference::Outcome;

TEST(Refusals, RefuseMistakesAtTheirLine) {
  struct Mistake {
    const char* name;
    std::function<void(ProgramBuilder&, std::size_t x, std::size_t h)> make;
  };
  const Mistake mistakes[] = {
      {"shapes",
       [](auto& b, auto x, auto) {
         b.line("add", {x, b.leaf({3}, {1, 2, 3})});
       }},
      {"matmul",
       [](auto& b, auto x, auto) {
         b.line("matmul", {x, b.leaf({3}, {1, 2, 3})});
       }},
      {"dims",
       [](auto& b, auto x, auto) {
         b.line("sum", {x}, {{"dims", {1}}});
       }},
      {"same dim",
       [](auto& b, auto x, auto) {
         b.line("mean", {x}, {{"dims", {0, -1}}});
       }},
      {"reshape",
       [](auto& b, auto x, auto) {
         b.line("reshape", {x}, {{"shape", {3}}});
       }},
      {"expand",
       [](auto& b, auto x, auto) {
         b.line("expand", {x}, {{"shape", {2, 3}}});
       }},
      {"sum_to",
       [](auto& b, auto x, auto) {
         b.line("sum_to", {x}, {{"shape", {3}}});
       }},
      {"transpose",
       [](auto& b, auto x, auto) {
         b.line("transpose", {x}, {{"dim0", {0}}, {"dim1", {1}}});
       }},
      {"argmax",
       [](auto& b, auto x, auto) {
         b.line("argmax", {x}, {{"dim", {1}}});
       }},
      {"leaf in place", [](auto& b, auto x, auto) { b.line("zero_", {x}); }},
      {"not a scalar", [](auto& b, auto, auto h) { b.line("backward", {h}); }},
      {"wrong gradient",
       [](auto& b, auto, auto h) {
         b.line("backward", {h, b.leaf({3}, {1, 2, 3})});
       }},
      {"detached",
       [](auto& b, auto, auto h) { b.line("backward", {b.line("sum", {b.line("detach", {h})})}); }},
      {"freed",
       [](auto& b, auto, auto h) {
         b.line("backward", {b.line("sum", {h})});
         b.line("backward", {b.line("sum", {h})});
       }},
      {"saved value",
       [](auto& b, auto, auto h) {
         const auto y = b.line("exp", {h});
         b.line("add_", {y}, {{"scalar", {1}}});
         b.line("backward", {b.line("sum", {y})});
       }},
      {"unused",
       [](auto& b, auto, auto h) {
         b.line("grad", {b.line("sum", {h}), b.leaf({1}, {1}, true)});
       }},
      {"flag of a result",
       [](auto& b, auto, auto h) {
         b.line("requires_grad_", {h}, {{"wanted", {0}}});
       }},
      {"nothing to retain",
       [](auto& b, auto, auto h) { b.line("retain_grad", {b.line("detach", {h})}); }},
      {"undefined", [](auto& b, auto x, auto) { b.line("neg", {b.line("grad_of", {x})}); }},
      {"undefined gradient",
       [](auto& b, auto x, auto) { b.line("zero_grad", {b.line("grad_of", {x})}); }},
      {"gradient of nothing",
       [](auto& b, auto x, auto) { b.line("grad_of", {b.line("grad_of", {x})}); }},
      {"result of backward",
       [](auto& b, auto, auto h) {
         b.line("add", {h, b.line("backward", {b.line("sum", {h})})});
       }},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.name);
    ProgramBuilder b;
    const auto x = b.leaf({2}, {1, 2}, true);
    mistake.make(b, x, b.line("mul", {x, x}));
    expect_last_line_refused(b);
  }
}

TEST(Refusals, NameTheClassOfTheEnginesError) {
  ProgramBuilder b;
  const auto x = b.leaf({2}, {1, 2}, true);
  EXPECT_EQ(run_engine(b.program()).error_class, "");
  b.line("backward", {x});
  EXPECT_EQ(run_engine(b.program()).error_class, "BackwardError");
}

TEST(Refusals, SeeALiveReshapeWhereAWriteIsRefused) {
  const auto refused = [](bool reshaped) {
    ProgramBuilder b;
    const auto x = b.leaf({2}, {1, 2}, true);
    const auto h = b.line("neg", {x});
    if (reshaped) b.line("reshape", {h}, {{"shape", {2, 1}}});
    b.line("add_", {reshaped ? h : x}, {{"scalar", {1}}});
    return run_engine(b.program());
  };
  EXPECT_EQ(refused(true).error_class, "InPlaceError");
  EXPECT_TRUE(refused(true).shares_storage_with_reshape);
  EXPECT_EQ(refused(false).error_class, "InPlaceError");
  EXPECT_FALSE(refused(false).shares_storage_with_reshape);
}

TEST(Refusals, RefuseWhatIsNoProgram) {
  const auto refuse = [](const ProgramBuilder& b) {
    EXPECT_THROW(run_engine(b.program()), std::invalid_argument);
    EXPECT_THROW(reference::run_in_libtorch(b.program()), std::invalid_argument);
  };
  ProgramBuilder unknown;
  unknown.line("softmax");
  refuse(unknown);
  ProgramBuilder forward;
  forward.line("neg", {0});
  refuse(forward);
  ProgramBuilder no_constant;
  no_constant.line("pow", {no_constant.leaf({1}, {1})});
  refuse(no_constant);
  ProgramBuilder data;
  data.leaf({2}, {1});
  refuse(data);
  ProgramBuilder size;
  size.line("expand", {size.leaf({1}, {1})}, {{"shape", {-1}}});
  refuse(size);
}

// What they change on the thread, they put back.
TEST(Refusals, LeaveRecordingAsItWas) {
  ProgramBuilder b;
  b.line("no_grad");
  const Outcome ours = run_engine(b.program()).outcome;
  const Outcome theirs = reference::run_in_libtorch(b.program());
  EXPECT_EQ(ours.results.size(), theirs.results.size());
  ProgramBuilder c;
  const auto y = c.line("neg", {c.leaf({1}, {1}, true)});
  expect_runs(c, [&](const Outcome& outcome) { EXPECT_TRUE(outcome.results[y].requires_grad); });
}

}  // namespace
}  // namespace gradbook::fuzz
