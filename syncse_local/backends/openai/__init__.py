"""Servers that speak the OpenAI API, in a pool, with consent, retries and a spending limit."""
