"""What is measured: speed and memory, against the bare statements and the tools that others use."""
