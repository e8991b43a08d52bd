"""The sandbox: isolated processes for untrusted code. Code inside a box imports only the standard library."""
