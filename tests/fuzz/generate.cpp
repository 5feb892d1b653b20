#include <algorithm>
#include <vector>

#include "tests/fuzz/actions.hpp"
#include "tests/fuzz/compare.hpp"

namespace gradbook::fuzz {

namespace {

struct Weighted {
  double weight;
  bool (*action)(Draft&, const Taste&);
};

/// What a program of this taste does, and how often.
std::vector<Weighted> actions_of(const Taste& taste) {
  return {{15, binary},
          {11, unary},
          {8, of_positive},
          {5, with_scalar},
          {8, product_of_matrices},
          {8, reduction},
          {8 + 3 * taste.aliases, new_shape},
          {2 * taste.aliases, cut_off},
          {5 * taste.writes, write_in_place},
          {2.5 * taste.writes, without_recording},
          {3 * taste.gradients, run_backward},
          {2 * taste.gradients, run_grad},
          {8 * taste.second_order, differentiate_twice},
          {2 * taste.gradients, use_gradient},
          {3 * taste.gradients, change_flag},
          {1, index_of_largest}};
}

void act(Draft& draft, const Taste& taste, const std::vector<Weighted>& actions) {
  double sum = 0;
  for (const Weighted& each : actions) sum += each.weight;
  double left = draft.random.uniform(0, sum);
  for (const Weighted& each : actions) {
    left -= each.weight;
    if (left >= 0) continue;
    each.action(draft, taste);
    return;
  }
}

void first_leaves(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  random_leaf(draft, taste, taste.shape, Values::any, true);
  const std::size_t more = random.between(1, 3);
  for (std::size_t i = 0; i < more; ++i) {
    const Values values = random.chance(0.2) ? Values::positive : Values::any;
    random_leaf(draft, taste, broadcasting_with(random, taste.shape), values, random.chance(0.65));
  }
  if (!taste.zero_size) return;
  Shape none = taste.shape;
  if (none.empty()) none.push_back(0);
  none[random.below(none.size())] = 0;
  const Values values = random.chance(0.4) ? Values::positive : Values::any;
  random_leaf(draft, taste, none, values, random.chance(0.7));
}

/// How a program ends.
enum class End { regular, mistake, difference };

End random_end(Random& random) {
  const double kind = random.uniform();
  return kind < 0.11 ? End::mistake : kind < 0.13 ? End::difference : End::regular;
}

}  // namespace

reference::Program random_program(std::uint64_t seed, std::uint64_t index) {
  Random numbers(seed, index);
  const auto precision =
      numbers.chance(0.35) ? reference::Precision::float64 : reference::Precision::float32;
  Draft draft(numbers, precision);
  Random& random = draft.random;
  const End end = random_end(random);
  const Taste taste = random_taste(random);
  const auto actions = actions_of(taste);
  const std::size_t wanted = random.between(8, 18);
  // A mistake mostly comes late, so that most of the programs are whole ones.
  const std::size_t until =
      end == End::regular || random.chance(0.7) ? wanted : random.between(2, wanted);

  first_leaves(draft, taste);
  while (draft.operations() < until) act(draft, taste, actions);
  if (end == End::regular) {
    finish(draft, taste);
    return draft.program();
  }
  if (draft.passes() == 0 && random.chance(0.8)) finish(draft, taste);
  if (end == End::mistake) {
    make_mistake(draft, taste);
  } else {
    provoke_difference(draft, taste);
  }
  return draft.program();
}

}  // namespace gradbook::fuzz
