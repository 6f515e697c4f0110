#pragma once
#include <CLI/CLI.hpp>

namespace tessera {

/// Runs `tessera bench` and does not return, if that is what the words ask for: a program in
/// Python, tessera_bench, which starts the processes that it times, so that MPI must not have begun
/// here. Ends with status 2 where there is no such Python.
void run_bench(char** argv);

/// Makes `bench` known to the program's help.
void add_bench(CLI::App& program);

}  // namespace tessera
