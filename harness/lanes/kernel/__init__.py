"""GPU kernels: right to double precision, and what the compiler makes of them, with and without a GPU."""
