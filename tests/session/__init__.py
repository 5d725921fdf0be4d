"""Tests of the trading session. It may not trade anywhere but in memory and on loopback."""
