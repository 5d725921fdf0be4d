"""How raw venue files become fact files, one module a venue. Nothing is guessed."""
