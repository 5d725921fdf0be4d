"""The nouns that travel between stages: frozen records, one per stage.

They hold values and their text. They may not compute a rule, ask anyone or change.
"""
