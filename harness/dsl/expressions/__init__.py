"""Typed expressions: the IR's nodes, a tree-walking reference that defines their meaning, and compiled code."""
