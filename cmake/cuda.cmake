# The CUDA module: a library of its own, loaded when a cuda device is asked for, so that runs on
# CPUs never load CUDA. Its sources are also compiled for the host; see tests/cuda_on_host.
file(GLOB TESSERA_CUDA_SOURCES CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/runtime/cuda/*.cpp ${PROJECT_SOURCE_DIR}/*/kernels/cuda/*.cu
     ${PROJECT_SOURCE_DIR}/*/kernels/cuda/*.cpp)

# Sets TESSERA_HAS_CUDA, enables the language and finds the libraries.
macro(tessera_find_cuda)
  set(TESSERA_HAS_CUDA OFF)
  if(NOT TESSERA_CUDA STREQUAL "OFF")
    find_program(TESSERA_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda/bin)
    if(TESSERA_NVCC AND NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
      set(ENV{CUDACXX} ${TESSERA_NVCC})
    endif()
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
    endif()
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
      enable_language(CUDA)
      foreach(kind STANDARD EXTENSION) # nvcc's flag for C++20, which CMake 3.25 does not know
        if(NOT CMAKE_CUDA20_${kind}_COMPILE_OPTION)
          set(CMAKE_CUDA20_${kind}_COMPILE_OPTION -std=c++20)
        endif()
      endforeach()
      find_package(CUDAToolkit)
    endif()
    if(TARGET CUDA::cudart AND TARGET CUDA::cublas AND TARGET CUDA::cusolver)
      set(TESSERA_HAS_CUDA ON)
      find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
      find_library(NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR})
    elseif(TESSERA_CUDA STREQUAL "ON")
      message(FATAL_ERROR "TESSERA_CUDA=ON, but the CUDA compiler, cuBLAS or cuSOLVER is missing")
    else()
      message(STATUS "No CUDA compiler, cuBLAS or cuSOLVER: building without the CUDA module")
    endif()
  endif()
endmacro()

# What the module is made of, whoever compiles it.
function(tessera_cuda_target target)
  target_compile_definitions(${target} PRIVATE OMPI_SKIP_MPICXX)
  target_link_libraries(${target} PRIVATE tessera_estimators tessera_runtime_inside tessera_array_inside tessera_linalg_inside
                                        tessera_estimators_inside MPI::MPI_CXX fmt::fmt)
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden
                                             CUDA_VISIBILITY_PRESET hidden)
endfunction()

function(tessera_add_cuda)
  if(NOT TESSERA_HAS_CUDA)
    return()
  endif()
  add_library(tessera_cuda MODULE ${TESSERA_CUDA_SOURCES})
  tessera_cuda_target(tessera_cuda)
  target_link_libraries(tessera_cuda PRIVATE CUDA::cudart CUDA::cublas CUDA::cusolver)
  if(TARGET CUDA::cufft)
    set_source_files_properties(${PROJECT_SOURCE_DIR}/array/kernels/cuda/fft.cu
                                PROPERTIES COMPILE_DEFINITIONS TESSERA_WITH_CUFFT)
    target_link_libraries(tessera_cuda PRIVATE CUDA::cufft)
  else()
    message(STATUS "No cuFFT: Fourier transforms of arrays on GPUs are computed on the host")
  endif()
  if(NCCL_INCLUDE_DIR AND NCCL_LIBRARY)
    target_compile_definitions(tessera_cuda PRIVATE TESSERA_WITH_NCCL)
    target_include_directories(tessera_cuda SYSTEM PRIVATE ${NCCL_INCLUDE_DIR})
    target_link_libraries(tessera_cuda PRIVATE ${NCCL_LIBRARY})
  else()
    message(STATUS "No NCCL: arrays on GPUs are merged through host memory")
  endif()
  # Fused multiply-add only where the code says so: bits must not depend on the compiler.
  target_compile_options(
    tessera_cuda
    PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor -ffp-contract=off>
            $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr --fmad=false --Werror cross-execution-space-call
            -Xcompiler=-Wall,-Wextra,-ffp-contract=off>)
  # Where the runtime looks for it: beside its own library.
  set_target_properties(
    tessera_cuda
    PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON
               LIBRARY_OUTPUT_DIRECTORY $<TARGET_FILE_DIR:tessera_runtime>)
  install(TARGETS tessera_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()
