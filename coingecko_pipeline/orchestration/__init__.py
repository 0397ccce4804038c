"""Everything of Dagster: assets, checks, jobs, schedules, sensors, and the resources that they work with."""
