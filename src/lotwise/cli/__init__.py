"""The command line. It may not do arithmetic on money or decide anything: it reads, asks, prints."""
