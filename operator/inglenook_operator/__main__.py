"""`python -m inglenook_operator`: one of several replicas of the operator, in a pod."""

from inglenook_cluster import process
from inglenook_operator import app

process.main("operator", app.serve)
