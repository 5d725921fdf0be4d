"""Laws: what must hold for every trade, tried on seeded bulk cases and shrunk by Hypothesis.

``cases`` draws them, ``judge`` decides about one order with exact fractions and without the
kernel, ``bulk`` runs and counts. The modules may not be imported by anything but tests.
"""
