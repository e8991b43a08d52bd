"""Python lexer: that of Pygments, which reads what has no colour on the page as one token.

Pygments tries about forty expressions at each token, and most tokens are names, blanks and punctuation. With one
expression for runs of those the sources of a page take a fifth of the time, and their colours are the same.
"""

from __future__ import annotations

import keyword

from pygments.lexers.python import PythonLexer
from pygments.token import Text

# It never begins at the start of a line, and goes on in the next one unless that begins with a string, which may be a
# docstring, or a soft keyword. It has no number, decorator, keyword, prefix of a string, nor a name such as `__init__`,
# which has a colour.
PLAIN = rf"""(?x)(?<=[^\n])(?:
    [^\w\s'"#\\.@] | \.(?!\d) | [^\S\n]
    | \n[^\S\n]* (?! [^\S\n] | [rRuUbB]{{0,2}}['"] | (?:match|case|type|lazy)\b )
    | (?!__ | (?:{"|".join(keyword.kwlist)})\b) [a-zA-Z_][a-zA-Z0-9_]* (?![\w'"])
)+"""


class PlainRunLexer(PythonLexer):  # type: ignore[misc]
    """Python with the colours that `PythonLexer` gives it."""

    tokens = PythonLexer.tokens | {"root": [(PLAIN, Text), *PythonLexer.tokens["root"]]}
