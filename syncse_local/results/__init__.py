"""Scores on their way out: plain records, MTEB's layout, tables. Light; measures nothing and ranks nothing."""
