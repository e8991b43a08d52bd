"""GPU kernels: are they right, what does the compiler make of them, and how fast are they on a device?"""
