"""Sentence encoders: opening, pooling, saving. Used by training and evaluation; knows neither."""
