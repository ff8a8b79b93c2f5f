#include "module/convert.h"

#include "latlas/core/error.h"
#include "latlas/core/overloaded.h"

namespace latlas::python {
namespace {

std::string shown(nb::handle value) { return nb::cast<std::string>(nb::repr(value)); }

std::int64_t whole(const Field& f, nb::handle value, const char* what) {
  const auto number = nb::steal(PyNumber_Index(value.ptr()));
  if (!number.is_valid()) {
    PyErr_Clear();
    throw InvalidArgument(
        sentence(what, ": ", f.name, " is ", shown(value), ", it must be a whole number"));
  }
  int overflow = 0;
  const long long n = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  require(overflow == 0, what, ": ", f.name, " is ", shown(value),
          ", which is beyond what 64 bits hold");
  return n;
}

double real(const Field& f, nb::handle value, const char* what) {
  const double x = PyBool_Check(value.ptr()) ? -1 : PyFloat_AsDouble(value.ptr());
  if (PyBool_Check(value.ptr()) || (x == -1 && PyErr_Occurred() != nullptr)) {
    PyErr_Clear();
    throw InvalidArgument(
        sentence(what, ": ", f.name, " is ", shown(value), ", it must be a number"));
  }
  return x;
}

void set(Field& f, nb::handle value, const char* what) {
  std::visit(Overloaded{[&](double* x) { *x = real(f, value, what); },
                        [&](std::int64_t* x) { *x = whole(f, value, what); },
                        [&](std::uint64_t* x) {
                          const std::int64_t n = whole(f, value, what);
                          require(n >= 0, what, ": ", f.name, " is ", n, ", it must be at least 0");
                          *x = static_cast<std::uint64_t>(n);
                        },
                        [&](bool* x) {
                          const int truth = PyObject_IsTrue(value.ptr());
                          if (truth < 0) throw nb::python_error();
                          *x = truth == 1;
                        },
                        [&](std::string* x) {
                          require(nb::isinstance<nb::str>(value), what, ": ", f.name, " is ",
                                  shown(value), ", it must be a text");
                          *x = nb::cast<std::string>(value);
                        },
                        [&](std::vector<std::int64_t>* xs) {
                          xs->clear();
                          for (nb::handle one : value) xs->push_back(whole(f, one, what));
                        }},
             f.value);
}

nb::object value_of(const Field& f) {
  return std::visit(Overloaded{[](const std::vector<std::int64_t>* xs) -> nb::object {
                                 return nb::tuple(nb::cast(*xs));
                               },
                               [](const auto* x) -> nb::object { return nb::cast(*x); }},
                    f.value);
}

}  // namespace

void set_fields(std::vector<Field> fields, const nb::dict& given, const char* what) {
  for (const auto& [name, value] : given)
    set(find(fields, nb::cast<std::string>(name), what), value, what);
}

nb::dict values(const std::vector<Field>& fields) {
  nb::dict out;
  for (const Field& f : fields) out[f.name.c_str()] = value_of(f);
  return out;
}

nb::list describe(const std::vector<Field>& fields) {
  nb::list out;
  for (const Field& f : fields) {
    nb::dict one;
    one["name"] = f.name;
    one["default"] = value_of(f);
    one["help"] = f.help;
    one["low"] = f.low;
    one["high"] = f.high;
    one["choices"] = f.choices;
    one["changes_result"] = f.changes_result;
    out.append(one);
  }
  return out;
}

}  // namespace latlas::python
