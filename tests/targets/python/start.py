# SPDX-License-Identifier: GPL-2.0-only
"""A program that is over at once."""
import start_module
first = 1  # @first
second = start_module.assist(first)  # @second
third = start_module.Cart().total()  # @third
