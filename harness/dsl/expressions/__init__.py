"""Typed expressions: the nodes of the IR, a tree-walking interpreter that defines their meaning, and compiled code."""
