"""Inspections of many forces beside each other. Nothing is ranked.

- ``compare``      collect what can be compared, group it by rules, pool it
- ``outputs``      its tables, figures and words
- ``charts``       the drawings
"""
