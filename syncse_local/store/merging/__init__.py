"""Joining workspaces by content keys: rows that say the same become one, whichever workspace they come from.

Row numbers mean nothing across files; keys, run ids and times do. Knows rows and keys; knows no engine and no job.
"""
