"""Tools: the effects that a program may have, all inside one folder."""
