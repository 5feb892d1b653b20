// The runner's main() with LibTorch: what `gradbook verify` goes on as.
#include "lessons/workbook/runner.hpp"

int main(int argc, char** argv) {
  return gradbook::workbook::run_gradbook(argc, argv, gradbook::workbook::verify);
}
