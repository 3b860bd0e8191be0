"""An executed notebook in, web page and PDF out; imports nothing of what an inspection is.

- ``rendering``    the two engines
- ``errors``       what can go wrong
"""
