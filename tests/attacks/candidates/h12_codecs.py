"""Encodes and decodes with several codecs, and reads a date."""

import datetime


def run(text):
    datetime.datetime.strptime("2020-01-02", "%Y-%m-%d")
    raw = "é".encode("cp1252") + "é".encode("utf-16-le")
    return "\n".join(dict.fromkeys(text.split("\n"))) if raw else ""
