"""The teaching notebooks, which `synsim notebook` copies to where the user is."""
