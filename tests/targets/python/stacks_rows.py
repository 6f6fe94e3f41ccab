# SPDX-License-Identifier: GPL-2.0-only
"""What Python says of a stack, in the form of `logpoint stacks`."""


def name_of(code):
    return getattr(code, "co_qualname", code.co_name)


def row(frame):
    return [name_of(frame.f_code), frame.f_code.co_filename, frame.f_lineno]


def rows(frame):
    found = []
    while frame:
        found.append(row(frame))
        frame = frame.f_back
    return found
