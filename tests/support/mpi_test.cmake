# Open MPI in a container: root, fewer cores than ranks, no ptrace for single-copy messages, and no
# search for networks, which takes longer than most tests.
set(TESSERA_TEST_ENVIRONMENT
    OMP_NUM_THREADS=1
    OPENBLAS_NUM_THREADS=1
    OMPI_MCA_mpi_yield_when_idle=1
    OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_pml=ob1
    OMPI_MCA_btl=self,vader
    OMPI_MCA_btl_vader_single_copy_mechanism=none
    OMPI_ALLOW_RUN_AS_ROOT=1
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1)
set(TESSERA_TEST_SUPPORT ${CMAKE_CURRENT_LIST_DIR})

add_library(tessera_test_main STATIC ${TESSERA_TEST_SUPPORT}/mpi_main.cpp)
target_link_libraries(tessera_test_main PUBLIC tessera_runtime GTest::gtest MPI::MPI_CXX fmt::fmt)
target_include_directories(tessera_test_main PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(tessera_test_main PUBLIC OMPI_SKIP_MPICXX)
target_compile_options(tessera_test_main PUBLIC -Wall -Wextra -ffp-contract=off)
target_link_options(tessera_test_main INTERFACE -rdynamic) # function names in stacks

# GoogleTest and the standard library, compiled once for all tests that are not optimised.
set(TESSERA_TEST_OPTIMIZATION $<$<CONFIG:Release>:-O0>)
add_executable(tessera_test_precompiled ${TESSERA_TEST_SUPPORT}/precompiled.cpp)
target_link_libraries(tessera_test_precompiled PRIVATE tessera_test_main)
target_compile_options(tessera_test_precompiled PRIVATE ${TESSERA_TEST_OPTIMIZATION})
target_precompile_headers(tessera_test_precompiled PRIVATE <gtest/gtest.h> ${TESSERA_PRECOMPILED})

# The command that starts a program on n ranks, as a list.
function(mpi_command variable n)
  set(${variable} ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${n} --oversubscribe --bind-to none
                  ${MPIEXEC_PREFLAGS} PARENT_SCOPE)
endfunction()

# mpi_test(<name> SOURCES <files> [RANKS 1 2 3 4] [LIMIT <seconds per test>] [LIBRARIES <targets>]
#          [ENVIRONMENT NAME=value ...] [LABELS ...] [COMPUTES])
# One executable, one CTest test per number of ranks: <name>.np1, <name>.np2, ... In a release it is
# optimised only if it COMPUTES much itself: most run for less than that takes.
function(mpi_test name)
  cmake_parse_arguments(arg "COMPUTES" "LIMIT" "SOURCES;RANKS;LIBRARIES;ENVIRONMENT;LABELS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mpi_test(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_RANKS)
    set(arg_RANKS 1 2 3 4)
  endif()
  if(NOT arg_LIMIT)
    set(arg_LIMIT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE tessera_test_main ${arg_LIBRARIES})
  if(arg_COMPUTES)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  else()
    target_compile_options(${name} PRIVATE ${TESSERA_TEST_OPTIMIZATION})
    target_precompile_headers(${name} REUSE_FROM tessera_test_precompiled)
  endif()
  math(EXPR ceiling "5 * ${arg_LIMIT}")
  foreach(n IN LISTS arg_RANKS)
    mpi_command(launch ${n})
    add_test(NAME ${name}.np${n} COMMAND ${launch} $<TARGET_FILE:${name}>)
    set_tests_properties(
      ${name}.np${n}
      PROPERTIES LABELS "np${n};${arg_LABELS}" PROCESSORS ${n} TIMEOUT ${ceiling} ENVIRONMENT
                 "${TESSERA_TEST_ENVIRONMENT};MPI_TEST_LIMIT=${arg_LIMIT};${arg_ENVIRONMENT}")
  endforeach()
endfunction()

# expect_run(<name> TARGET <executable> [ARGUMENTS ...] [RANKS 2] [STATUS <status>|nonzero]
#            [WITHIN <seconds>] [ENVIRONMENT NAME=value ...]
#            [TEXT <strings>] [ONCE <strings>] [ABSENT <strings>] [FOLDER <folder> [LEFT <names>]])
# A CTest test of how a whole job ends: its exit status, how long it takes, and which strings its
# output has, has exactly once, and has not. With FOLDER it runs in that one, emptied before, and
# leaves there exactly the files of LEFT. Strings without semicolons or single brackets (CMake
# lists).
function(expect_run name)
  cmake_parse_arguments(arg "" "TARGET;RANKS;STATUS;WITHIN;FOLDER"
                        "ARGUMENTS;ENVIRONMENT;TEXT;ONCE;ABSENT;LEFT"
                        ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "expect_run(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_RANKS)
    set(arg_RANKS 2)
  endif()
  if(NOT DEFINED arg_STATUS)
    set(arg_STATUS 0)
  endif()
  if(NOT arg_WITHIN)
    set(arg_WITHIN 15)
  endif()
  mpi_command(launch ${arg_RANKS})
  add_test(
    NAME ${name}
    COMMAND
      ${CMAKE_COMMAND} "-DRUN=${launch};$<TARGET_FILE:${arg_TARGET}>;${arg_ARGUMENTS}"
      "-DSTATUS=${arg_STATUS}" "-DWITHIN=${arg_WITHIN}" "-DTEXT=${arg_TEXT}" "-DONCE=${arg_ONCE}"
      "-DABSENT=${arg_ABSENT}" "-DFOLDER=${arg_FOLDER}" "-DLEFT=${arg_LEFT}" -P ${TESSERA_TEST_SUPPORT}/expect_run.cmake)
  math(EXPR ceiling "${arg_WITHIN} + 30")
  set_tests_properties(
    ${name} PROPERTIES LABELS "np${arg_RANKS}" PROCESSORS ${arg_RANKS} TIMEOUT ${ceiling}
                       ENVIRONMENT "${TESSERA_TEST_ENVIRONMENT};GTEST_COLOR=no;${arg_ENVIRONMENT}")
endfunction()
