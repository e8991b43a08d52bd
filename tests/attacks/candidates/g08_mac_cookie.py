# first# coding: utf_7"""Declare the encoding in a line that ends with a carriage return only."""


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
