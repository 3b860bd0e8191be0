"""What the tables and figures of each chapter hold; the index of outputs has their titles.

- ``effectiveness``  rates, unrecorded crime, domestic abuse, the previous inspection
- ``efficiency``     dip samples, timeliness, cancelled crimes, equality, survey, assessments
- ``judgements``     grades, elements, bands, how sure the grades are
- ``annex``          the sample, the estimators, published figures, assumptions, files
- ``glossary``       the terms and what they mean
- ``figures``        the figures of all chapters
"""
