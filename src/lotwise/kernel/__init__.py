"""The rules: small functions on integers, each written once.

The kernel knows no text, no clock, no files and no Python objects beyond integers and the
records of :mod:`lotwise.kernel.layout`. It may not import anything above it, may not raise
(it returns codes; a face turns them into errors) and may not use a float.
"""
