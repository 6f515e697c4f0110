#pragma once
#include <memory>
#include <string>
#include <vector>

#include <tessera/estimators/estimator.hpp>

namespace tessera {

/// Makes a class of estimators known by its name: ours, a program's own, a plug-in's. A model of it
/// can then be loaded, and the program `tessera` fits it and has its methods. ValueError when
/// another class has the name. Local: every process registers the same.
void register_estimator(const EstimatorType& type);
template <class E>
void register_estimator() {
  register_estimator(E::describe());
}

/// All classes of estimators there are, by name.
std::vector<const EstimatorType*> estimator_types();
std::vector<std::string> estimator_names();
/// The class of that name, or nothing.
const EstimatorType* find_estimator_type(std::string_view name);
/// A new estimator; ValueError listing those there are for another name.
std::unique_ptr<Estimator> make_estimator(const std::string& name);
/// A fitted estimator from a model.
std::unique_ptr<Estimator> make_estimator(const Model& model);
/// A new estimator of the same class with the same parameters, not fitted.
std::unique_ptr<Estimator> clone(const Estimator& estimator);
/// The same from an estimator as data, which is how it is a parameter of another one. ValueError
/// for one that is not registered.
std::unique_ptr<Estimator> clone(const Model& model);
/// Makes the operations and built-in backends of this room and of linalg known, for
/// support_table().
void register_operations();

}  // namespace tessera
