"""Models that are on this machine already: finds them, reads their headers in place, says whether they would fit."""
