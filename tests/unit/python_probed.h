/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/python_probed.h
 *
 * python_probed - a program of a real interpreter that is a target of the running kernel's side.
 */
#ifndef LP_TEST_PYTHON_PROBED_H
#define LP_TEST_PYTHON_PROBED_H

#include "probe_world.h"

#include "lp/python.h"
#include "python/python.h"
#include "python_target.h"

static struct python_target target;
static struct lp_python *python;
static uint32_t runtime_id;

/* The script has said "ready" and waits. Skips the test where the kernel does not permit it. */
static void probed_start(const char *path, const char *script, const struct lp_kernel_conf *conf)
{
	struct lp_err err = { 0 };

	python_start(&target, path, script);
	assert_string_equal(python_line(&target), "ready");
	if (lp_python_open(target.pid, &python, &err) < 0)
		fail_msg("%s: %s", path, err.msg);

	int r = lp_kernel_new(conf, &kernel, &err);
	if (r == -EPERM || r == -EACCES)
		skip();
	if (r < 0 ||
	    lp_kernel_add_runtime(kernel, lp_python_runtime(python), &runtime_id, &err) < 0 ||
	    lp_kernel_add_python_target(kernel, target.pid, runtime_id, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
}

/* Its links are gone already. */
static void probed_stop(void **state)
{
	tear_down(state);
	lp_python_free(python);
	python = NULL;
	python_stop(&target);
}

#endif
