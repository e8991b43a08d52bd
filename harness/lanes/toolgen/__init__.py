"""The toolgen lane: judges whether a machine-written Python tool is correct, safe, fast, robust and documented."""
