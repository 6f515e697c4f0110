#pragma once
/// Everything a program that uses Tessera needs.
#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/linear_model/linear_regression.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>
#include <tessera/io/convert.hpp>
#include <tessera/io/dataset.hpp>
#include <tessera/io/location.hpp>
#include <tessera/io/model_file.hpp>
#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/array.hpp>
#include <tessera/runtime/random.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/runtime.hpp>
