// The runner's main().
#include "lessons/workbook/runner.hpp"

int main(int argc, char** argv) { return gradbook::workbook::run_gradbook(argc, argv); }
