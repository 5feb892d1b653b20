#include "engine/trace.hpp"

#include "engine/graph/node.hpp"

namespace gradbook {

namespace {

template <class T>
constexpr bool is_float64 = sizeof(T) == sizeof(double);

template <class T>
std::uint64_t number_of_node(const BasicTensor<T>& tensor) {
  return tensor.requires_grad() ? node_of(tensor)->number : 0;
}

}  // namespace

template <class T>
Trace::ValueId Trace::add_value(const BasicTensor<T>& tensor, std::size_t identity) {
  const ValueId id = values_.size();
  const std::uint64_t node = number_of_node(tensor);
  values_.push_back({identity, tensor.snapshot(), tensor.requires_grad(), tensor.is_leaf(), node});
  tensors_[tensor.impl()->number] = {identity, id, tensor.version(), node};
  return id;
}

template <class T>
Trace::ValueId Trace::value_of(const BasicTensor<T>& tensor) {
  if (values_.empty()) float64_ = is_float64<T>;
  if (float64_ != is_float64<T>) {
    throw Error(
        "trace: one trace holds either float32 or float64 tensors; make one trace for each");
  }
  const auto known = tensors_.find(tensor.impl()->number);
  if (known != tensors_.end()) {
    const Known& state = known->second;
    if (state.version == tensor.version() && state.node == number_of_node(tensor)) {
      return state.latest;
    }
    // Written to through an alias since, or asked to require grad.
    return add_value(tensor, state.tensor);
  }
  const ValueId id = add_value(tensor, tensors_.size());
  steps_.push_back(Leaf{id});
  if (backward_depth_ == 0 && tensor.grad().defined()) grad_set(tensor);
  return id;
}

template <class T>
void Trace::add_operation(std::string_view name, Attributes attributes, ValueIds inputs,
                          const BasicTensor<T>& output, bool in_place) {
  const auto known = tensors_.find(output.impl()->number);
  const ValueId id =
      add_value(output, known == tensors_.end() ? tensors_.size() : known->second.tensor);
  // With recording off, a write in place leaves the node of an earlier operation where it was.
  if (GradMode::enabled() && node_of(output)) operations_[number_of_node(output)] = steps_.size();
  steps_.push_back(Operation{std::string(name), std::move(attributes), std::move(inputs), id,
                             in_place, GradMode::enabled(), backward_depth_ > 0});
}

template <class T>
void Trace::gradient(const Node<T>& node, std::size_t input, const BasicTensor<T>& arriving,
                     const BasicTensor<T>& result) {
  const auto made = operations_.find(node.number);
  if (made == operations_.end()) return;  // recorded before the trace began
  steps_.push_back(Gradient{made->second, input, arriving.snapshot(), result.snapshot()});
}

void Trace::accumulation(Snapshot before, Snapshot contribution, Snapshot after) {
  steps_.push_back(Accumulation{std::move(before), std::move(contribution), std::move(after)});
}

template <class T>
void Trace::grad_set(const BasicTensor<T>& tensor) {
  const ValueId id = value_of(tensor);
  steps_.push_back(GradSet{id, tensor.grad().defined() ? value_of(tensor.grad()) : kNone});
}

template <class T>
void Trace::retain_grad(const BasicTensor<T>& tensor) {
  const ValueId id = value_of(tensor);
  steps_.push_back(RetainGrad{values_[id].tensor});
}

template <class T>
void Trace::requires_grad_change(const BasicTensor<T>& tensor, bool wanted) {
  const auto known = tensors_.find(tensor.impl()->number);
  if (known == tensors_.end()) return;  // its first use will show what it requires
  steps_.push_back(RequiresGradChange{known->second.tensor, wanted});
}

void Trace::backward_begins() {
  ++backward_depth_;
  backward_began_ = steps_.size();
}

void Trace::backward_ends(Backward call) {
  --backward_depth_;
  call.first = backward_began_;
  steps_.push_back(std::move(call));
}

template <class T>
void Trace::same_tensor(const BasicTensor<T>& alias, const BasicTensor<T>& original) {
  value_of(original);
  tensors_[alias.impl()->number] = tensors_.at(original.impl()->number);
}

void Trace::plant(std::size_t step, const Snapshot& wrong) {
  Step& planted = steps_.at(step);
  if (auto* gradient = std::get_if<Gradient>(&planted)) {
    gradient->result = wrong;
  } else if (auto* sum = std::get_if<Accumulation>(&planted)) {
    sum->after = wrong;
  } else {
    values_[std::get<Operation>(planted).output].snapshot = wrong;
  }
}

template Trace::ValueId Trace::value_of(const Tensor&);
template void Trace::add_operation(std::string_view, Attributes, ValueIds, const Tensor&, bool);
template void Trace::gradient(const Node<float>&, std::size_t, const Tensor&, const Tensor&);
template void Trace::grad_set(const Tensor&);
template void Trace::retain_grad(const Tensor&);
template void Trace::requires_grad_change(const Tensor&, bool);
template void Trace::same_tensor(const Tensor&, const Tensor&);
template Trace::ValueId Trace::value_of(const Tensor64&);
template void Trace::add_operation(std::string_view, Attributes, ValueIds, const Tensor64&, bool);
template void Trace::gradient(const Node<double>&, std::size_t, const Tensor64&, const Tensor64&);
template void Trace::grad_set(const Tensor64&);
template void Trace::retain_grad(const Tensor64&);
template void Trace::requires_grad_change(const Tensor64&, bool);
template void Trace::same_tensor(const Tensor64&, const Tensor64&);

}  // namespace gradbook
