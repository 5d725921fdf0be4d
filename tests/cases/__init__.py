"""Public vectors as text tables, one line each; `reader` reads them."""
