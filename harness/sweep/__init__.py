"""Search of a parameter space: resumable, with the same result for any number of workers."""
