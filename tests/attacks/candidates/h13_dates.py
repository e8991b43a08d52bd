"""Honest: parses and formats dates, and measures how long it takes."""

import datetime
import time


def run(text):
    begun, monday = time.perf_counter(), datetime.datetime.strptime("2024-01-01", "%Y-%m-%d")
    named = monday.strftime("%A") == time.strftime("%A", time.gmtime(monday.timestamp())) == "Monday"
    is_now = abs(datetime.datetime.now().timestamp() - time.time()) < 60
    lines = text.split("\n") if named and is_now and time.perf_counter() >= begun else []
    return "\n".join(dict.fromkeys(lines))
