# SPDX-License-Identifier: GPL-2.0-only
"""What is imported in each interpreter."""


class Thing:
    def __init__(self, who):
        self.who = who


def step(who, number):
    thing = Thing(who)
    text = f"{who} {number}"
    return [thing, text, {"number": number}]  # @nested


def in_thread(who, times):
    import threading

    def work():
        for n in range(times):
            step(who, n)

    thread = threading.Thread(target=work, name="inner")
    thread.start()
    thread.join()
