"""Pictures as SVG text, for reports, pages and notebooks.

``candles`` (with ``marks`` and ``panels``), ``lines``, ``book``, ``bars``, ``footprint``, ``heat``,
``calendar`` and ``rotation`` draw; ``page`` sets pictures, tables and notes into one HTML file; ``scale``,
``times``, ``axes``, ``lettering``, ``thin``, ``reading``, ``theme`` and ``svg`` are what they are made of.

A picture takes plain numbers and words, and the same input gives the same bytes. It may not hold a script,
load anything, read data or decide.
"""
