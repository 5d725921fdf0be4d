"""Raw answers of a venue to rows of its fact files, and what changed: one module for each venue.

Pure: everything is handed in. It may not reach a network, load ccxt, read the clock or a file, or
ask anybody; numbers are read from the text of the answer, never from a float.
"""
