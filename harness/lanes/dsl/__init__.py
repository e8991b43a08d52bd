"""The lane that judges programs of the step language: each part of a program is a case."""
