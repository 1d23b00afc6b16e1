"""How the parts of a method run together."""
