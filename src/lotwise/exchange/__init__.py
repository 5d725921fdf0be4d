"""A venue on this machine: the kernel's accounts over a synthetic or recorded market, kept on disk.

It may not size, judge or decide, reach a network beyond the address it is bound to, or know a venue's words
outside of its dialects; a dialect holds names and shapes only and may not move money.
"""
