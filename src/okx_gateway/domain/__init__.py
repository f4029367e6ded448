"""What we talk about: values and errors, nothing else."""
