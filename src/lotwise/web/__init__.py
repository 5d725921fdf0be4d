"""The desk in a browser, served on this machine alone.

It may not compute money, sizes or prices: it hands whole numbers and ready text from below to the page and
back. It may not import a face, and answers nobody without its cookie.
"""
