"""Money kept: entries whose postings sum to zero, coin by coin, compared with the venue's own records.

It computes no result anew where the kernel booked one. It may not look at markets, judge a trade, or change
an entry that was kept: a correction is another entry.
"""
