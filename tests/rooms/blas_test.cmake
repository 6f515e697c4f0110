# BLAS and LAPACK are called by those who implement operations, and by nobody else: what called them
# past its operation would ignore a guard and be in no trace.
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/runtime/*.cpp ${ROOT}/linalg/*.cpp
     ${ROOT}/estimators/*.cpp ${ROOT}/io/*.cpp ${ROOT}/tools/*.cpp)
set(found "")
foreach(source IN LISTS sources)
  if(source MATCHES "^linalg/(kernels/cpu|scalapack)/")
    continue()
  endif()
  file(STRINGS ${ROOT}/${source} lines REGEX "(cblas_[sdczi]|LAPACKE_[sdcz])[a-z0-9_]+ *\\(")
  foreach(line IN LISTS lines)
    string(APPEND found "\n${source}: ${line}")
  endforeach()
endforeach()
if(found)
  message(FATAL_ERROR "calls that go past their operation:${found}")
endif()
