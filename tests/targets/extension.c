/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/extension.c
 *
 * extension - a module of CPython: extension.scale(number, name) calls scaled(); extension.apply(function,
 * number) calls function(number) by applied(); extension.spoil(number) crashes in spoiled().
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "target.h"

struct scale {
	int factor;
	const char *name;
};

NOINLINE int scaled(const struct scale *scale, int number);

NOINLINE int scaled(const struct scale *scale, int number)
{
	int result = number * scale->factor;

	HERE(result); /* @scaled */
	return result;
}

static PyObject *py_scale(PyObject *self, PyObject *args)
{
	struct scale scale = { .factor = 3 };
	int number;

	(void)self;
	if (!PyArg_ParseTuple(args, "is", &number, &scale.name))
		return NULL;
	return PyLong_FromLong(scaled(&scale, number));
}

NOINLINE PyObject *applied(PyObject *function, int number);

NOINLINE PyObject *applied(PyObject *function, int number)
{
	PyObject *result = PyObject_CallFunction(function, "i", number);

	HERE(result); /* @applied */
	return result;
}

static PyObject *py_apply(PyObject *self, PyObject *args)
{
	PyObject *function, *result;
	int number;

	(void)self;
	if (!PyArg_ParseTuple(args, "Oi", &function, &number))
		return NULL;
	result = applied(function, number);
	HERE(result);
	return result;
}

NOINLINE void spoiled(struct scale *scale, int number);

NOINLINE void spoiled(struct scale *scale, int number)
{
	scale->factor = number; /* @spoiled */
	HERE(number);
}

static PyObject *py_spoil(PyObject *self, PyObject *args)
{
	struct scale *nothing = OPAQUE((struct scale *)0);
	int number;

	(void)self;
	if (!PyArg_ParseTuple(args, "i", &number))
		return NULL;
	spoiled(nothing, number);
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = { { "scale", py_scale, METH_VARARGS, NULL },
				 { "apply", py_apply, METH_VARARGS, NULL },
				 { "spoil", py_spoil, METH_VARARGS, NULL },
				 { NULL, NULL, 0, NULL } };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, .m_name = "extension",
				     .m_size = -1, .m_methods = methods };

PyMODINIT_FUNC PyInit_extension(void)
{
	return PyModule_Create(&module);
}
