"""What C++ describes as Python's text: signatures and documentation, of classes and of stubs."""

import textwrap

_X = "X : {array-like, Array, Stream} of shape (n_samples, n_features)\n    The data."
_Y = "y : array-like or Array of shape (n_samples,), default=None\n    The target, where there is one."
_W = "sample_weight : array-like or Array of shape (n_samples,), default=None\n    Weights of the rows."
_CLASSES = "classes : array-like, default=None\n    All classes, at the first call."


def indented(text, by="    "):
    return textwrap.indent(text, by)


def _sentence(text):
    return text[:1].upper() + text[1:]


def _section(title, entries):
    return f"\n\n{title}\n{'-' * len(title)}\n" + "\n".join(entries) if entries else ""


def start_argument(attribute):
    """coef_init for coef_."""
    return f"{attribute}init"


def arguments(method):
    """Names of a method's arguments with their documentation; all but X are optional."""
    kind = method["kind"]
    all = {"X": _X} if kind != "tell" else {}
    if kind in ("learn", "measure"):
        all["y"] = _Y
        if method["classes"]:
            all["classes"] = _CLASSES
        for name in map(start_argument, method["starts"]):
            all[name] = f"{name} : array-like, default=None\n    Where {name[:-5]}_ starts."
        if method["sample_weight"]:
            all["sample_weight"] = _W
    return all


def method_source(method, others=()):
    """One method: real arguments, documentation, a call of Core.

    predict of a class that has predict_std, too, takes scikit-learn's return_std, get_support its indices.
    """
    name, kind = method["name"], method["kind"]
    with_std = name == "predict" and "predict_std" in others
    given = arguments(method)
    passed = [repr(name), *(each if each == "X" else f"{each}={each}" for each in given)]
    if kind == "map":
        passed.append(f"of_features={method['of_features']}")
    head = ["self", *(each if each == "X" else f"{each}=None" for each in given)]
    if with_std:
        head.append("return_std=False")
        given = given | {"return_std": "return_std : bool, default=False\n    The standard deviation "
                                       "of each prediction as well."}
    if name == "get_support":
        head.append("indices=False")
        given = {"indices": "indices : bool, default=False\n    Whether the numbers of these columns instead."}
    doc = _sentence(method["doc"]) + _section("Parameters", given.values())
    returns = {"learn": "self\n    The estimator.", "measure": "float",
               "map": "ndarray, Array or Stream\n    As X is one.",
               "tell": "ndarray"}["map" if "returns" in method else kind]
    doc += _section("Returns", [returns]) + "\n"
    result = f'self._{kind}({", ".join(passed)})'
    if with_std:
        result = f"({result}, self.predict_std(X)) if return_std else {result}"
    if name == "get_support":
        result = f"({result}.nonzero()[0] if indices else {result})"
    body = f'r"""{doc}"""\nreturn {result}\n'
    return f"def {name}({', '.join(head)}):\n{indented(body)}"


def _default(value):
    """A default as an expression."""
    return "float('nan')" if value != value else repr(value)


def init_source(parameters, annotations=None):
    """The constructor: the first parameter by position, too."""
    head = ["self"]
    for i, (name, default, *_) in enumerate(parameters):
        if i == 1:
            head.append("*")
        head.append(f"{name}: {annotations[name]} = {_default(default)}" if annotations
                    else f"{name}={_default(default)}")
    body = "".join(f"    self.{name} = {name}\n" for name, *_ in parameters) or "    pass\n"
    return f"def __init__({', '.join(head)}):\n{body}"


def class_doc(described):
    parameters = [f"{name} : {allowed}, default={default!r}\n    {doc}"
                  for name, default, allowed, doc in described["parameters"]]
    attributes = [name + (" : one for each row of X" if per_row else "")
                  for name, per_row in described["attributes"] if not name.startswith("_")]
    return (_sentence(described["summary"]) + _section("Parameters", parameters)
            + _section("Attributes", [*attributes, "n_features_in_", "feature_names_in_"]) + "\n")


def function_doc(described):
    parameters = [f"{name} : array_like or Array{', default=None' if optional else ''}\n    {doc}"
                  for name, doc, optional in described["inputs"]]
    parameters += [f"{name} : {allowed}" + ("" if required else f", default={default!r}")
                   + f"\n    {doc}" for name, default, required, allowed, doc in described["options"]]
    kind = "scalar" if described["scalars"] else "ndarray or Array"
    return (_sentence(described["doc"]) + _section("Parameters", parameters)
            + _section("Returns", [f"{name} : {kind}" for name in described["outputs"]])
            + "\n\nArrays for Arrays, NumPy's for NumPy's. Collective.\n")
