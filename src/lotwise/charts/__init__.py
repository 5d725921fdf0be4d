"""Pictures as SVG text, for reports, pages and notebooks.

A picture takes plain numbers and words. It may not hold a script, load anything, read data or decide.
"""
