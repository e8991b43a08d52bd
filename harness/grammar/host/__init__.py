"""Inputs and outputs of the Tool Host."""
