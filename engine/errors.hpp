#pragma once

#include <stdexcept>
#include <string>

/// Every misuse of the engine throws one of these. The message names the operation and the shapes
/// (an undefined tensor has none) and says what to do instead.
namespace gradbook {

/// Base of all errors that the engine throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit: not broadcastable, wrong for matmul, a reshape of another size.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A use of a tensor that is undefined: default-constructed, or a gradient that does not exist
/// (yet). The message names no operation: what throws is the first look at the values, from
/// wherever it comes.
class UndefinedTensorError : public Error {
 public:
  using Error::Error;
};

/// A dimension number outside [-rank, rank), or one named twice.
class DimensionError : public Error {
 public:
  using Error::Error;
};

/// A backward pass that makes no sense: from a tensor that does not require grad, from a non-scalar
/// without a gradient, with a gradient of the wrong shape, or towards an input that has no part in
/// it.
class BackwardError : public Error {
 public:
  using Error::Error;
};

/// A second backward pass through an operation whose saved values the first one has freed.
class GraphFreedError : public Error {
 public:
  using Error::Error;
};

/// A write in place where it is not allowed: a recorded one on a leaf that requires grad or through
/// one of several aliases made by reshape, or one whose result does not fit.
class InPlaceError : public Error {
 public:
  using Error::Error;
};

/// A value that was saved for backward has been written to since.
class SavedTensorChangedError : public Error {
 public:
  using Error::Error;
};

/// An action that would lose or change the gradient history without saying so: the raw array of a
/// tensor that requires grad, `requires_grad_(false)` on a result, `retain_grad` without history.
class RequiresGradError : public Error {
 public:
  using Error::Error;
};

/// A checkpointed function that cannot be run again with the same result.
class CheckpointError : public Error {
 public:
  using Error::Error;
};

}  // namespace gradbook
