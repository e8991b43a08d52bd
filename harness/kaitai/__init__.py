"""Kaitai Struct: reads and checks `.ksy` files, and converts between them and grammars."""
