"""Tools: the effects a program may have, all inside one folder."""
