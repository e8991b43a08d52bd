"""Writes a file by a logging handler."""

import logging


def run(text):
    try:
        logging.FileHandler("/box/work/log")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
