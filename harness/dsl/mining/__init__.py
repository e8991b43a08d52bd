"""Lift: from measurements to laws that name the runs they came from."""
