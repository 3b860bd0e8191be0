"""Sampling and estimation of proportions in finite populations; imports nothing else of the library.

- ``planning``     how many units to draw, and how to divide them among strata
- ``frames``       read a sampling frame
- ``sampling``     draw from it so that anybody can repeat the draw, and the trail of that
- ``design``       what a sample was drawn from: strata, clusters, weights, populations
- ``estimation``   proportions, totals, differences and their standard errors
- ``intervals``    confidence intervals of a proportion
- ``agreement``    how far two auditors agree
- ``pooling``      several independent rates together: mean, shrinkage, control limits
- ``chances``      how sure a classification is: simulated surveys, a copula, quantiles, frequencies
- ``checks``       of what a caller hands over
"""
