"""Kaitai Struct: read `.ksy` files, say what is wrong with them, and turn them into our grammars and back."""
