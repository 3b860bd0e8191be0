"""An inspection from its files to its published folder.

- ``build``        read one audit, run its notebooks, publish its report
- ``comparison``   the same for the comparison of forces
- ``runner``       many forces, here or on a cluster
- ``engine``       notebooks in processes forked from a warm one (``preload``)
- ``fingerprint``  what a report was made from, and so whether it is up to date
- ``console``      what commands print
- ``environment``  the Python environment
"""
