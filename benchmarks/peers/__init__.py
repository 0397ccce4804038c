"""The same charts into MySQL with other libraries, each script as the library's users would write it.

They run in an environment of their own, `requirements-bench.lock`, and import nothing of this project.
"""
