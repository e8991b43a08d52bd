"""The toolgen lane: is a machine-written Python tool correct, safe, fast within its budget, robust and documented?"""
