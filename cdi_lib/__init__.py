"""Crime data integrity inspections: sampling, estimation, judgement and the published report.

The notebooks in ``notebooks/`` explain and call; everything that computes is in the modules of this package.
"""

__version__ = "1.0.0"
