"""Sampling and estimation of proportions in finite populations; imports nothing else of the library.

- ``planning``     how many units to audit, and how to divide them among strata
- ``assurance``    samples planned by what they must show: a rate, a width, the right class
- ``frames``       read a sampling frame
- ``sampling``     draw from it so that anybody can repeat the draw, and the trail of that
- ``design``       what a sample was drawn from: strata, clusters, weights, populations
- ``control``      limits for rates of audits that follow each other
- ``estimation``   rates and their standard errors, also of domains
- ``two_stage``    rates of clusters of which only a part was looked at
- ``totals``       how many successes and failures the population holds
- ``differences``  of two samples, and of two domains of one sample
- ``intervals``    confidence intervals of a proportion
- ``agreement``    how far two auditors agree
- ``pooling``      several independent rates together: mean, shrinkage, control limits
- ``chances``      how sure a classification is: simulated surveys, a copula, quantiles, frequencies
- ``checks``       of what a caller hands over

It serves any audit of yes or no. Clinical coding, say: of two hospitals with 4,000 and 1,500 admissions, 40 and 30 are
drawn, and of each three codes are checked.

>>> import pandas as pd
>>> from cdi_lib.statistics.design import Design
>>> from cdi_lib.statistics.differences import domain_difference
>>> from cdi_lib.statistics.estimation import domain_rates, weighted_rate
>>> from cdi_lib.statistics.planning import allocate
>>> admissions = {"North": 4000, "South": 1500}
>>> allocate(70, admissions, "neyman", rates={"North": 0.95, "South": 0.8}, minimum=30).counts
{'North': 40, 'South': 30}
>>> codes = pd.DataFrame({"hospital": ["North"] * 120 + ["South"] * 90, "admission": [k // 3 for k in range(210)]})
>>> codes["right"] = [k % (24 if k < 120 else 9) > 0 for k in range(210)]
>>> design = Design(codes, "right", "hospital", "admission", population=admissions, population_unit="clusters")
>>> weighted_rate(design)
Estimate(0.939394, 95% 0.901625 to 0.963689, n=210, ratio, agresti-coull)
>>> {hospital: round(rate.value, 3) for hospital, rate in domain_rates(design, "hospital").items()}
{'North': 0.958, 'South': 0.889}
>>> domain_difference(design, codes["hospital"] == "North", codes["hospital"] == "South").p_value < 0.05
True
"""
