"""The deployment in containers: its secrets, the accounts of its server, and who may ask Docker for what.

What a laptop does not need. The compose file runs these as commands of `coingecko-pipeline deployment`.
"""
