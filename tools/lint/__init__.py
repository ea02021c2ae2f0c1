"""The rules of tools/lint.py: one file for each, listed in RULES there."""
