"""Fits held against simulated experiments of known truth: how often intervals hold it, and bias.

    make validate                         every design, 300 experiments each; writes the report
    python -m validation --list           what there is

Every experiment has a seed of its own, made of the design's name and its number, so that a run can
be broken off and taken up again. Rows are written as they come.
"""
