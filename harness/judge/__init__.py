"""From a case to an evaluation."""
